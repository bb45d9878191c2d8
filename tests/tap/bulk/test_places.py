"""Exports into a bucket, read from there again and served from there; results of jobs as HATS; and lsdb, to the end."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg import sql

from schema.tap_schema import count_change, read_catalogue, remove_table
from tap.config import ENVIRONMENT, Config
from tap.engine import database
from tests import command
from tests.conftest import ROOT, alone, serving
from tests.contract.client import get, post, request
from tests.tap.bulk.catalogues import stars
from tests.tap.bulk.test_export import check_rows, read
from tests.tap.storage.s3_server import BUCKET, S3Server

pytestmark = pytest.mark.long
FRAME = stars(4000)
KILLED = """
import os, signal, sys
from pathlib import Path
import psycopg
from tap.bulk import hats_export
from tap.bulk.export import Target
from tap.bulk.export_rows import rows_of_table, table_of
from tap.bulk.local_folder import LocalFolder
from tap.bulk.manifest import ExportManifest

save = ExportManifest.save
def saved(self, folder, *, soon=False):
    save(self, folder)
    if len(self.files) == 5:
        os.kill(os.getpid(), signal.SIGKILL)
ExportManifest.save = saved
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    rows = rows_of_table(connection, table_of(connection, "bulk.stars"), {})
    hats_export.export_hats(rows, Target(LocalFolder(Path(sys.argv[2])), 400, Path("/tmp")), lambda *_: None)
"""
LSDB = """
import sys, warnings
warnings.simplefilter("ignore")
import lsdb, pandas as pd
if __name__ == "__main__":
    if sys.argv[1] == "write":
        frame = pd.read_parquet(sys.argv[2])
        catalogue = lsdb.from_dataframe(frame, ra_column="ra", dec_column="dec", catalog_name="stars", partition_rows=500)
        catalogue.write_catalog(sys.argv[3])
    else:
        lsdb.open_catalog(sys.argv[2]).compute().to_parquet(sys.argv[3])
"""


@pytest.fixture(scope="module")
def site(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """A service with `bulk.stars`, exported into a bucket."""
    folder = tmp_path_factory.mktemp("places")
    server = S3Server(folder)
    server.start()
    server.make_bucket()
    pq.write_table(pa.Table.from_pandas(FRAME, preserve_index=False), folder / "stars.parquet")
    service = alone(config, bulk=f"s3://{BUCKET}/whole")
    environment = {**server.environment, f"{ENVIRONMENT}DATA_DIR": config.database.data_dir}
    environment |= {
        f"{ENVIRONMENT}{name}": getattr(section, name.lower())
        for name, section in (("BULK", service.web), ("JOBS_DATABASE", service.database), ("RESULTS", service.jobs))
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        command.armillary("load", str(folder / "stars.parquet"), "--table", "bulk.stars")
        command.armillary("export", "bulk.stars", "--rows-per-partition", "400")
        with serving(service):
            yield service
        with database.owner_connection(config) as owner:
            for table in read_catalogue(owner).tables:
                if table.schema_name == "bulk":
                    remove_table(owner, table.table_name)
            count_change(owner)
            owner.execute("DROP SCHEMA bulk CASCADE")
    server.stop()


def rows_of(owner: psycopg.Connection, name: str) -> pd.DataFrame:
    (table,) = [table for table in read_catalogue(owner).tables if table.table_name == f"bulk.{name}"]
    columns = sql.SQL(", ").join(map(sql.Identifier, FRAME.columns))
    found = owner.execute(sql.SQL("SELECT {} FROM {}").format(columns, sql.Identifier(*table.stored_parts)))
    return pd.DataFrame(found.fetchall(), columns=list(FRAME.columns))


def test_a_bucket_holds_an_export_goes_on_and_is_served_and_loaded(site: Config, owner: psycopg.Connection) -> None:
    assert "exported to s3://" in command.armillary("export", "bulk.stars", "--rows-per-partition", "400")
    url = f"{site.web.base_url.removesuffix('/tap')}/bulk/bulk.stars"
    (about, *_) = [file for file in json.loads(get(url).body)["files"] if "Npix" in file["name"]]
    whole = get(about["url"])
    assert (whole.status, len(whole.body)) == (200, about["bytes"])
    part = request("GET", about["url"], headers={"Range": "bytes=100-299"})
    assert (part.status, part.body) == (206, whole.body[100:300])
    command.armillary("load", f"{site.web.bulk}/bulk.stars", "--table", "bulk.again")
    check_rows(rows_of(owner, "again"), FRAME)
    # Our own service is a web server of HATS as others are.
    command.armillary("load", url, "--table", "bulk.again")
    check_rows(rows_of(owner, "again"), FRAME)


def test_the_result_of_a_job_becomes_hats_and_parquet(site: Config, tmp_path: Path) -> None:
    query = "SELECT id, ra, dec, mag, name FROM bulk.stars WHERE id < 1000"
    made = post(f"{site.web.base_url}/async", {"LANG": "ADQL", "QUERY": query, "PHASE": "RUN"})
    job = made.xml().findtext("{*}jobId")
    for _ in range(4):
        get(f"{site.web.base_url}/async/{job}?WAIT=10")
    for format_ in ("hats", "parquet"):
        folder = tmp_path / format_
        command.armillary("export", "--job", job, str(folder), "--format", format_, "--rows-per-partition", "100")
        rows = read(folder) if format_ == "hats" else pd.concat(map(pd.read_parquet, sorted(folder.glob("*.parquet"))))
        check_rows(rows, FRAME[:1000])
    said = command.armillary("export", "--job", job, str(tmp_path / "x"), "--format", "fits", fails=True)
    assert "hats or parquet only" in " ".join(said.split())


def test_a_killed_export_goes_on(site: Config, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    command_line = [sys.executable, "-c", KILLED, database.owner_conninfo(site), str(folder)]
    done = subprocess.run(command_line, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == -signal.SIGKILL
    before = {path: path.stat().st_mtime_ns for path in folder.glob("dataset/*/*/*.parquet")}
    assert len(before) == 5
    stray = folder / "dataset" / "Norder=9" / "Dir=0" / "Npix=1.parquet.part"
    stray.parent.mkdir(parents=True)
    stray.touch()
    command.armillary("export", "bulk.stars", str(folder), "--rows-per-partition", "400")
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert not stray.exists()
    check_rows(read(folder), FRAME)


def test_lsdb_opens_ours_over_http_and_we_load_what_lsdb_wrote(
    site: Config, owner: psycopg.Connection, tmp_path: Path
) -> None:
    script, source, there, back = (tmp_path / name for name in ("lsdb_.py", "source.parquet", "theirs", "back.parquet"))
    script.write_text(LSDB)
    FRAME.to_parquet(source)
    subprocess.run([sys.executable, script, "write", source, there], check=True, cwd=tmp_path)
    command.armillary("load", str(there), "--table", "bulk.theirs")
    check_rows(rows_of(owner, "theirs"), FRAME)
    url = f"{site.web.base_url.removesuffix('/tap')}/bulk/bulk.stars"
    subprocess.run([sys.executable, script, "read", url, back], check=True, cwd=tmp_path)
    check_rows(pd.read_parquet(back), FRAME)
