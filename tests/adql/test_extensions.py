"""What this service takes beyond ADQL 2.1, as its capabilities announce: each answer against numpy or Python on the sample."""

import datetime as dt
import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow.parquet as pq
import pytest

from adql.errors import AdqlError
from adql.translate import translate
from schema import types
from schema.model import Catalogue
from tap.config import Config
from tap.errors import describe
from tests.adql import brute_force
from tests.conftest import SAMPLE, Run

Floats = npt.NDArray[np.float64]
Ngc = dict[str, list[Any]]
NGC: Ngc = pq.read_table(SAMPLE / "ngc.parquet").to_pydict()
STARS = pq.read_table(SAMPLE / "stars.parquet", columns=["tyc_id", "hip", "magnitude", "dec_degrees"])
VMAG: Floats = STARS["magnitude"].to_numpy()
DEC: Floats = STARS["dec_degrees"].to_numpy()
ROWS = [dict(zip(NGC, row, strict=True)) for row in zip(*NGC.values(), strict=True)]
IN_CONST = Counter(NGC["const"])
NEBULAE = [row for row in ROWS if row["obj_type"] == "PN"]

_random = np.random.default_rng(21)
_COUNT = 300
_HOLES = _random.random((4, _COUNT)) < 0.15
KINDS: dict[str, Any] = {
    "id": np.arange(_COUNT),
    "part": _random.choice(["a", "b", "c"], _COUNT).astype(object),
    "small": [None if hole else int(v) for v, hole in zip(_random.integers(-9, 9, _COUNT), _HOLES[0], strict=True)],
    "whole": [None if hole else int(v) for v, hole in zip(_random.integers(-(10**6), 10**6, _COUNT), _HOLES[1], strict=True)],
    "single": np.where(_HOLES[2], np.nan, _random.normal(3, 2, _COUNT)).astype(np.float32),
    "wide": np.where(_HOLES[3], np.nan, _random.normal(1e6, 2, _COUNT)),
    "nothing": [None] * _COUNT,
}  # fmt: skip
KINDS["part"][0] = "alone"
PARTS = sorted(set(KINDS["part"]))


def of(column: str) -> Floats:
    """A column of numbers, NaN where it is NULL."""
    return np.array([math.nan if v is None else v for v in KINDS[column]], float)


@pytest.fixture(scope="module", autouse=True)
def _tables(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    import pyarrow as pa

    typed = {"small": pa.array(KINDS["small"], pa.int16()), "whole": pa.array(KINDS["whole"], pa.int32()), "nothing": pa.nulls(_COUNT, pa.float64())}  # fmt: skip
    brute_force.put(config, tmp_path_factory.mktemp("kinds"), "kinds", KINDS | typed)
    yield
    brute_force.take_away(config, "kinds")


def refused(run: Run, query: str) -> AdqlError:
    with pytest.raises(AdqlError) as caught:
        run(query)
    return caught.value


def close(found: Any, expected: Any, rel: float = 1e-12) -> bool:
    if found is None or expected is None or isinstance(expected, str):
        return bool(found == expected)
    return math.isclose(found, expected, rel_tol=rel, abs_tol=1e-12)


def alike(found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]], rel: float = 1e-12) -> None:
    assert len(found) == len(expected)
    wrong = [
        pair
        for pair in zip(found, expected, strict=True)
        if not all(close(a, b, rel) for a, b in zip(*pair, strict=True))
    ]
    assert wrong[:3] == []


# ---- comments between /* and */


@pytest.mark.parametrize("text", [
    "/* first */ {}", "{} /* last */", "{}/**/", "{} /***/", "/* two\nlines */ {}", "/* a -- b */ {}", "{} -- /* to the end of the line", "{} -- */", "/* it's */ {}", '/* a " b */ {}',
    "/* a */ /* b */ {}", "/* a /* b */ {}", "/* / * // ** */ {}", "/*/ a */ {}", "/* é ☆ ; */ {}", "{}; /* after all */", "/* SELECT\tx */\n{}", "{} /* a */ -- b\n /* c */",
])  # fmt: skip
@pytest.mark.parametrize("query", ["SELECT id FROM answers.kinds WHERE id = 7", "SELECT/*a*/id/*b*/FROM/*c*/answers./*d*/kinds/**/WHERE id/* e */=/* f */7"])  # fmt: skip
def test_a_comment_is_as_good_as_a_space(run: Run, text: str, query: str) -> None:
    assert run(text.replace("{}", query)) == [(7,)]


def test_comment_marks_in_strings_and_names_are_none(run: Run) -> None:
    assert run("SELECT '/* a */' AS \"/* b */\" FROM answers.kinds WHERE id = 7") == [("/* a */",)]
    assert run("SELECT '*/' || '/*' AS x, id /* c */ AS y FROM answers.kinds WHERE id = 7") == [("*//*", 7)]
    assert run("SELECT 6/2, 2 * 3, 8/ /* a */ 2 FROM answers.kinds WHERE id = 7") == [(3, 6, 4)]


