"""Large uploads meet the catalogue in parts of the sky: no row is lost or doubled at their edges, and none needs much memory."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adql.translate import translate
from schema.load import open_file
from schema.load.reader import LoadError
from schema.model import Column, Table
from tap.config import Config
from tap.temp_files import TempFiles
from tap.uploads.load import Allowance, Declared, UploadLimits
from tap.uploads.parts import Sorting, in_parts
from tests.adql import brute_force
from tests.adql.tables import CATALOGUE
from tests.conftest import alone, serving
from tests.tap.uploads.test_uploads import send

NAN = float("nan")
RADIUS = 0.05


def parquet(columns: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({name: pa.array(each, from_pandas=True) for name, each in columns.items()}), out)
    return out.getvalue()


def positions() -> dict[str, Any]:
    """Over the whole sky, on the edges and corners of cells, at both poles, along ra = 0 and 360, some twice, some nowhere."""
    ra, dec = brute_force.scattered(1500, 40)
    edges = np.concatenate([np.arange(0, 361, 5.625), np.full(60, 45.0), [0, 360, 0, 17, 17, 200]])
    lats = np.concatenate(
        [np.full(65, np.degrees(np.arcsin(2 / 3))), np.linspace(-90, 90, 60), [0, 0, 90, 90, -90, -90]]
    )
    ra, dec = np.concatenate([ra, edges, edges[:10], [NAN, 5]]), np.concatenate([dec, lats, lats[:10], [5, NAN]])
    return {"id": np.arange(len(ra), dtype=np.int64), "ra": ra, "dec": dec, "name": [f"n{i}" for i in range(len(ra))]}


def catalogue(mine: dict[str, Any]) -> dict[str, Any]:
    more = np.random.default_rng(41)
    there = np.isfinite(mine["ra"]) & np.isfinite(mine["dec"])
    ra = (mine["ra"][there] + more.normal(0, RADIUS, there.sum())) % 360
    dec = np.clip(mine["dec"][there] + more.normal(0, RADIUS, there.sum()), -90, 90)
    return {"id": np.arange(len(ra), dtype=np.int64), "ra": ra, "dec": dec}


MINE = positions()
STARS = catalogue(MINE)
APART = brute_force.separation(MINE["ra"][:, None], MINE["dec"][:, None], STARS["ra"], STARS["dec"])
PAIRS = sorted((int(u), int(s)) for u, s in np.argwhere(APART < RADIUS))
ON = f"DISTANCE(u.ra, u.dec, s.ra, s.dec) < {RADIUS}"


@pytest.fixture(scope="module")
def service(sample: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One that takes no more than 100 rows at once."""
    folder = tmp_path_factory.mktemp("parts")
    brute_force.put(sample, folder, "parted", STARS, position=("ra", "dec"), units={"ra": "deg", "dec": "deg"})
    with serving(alone(sample, upload_part_rows=100)) as url:
        yield url
    brute_force.take_away(sample, "parted")


def rows(service: str, query: str, **more: str) -> list[dict[str, str]]:
    reply = send(f"{service}/sync", query, parquet(MINE), file_name="mine.parquet", **more)
    assert reply.status == 200, reply.text
    return list(csv.DictReader(io.StringIO(reply.text)))


@pytest.mark.parametrize("query", [
    f"SELECT u.id, s.id AS other FROM TAP_UPLOAD.mine AS u JOIN answers.parted AS s ON {ON}",
    f"SELECT u.id, s.id AS other FROM answers.parted AS s, TAP_UPLOAD.mine AS u WHERE {ON}",
    f"SELECT u.id, s.id AS other FROM TAP_UPLOAD.mine AS u LEFT JOIN answers.parted AS s ON {ON} WHERE s.id >= 0",
], ids=["JOIN", "WHERE", "LEFT JOIN"])  # fmt: skip
def test_no_pair_is_lost_or_doubled_at_the_edges_of_parts(service: str, query: str) -> None:
    found = sorted((int(row["id"]), int(row["other"])) for row in rows(service, query))
    assert found == PAIRS
    assert len(PAIRS) > 500


