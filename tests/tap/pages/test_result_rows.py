"""Any window of a kept result is what numpy has there, whatever it is kept as, sorted and filtered."""

import io
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import MaskedColumn, Table
from hypothesis import given, settings
from hypothesis import strategies as st

from schema.load.reader import LoadError
from tap.pages import result_rows
from tap.pages.result_rows import ResultRows, View
from tap.storage.directory import Directory
from tests.tap.pages.jobs import with_result
from uws.job import Job
from uws.parameters import ParameterError

ROWS = 1500
RANDOM = np.random.default_rng(14)
NAMES = ["Alcyone", "atlas", "Electre", "Maia", "merope", "Taygeta 5%", "Pleione's", "Celaeno, x"]
# With masks for NULL.
IDS = np.ma.array(RANDOM.permutation(ROWS), mask=False)
VALUES = np.ma.array(RANDOM.normal(0, 100, ROWS), mask=RANDOM.random(ROWS) < 0.1)
TIES = np.ma.array(RANDOM.integers(-3, 4, ROWS), mask=RANDOM.random(ROWS) < 0.1)
TEXTS = np.ma.array(RANDOM.choice(NAMES, ROWS), mask=False)
COLUMNS = {"id": IDS, "value": VALUES, "ties": TIES, "name": TEXTS}
COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": np.less,
    "<=": np.less_equal,
    "=": np.equal,
    ">=": np.greater_equal,
    ">": np.greater,
}


def parquet(columns: dict[str, Any] = COLUMNS, **options: Any) -> bytes:
    file = io.BytesIO()
    arrays = {name: pa.array(values.tolist()) for name, values in columns.items()}
    pq.write_table(pa.table(arrays), file, **options)
    return file.getvalue()


def by_astropy(format_: str, **options: Any) -> bytes:
    table = Table({name: MaskedColumn(values) for name, values in COLUMNS.items()})
    table["value"].unit, table["value"].description = "mag", "A magnitude"
    if format_ == "fits":
        table["ties"].fill_value = -99
    file = io.BytesIO()
    if "csv" in format_:
        text = io.StringIO()
        table.write(text, format=format_, **options)
        file.write(text.getvalue().encode())
    else:
        table.write(file, format=format_, **options)
    return file.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "parquet": parquet,
    "small parts.parquet": lambda: parquet(row_group_size=100),
    "td.vot": lambda: by_astropy("votable"),
    "b2.vot": lambda: by_astropy("votable", tabledata_format="binary2"),
    "fits": lambda: by_astropy("fits"),
    "csv": lambda: by_astropy("ascii.csv"),
}
in_every_file = pytest.mark.parametrize("file", FILES)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Directory:
    return Directory(tmp_path_factory.mktemp("results"), 0)


def kept(storage: Directory, key: str, content: bytes, **more: Any) -> Job:
    """A job with this result in storage."""
    with storage.sink(key) as sink:
        sink.write(content)
    return with_result(key, **more)


@pytest.fixture(scope="module")
def jobs(storage: Directory) -> dict[str, Job]:
    """Jobs of the same rows, each kept as another kind of file."""
    return {
        file: replace(
            kept(storage, f"{number:032x}/1.{file.rsplit('.')[-1]}", make(), rows=ROWS), job_id=f"{number:032x}"
        )
        for number, (file, make) in enumerate(FILES.items())
    }


@pytest.fixture(scope="module")
def rows(storage: Directory, tmp_path_factory: pytest.TempPathFactory) -> ResultRows:
    return ResultRows(storage, tmp_path_factory.mktemp("pages"))


@pytest.fixture
def fresh(storage: Directory, tmp_path: Path) -> ResultRows:
    """One that has written no file yet."""
    return ResultRows(storage, tmp_path / "pages")