@pytest.mark.parametrize("text", ["SELECT id /* never FROM answers.kinds", "SELECT id FROM answers.kinds /*", "SELECT id FROM answers.kinds /*/", "SELECT id FROM answers.kinds /* a * /", "/* a -- */SELECT id FROM answers.kinds /* 'b'"])  # fmt: skip
def test_a_comment_without_end_is_told_where_it_begins(run: Run, text: str) -> None:
    error = refused(run, text)
    assert error.span.start == text.rindex("/*")
    assert "*/" in (error.hint or "")


@pytest.mark.parametrize("text", ["SELECT id */ FROM answers.kinds", "SELECT id /* a /* b */ c */ FROM answers.kinds", "SELECT id FROM answers.kinds */", "SE/* a */LECT id FROM answers.kinds", "SELECT id FROM answers.kinds WHERE id </**/= 7"])  # fmt: skip
def test_a_comment_ends_at_its_first_end_and_parts_words(run: Run, text: str) -> None:
    refused(run, text)


# ---- queries as values

LEAST = min(v for v in NGC["vmag"] if v is not None)
BRIGHTEST = float(VMAG.min())


def _brightest_of_each() -> list[tuple[str]]:
    least: dict[str, float] = {}
    for row in NEBULAE:
        if row["vmag"] is not None:
            least[row["const"]] = min(row["vmag"], least.get(row["const"], 99.0))
    return [(name,) for name in sorted(r["name"] for r in NEBULAE if r["vmag"] == least.get(r["const"], -99))]


def _near_andromeda() -> list[tuple[int]]:
    ra, dec = (np.array([math.nan if v is None else v for v in NGC[c]], float) for c in ("ra", "dec"))
    place = NGC["name"].index("NGC0224")
    return [(int((brute_force.separation(ra, dec, ra[place], dec[place]) < 1).sum()),)]


SCALARS: list[tuple[str, Callable[[], list[tuple[Any, ...]]]]] = [
    ("SELECT vmag FROM demo.stars WHERE vmag = (SELECT MIN(vmag) FROM demo.stars)", lambda: [(BRIGHTEST,)]),
    ("SELECT COUNT(*) FROM demo.stars WHERE vmag < (SELECT MIN(vmag) FROM demo.stars) + 3", lambda: [(int((VMAG < BRIGHTEST + 3).sum()),)]),
    ("SELECT COUNT(*) FROM demo.stars WHERE (SELECT AVG(vmag) FROM demo.stars WHERE vmag < 1) > vmag", lambda: [(int((VMAG[VMAG < 1].mean() > VMAG).sum()),)]),
    ("SELECT COUNT(*) FROM demo.stars WHERE vmag BETWEEN (SELECT MIN(vmag) FROM demo.stars) AND (SELECT 2 FROM demo.ngc WHERE name = 'NGC0001')", lambda: [(int((VMAG <= 2).sum()),)]),
    ("SELECT TOP 1 (SELECT COUNT(*) FROM demo.ngc) AS n, (SELECT MAX(name) FROM demo.ngc) || '!' AS m FROM demo.stars", lambda: [(len(ROWS), max(NGC["name"]) + "!")]),
    ("SELECT name FROM demo.ngc WHERE name = (SELECT TOP 1 name FROM demo.ngc WHERE vmag IS NOT NULL ORDER BY vmag, name)", lambda: [(min((r["vmag"], r["name"]) for r in ROWS if r["vmag"] is not None)[1],)]),
    ("SELECT COUNT(*) FROM demo.ngc WHERE vmag < (SELECT vmag FROM demo.ngc WHERE name = 'no such')", lambda: [(0,)]),
    ("SELECT (SELECT vmag FROM demo.ngc WHERE name = 'no such') AS x FROM demo.ngc WHERE name = 'NGC0001'", lambda: [(None,)]),
    ("SELECT COALESCE((SELECT vmag FROM demo.ngc WHERE name = 'no such'), 99) AS x FROM demo.ngc WHERE name = 'NGC0001'", lambda: [(99,)]),
    ("SELECT ABS((SELECT MIN(vmag) FROM demo.stars)) AS x FROM demo.ngc WHERE name = 'NGC0001'", lambda: [(abs(BRIGHTEST),)]),
    ("SELECT CASE WHEN (SELECT COUNT(*) FROM demo.ngc) > 10 THEN 'many' ELSE 'few' END AS x FROM demo.ngc WHERE name = 'NGC0001'", lambda: [("many",)]),
    ("SELECT const, COUNT(*) AS n FROM demo.ngc GROUP BY const HAVING COUNT(*) > (SELECT COUNT(*) FROM demo.ngc) / 20 ORDER BY const", lambda: [(c, n) for c in sorted(IN_CONST) if (n := IN_CONST[c]) > len(ROWS) // 20]),
    ("SELECT n.name, (SELECT COUNT(*) FROM demo.ngc AS m WHERE m.const = n.const) AS c FROM demo.ngc AS n WHERE n.messier IS NOT NULL ORDER BY n.name", lambda: [(r["name"], IN_CONST[r["const"]]) for r in sorted(ROWS, key=lambda r: r["name"]) if r["messier"]]),
    ("SELECT n.name FROM demo.ngc AS n WHERE n.obj_type = 'PN' AND n.vmag = (SELECT MIN(m.vmag) FROM demo.ngc AS m WHERE m.obj_type = n.obj_type AND m.const = n.const) ORDER BY n.name", _brightest_of_each),
    ("SELECT n.name FROM demo.ngc AS n WHERE n.obj_type = 'PN' ORDER BY (SELECT COUNT(*) FROM demo.ngc AS m WHERE m.const = n.const), n.name", lambda: [(r["name"],) for r in sorted(NEBULAE, key=lambda r: (IN_CONST[r["const"]], r["name"]))]),
    ("SELECT MAX(q.c) FROM (SELECT (SELECT COUNT(*) FROM demo.ngc AS m WHERE m.const = n.const) AS c FROM demo.ngc AS n WHERE n.messier IS NOT NULL) AS q", lambda: [(max(IN_CONST[r["const"]] for r in ROWS if r["messier"]),)]),
    ("WITH b AS (SELECT MIN(vmag) AS v FROM demo.stars) SELECT COUNT(*) FROM demo.ngc WHERE vmag > (SELECT v FROM b) + 9", lambda: [(sum(v is not None and v > BRIGHTEST + 9 for v in NGC["vmag"]),)]),
    ("SELECT name FROM demo.ngc WHERE vmag - (SELECT MIN(vmag) FROM demo.ngc) < 1 ORDER BY name", lambda: [(r["name"],) for r in sorted(ROWS, key=lambda r: r["name"]) if r["vmag"] is not None and r["vmag"] - LEAST < 1]),
    ("SELECT COUNT(*) FROM demo.stars WHERE vmag IN ((SELECT MIN(vmag) FROM demo.stars), -99)", lambda: [(int((VMAG == BRIGHTEST).sum()),)]),
    ("SELECT COUNT(*) FROM demo.ngc AS n WHERE DISTANCE(n.ra, n.dec, (SELECT ra FROM demo.ngc WHERE name = 'NGC0224'), (SELECT dec FROM demo.ngc WHERE name = 'NGC0224')) < 1", _near_andromeda),
]  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), SCALARS, ids=[query for query, _ in SCALARS])
def test_a_query_of_one_value_stands_for_it(
    run: Run, query: str, expected: Callable[[], list[tuple[Any, ...]]]
) -> None:
    alike(run(query), expected())