def test_rows_without_counterpart_or_position_stay_in_a_left_join(service: str) -> None:
    query = f"SELECT u.id, u.name, s.id AS other FROM TAP_UPLOAD.mine AS u LEFT JOIN answers.parted AS s ON {ON}"
    found = rows(service, query)
    lonely = sorted(int(row["id"]) for row in found if not row["other"])
    assert lonely == sorted(set(MINE["id"].tolist()) - {u for u, _ in PAIRS})
    assert {int(row["id"]) for row in found} == set(MINE["id"].tolist())
    assert all(row["name"] == f"n{row['id']}" for row in found)


def test_the_nearest_are_those_of_brute_force(service: str) -> None:
    nearer = "DISTANCE(u.ra, u.dec, t.ra, t.dec) < DISTANCE(u.ra, u.dec, s.ra, s.dec)"
    query = (
        f"SELECT u.id, s.id AS other FROM TAP_UPLOAD.mine AS u JOIN answers.parted AS s ON {ON}"
        f" WHERE NOT EXISTS (SELECT 1 FROM answers.parted AS t WHERE {ON.replace('s.', 't.')} AND {nearer})"
    )
    found = sorted((int(row["id"]), int(row["other"])) for row in rows(service, query))
    # At the poles several are equally near.
    least = np.nanmin(np.append(APART, np.full((len(APART), 1), 360), axis=1), axis=1)
    expected = sorted((u, s) for u, s in PAIRS if APART[u, s] <= least[u] + 1e-12)
    assert found == expected


def test_a_limit_counts_over_all_parts(service: str) -> None:
    query = f"SELECT u.id FROM TAP_UPLOAD.mine AS u JOIN answers.parted AS s ON {ON}"
    for maxrec in (0, 1, 150, len(PAIRS) - 1, len(PAIRS), len(PAIRS) + 1):
        reply = send(
            f"{service}/sync", query, parquet(MINE), file_name="mine.parquet", RESPONSEFORMAT="votable/td", MAXREC=str(maxrec)
        )  # fmt: skip
        assert reply.text.count("<TR>") == min(maxrec, len(PAIRS))
        assert ('value="OVERFLOW"' in reply.text) == (maxrec < len(PAIRS))


@pytest.mark.parametrize("query", [
    "SELECT COUNT(*) AS n FROM TAP_UPLOAD.mine AS u",
    "SELECT COUNT(*) AS n FROM (SELECT DISTINCT u.id FROM TAP_UPLOAD.mine AS u) AS q",
    "SELECT COUNT(*) AS n FROM (SELECT id FROM TAP_UPLOAD.mine UNION SELECT id FROM TAP_UPLOAD.mine) AS q",
])  # fmt: skip
def test_what_looks_at_all_rows_sees_all_rows(service: str, query: str) -> None:
    assert rows(service, query) == [{"n": str(len(MINE["id"]))}]


def test_a_list_matched_with_itself_is_whole(service: str) -> None:
    query = "SELECT a.id FROM TAP_UPLOAD.mine AS a JOIN TAP_UPLOAD.mine AS b ON a.id = b.id"
    assert len(rows(service, query)) == len(MINE["id"])


def test_few_rows_keep_their_order(service: str) -> None:
    few = {name: values[:90] for name, values in MINE.items()}
    reply = send(f"{service}/sync", "SELECT id FROM TAP_UPLOAD.mine", parquet(few), file_name="mine.parquet")
    assert reply.lines[1:] == [str(i) for i in range(90)]


# ---- which queries can be run in parts

LIST = "fields"
IN_PARTS = (
    "SELECT * FROM fields",
    "SELECT s.id FROM fields f JOIN stars s ON f.id = s.id",
    "SELECT s.id FROM fields f LEFT JOIN stars s ON f.id = s.id WHERE s.vmag < 5",
    "SELECT s.id FROM stars s RIGHT JOIN fields f ON f.id = s.id",
    "SELECT s.id FROM stars s, fields f",
    "SELECT f.id FROM fields f WHERE f.id IN (SELECT MAX(id) FROM stars)",
)
WHOLE = (
    "SELECT COUNT(*) AS n FROM fields",
    "SELECT TOP 5 id FROM fields",
    "SELECT id FROM fields OFFSET 3",
    "SELECT DISTINCT id FROM fields",
    "SELECT id FROM fields ORDER BY id",
    "SELECT id FROM fields GROUP BY id",
    "SELECT s.id FROM stars s LEFT JOIN fields f ON f.id = s.id",
    "SELECT s.id FROM fields f RIGHT JOIN stars s ON f.id = s.id",
    "SELECT s.id FROM fields f FULL JOIN stars s ON f.id = s.id",
    "SELECT id FROM fields UNION ALL SELECT id FROM stars",
    "SELECT id FROM stars WHERE id IN (SELECT id FROM fields)",
    "SELECT id FROM fields f WHERE EXISTS (SELECT 1 FROM fields g WHERE g.id > f.id)",
    "SELECT id FROM (SELECT TOP 3 id FROM fields) AS q",
    "WITH w AS (SELECT * FROM fields) SELECT id FROM w",
)