def expected(view: View) -> list[int]:
    """The ids of all rows of a view, before the window is cut; those without a value come last in any order."""
    chosen = np.arange(ROWS)
    if view.where:
        values = COLUMNS[view.where]
        if view.operator == "contains":
            chosen = np.array(
                [n for n in chosen if view.value.lower() in str(values[n]).lower() and values[n] is not np.ma.masked],
                int,
            )
        else:
            wanted = view.value if view.where == "name" else float(view.value)
            chosen = np.flatnonzero(np.ma.filled(COMPARE[view.operator](values, wanted), fill_value=False))
    if view.sort:
        values = COLUMNS[view.sort][chosen]
        there, missing = np.flatnonzero(~np.ma.getmaskarray(values)), np.flatnonzero(np.ma.getmaskarray(values))
        keys = np.unique(values.data, return_inverse=True)[1][there]
        order = np.argsort(-keys if view.descending else keys, kind="stable")
        chosen = chosen[np.concatenate([there[order], missing])]
    return [int(each) for each in IDS.data[chosen]]


def columns_of(table: pa.Table) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


BY_ID = dict(zip(IDS.tolist(), zip(*(values.tolist() for values in COLUMNS.values()), strict=True), strict=True))


def assert_rows(table: pa.Table, ids: list[int]) -> None:
    """Whole rows, in this order."""
    found = columns_of(table)
    assert [row[0] for row in found] == ids
    for row in found:
        assert tuple(None if value != value else value for value in row) == BY_ID[row[0]]  # noqa: PLR0124


# ---- windows


@in_every_file
@pytest.mark.parametrize(
    ("first", "count"),
    [
        (0, 1),
        (0, 100),
        (1, 100),
        (99, 2),
        (700, 250),
        (ROWS - 1, 100),
        (ROWS, 100),
        (10 * ROWS, 1),
        (0, 10 * ROWS),
        (1 << 40, 5),
    ],
)
def test_a_window_is_the_same_slice(rows: ResultRows, jobs: dict[str, Job], file: str, first: int, count: int) -> None:
    found = rows.view(jobs[file], View(first, count))
    assert_rows(found.table, expected(View())[first : first + count])
    assert found.total == ROWS


@in_every_file
def test_the_first_page_is_the_same_from_the_head_of_the_file_and_later(
    fresh: ResultRows, jobs: dict[str, Job], file: str
) -> None:
    head = fresh.view(jobs[file], View(0, 100))
    assert not fresh.folder.exists(), "the first page needs no file"
    fresh.view(jobs[file], View(1, 1))
    later = fresh.view(jobs[file], View(0, 100))
    assert later.total == head.total
    assert_rows(head.table, expected(View())[:100])
    assert_rows(later.table, expected(View())[:100])
    for one, other in zip(head.columns, later.columns, strict=True):
        assert (one.name, one.unit, one.ucd, one.description) == (other.name, other.unit, other.ucd, other.description)
        assert (one.type.name, one.xtype, one.arraysize) == (other.type.name, other.xtype, other.arraysize)


@pytest.mark.parametrize("file", ["td.vot", "b2.vot"])
def test_units_and_descriptions_stay(rows: ResultRows, jobs: dict[str, Job], file: str) -> None:
    rows.view(jobs[file], View(5, 5))
    value = rows.view(jobs[file], View(0, 5)).columns[1]
    assert (value.name, value.unit, value.description) == ("value", "mag", "A magnitude")


# ---- order and conditions


@in_every_file
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", COLUMNS)
def test_rows_are_in_numpys_order_and_those_without_a_value_last(
    rows: ResultRows, jobs: dict[str, Job], file: str, sort: str, descending: bool
) -> None:
    view = View(0, ROWS, sort=sort, descending=descending)
    found = columns_of(rows.view(jobs[file], view).table)
    values = [row[list(COLUMNS).index(sort)] for row in found]
    by_id = {int(number): place for place, number in enumerate(IDS.data)}
    wanted = COLUMNS[sort][[by_id[number] for number in expected(view)]]
    assert [None if value != value else value for value in values] == wanted.tolist()  # noqa: PLR0124
    assert sorted(row[0] for row in found) == list(range(ROWS))


