"""The second half of deploy/demo: the private cluster, the sample in it, the service, and what to try."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from schema.model import Catalogue
from schema.tap_schema import read_catalogue
from tap.config import Config, load_config
from tap.engine import database

TABLES = ("ngc", "stars")

WELCOME = """
TAP service  {url}      page  {page}

  curl    curl '{url}/sync' -d LANG=ADQL -d RESPONSEFORMAT=csv --data-urlencode 'QUERY=SELECT TOP 5 * FROM demo.stars'
  pyvo    python -c 'import pyvo; print(pyvo.dal.TAPService("{url}").search("SELECT TOP 5 * FROM demo.stars"))'
  STILTS  stilts tapquery tapurl={url} sync=true adql='SELECT TOP 5 * FROM demo.stars'
  TOPCAT  VO > Table Access Protocol (TAP) Query > TAP URL: {url}

A query worth pasting: which stars belong to which open cluster?

  SELECT c.name, c.common_names, COUNT(*) AS members, AVG(s.parallax) AS parallax
  FROM demo.ngc AS c JOIN demo.stars AS s
    ON 1 = CONTAINS(POINT(s.ra, s.dec), CIRCLE(c.ra, c.dec, c.radius))
   AND POWER(s.pmra - c.pmra, 2) + POWER(s.pmdec - c.pmdec, 2) < 16
  WHERE c.obj_type IN ('OCl', 'Cl+N')
  GROUP BY c.name, c.common_names ORDER BY members DESC

Ctrl-C stops; the data stay in {data}
"""


def main(root: Path) -> None:
    config = load_config()
    cluster = database.cluster_of(config)
    with step("Private PostgreSQL cluster, Unix socket only"):
        started = not cluster.is_running()
        if started:
            cluster.start()
    try:
        notes: list[str] = []
        with step("Roles, pgSphere and migrations"):
            database.prepare(config, notes.append)
        for note in notes:
            print(f"  {note}", flush=True)
        for name in TABLES:
            load(name, root, config)
        page = config.base_url.removesuffix("/tap") + "/"
        print(WELCOME.format(url=config.base_url, page=page, data=config.data_dir), flush=True)
        serve()
    except KeyboardInterrupt:
        print("stopping", flush=True)
    finally:
        if started:
            cluster.stop()


def serve() -> None:
    """Until somebody stops it."""
    service = subprocess.Popen([sys.executable, "-m", "tap", "serve"])
    try:
        service.wait()
    finally:
        service.terminate()
        service.wait()


def load(name: str, root: Path, config: Config) -> None:
    """Loads a table of the sample, unless it is there."""
    with psycopg.connect(database.reader_conninfo(config)) as connection:
        catalogue: Catalogue = read_catalogue(connection)
    if any(table.table_name == f"demo.{name}" for table in catalogue.tables):
        print(f"✓ {f'demo.{name} is there already':66}", flush=True)
        return
    file, description = root / "build/sample" / f"{name}.parquet", root / "deploy/sample" / f"{name}.toml"
    arguments = ["load", str(file), "--table", f"demo.{name}", "--description", str(description)]
    with step(f"demo.{name} loaded, indexed, analysed and published"):
        subprocess.run([sys.executable, "-m", "tap", *arguments], check=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    print(f"✓ {title:66} {time.monotonic() - begun:6.1f} s", flush=True)


if __name__ == "__main__":
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler)
    main(Path(sys.argv[1]))