@pytest.mark.parametrize(("query", "expected"), [(q, True) for q in IN_PARTS] + [(q, False) for q in WHOLE])
def test_only_queries_that_look_at_one_row_at_a_time_run_in_parts(query: str, expected: bool) -> None:
    assert (("t", LIST) in {each.stored for each in translate(query, CATALOGUE).apart}) == expected


# ---- the parts themselves


def upload(path: Path) -> Declared:
    columns = (Column("ra", "double"), Column("dec", "double"), Column("name", "char", "*"))
    return Declared(
        Table("TAP_UPLOAD", "TAP_UPLOAD.mine", columns, storage="u0", storage_schema="pg_temp"),
        (),
        open_file(path).batches(),
    )


def divided(
    path: Path, rows: int, position: tuple[int, int] | None = (0, 1), limit: int = 10**6
) -> list[tuple[int, bytes]]:
    read: list[int] = []
    sorting = Sorting(rows, TempFiles(path.parent, 0))
    with in_parts(upload(path), position, sorting, Allowance(UploadLimits(limit)), read.append) as parts:
        found = [(part.rows, b"".join(part.pieces)) for part in parts]
    assert sum(read) == sum(count for count, _ in found)
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mine.parquet"
    path.write_bytes(parquet({name: MINE[name] for name in ("ra", "dec", "name")}))
    return path


@pytest.mark.parametrize("position", [(0, 1), None])
@pytest.mark.parametrize("rows", [1, 7, 100, 1700])
def test_every_row_is_in_one_part_and_no_part_has_too_many(
    path: Path, rows: int, position: tuple[int, int] | None
) -> None:
    parts = divided(path, rows, position)
    assert all(count <= rows for count, _ in parts)
    names = [name for _, content in parts for name in names_of(content)]
    assert sorted(names) == sorted(MINE["name"])


def names_of(content: bytes) -> Iterator[str]:
    """Of the rows of COPY BINARY, field by field."""
    place = 0
    while place < len(content):
        assert content[place : place + 2] == b"\0\3"
        place += 2
        for _ in range(3):
            size = int.from_bytes(content[place : place + 4], signed=True)
            value = content[place + 4 : place + 4 + max(size, 0)]
            place += 4 + max(size, 0)
        yield value.decode()


def test_the_rows_of_a_part_lie_together_on_the_sky(tmp_path: Path) -> None:
    ra, dec = brute_force.scattered(20_000, 6)
    path = tmp_path / "sky.parquet"
    path.write_bytes(parquet({"ra": ra, "dec": dec, "name": np.arange(20_000).astype(str)}))
    widths = []
    for _, content in divided(path, 30):
        rows = [int(name) for name in names_of(content)]
        widths.append(brute_force.separation(ra[rows[0]], dec[rows[0]], ra[rows], dec[rows]).max())
    # A cell has some 7 degrees; a part may be of two.
    assert np.median(widths) < 15


def test_too_many_rows_are_refused_while_they_are_read(path: Path) -> None:
    with pytest.raises(LoadError, match="more rows than are taken: 1,000"):
        divided(path, 100, limit=1000)
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_is_told_before_it_is_full(path: Path) -> None:
    sorting = Sorting(10, TempFiles(path.parent, 10**18))
    with (
        pytest.raises(OSError, match="no room"),
        in_parts(upload(path), (0, 1), sorting, Allowance(UploadLimits(10**6)), lambda _: None),
    ):
        raise AssertionError