VIEWS = st.builds(
    View,
    first=st.integers(0, ROWS + 10),
    count=st.integers(1, 300),
    sort=st.sampled_from([None, *COLUMNS]),
    descending=st.booleans(),
)
CONDITIONS = st.one_of(
    st.just((None, "=", "")),
    st.tuples(st.just("id"), st.sampled_from([*COMPARE]), st.integers(-1, ROWS).map(str)),
    st.tuples(
        st.just("value"),
        st.sampled_from([*COMPARE]),
        st.sampled_from([repr(float(x)) for x in VALUES.data[:40]]) | st.floats(-300, 300).map(repr),
    ),
    st.tuples(st.just("ties"), st.sampled_from([*COMPARE]), st.integers(-4, 4).map(str)),
    st.tuples(st.just("name"), st.sampled_from([*COMPARE]), st.sampled_from([*NAMES, "", "M", "~"])),
    st.tuples(
        st.sampled_from(["name", "id", "ties"]),
        st.just("contains"),
        st.sampled_from(["a", "A", "e ", "5%", "'", "1", "", ".", "x", "é"]),
    ),
)


@given(view=VIEWS, condition=CONDITIONS, file=st.sampled_from([*FILES]))
@settings(deadline=None, max_examples=200)
def test_every_view_is_what_numpy_finds(
    rows: ResultRows, jobs: dict[str, Job], view: View, condition: tuple[str | None, str, str], file: str
) -> None:
    where, operator, value = condition
    view = replace(view, where=where, operator=operator, value=value)
    found, ids = rows.view(jobs[file], view), expected(view)
    assert_rows(found.table, ids[view.first : view.first + view.count])
    assert found.total == len(ids)


def test_texts_that_are_missing_are_last_and_are_found_by_nothing(fresh: ResultRows, storage: Directory) -> None:
    texts = ["b", None, "", "a", None, "B"]
    job = kept(storage, "e/1.parquet", parquet({"t": np.array(texts, object)}))
    ordered = fresh.view(job, View(0, 9, sort="t")).table["t"].to_pylist()
    assert ordered == ["", "B", "a", "b", None, None]
    assert fresh.view(job, View(0, 9, sort="t", descending=True)).table["t"].to_pylist() == [
        "b",
        "a",
        "B",
        "",
        None,
        None,
    ]
    assert fresh.view(job, View(0, 9, where="t", operator="contains", value="")).total == 4
    assert fresh.view(job, View(0, 9, where="t", operator=">=", value="")).total == 4


def test_not_a_number_is_sorted_as_null(fresh: ResultRows, storage: Directory) -> None:
    values = [2.0, float("nan"), None, 1.0, float("-inf")]
    job = kept(storage, "f/1.parquet", parquet({"x": np.array(values, object)}))
    for descending, order in ((False, [float("-inf"), 1.0, 2.0]), (True, [2.0, 1.0, float("-inf")])):
        found = fresh.view(job, View(0, 9, sort="x", descending=descending)).table["x"].to_pylist()
        assert found[:3] == order
        assert all(value is None or np.isnan(value) for value in found[3:])


# ---- what cannot be asked


@pytest.mark.parametrize(
    "view",
    [
        View(sort="nothing"),
        View(where="nothing", value="1"),
        View(where="id", operator="~", value="1"),
        View(where="id", operator="", value="1"),
        View(where="id", value="one"),
        View(where="id", value=""),
        View(where="id", value="99999999999999999999"),
        View(where="value", value="1,5"),
    ],
)
def test_what_cannot_be_asked_is_said(rows: ResultRows, jobs: dict[str, Job], view: View) -> None:
    with pytest.raises(ParameterError):
        rows.view(jobs["parquet"], view)


KINDS = {
    "flag": pa.array([True, None]),
    "day": pa.array([0, None], pa.date32()),
    "moment": pa.array([0, None], pa.timestamp("us")),
    "list": pa.array([[1.5, None], None]),
    "bytes": pa.array([b"\xff", None]),
    "single": pa.array([0.1, None], pa.float32()),
    "small": pa.array([1, None], pa.int16()),
}


