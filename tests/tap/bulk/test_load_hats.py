"""HATS catalogues that hats wrote are loaded whole: from a folder, a web server and a bucket."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psycopg
import pytest
from psycopg import sql

from schema.model import Table
from schema.tap_schema import read_catalogue
from tap.bulk.properties import read_properties, written_properties
from tests.tap.bulk.catalogues import served, stars, write_hats
from tests.tap.bulk.conftest import Armillary
from tests.tap.storage.s3_server import BUCKET, S3Server

FRAME = stars(6000)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hats") / "stars"
    texts = {"obs_title": "Stars of a test", "bib_reference": "Somebody 2026: A&A", "obs_description": "Many stars."}
    write_hats(folder, FRAME, 800, **texts)
    return folder


@pytest.fixture(scope="module")
def bucket(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    server.start()
    server.make_bucket()
    from obstore.store import S3Store

    store = S3Store(
        BUCKET,
        endpoint=server.url,
        region="us-east-1",
        access_key_id=server.environment["AWS_ACCESS_KEY_ID"],
        secret_access_key=server.environment["AWS_SECRET_ACCESS_KEY"],
        client_options={"allow_http": True},
    )
    for path in catalogue.rglob("*"):
        if path.is_file():
            store.put(f"cats/stars/{path.relative_to(catalogue).as_posix()}", path)
    yield server
    server.stop()


def published(connection: psycopg.Connection) -> tuple[Table, pd.DataFrame]:
    (table,) = [table for table in read_catalogue(connection).tables if table.schema_name == "bulk"]
    names = [column.column_name for column in table.columns]
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    command = sql.SQL("SELECT {} FROM {} ORDER BY id").format(columns, sql.Identifier(*table.stored_parts))
    return table, pd.DataFrame(connection.execute(command).fetchall(), columns=names)


def check(connection: psycopg.Connection) -> Table:
    table, rows = published(connection)
    pd.testing.assert_frame_equal(rows.astype(FRAME.dtypes), FRAME, check_exact=True)
    return table


def test_a_folder_is_loaded_with_its_position_its_texts_and_without_its_index(
    shed: psycopg.Connection, armillary: Armillary, catalogue: Path
) -> None:
    assert "6,000 rows" in armillary("load", str(catalogue), "--table", "bulk.stars")
    table = check(shed)
    assert [c.column_name for c in table.columns if c.indexed] == ["ra", "dec"]
    assert (table.origin.title, table.description) == ("Stars of a test", "Many stars.")
    assert table.origin.citation == "Somebody 2026: A&A"
    Path("d.toml").write_text('[table]\ntitle = "Mine"\n[columns.hpx]\nfrom = "_healpix_29"\n')
    armillary("load", str(catalogue), "--table", "bulk.stars", "--description", "d.toml")
    table, rows = published(shed)
    assert (table.origin.title, list(rows.columns)) == ("Mine", ["hpx", *FRAME.columns])


def test_a_web_server_and_a_bucket_give_the_same(
    shed: psycopg.Connection,
    armillary: Armillary,
    catalogue: Path,
    bucket: S3Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with served(catalogue.parent) as url:
        armillary("load", f"{url}/stars", "--table", "bulk.stars")
        check(shed)
        partition = next(iter(sorted(catalogue.glob("dataset/*/*/*.parquet")))).relative_to(catalogue).as_posix()
        armillary("load", f"{url}/stars/{partition}", "--table", "bulk.stars")
        assert "there is no such file" in armillary("load", f"{url}/none.fits", "--table", "bulk.stars", fails=True)
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    armillary("load", f"s3://{BUCKET}/cats/stars", "--table", "bulk.stars")
    check(shed)
    partitions = f"s3://{BUCKET}/cats/**/Npix=*.parquet"
    Path("d.toml").write_text("[columns._healpix_29]\nomit = true\n")
    armillary("load", partitions, "--table", "bulk.stars", "--description", "d.toml")
    check(shed)
    said = armillary("load", f"s3://{BUCKET}/cats/*.fits", "--table", "bulk.stars", fails=True)
    assert f"s3://{BUCKET}/cats/*.fits: no object is called so" in said


def test_a_catalogue_in_a_collection_is_found_and_a_missing_partition_named(
    shed: psycopg.Connection, armillary: Armillary
) -> None:
    paths = write_hats(Path("all/main"), FRAME, 800)
    Path("all/collection.properties").write_text("obs_collection=all\nhats_primary_table_url=main\n")
    armillary("load", "all", "--table", "bulk.stars")
    check(shed)
    paths[3].unlink()
    order, pixel = paths[3].parts[-3], paths[3].stem
    said = armillary("load", "all", "--table", "bulk.stars", fails=True)
    assert f"the partition {order}, {pixel} that it names is missing" in said
    with served(Path.cwd()) as url:
        assert "that the catalogue names is missing" in armillary(
            "load", f"{url}/all", "--table", "bulk.stars", fails=True
        )


def test_properties_are_read_as_java_writes_them() -> None:
    text = "#c\n!c\nhats_creation_date=2025-03-20T03\\:38UTC\n a : b \nempty=\nlong=one \\\n   two\nt=\\u00e9\\\\\n"
    values = {"hats_creation_date": "2025-03-20T03:38UTC", "a": "b", "empty": "", "long": "one two", "t": "é\\"}
    assert read_properties(text.encode()) == values
    assert read_properties(written_properties(values, "c")) == values
