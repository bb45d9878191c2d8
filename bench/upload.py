"""An upload joined with 2,000,000 rows, as a ratio to COPY and the same SQL in psql in the same run, interleaved.

    python bench/upload.py [--rows 100000] [--rounds 5]

Runs a private cluster and a service of its own. Memory is that of the web process that answers.
"""

import argparse
import http.client
import os
import secrets
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from processes import children
from service import free_port, start

from adql.translate import translate
from schema.description import parse_description
from schema.model import Catalogue
from schema.publish import publish_table
from schema.tap_schema import read_catalogue
from tap.config import Config
from tap.engine import database
from tap.uploads.load import Allowance, UploadLimits, declare, fill_whole, schema_of
from tap.uploads.sources import Opened
from tap.uploads.upload import Upload

CATALOGUE = 2_000_000
CREATE = f"""
CREATE SCHEMA bench;
CREATE TABLE bench.cat AS
SELECT i::bigint * 4295806720 AS source_id, 'Gaia DR3 ' || (i::bigint * 4295806720) AS designation,
       random() * 360 AS ra, degrees(asin(2 * random() - 1)) AS dec, random() * 10 AS parallax,
       random() * 20 - 10 AS pmra, random() * 20 - 10 AS pmdec, (random() * 15 + 5)::real AS g, (random() * 15 + 5)::real AS bp,
       (random() * 15 + 5)::real AS rp, (random() * 100)::real AS radial_velocity, (random() * 20)::smallint AS visits,
       random() > 0.9 AS variable
FROM generate_series(1, {CATALOGUE}) AS i;
CREATE INDEX ON bench.cat USING gist (spoint(radians(ra), radians("dec")));
VACUUM ANALYZE bench.cat;
"""
QUERY = (
    "SELECT COUNT(*) AS n, SUM(u.visits) AS v FROM TAP_UPLOAD.mine AS u JOIN bench.cat AS c"
    " ON 1 = CONTAINS(POINT(c.ra, c.dec), CIRCLE(u.ra, u.dec, 2.0 / 3600))"
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--format", nargs="+", default=["votable", "votable/b", "votable/td", "csv"])
    options = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="armillary-bench-"))
    folder.chmod(0o755)
    config = Config().changed(
        base_url=f"http://localhost:{(port := free_port())}/tap",
        port=port,
        processes=1,
        data_dir=str(folder),
        sync_limit=600,
        maxrec_default=10_000_000,
    )
    try:
        with database.running_database(config):
            measure(config, options.rows, options.rounds, options.format)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(config: Config, rows: int, rounds: int, names: list[str]) -> None:
    database.prepare(config, print)
    with database.owner_connection(config) as connection:
        connection.execute("SET search_path = pg_catalog, public")
        for statement in CREATE.split(";\n"):
            connection.execute(statement.strip().encode() or b"SELECT")
        description = {"table": {"ra": "ra", "dec": "dec"}, "columns": {"designation": {"type": "VARCHAR"}}}
        publish_table(connection, "bench.cat", parse_description(description))
        catalogue = read_catalogue(connection)
    service = start(config)
    try:
        folder = Path(config.database.data_dir)
        taken = f"SELECT TOP {rows} * FROM bench.cat"
        files = {name: fetch(config, taken, name, folder) for name in names}
        baseline = raw(config, catalogue, taken, files["votable"], folder)
        times: dict[str, list[float]] = {name: [] for name in ("psql", *files)}
        for _ in range(rounds + 1):
            times["psql"].append(baseline())
            for name, path in files.items():
                times[name].append(send(config, path))
        for name, found in times.items():
            ratio = statistics.median(t / b for t, b in zip(found[1:], times["psql"][1:], strict=True))
            print(f"{rows:,} rows, {name:12} {statistics.median(found[1:]):8.2f} s   ratio {ratio:.2f}")
        print(f"peak memory of the web process {peak(service.pid)} MB")
    finally:
        service.terminate()
        service.wait()


def fetch(config: Config, query: str, name: str, folder: Path) -> Path:
    path = folder / f"upload-{name.replace('/', '-')}"
    form = ["-d", "LANG=ADQL", "-d", f"RESPONSEFORMAT={name}", "--data-urlencode", f"QUERY={query}"]
    subprocess.run(["curl", "-sf", f"{config.web.base_url}/sync", *form, "-o", str(path)], check=True)
    return path


def raw(config: Config, catalogue: Catalogue, taken: str, file: Path, folder: Path) -> Callable[[], float]:
    """COPY of the same rows from a binary file, ANALYZE and the same SQL, by psql."""
    binary = folder / "upload.pgcopy"
    conninfo = database.reader_conninfo(config)
    with psycopg.connect(conninfo) as connection:
        connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
        connection.commit()
        connection.execute("SET search_path = pg_catalog, public")
        (upload,) = declare(connection, [Opened(Upload("mine", None), file)], limits := UploadLimits(10**9))
        fill_whole(connection, upload, Allowance(limits))
        schema = schema_of([upload])
        command = "COPY pg_temp.u0 TO STDOUT (FORMAT binary)"
        with connection.cursor() as cursor, binary.open("wb") as out, cursor.copy(command) as copy:
            for piece in copy:
                out.write(piece)
        columns = ", ".join(f"{c.stored} {c.type.name}" for c in schema.tables[0].columns)
        connection.rollback()
    sql = translate(QUERY, catalogue.joined_by(schema)).sql
    script = f"""SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE; SET search_path = pg_catalog, public;
SET statement_timeout = 0; BEGIN; CREATE TEMP TABLE u0 ({columns}) ON COMMIT DROP;
\\copy u0 FROM '{binary}' (FORMAT binary)
ANALYZE u0;
{sql};
COMMIT;"""

    def run() -> float:
        begun = time.perf_counter()
        subprocess.run(["psql", conninfo, "-qAt"], input=script.encode(), stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - begun

    return run


def send(config: Config, path: Path) -> float:
    begun = time.perf_counter()
    boundary = secrets.token_hex(8)
    fields = {"LANG": "ADQL", "QUERY": QUERY, "UPLOAD": "mine,param:f", "RESPONSEFORMAT": "csv"}
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    kind = "x.csv" if path.name.endswith("csv") else "x.vot"
    head += f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="{kind}"\r\n\r\n'
    tail = f"\r\n--{boundary}--\r\n"
    client = http.client.HTTPConnection("127.0.0.1", config.web.port)
    client.putrequest("POST", "/tap/sync")
    client.putheader("Content-Type", f"multipart/form-data; boundary={boundary}")
    client.putheader("Content-Length", str(len(head) + path.stat().st_size + len(tail)))
    client.endheaders()
    client.send(head.encode())
    with path.open("rb") as file:
        client.send(file)
    client.send(tail.encode())
    answer = client.getresponse()
    body = answer.read()
    if answer.status != http.client.OK:
        raise RuntimeError(body.decode())
    return time.perf_counter() - begun


def peak(pid: int) -> int:
    """Of the process and its children, the largest."""
    pids = [pid, *children(pid)]
    found = []
    for each in pids:
        if os.path.exists(f"/proc/{each}/status"):  # noqa: PTH110
            lines = Path(f"/proc/{each}/status").read_text().splitlines()
            found += [int(line.split()[1]) // 1000 for line in lines if line.startswith("VmHWM")]
    return max(found)


if __name__ == "__main__":
    main()
