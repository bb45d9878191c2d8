"""The second half of deploy/demo: the private cluster, the sample in it, the service, and what to try."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg

from schema.model import Catalogue
from schema.roles import OWNER
from schema.tap_schema import read_catalogue
from tap.config import Config
from tap.config_sources import load_config
from tap.engine import database
from tap.engine.private import ADMIN, PrivateCluster

TABLES = ("ngc", "stars", "positions")
LINKED = ("ngc", "stars")

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

A table of your own, while this runs: a file of eight stars, published in a second

  ./deploy/armillary load deploy/sample/observed.csv --table my.stars

Ctrl-C stops; the data stay in {data}
"""


def main(root: Path, shards: int) -> None:
    config = load_config()
    clusters = [database.cluster_of(config.database), *(shard_cluster(config, number) for number in range(shards))]
    with ExitStack() as stack:
        stack.enter_context(suppress(KeyboardInterrupt))
        with step(f"Private PostgreSQL cluster{f' and {shards} shards' if shards else ''}, Unix sockets only"):
            for cluster in clusters:
                start(cluster, stack)
        notes: list[str] = []
        with step("Roles, pgSphere and migrations"):
            database.prepare(config, notes.append)
        for note in notes:
            print(f"  {note}", flush=True)
        if shards:
            with step("Shards made ready and known"):
                init_shards(config, clusters[1:])
        for name in TABLES:
            load(name, root, config, sharded=shards > 0 and name == "stars")
        with step("Links of demo.ngc and demo.stars published"):
            for name in LINKED:
                run("publish", f"demo.{name}", "--description", str(root / "deploy/sample" / f"{name}_links.toml"))
        page = config.web.base_url.removesuffix("/tap") + "/"
        print(WELCOME.format(url=config.web.base_url, page=page, data=config.database.data_dir), flush=True)
        serve()
    print("stopped", flush=True)


def start(cluster: PrivateCluster, stack: ExitStack) -> None:
    """Unless it runs; who starts it stops it."""
    if not cluster.is_running():
        cluster.start()
        stack.callback(cluster.stop)


def shard_cluster(config: Config, number: int) -> PrivateCluster:
    return PrivateCluster(Path(config.database.data_dir).absolute() / f"shard{number}", "128MB")


def init_shards(config: Config, clusters: list[PrivateCluster]) -> None:
    path = Path(config.database.data_dir) / "shards.toml"
    lines = [
        f'[shards.shard{number}]\ndatabase = "{each.conninfo(OWNER)}"\nadmin = "{each.conninfo(ADMIN)}"\n'
        for number, each in enumerate(clusters)
    ]
    path.write_text("\n".join(lines))
    run("shards", "init", str(path))


def serve() -> None:
    """Until somebody stops it."""
    service = subprocess.Popen([sys.executable, "-m", "tap", "serve"])
    try:
        service.wait()
    finally:
        service.terminate()
        service.wait()


def load(name: str, root: Path, config: Config, *, sharded: bool) -> None:
    """Loads a table of the sample, unless it is there."""
    with psycopg.connect(database.reader_conninfo(config)) as connection:
        catalogue: Catalogue = read_catalogue(connection)
    if any(table.table_name == f"demo.{name}" for table in catalogue.tables):
        print(f"✓ {f'demo.{name} is there already':66}", flush=True)
        return
    file, description = root / "build/sample" / f"{name}.parquet", root / "deploy/sample" / f"{name}.toml"
    if sharded:
        own = Path(config.database.data_dir) / description.name
        own.write_text(description.read_text("utf-8").replace("[table]\n", "[table]\nsharded = true\n"), "utf-8")
        description = own
    with step(f"demo.{name} loaded, indexed, analysed and published"):
        run("load", str(file), "--table", f"demo.{name}", "--description", str(description))


def run(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "tap", *arguments], check=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    print(f"✓ {title:66} {time.monotonic() - begun:6.1f} s", flush=True)


if __name__ == "__main__":
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.default_int_handler)
    main(Path(sys.argv[1]), int(sys.argv[2]))
