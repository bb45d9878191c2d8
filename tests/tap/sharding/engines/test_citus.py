"""The second engine without Citus: its statements, golden and read by PostgreSQL; its arithmetic, by brute force.

In a database of their own stand functions of the names, parameters and types of Citus's, which do nothing. They are there so that
PostgreSQL reads the statements; what Citus does with them is not tested here.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa
import pytest
from psycopg import sql

from tap.config import Config
from tap.engine import database
from tap.engine.pgsphere import ensure_pgsphere
from tap.engine.private import ADMIN
from tap.sharding.engines import citus
from tap.sharding.engines.citus import HOME, CitusNode, Name
from tap.sharding.layout import NOWHERE, cells_of
from tap.sharding.shards import Shard, ShardError, read_shards_file

ROOT = Path(__file__).parents[4]
GOLDEN = Path(__file__).parent / "golden" / "citus"
SOURCE, PHOTOMETRY, UPLOAD = Name("gaia", "source"), Name("gaia", 'Photo"metry'), Name("armillary_upload", "mine_7")
WORKERS = [CitusNode("worker-1.example.org", 5432), CitusNode("worker-2.example.org", 5433)]
LIKE_CITUS = """
CREATE SCHEMA citus;
CREATE TYPE citus.distribution_type AS ENUM ('hash', 'range', 'append');
CREATE TYPE citus.shard_transfer_mode AS ENUM ('auto', 'force_logical', 'block_writes');
CREATE TYPE noderole AS ENUM ('primary', 'secondary', 'unavailable');
CREATE FUNCTION citus_set_coordinator_host(host text, port integer DEFAULT 5432, node_role noderole DEFAULT 'primary',
    node_cluster name DEFAULT 'default') RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION citus_add_node(nodename text, nodeport integer, groupid integer DEFAULT -1, noderole noderole DEFAULT 'primary',
    nodecluster name DEFAULT 'default') RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION citus_remove_node(nodename text, nodeport integer) RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION citus_drain_node(nodename text, nodeport integer, shard_transfer_mode citus.shard_transfer_mode DEFAULT 'auto',
    rebalance_strategy name DEFAULT NULL) RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION create_distributed_table(table_name regclass, distribution_column text,
    distribution_type citus.distribution_type DEFAULT 'hash', colocate_with text DEFAULT 'default', shard_count int DEFAULT NULL)
    RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION citus_rebalance_start(rebalance_strategy name DEFAULT NULL, drain_only boolean DEFAULT false,
    shard_transfer_mode citus.shard_transfer_mode DEFAULT 'auto') RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
CREATE FUNCTION citus_rebalance_status(raw boolean DEFAULT false) RETURNS TABLE (job_id bigint, state text, job_type name,
    description text, started_at timestamptz, finished_at timestamptz, details jsonb) LANGUAGE sql
    AS 'SELECT NULL::bigint, NULL, NULL::name, NULL, NULL::timestamptz, NULL::timestamptz, NULL::jsonb';
CREATE FUNCTION get_rebalance_table_shards_plan(relation regclass DEFAULT NULL, threshold float4 DEFAULT NULL,
    max_shard_moves int DEFAULT 1000000) RETURNS TABLE (table_name regclass, shardid bigint) LANGUAGE sql
    AS 'SELECT NULL::regclass, NULL::bigint';
CREATE FUNCTION citus_check_cluster_node_health(OUT from_nodename text, OUT from_nodeport int, OUT to_nodename text,
    OUT to_nodeport int, OUT result bool) RETURNS SETOF record LANGUAGE sql AS 'SELECT NULL, 1, NULL, 1, true';