ASKED = st.builds(
    View,
    sort=st.sampled_from([None, *KINDS]),
    where=st.sampled_from([*KINDS]),
    operator=st.sampled_from([*COMPARE, "contains", "!="]),
    value=st.sampled_from(["1", "true", "2020-01-01", "0.1", "[1.5]"])
    | st.text(st.characters(exclude_categories=["Cs"])),
)


@given(view=ASKED)
@settings(deadline=None)
def test_whatever_is_asked_of_whatever_column_is_answered_or_refused(
    rows: ResultRows, storage: Directory, view: View
) -> None:
    file = io.BytesIO()
    pq.write_table(pa.table(KINDS), file)
    job = kept(storage, "9/1.parquet", file.getvalue(), job_id="9" * 32)
    try:
        found = rows.view(job, view)
    except ParameterError:
        return
    assert found.table.num_rows == found.total
    assert found.total in {0, 1}


def test_the_value_of_a_column_of_singles_is_compared_as_it_is_shown(fresh: ResultRows, storage: Directory) -> None:
    file = io.BytesIO()
    pq.write_table(pa.table(KINDS), file)
    job = kept(storage, "8/1.parquet", file.getvalue())
    assert fresh.view(job, View(where="single", value="0.1")).total == 1


@pytest.mark.parametrize("file", ["parquet", "td.vot", "csv"])
@pytest.mark.parametrize(
    "view", [View(), View(3, 5), View(sort="id"), View(sort="name", descending=True), View(where="id", value="1")]
)
def test_an_empty_result_is_empty_in_every_view(fresh: ResultRows, storage: Directory, file: str, view: View) -> None:
    none = Table({"id": np.zeros(0, int), "name": np.zeros(0, "U3")})
    content = io.BytesIO()
    if file == "parquet":
        pq.write_table(pa.table({"id": pa.array([], pa.int64()), "name": pa.array([], pa.string())}), content)
    elif file == "csv":
        content.write(b"id,name\r\n")
    else:
        none.write(content, format="votable")
    job = kept(storage, f"7/1.{file}", content.getvalue(), rows=0)
    found = fresh.view(job, view)
    assert ([column.name for column in found.columns], found.table.num_rows, found.total) == (["id", "name"], 0, 0)


# ---- columns for plots


@in_every_file
def test_columns_are_doubles_with_nan_for_null(rows: ResultRows, jobs: dict[str, Job], file: str) -> None:
    found = rows.columns(jobs[file], ["ties", "value"])
    for place, values in enumerate((TIES, VALUES)):
        assert found.column(place).type == pa.float64()
        assert found.column(place).null_count == 0
        assert np.array_equal(
            found.column(place).to_numpy(), np.ma.filled(values.astype(float), np.nan), equal_nan=True
        )