@pytest.mark.parametrize("query", [
    "SELECT name FROM demo.ngc WHERE vmag = (SELECT vmag FROM demo.ngc WHERE vmag < 7)", "SELECT (SELECT m.name FROM demo.ngc AS m WHERE m.const = n.const) AS x FROM demo.ngc AS n",
])  # fmt: skip
def test_more_than_one_row_where_one_value_stands_is_the_querys_fault(run: Run, query: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        run(query)
    answer = describe(caught.value)
    assert (answer.status, answer.expected) == (400, True)
    assert "row" in answer.message
    assert "cannot be run: the ON" not in answer.message


@pytest.mark.parametrize("query", [
    "SELECT name FROM demo.ngc WHERE vmag = (SELECT vmag, bmag FROM demo.ngc WHERE name = 'NGC0001')", "SELECT (SELECT * FROM demo.ngc WHERE name = 'NGC0001') AS x FROM demo.ngc",
    "SELECT name FROM demo.ngc WHERE vmag = (SELECT 'x' FROM demo.ngc WHERE name = 'NGC0001')", "SELECT ABS((SELECT name FROM demo.ngc WHERE name = 'NGC0001')) FROM demo.ngc", "SELECT name FROM demo.ngc WHERE (SELECT 1 FROM demo.ngc)",
    "SELECT name FROM demo.ngc WHERE vmag = (SELECT nosuch FROM demo.ngc)", "SELECT (SELECT MIN(vmag) FROM demo.stars FROM demo.ngc", "SELECT name FROM demo.ngc WHERE vmag = SELECT MIN(vmag) FROM demo.ngc", "SELECT MAX((SELECT MIN(m.vmag) FROM demo.ngc AS m)), name FROM demo.ngc",
])  # fmt: skip
def test_a_query_that_is_no_value_of_its_place_is_refused(run: Run, query: str) -> None:
    refused(run, query)


# ---- the greatest and the least


@pytest.mark.parametrize(("expression", "expected", "type_"), [
    ("GREATEST(1, 2)", 2, types.INTEGER), ("LEAST(1, 2)", 1, types.INTEGER), ("GREATEST(1, NULL)", 1, types.INTEGER), ("LEAST(NULL, 2, NULL)", 2, types.INTEGER), ("GREATEST(NULL, NULL)", None, None),
    ("GREATEST(1, 2.5)", 2.5, types.DOUBLE), ("LEAST(1, 2.5)", 1.0, types.DOUBLE), ("LEAST(1, 4295806720)", 1, types.BIGINT), ("GREATEST('a', 'b', 'ab')", "b", types.TEXT), ("GREATEST(-1, -2, -3)", -1, types.INTEGER),
    ("GREATEST(1, 2) + LEAST(3, 4)", 5, types.INTEGER), ("GREATEST(CAST(1 AS SMALLINT), 2)", 2, types.INTEGER), ("LEAST(CAST(2.5 AS REAL), CAST(3 AS DOUBLE PRECISION))", 2.5, types.DOUBLE),
])  # fmt: skip
def test_greatest_and_least_leave_nulls_out_and_widen_types(
    run: Run, catalogue: Catalogue, expression: str, expected: Any, type_: types.Type | None
) -> None:
    query = f"SELECT TOP 1 {expression} AS x FROM answers.kinds"
    ((found,),) = run(query)
    assert found == expected
    if type_ is not None:
        assert translate(query, catalogue).outputs[0].info.type is type_
        assert isinstance(found, str if type_.is_text else int if type_.is_integer else float)


@pytest.mark.parametrize("name", ["GREATEST", "LEAST"])
def test_greatest_and_least_of_columns_are_those_of_numpy(run: Run, name: str) -> None:
    found = run(f"SELECT {name}(small, single, wide / 1000000) FROM answers.kinds ORDER BY id")
    columns = np.stack([of("small"), of("single"), of("wide") / 1e6])
    best = (np.fmax if name == "GREATEST" else np.fmin).reduce(columns)
    alike(found, [(None if math.isnan(v) else v,) for v in best.tolist()], 1e-15)


@pytest.mark.parametrize("call", ["GREATEST()", "GREATEST(1, 'a')", "LEAST(name, vmag)", "LEAST(POINT(1, 2), POINT(2, 3))", "GREATEST(*)"])  # fmt: skip
def test_greatest_of_what_cannot_be_compared_is_refused(run: Run, call: str) -> None:
    refused(run, f"SELECT {call} FROM demo.ngc")


# ---- statistics

STATISTICS: dict[str, Callable[[Floats], float | None]] = {
    "STDDEV({})": lambda v: float(np.std(v, ddof=1)) if len(v) > 1 else None,
    "STDDEV_SAMP({})": lambda v: float(np.std(v, ddof=1)) if len(v) > 1 else None,
    "STDDEV_POP({})": lambda v: float(np.std(v)) if len(v) else None,
    "VARIANCE({})": lambda v: float(np.var(v, ddof=1)) if len(v) > 1 else None,
    "VAR_SAMP({})": lambda v: float(np.var(v, ddof=1)) if len(v) > 1 else None,
    "VAR_POP({})": lambda v: float(np.var(v)) if len(v) else None,
    "MEDIAN({})": lambda v: float(np.median(v)) if len(v) else None,
    "PERCENTILE({}, 0.9)": lambda v: float(np.quantile(v, 0.9)) if len(v) else None,
    "PERCENTILE({}, 0.25)": lambda v: float(np.quantile(v, 0.25)) if len(v) else None,
    "PERCENTILE({}, 0)": lambda v: float(v.min()) if len(v) else None,
    "PERCENTILE({}, 1)": lambda v: float(v.max()) if len(v) else None,
    "PERCENTILE({}, 0.5)": lambda v: float(np.median(v)) if len(v) else None,
}
NUMBERS = ["id", "small", "whole", "single", "wide", "nothing"]
# Spreads of 2 about 1,000,000 leave some ten digits of a double.
GOOD = {"wide": 1e-9, "single": 1e-6}


def there(values: Floats) -> Floats:
    return values[~np.isnan(values)]


@pytest.mark.parametrize("column", NUMBERS)
@pytest.mark.parametrize(("call", "truth"), STATISTICS.items(), ids=STATISTICS)
def test_statistics_are_those_of_numpy(
    run: Run, catalogue: Catalogue, call: str, truth: Callable[[Floats], float | None], column: str
) -> None:
    query = f"SELECT {call.format(column)} AS x FROM answers.kinds"
    alike(run(query), [(truth(there(of(column))),)], GOOD.get(column, 1e-12))
    assert translate(query, catalogue).outputs[0].info.type is types.DOUBLE
    grouped = run(f"SELECT part, {call.format(column)} AS x FROM answers.kinds GROUP BY part ORDER BY part")
    of_part = [there(of(column)[KINDS["part"] == part]) for part in PARTS]
    alike(grouped, [(p, truth(v)) for p, v in zip(PARTS, of_part, strict=True)], GOOD.get(column, 1e-12))


def test_statistics_stand_where_aggregates_do(run: Run) -> None:
    vmag = np.array([v for v in NGC["vmag"] if v is not None])
    alike(run("SELECT STDDEV(vmag) / AVG(vmag), MEDIAN(vmag) * 2 FROM demo.ngc"), [(vmag.std(ddof=1) / vmag.mean(), float(np.median(vmag)) * 2)])  # fmt: skip
    alike(run("SELECT MEDIAN(vmag), PERCENTILE(vmag, 0.999) FROM demo.stars"), [(float(np.median(VMAG)), float(np.quantile(VMAG, 0.999)))])  # fmt: skip
    of_type = {t: np.array([r["vmag"] for r in ROWS if r["obj_type"] == t and r["vmag"] is not None]) for t in set(NGC["obj_type"])}  # fmt: skip
    expected = [(t, float(np.median(v))) for t, v in sorted(of_type.items()) if len(v) > 1 and np.std(v, ddof=1) > 1.5]
    alike(run("SELECT obj_type, MEDIAN(vmag) AS m FROM demo.ngc GROUP BY obj_type HAVING STDDEV(vmag) > 1.5 ORDER BY obj_type"), expected)  # fmt: skip
    alike(run("SELECT obj_type FROM demo.ngc GROUP BY obj_type HAVING STDDEV(vmag) > 1.5 ORDER BY MEDIAN(vmag), obj_type"), [(t,) for t, _ in sorted(expected, key=lambda e: (e[1], e[0]))])  # fmt: skip
    alike(run("SELECT MEDIAN(q.n) AS m FROM (SELECT COUNT(*) AS n FROM demo.ngc GROUP BY const) AS q"), [(float(np.median([IN_CONST[c] for c in IN_CONST])),)])  # fmt: skip
    alike(run("SELECT MEDIAN(vmag), STDDEV(vmag), CORR(vmag, bmag) FROM demo.ngc WHERE name = 'no such'"), [(None, None, None)])  # fmt: skip


@pytest.mark.parametrize("pair", [("small", "whole"), ("single", "wide"), ("id", "single"), ("whole", "id")])
def test_a_correlation_is_of_the_rows_that_have_both(run: Run, pair: tuple[str, str]) -> None:
    x, y = (of(name) for name in pair)
    both = ~np.isnan(x) & ~np.isnan(y)
    alike(run(f"SELECT CORR({pair[0]}, {pair[1]}) FROM answers.kinds"), [(float(np.corrcoef(x[both], y[both])[0, 1]),)], 1e-7)  # fmt: skip
    grouped = run(f"SELECT part, CORR({pair[0]}, {pair[1]}) FROM answers.kinds WHERE part <> 'alone' GROUP BY part ORDER BY part")  # fmt: skip
    masks = [(p, both & (KINDS["part"] == p)) for p in PARTS if p != "alone"]
    alike(grouped, [(p, float(np.corrcoef(x[m], y[m])[0, 1])) for p, m in masks], 1e-7)


def test_a_correlation_with_what_does_not_vary_is_null(run: Run) -> None:
    assert run("SELECT CORR(id, 5), CORR(id, nothing), CORR(id, id) FROM answers.kinds") == [(None, None, 1.0)]


@pytest.mark.parametrize("call", [
    "STDDEV(name)", "MEDIAN(name)", "VARIANCE(*)", "MEDIAN()", "MEDIAN(vmag, bmag)", "PERCENTILE(vmag)", "PERCENTILE(vmag, 1.5)", "PERCENTILE(vmag, -0.1)", "PERCENTILE(vmag, bmag)", "PERCENTILE(vmag, '0.5')", "PERCENTILE(vmag, NULL)",
    "PERCENTILE(0.5, vmag)", "CORR(vmag)", "CORR(vmag, name)", "STDDEV(vmag), name", "MAX(STDDEV(vmag))", "MEDIAN(POINT(ra, dec))", "PERCENTILE(vmag, 90)",
])  # fmt: skip
def test_statistics_of_what_is_no_number_are_refused(run: Run, call: str) -> None:
    refused(run, f"SELECT {call} FROM demo.ngc")


def test_statistics_stand_in_no_where(run: Run) -> None:
    for call in ("STDDEV(vmag)", "MEDIAN(vmag)", "PERCENTILE(vmag, 0.5)", "CORR(vmag, bmag)"):
        assert "HAVING" in (refused(run, f"SELECT name FROM demo.ngc WHERE {call} > 1").hint or "")


# ---- one row among others: window functions

Row = dict[str, Any]
Window = Callable[[list[Row], int], Any]


def number(row: Row) -> float:
    """NULLs come last, as in ORDER BY."""
    return math.inf if row["vmag"] is None else float(row["vmag"])


def numbers(rows: list[Row]) -> list[float]:
    return [float(r["vmag"]) for r in rows if r["vmag"] is not None]


def up_to(rows: list[Row], place: int) -> list[float]:
    """Of the rows before, and of those that are level with this one."""
    return numbers([r for r in rows if number(r) <= number(rows[place])])


def mean(values: list[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


BY_NAME, BY_VMAG = "ORDER BY name", "ORDER BY vmag"
WINDOWS: list[tuple[str, str, Window]] = [
    ("ROW_NUMBER()", BY_NAME, lambda rows, i: i + 1), ("ROW_NUMBER()", "ORDER BY vmag, name", lambda rows, i: i + 1), ("RANK()", BY_VMAG, lambda rows, i: 1 + sum(number(r) < number(rows[i]) for r in rows)),
    ("DENSE_RANK()", BY_VMAG, lambda rows, i: 1 + len({number(r) for r in rows if number(r) < number(rows[i])})), ("COUNT(*)", "", lambda rows, i: len(rows)), ("COUNT(vmag)", "", lambda rows, i: len(numbers(rows))),
    ("COUNT(*)", BY_NAME, lambda rows, i: i + 1), ("SUM(vmag)", "", lambda rows, i: math.fsum(numbers(rows)) if numbers(rows) else None), ("AVG(vmag)", "", lambda rows, i: mean(numbers(rows))),
    ("MIN(vmag)", "", lambda rows, i: min(numbers(rows), default=None)), ("MAX(vmag)", "", lambda rows, i: max(numbers(rows), default=None)), ("MAX(name)", "", lambda rows, i: max(r["name"] for r in rows)),
    ("SUM(vmag)", BY_NAME, lambda rows, i: math.fsum(numbers(rows[: i + 1])) if numbers(rows[: i + 1]) else None), ("SUM(vmag)", BY_VMAG, lambda rows, i: math.fsum(up_to(rows, i)) if up_to(rows, i) else None),
    ("AVG(vmag)", BY_VMAG, lambda rows, i: mean(up_to(rows, i))), ("MIN(vmag)", BY_NAME, lambda rows, i: min(numbers(rows[: i + 1]), default=None)), ("LAG(vmag)", BY_NAME, lambda rows, i: rows[i - 1]["vmag"] if i else None),
    ("LEAD(name)", "ORDER BY vmag, name", lambda rows, i: rows[i + 1]["name"] if i + 1 < len(rows) else None), ("LAG(name, 2)", BY_NAME, lambda rows, i: rows[i - 2]["name"] if i > 1 else None), ("LEAD(vmag, 3)", BY_NAME, lambda rows, i: rows[i + 3]["vmag"] if i + 3 < len(rows) else None),
]  # fmt: skip
SORTS: dict[str, Callable[[Row], Any]] = {
    "": lambda r: r["name"],
    BY_NAME: lambda r: r["name"],
    BY_VMAG: lambda r: (number(r), r["name"]),
    "ORDER BY vmag, name": lambda r: (number(r), r["name"]),
}


@pytest.mark.parametrize("part", [None, "const"])
@pytest.mark.parametrize(("call", "order", "truth"), WINDOWS)
def test_a_window_function_sees_the_rows_of_its_window(
    run: Run, call: str, order: str, truth: Window, part: str | None
) -> None:
    groups: dict[Any, list[Row]] = {}
    for row in sorted(NEBULAE, key=SORTS[order]):
        groups.setdefault(row[part] if part else None, []).append(row)
    expected = {rows[i]["name"]: truth(rows, i) for rows in groups.values() for i in range(len(rows))}
    over = f"PARTITION BY {part} {order}" if part else order
    found = run(f"SELECT name, {call} OVER ({over}) AS x FROM demo.ngc WHERE obj_type = 'PN' ORDER BY name")
    alike(found, sorted(expected.items()))


@pytest.mark.parametrize(("query", "expected"), [
    ("SELECT q.name FROM (SELECT name, const, ROW_NUMBER() OVER (PARTITION BY const ORDER BY vmag, name) AS n FROM demo.ngc WHERE obj_type = 'PN' AND vmag IS NOT NULL) AS q WHERE q.n = 1 ORDER BY q.name",
     lambda: sorted((min((r["vmag"], r["name"]) for r in NEBULAE if r["const"] == c and r["vmag"] is not None)[1],) for c in {r["const"] for r in NEBULAE if r["vmag"] is not None})),
    ("SELECT name, ROW_NUMBER() OVER (ORDER BY vmag DESC, name) AS n FROM demo.ngc WHERE obj_type = 'PN' ORDER BY n",
     lambda: [(r["name"], i + 1) for i, r in enumerate(sorted(NEBULAE, key=lambda r: (math.inf if r["vmag"] is None else -r["vmag"], r["name"])))]),
    ("SELECT name FROM demo.ngc WHERE obj_type = 'PN' ORDER BY RANK() OVER (ORDER BY name DESC)", lambda: [(r["name"],) for r in sorted(NEBULAE, key=lambda r: r["name"], reverse=True)]),
    ("SELECT TOP 2 name, COUNT(*) OVER () AS n FROM demo.ngc WHERE obj_type = 'PN' ORDER BY name", lambda: [(n, len(NEBULAE)) for n in sorted(r["name"] for r in NEBULAE)[:2]]),
    ("SELECT name, vmag - AVG(vmag) OVER () AS d FROM demo.ngc WHERE obj_type = 'PN' ORDER BY name", lambda: [(r["name"], None if r["vmag"] is None else r["vmag"] - (mean(numbers(NEBULAE)) or 0)) for r in sorted(NEBULAE, key=lambda r: r["name"])]),
    ("SELECT const, COUNT(*) AS n, RANK() OVER (ORDER BY COUNT(*) DESC) AS r FROM demo.ngc GROUP BY const ORDER BY const",
     lambda: [(c, IN_CONST[c], 1 + sum(IN_CONST[d] > IN_CONST[c] for d in IN_CONST)) for c in sorted(IN_CONST)]),
])  # fmt: skip
def test_windows_go_together_with_the_rest_of_a_query(
    run: Run, query: str, expected: Callable[[], list[tuple[Any, ...]]]
) -> None:
    alike(run(query), expected())


@pytest.mark.parametrize(("call", "type_"), [("ROW_NUMBER()", types.BIGINT), ("RANK()", types.BIGINT), ("COUNT(*)", types.BIGINT), ("LAG(name)", types.TEXT), ("LEAD(radial_velocity)", types.INTEGER), ("SUM(radial_velocity)", types.BIGINT), ("AVG(radial_velocity)", types.DOUBLE), ("MIN(vmag)", types.DOUBLE)])  # fmt: skip
def test_a_window_function_has_the_type_of_what_it_gives(catalogue: Catalogue, call: str, type_: types.Type) -> None:
    assert translate(f"SELECT {call} OVER (ORDER BY name) AS x FROM demo.ngc", catalogue).outputs[0].info.type is type_


@pytest.mark.parametrize("query", [
    "SELECT name FROM demo.ngc WHERE ROW_NUMBER() OVER (ORDER BY name) < 5", "SELECT COUNT(*) FROM demo.ngc GROUP BY RANK() OVER (ORDER BY name)", "SELECT const FROM demo.ngc GROUP BY const HAVING SUM(COUNT(*)) OVER () > 5",
    "SELECT name FROM demo.ngc WHERE vmag > AVG(vmag) OVER (PARTITION BY const)", "SELECT const FROM demo.ngc GROUP BY const HAVING ROW_NUMBER() OVER (ORDER BY const) < 5",
])  # fmt: skip
def test_a_window_function_chooses_rows_in_a_query_round_it_only(run: Run, query: str) -> None:
    hint = (refused(run, query).hint or "").lower()
    assert any(word in hint for word in ("sub-query", "subquery", "query in from", "(select")), hint


@pytest.mark.parametrize("query", [
    "SELECT ROW_NUMBER() FROM demo.ngc", "SELECT RANK() OVER FROM demo.ngc", "SELECT ROW_NUMBER() OVER (vmag) FROM demo.ngc", "SELECT ROW_NUMBER(vmag) OVER (ORDER BY vmag) FROM demo.ngc", "SELECT LAG() OVER (ORDER BY vmag) FROM demo.ngc",
    "SELECT LAG(vmag) FROM demo.ngc", "SELECT ABS(vmag) OVER (ORDER BY vmag) FROM demo.ngc", "SELECT SUM(RANK() OVER (ORDER BY vmag)) FROM demo.ngc", "SELECT RANK() OVER (ORDER BY RANK() OVER (ORDER BY vmag)) FROM demo.ngc",
    "SELECT COUNT(DISTINCT const) OVER () FROM demo.ngc", "SELECT RANK() OVER (ORDER BY nosuch) FROM demo.ngc", "SELECT RANK() OVER (PARTITION BY POINT(ra, dec) ORDER BY vmag) FROM demo.ngc", "SELECT a.name FROM demo.ngc AS a JOIN demo.ngc AS b ON RANK() OVER (ORDER BY a.name) = 1",
    "SELECT MEDIAN(vmag) OVER (ORDER BY name) FROM demo.ngc",
])  # fmt: skip
def test_what_is_no_window_is_refused(run: Run, query: str) -> None:
    refused(run, query)


@pytest.mark.parametrize("name", "over partition rank dense_rank row_number lag lead median percentile corr stddev variance greatest least".split())  # fmt: skip
def test_words_of_the_extensions_are_still_names(run: Run, name: str) -> None:
    assert run(f"SELECT q.{name} FROM (SELECT id AS {name} FROM answers.kinds WHERE id = 7) AS q WHERE {name} = 7") == [(7,)]  # fmt: skip
    assert run(f"SELECT id {name} FROM answers.kinds AS {name} WHERE {name}.id = 7") == [(7,)]


# ---- hints


@pytest.mark.parametrize(("query", "hint"), [
    ("SELECT name FROM demo.ngc WHERE const = Ori", "'Ori'"), ("SELECT name FROM demo.ngc WHERE Ori = const", "'Ori'"), ("SELECT name FROM demo.ngc WHERE obj_type <> PN", "'PN'"), ("SELECT name FROM demo.ngc WHERE const IN (Ori, Peg)", "'Ori'"),
    ("SELECT name FROM demo.ngc WHERE name LIKE NGC0001", "'NGC0001'"), ("SELECT COUNT(*) FROM demo.ngc AS n WHERE n.const = Ori AND n.vmag < 9", "'Ori'"),
    ("SELECT TOP 1 TIMESTAMP '2015-02-01 00:00:00' AS t FROM demo.ngc", "CAST('2015-02-01 00:00:00' AS TIMESTAMP)"), ("SELECT TIMESTAMP('2015-02-01') FROM demo.ngc", "CAST('2015-02-01' AS TIMESTAMP)"),
    ("SELECT name FROM demo.ngc WHERE vmag > timestamp '2015-02-01'", "CAST('2015-02-01' AS TIMESTAMP)"),
    ("SELECT DEGRES(1) FROM demo.ngc", "DEGREES"), ("SELECT DISTENCE(ra, dec, 1, 2) FROM demo.ngc", "DISTANCE"), ("SELECT STDEV(vmag) FROM demo.ngc", "STDDEV"), ("SELECT MEDAIN(vmag) FROM demo.ngc", "MEDIAN"), ("SELECT COALESE(vmag, 1) FROM demo.ngc", "COALESCE"),
    ("SELECT healpix_index(6, ra, dec) FROM demo.ngc", "ivo_healpix_index"), ("SELECT TRUNKATE(vmag) FROM demo.ngc", "TRUNCATE"), ("SELECT GREATST(vmag, bmag) FROM demo.ngc", "GREATEST"),
])  # fmt: skip
def test_a_usual_slip_is_told_how_to_write_it(run: Run, query: str, hint: str) -> None:
    found = refused(run, query).hint or ""
    assert hint in found, found


@pytest.mark.parametrize(("name", "other"), [("MOC", "MOD"), ("TAB", "TAN"), ("ABC", "ABS"), ("SOS", "COS"), ("LOW", "LOG"), ("FOO", "FLOOR"), ("MASK", "MAX")])  # fmt: skip
def test_a_short_name_of_something_else_is_no_slip_of_another(run: Run, name: str, other: str) -> None:
    assert other not in (refused(run, f"SELECT {name}(vmag) FROM demo.ngc").hint or "")


def test_a_hint_names_few_functions_and_the_nearest_first(run: Run) -> None:
    hint = refused(run, "SELECT DEGRES(1) FROM demo.ngc").hint or ""
    assert "RADIANS" not in hint
    assert hint.count(" or ") == 0


# ---- times to the minute


@pytest.mark.parametrize(("text", "moment"), [
    ("2020-05-04T16:07", dt.datetime(2020, 5, 4, 16, 7)), ("2020-05-04 16:07", dt.datetime(2020, 5, 4, 16, 7)), ("2020-05-04T16:07Z", dt.datetime(2020, 5, 4, 16, 7)), ("2020-05-04T00:00", dt.datetime(2020, 5, 4)),
    ("2020-05-04T16:07:01", dt.datetime(2020, 5, 4, 16, 7, 1)),
])  # fmt: skip
def test_a_time_may_do_without_seconds(run: Run, text: str, moment: dt.datetime) -> None:
    assert run(f"SELECT TOP 1 CAST('{text}' AS TIMESTAMP) AS t FROM answers.kinds") == [(moment,)]
    same = f"CAST('{text}' AS TIMESTAMP) = CAST('{moment.isoformat()}' AS TIMESTAMP)"
    assert run(f"SELECT COUNT(*) FROM answers.kinds WHERE id = 7 AND {same}") == [(1,)]


@pytest.mark.parametrize("text", ["2020-05-04T16", "2020-05-04T16:7", "2020-05-04T1607", "2020-05-04T16:07:", "16:07", "2020-05-04T16:07+02:00"])  # fmt: skip
def test_half_a_minute_is_no_time(run: Run, text: str) -> None:
    refused(run, f"SELECT TOP 1 CAST('{text}' AS TIMESTAMP) AS t FROM answers.kinds")


# ---- long lists

MANY = 100_000
HIP: npt.NDArray[np.int64] = STARS["hip"].to_numpy(zero_copy_only=False)
HAS_HIP = ~np.isnan(HIP)
WANTED = np.random.default_rng(9).choice(np.arange(-50_000, 200_000), MANY, replace=False)
IN_HIP = np.isin(HIP, WANTED) & HAS_HIP
TYC = np.array(STARS["tyc_id"].to_pylist())
NAMES = np.concatenate([np.random.default_rng(10).choice(TYC, MANY - 1, replace=False), np.array(["it's none"])])
HIPS, TEXTS = ", ".join(map(str, WANTED.tolist())), ", ".join("'" + n.replace("'", "''") + "'" for n in NAMES.tolist())
REALS = np.round(np.arange(MANY) * 0.003 - 2, 3)
LISTS: list[tuple[str, npt.NDArray[np.bool_]]] = [
    (f"hip IN ({HIPS})", IN_HIP), (f"hip NOT IN ({HIPS})", HAS_HIP & ~IN_HIP), (f"tyc_id IN ({TEXTS})", np.isin(TYC, NAMES)), (f"tyc_id NOT IN ({TEXTS})", ~np.isin(TYC, NAMES)),
    (f"vmag < 9 AND (hip IN ({HIPS}) OR dec > 89) AND NOT tyc_id = '1-13-1'", (VMAG < 9) & (IN_HIP | (DEC > 89)) & (TYC != "1-13-1")),
    (f"vmag IN ({', '.join(map(repr, REALS.tolist()))})", np.isin(VMAG, REALS)), (f"CASE WHEN hip IN ({HIPS}) THEN 1 ELSE 0 END = 1", IN_HIP),
]  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        pytest.param(*case, marks=pytest.mark.long if place in {1, 2, 3, 4, 5, 6} else ())
        for place, case in enumerate(LISTS)
    ],
    ids=[c[:12] for c, _ in LISTS],
)
def test_a_hundred_thousand_values_are_looked_for_at_once(
    run: Run, condition: str, truth: npt.NDArray[np.bool_]
) -> None:
    assert run(f"SELECT COUNT(*), SUM(hip), MIN(vmag) FROM demo.stars WHERE {condition}") == [
        (int(truth.sum()), int(np.nansum(HIP[truth])), float(VMAG[truth].min()))
    ]


@pytest.mark.long
def test_a_null_among_many_values_leaves_nothing_outside(run: Run) -> None:
    assert run(f"SELECT COUNT(*) FROM demo.stars WHERE hip NOT IN ({HIPS}, NULL)") == [(0,)]
    assert run(f"SELECT COUNT(*) FROM demo.stars WHERE hip IN (NULL, {HIPS})") == [(int(IN_HIP.sum()),)]


def test_an_error_in_a_long_list_is_told_at_its_place(run: Run) -> None:
    error = refused(run, f"SELECT hip FROM demo.stars WHERE hip IN ({HIPS}, 'x')")
    assert error.text[error.span.start : error.span.end] == "'x'"
    assert len(error.explain()) < 1000