CREATE VIEW citus_shards AS SELECT NULL::regclass AS table_name, NULL::text AS nodename, 1 AS nodeport, 1::bigint AS shard_size;
CREATE SCHEMA gaia;
CREATE SCHEMA armillary_upload;
CREATE TABLE gaia.source (source_id bigint, ra double precision, dec double precision, hpx4 integer);
CREATE TABLE gaia."Photo""metry" (source_id bigint, g real, hpx4 integer);
"""


def _neighbours() -> sql.Composed:
    part = sql.SQL("SELECT s.ra, s.dec FROM gaia.source AS s WHERE {}")
    inside = citus.in_pixels("s", "hpx4", [(2, 3), (17, 17)], 128) or sql.SQL("false")
    sides = sql.SQL(", ").join(citus.brought_together(name, part.format(inside)) for name in ("a", "b"))
    join = "WITH {} SELECT count(*) FROM a JOIN b ON spoint(radians(a.ra), radians(a.dec)) <-> spoint(radians(b.ra), radians(b.dec)) < 1e-5"
    return sql.SQL(join).format(sides)


def _matches(radius: float) -> sql.Composed:
    near = "spoint(radians(c.ra), radians(c.dec)) <@ scircle(spoint(radians(u.ra), radians(u.dec)), radians({}))"
    query = "SELECT u.name, c.source_id FROM {} AS u JOIN {} AS c ON {} AND " + near
    pixels = citus.same_pixel("u", "c", "hpx4")
    return sql.SQL(query).format(UPLOAD.identifier, SOURCE.identifier, pixels, radius)


COLUMNS = {"name": "text", "ra": "double precision", "dec": "double precision"}
STATEMENTS: dict[str, citus.Statements] = {
    "node": citus.prepare_node(),
    "cluster": citus.prepare_cluster(CitusNode("tap.example.org", 5432), WORKERS),
    "session": citus.settings(4 << 20),
    "tables": [
        citus.distribute(SOURCE, "hpx4", 128),
        citus.distribute_alike(PHOTOMETRY, "hpx4", SOURCE),
        citus.fill(SOURCE, ["source_id", "ra", "dec", "hpx4"]),
    ],
    "upload": [
        *citus.create_upload(UPLOAD, COLUMNS, "hpx4", PHOTOMETRY),
        citus.fill(UPLOAD, [*COLUMNS, "hpx4", HOME]),
        _matches(0.001),
        sql.SQL("SELECT count(*) FROM {} AS u WHERE {}").format(UPLOAD.identifier, citus.each_once("u")),
    ],
    "neighbours": [_neighbours()],
    "care": [*citus.health(), *citus.rebalance(), *citus.retire(WORKERS[1])],
}


@pytest.fixture(scope="module")
def like_citus(config: Config) -> Iterator[psycopg.Connection]:
    """A superuser's connection to a database with functions of Citus's names, in a transaction for each test."""
    admin = database.cluster_of(config.database).conninfo(ADMIN)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("CREATE DATABASE like_citus")
    with psycopg.connect(admin, dbname="like_citus", autocommit=True) as connection:
        ensure_pgsphere(connection, print)
        connection.execute(LIKE_CITUS)
        yield connection


@pytest.mark.parametrize("name", STATEMENTS)
def test_statements_are_golden(name: str, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / f"{name}.sql"
    text = "".join(f"{each.as_string(None)};\n" for each in STATEMENTS[name])
    if request.config.getoption("--update-golden"):
        path.write_text(text)
    assert text == path.read_text()


def test_every_golden_file_is_one_of_them() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(STATEMENTS)


def test_the_containers_are_joined_by_what_we_write() -> None:
    workers = [CitusNode("worker-1", 5432), CitusNode("worker-2", 5432)]
    text = "".join(
        f"{each.as_string(None)};\n" for each in citus.prepare_cluster(CitusNode("coordinator", 5432), workers)
    )
    assert text == (ROOT / "deploy" / "citus" / "setup.sql").read_text()


@pytest.mark.parametrize("name", [name for name in STATEMENTS if name != "node"])
def test_postgresql_reads_every_statement(name: str, like_citus: psycopg.Connection) -> None:
    with like_citus.transaction(force_rollback=True):
        for statement in STATEMENTS[name]:
            if statement.as_string(None).startswith("COPY"):
                with like_citus.cursor().copy(statement) as copy:
                    copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\xff\xff")
            else:
                like_citus.execute(statement)


def test_citus_itself_is_asked_for_in_words_that_postgresql_knows(like_citus: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported, match='extension "citus" is not available'):
        like_citus.execute(citus.prepare_node()[0])


def test_shards_are_two_a_core_and_have_cells_enough_each() -> None:
    assert citus.division(2) == (4, 32)
    assert citus.division(100) == (4, 256)
    assert citus.division(128) == (4, 256)
    assert citus.division(129) == (6, 512)
    assert citus.division(10**6) == (6, 4096)
    for cores in range(1, 3000, 7):
        order, shards = citus.division(cores)
        assert 12 * 4**order // shards >= 12


def test_more_cells_than_shards_leave_none_out() -> None:
    assert citus.in_pixels("s", "hpx4", [(0, 31)], 32) is None
    assert citus.in_pixels("s", "hpx4", [(0, 30)], 32) is not None


def test_workers_are_named_as_other_nodes_reach_them() -> None:
    assert citus.node_of(Shard("a", "host=a.example.org dbname=gaia", "")) == CitusNode("a.example.org", 5432)
    for conninfo in ("dbname=gaia", "host=/run/postgresql", "host=a,b", "host=a port=1,2"):
        with pytest.raises(ShardError, match="one host"):
            citus.node_of(Shard("a", conninfo, ""))


def test_the_engine_is_said_in_the_file_and_refused_as_long_as_nothing_runs_it(tmp_path: Path) -> None:
    path, shard = tmp_path / "shards.toml", "[shards.a]\ndatabase = 'dbname=a'\n"
    path.write_text(f'engine = "citus"\n{shard}')
    with pytest.raises(ShardError, match=r"docs/scaling\.md"):
        read_shards_file(path)
    path.write_text(f'engine = "oracle"\n{shard}')
    with pytest.raises(ShardError, match="'oracle'"):
        read_shards_file(path)
    path.write_text(f'engine = "postgres_fdw"\n{shard}')
    assert [each.name for each in read_shards_file(path)] == ["a"]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (
            "complex joins are only supported when all distributed tables are co-located and joined on their distribution columns",
            "in a WITH of its own",
        ),
        (
            "cannot perform distributed planning\nDETAIL: Cartesian products are currently unsupported",
            "without a condition",
        ),
        ("the intermediate result size exceeds citus.max_intermediate_result_size (currently 4 kB)", "too many rows"),
    ],
)
def test_what_citus_refuses_is_said_in_our_words(theirs: str, ours: str) -> None:
    assert ours in str(citus.refusal(theirs))


def test_other_errors_are_not_ours() -> None:
    assert citus.refusal('column "x" does not exist') is None


# ---- where rows of an upload go

RANDOM = np.random.default_rng(11)


def _vectors(lon: npt.ArrayLike, lat: npt.ArrayLike) -> npt.NDArray[np.float64]:
    a, d = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=-1)


def _round(lon: npt.ArrayLike, lat: npt.ArrayLike, radius: float, number: int) -> tuple[pa.Array, pa.Array]:
    """So many places on and within the circle round each of these."""
    centres = np.repeat(_vectors(lon, lat), number, axis=0)
    across = np.cross(centres, RANDOM.normal(size=centres.shape))
    across /= np.linalg.norm(across, axis=1)[:, None]
    far = np.radians(radius) * np.where(RANDOM.random(len(centres)) < 0.7, 1, RANDOM.random(len(centres)))[:, None]
    places = centres * np.cos(far) + across * np.sin(far)
    lon_, lat_ = np.arctan2(places[:, 1], places[:, 0]), np.arcsin(np.clip(places[:, 2], -1, 1))
    return pa.array(np.degrees(lon_) % 360), pa.array(np.degrees(lat_))


def _hard_places() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """All over the sky, near the poles where cells are narrowest, at longitude 0, and where base cells meet: seven neighbours."""
    lon = np.concatenate(
        [RANDOM.uniform(0, 360, 400), RANDOM.integers(0, 4, 400) * 90 + RANDOM.normal(0, 2, 400), [0.0] * 40]
    )
    flat = np.degrees(np.arcsin(RANDOM.uniform(-1, 1, 400)))
    high = RANDOM.choice([-1, 1], 400) * (90 - RANDOM.uniform(0, 9, 400))
    lat = np.concatenate([flat, high, RANDOM.uniform(-90, 90, 40)])
    meet = np.array([(k * 45.0, z) for k in range(8) for z in (-41.8103149, 0.0, 41.8103149)])
    return np.concatenate([lon, meet[:, 0], [0.0, 0.0]]), np.concatenate([lat, meet[:, 1], [90.0, -90.0]])


@pytest.mark.parametrize(
    ("order", "radius"),
    [
        (4, 0.0),
        (4, 2 / 3600),
        (4, 0.037),
        (4, 0.59),
        (4, 2.37),
        (6, 1e-7),
        (6, 0.01),
        (6, 0.31),
        (6, 0.33),
        (6, 0.4),
        (6, 0.59),
    ],
)
def test_a_row_is_in_every_cell_that_its_circle_touches_once(order: int, radius: float) -> None:
    lon, lat = _hard_places()
    rows, cells, home = citus.copies(pa.array(lon), pa.array(lat), radius, order)
    found = set(zip(rows.tolist(), cells.tolist(), strict=True))
    assert len(found) == len(rows)
    number = 400
    touched = cells_of(*_round(lon, lat, radius, number), order)
    wanted = set(zip(np.repeat(np.arange(len(lon)), number).tolist(), touched.tolist(), strict=True))
    assert wanted <= found
    own = cells_of(pa.array(lon), pa.array(lat), order)
    assert set(zip(rows[home].tolist(), cells[home].tolist(), strict=True)) == set(enumerate(own.tolist()))


def test_few_rows_have_copies() -> None:
    lon, lat = RANDOM.uniform(0, 360, 100_000), np.degrees(np.arcsin(RANDOM.uniform(-1, 1, 100_000)))
    rows, _, _ = citus.copies(pa.array(lon), pa.array(lat), 2 / 3600, 4)
    assert len(rows) < 100_000 * 1.02


def test_rows_without_a_position_stand_nowhere_once() -> None:
    lon, lat = pa.array([10.0, None, float("nan"), 10.0]), pa.array([10.0, 10.0, 0.0, 91.0])
    rows, cells, home = citus.copies(lon, lat, 0.01, 4)
    assert rows.tolist() == [0, 1, 2, 3]
    assert cells.tolist()[1:] == [NOWHERE] * 3
    assert home.all()


def test_circles_larger_than_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="larger than the cells of order 6"):
        citus.copies(pa.array([1.0]), pa.array([1.0]), 0.7, 6)


def test_the_join_on_equal_pixels_finds_each_pair_once(like_citus: psycopg.Connection) -> None:
    radius = 0.3
    lon, lat = _hard_places()
    there_lon, there_lat = _round(lon, lat, radius * 1.5, 6)
    names = np.array([f"u{i}" for i in range(len(lon))])
    rows, cells, home = citus.copies(pa.array(lon), pa.array(lat), radius, 4)
    with like_citus.transaction(force_rollback=True):
        for statement in citus.create_upload(UPLOAD, COLUMNS, "hpx4", SOURCE):
            like_citus.execute(statement)
        mine = zip(names[rows], lon[rows], lat[rows], cells, home, strict=True)
        theirs = zip(range(len(there_lon)), there_lon, there_lat, cells_of(there_lon, there_lat, 4), strict=True)
        _copy(like_citus, UPLOAD, [(str(n), float(a), float(d), int(c), bool(h)) for n, a, d, c, h in mine])
        _copy(like_citus, SOURCE, [(i, a.as_py(), d.as_py(), int(c)) for i, a, d, c in theirs])
        found = like_citus.execute(_matches(radius)).fetchall()
        everywhere = _matches(radius).as_string(None).replace('"u"."hpx4" = "c"."hpx4"', f'"u"."{HOME}"')
        wanted = like_citus.execute(everywhere.encode()).fetchall()
    assert len(wanted) > len(lon)
    assert sorted(found) == sorted(wanted)


def _copy(connection: psycopg.Connection, table: Name, rows: list[tuple[object, ...]]) -> None:
    with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(table.identifier)) as copy:
        for row in rows:
            copy.write_row(row)