@pytest.mark.parametrize("most", [1, 7, ROWS - 1, ROWS, ROWS + 1])
def test_of_too_many_rows_every_so_many_comes(
    rows: ResultRows, jobs: dict[str, Job], monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(result_rows, "_MOST_POINTS", most)
    step = int(np.ceil(ROWS / most))
    found = rows.columns(jobs["parquet"], ["id"]).column(0).to_numpy()
    assert np.array_equal(found, IDS.data[::step])
    assert len(found) <= most


@pytest.mark.parametrize("names", [["name"], ["id", "name"], ["nothing"]])
def test_texts_and_what_is_not_there_are_no_columns_for_plots(
    rows: ResultRows, jobs: dict[str, Job], names: list[str]
) -> None:
    with pytest.raises(ParameterError):
        rows.columns(jobs["parquet"], names)


# ---- files


def files(rows: ResultRows) -> list[Path]:
    """Whole or not; locks are none."""
    return sorted(path for path in rows.folder.glob("*") if path.suffix != ".lock")


def numbers(*values: int) -> bytes:
    return parquet({"n": np.array(values)})


def test_another_attempt_has_rows_of_its_own(fresh: ResultRows, storage: Directory) -> None:
    first = kept(storage, "a/1.parquet", numbers(1, 2, 3))
    second = kept(storage, "a/2.parquet", numbers(4, 5, 6), attempt=2)
    for job, values in ((first, [2, 3]), (second, [5, 6]), (first, [2, 3])):
        assert fresh.view(job, View(1, 5)).table["n"].to_pylist() == values
    assert len(files(fresh)) == 2


def test_those_who_come_at_once_get_the_same_rows_and_leave_one_file(fresh: ResultRows, jobs: dict[str, Job]) -> None:
    with ThreadPoolExecutor(8) as threads:
        views = list(threads.map(lambda number: fresh.view(jobs["td.vot"], View(number, 3)), range(16)))
    for number, found in enumerate(views):
        assert_rows(found.table, expected(View())[number : number + 3])
    assert len(files(fresh)) == 1


def test_rows_that_somebody_holds_stay_when_their_file_goes(fresh: ResultRows, jobs: dict[str, Job]) -> None:
    held = fresh.view(jobs["parquet"], View(5, 100))
    for path in files(fresh):
        path.unlink()
    assert_rows(held.table, expected(View())[5:105])
    assert_rows(fresh.view(jobs["parquet"], View(5, 100)).table, expected(View())[5:105])


def test_room_is_made_by_removing_what_was_not_used_for_longest(
    fresh: ResultRows, storage: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    now = time.time()
    for number in range(4):
        job = kept(storage, f"b{number}/1.parquet", numbers(*range(1000)), job_id=f"b{number}")
        fresh.view(job, View(1, 1))
        (path,) = set(files(fresh)) - set(made)
        made.append(path)
        os.utime(path, (now - 1000 + number, now - 1000 + number))
    size = made[0].stat().st_size
    fresh.view(with_result("b0/1.parquet", job_id="b0"), View(1, 1))
    monkeypatch.setattr(result_rows, "_MOST_BYTES", 3 * size)
    fresh.view(kept(storage, "b9/1.parquet", numbers(*range(1000)), job_id="b9"), View(1, 1))
    assert [path.exists() for path in made] == [True, False, False, True]
    assert len(files(fresh)) == 3


def test_the_file_that_was_just_written_stays_however_large_it_is(
    fresh: ResultRows, storage: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_rows, "_MOST_BYTES", 1)
    for number in range(3):
        job = kept(storage, f"c{number}/1.parquet", numbers(number, number + 1), job_id=f"c{number}")
        assert fresh.view(job, View(1, 1)).table["n"].to_pylist() == [number + 1]
        assert len(files(fresh)) == 1


def test_a_prepared_result_needs_its_file_no_more(fresh: ResultRows, storage: Directory) -> None:
    job = kept(storage, "d/1.parquet", numbers(1, 2, 3))
    fresh.prepare(job)
    storage.remove_key("d/1.parquet")
    assert fresh.view(job, View(1, 5)).table["n"].to_pylist() == [2, 3]


@pytest.mark.parametrize("view", [View(), View(1, 5), View(sort="n")])
@pytest.mark.parametrize(
    "content", [b"", b"\0" * 100, b"PAR1 and no more", b"<html><p>An error</p></html>", b"SIMPLE  = "]
)
def test_what_is_no_table_is_said_and_leaves_nothing(
    fresh: ResultRows, storage: Directory, content: bytes, view: View
) -> None:
    job = kept(storage, "0/1.x", content)
    with pytest.raises(LoadError):
        fresh.view(job, view)
    fresh.prepare(job)
    assert files(fresh) == []


@pytest.mark.parametrize("view", [View(), View(1, 5)])
def test_a_result_that_is_gone_or_elsewhere_is_said(fresh: ResultRows, view: View) -> None:
    gone = with_result("gone/1.vot")
    (result,) = gone.results
    for job in (gone, replace(gone, results=(replace(result, url="https://example.org/x"),))):
        with pytest.raises(LoadError):
            fresh.view(job, view)
    assert files(fresh) == []
