"""What is calculated with arrays on a real database, against numpy.

The oracle has an array as a masked one, in which a NULL is masked; None is an array that is NULL itself.
"""

import math
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adql.errors import AdqlError
from adql.translate import translate
from schema import types
from schema.tap_schema import read_catalogue
from schema.types import Type
from tap.config import Config
from tap.errors import describe
from tests.adql import brute_force
from tests.conftest import Run

Array = Any
"""A masked array of numpy, or None."""
Oracle = Callable[[int], Array]
"""Gives the value in a row."""

ROWS = 40
_random = np.random.default_rng(40)
_TYPES = {"d": (types.DOUBLES, pa.float64()), "r": (types.REALS, pa.float32()), "n": (types.INTS, pa.int32()), "k": (types.SMALLINTS, pa.int16()), "b": (types.BIGINTS, pa.int64())}  # fmt: skip
_EDGES: dict[int, list[Any] | None] = {0: None, 1: [], 2: [None], 3: [None, None, None], 4: [7], 5: [0, 0, 0, 0]}


def _values(column: str) -> list[list[Any] | None]:
    """Arrays of 0 to 6 elements, some of them NULL; among those of doubles NaN and infinity."""
    values: list[list[Any] | None] = []
    for row in range(ROWS):
        numbers = _random.integers(-9, 10, _random.integers(0, 7)).tolist()
        array = [None if _random.random() < 0.15 else v / 4 if column in "dr" else v for v in numbers]
        values.append(_EDGES.get(row, array))
    if column == "d":
        values[6:9] = [[1.5, math.nan, None, -2.0], [math.nan, math.nan], [math.inf, 1.0, -math.inf]]
    return values


COLUMNS = {column: _values(column) for column in _TYPES}
X = [None if row == 9 else float(row) - 7.5 for row in range(ROWS)]
M = [None if row == 10 else row % 9 - 1 for row in range(ROWS)]
FLAGS = [None if row == 4 else [v is not None and v > 0 if v != 3 else None for v in COLUMNS["n"][row] or []] for row in range(ROWS)]  # fmt: skip
MATRIX = [None if row == 3 else list(range(row, row + 6)) for row in range(ROWS)]


@pytest.fixture(scope="module", autouse=True)
def _tables(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    arrays = {column: pa.array(COLUMNS[column], pa.list_(kind)) for column, (_, kind) in _TYPES.items()}
    scalars = {"id": pa.array(range(ROWS), pa.int32()), "x": pa.array(X), "m": pa.array(M, pa.int32())}
    fixed = {"f": pa.array(FLAGS, pa.list_(pa.bool_())), "v": pa.array(MATRIX, pa.list_(pa.int32(), 6))}
    rows_of_three = [None if matrix is None else [matrix[:3], matrix[3:]] for matrix in MATRIX]
    fixed["w"] = pa.array(rows_of_three, pa.list_(pa.list_(pa.int32(), 3), 2))
    units = {"d": "Jy", "r": "Jy", "n": "s"}
    ucds = {"d": "phot.flux;meta.main"}
    brute_force.put(
        config, tmp_path_factory.mktemp("arrays"), "arrays", scalars | arrays | fixed, units=units, ucds=ucds
    )
    yield
    brute_force.take_away(config, "arrays")


def column(run: Run, expression: str) -> list[Any]:
    return [value for (value,) in run(f"SELECT {expression} FROM answers.arrays ORDER BY id")]


def masked(values: list[Any] | None, type_: Type = types.DOUBLES) -> Array:
    if values is None:
        return None
    dtype = {types.REALS: "f4", types.DOUBLES: "f8"}.get(type_, "i8")
    return np.ma.array([0 if v is None else v for v in values], dtype, mask=[v is None for v in values])


def unmasked(array: Array) -> list[Any] | None:
    return None if array is None else array.tolist()


def agrees(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and all(map(agrees, found, wanted))
    if found is None or wanted is None or isinstance(wanted, list):
        return found is wanted
    return bool(found == pytest.approx(wanted, rel=1e-6, nan_ok=True))


def check(found: list[Any], wanted: list[Any]) -> None:
    wrong = [(row, f, w) for row, (f, w) in enumerate(zip(found, wanted, strict=True)) if not agrees(f, w)]
    assert not wrong


def without_nan(values: list[Any] | None) -> Any:
    return np.array([v for v in values or [] if v is not None and not math.isnan(v)], float)


def as_column(element: Any) -> Any:
    """Return an element as it is when it stands alone, where NaN is NULL as in every column."""
    return None if element is not None and math.isnan(element) else element


# ---- any expression of arrays


@dataclass(frozen=True)
class Expression:
    """An expression in ADQL, its type, and what numpy makes of it in a row."""

    text: str
    type: Type
    of_row: Oracle


def _leaf(name: str) -> Expression:
    type_ = _TYPES[name][0]
    return Expression(name, type_, lambda row: masked(COLUMNS[name][row], type_))


def _padded(left: Array, right: Array) -> tuple[Array, Array]:
    """Make both as long as the longer one, with NULLs."""
    length = max(np.size(a) if np.ndim(a) else 0 for a in (left, right))

    def long(a: Array) -> Array:
        if not np.ndim(a):
            return a
        more = length - np.size(a)
        mask = np.concatenate([np.ma.getmaskarray(a), np.ones(more, bool)])
        return np.ma.array(np.concatenate([a.data, np.ones(more, a.dtype)]), mask=mask)

    return long(left), long(right)


_OPERATORS: dict[str, Callable[[Array, Array], Array]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def _calculated(sign: str, left: Expression, right: Expression) -> Expression:
    type_ = types.wider(
        left.type if left.type.is_array else right.type, right.type if right.type.is_array else left.type
    )
    type_ = types.INTS if type_ is types.SMALLINTS else type_
    assert type_ is not None

    def of_row(row: int) -> Array:
        values = left.of_row(row), right.of_row(row)
        if values[0] is None or values[1] is None:
            return None
        return _OPERATORS[sign](*_padded(*values))

    return Expression(f"({left.text} {sign} {right.text})", type_, of_row)


def _part(array: Expression, first: int, last: int) -> Expression:
    def of_row(row: int) -> Array:
        value = array.of_row(row)
        return None if value is None else value[first - 1 : max(last, first - 1)]

    return Expression(f"{array.text}[{first}:{last}]", array.type, of_row)


def _negative(array: Expression) -> Expression:
    def of_row(row: int) -> Array:
        value = array.of_row(row)
        return None if value is None else -value

    return Expression(f"(-{array.text})", array.type, of_row)


def _mapped(array: Expression) -> Expression:
    def of_row(row: int) -> Array:
        value = array.of_row(row)
        if value is None:
            return None
        value = value.astype(float)
        return np.ma.masked_where(np.isnan(value.data), value) * 0.5 + row

    return Expression(f"arr_map(x * 0.5 + id, {array.text})", types.DOUBLES, of_row)


_SCALAR = Expression("id", types.INTS, np.int64)
_NUMBER = Expression("0.25", types.DOUBLES, lambda _: np.float64(0.25))
_LEAVES = st.sampled_from([_leaf("d"), _leaf("n"), _leaf("b")])
_SCALARS = st.sampled_from([_SCALAR, _NUMBER])


def _larger(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    signs = st.sampled_from("+-*")
    return (
        st.builds(_calculated, signs, inner, inner)
        | st.builds(_calculated, signs, inner, _SCALARS)
        | st.builds(_calculated, signs, _SCALARS, inner)
        | st.builds(_part, inner, st.integers(1, 5), st.integers(0, 8))
        | st.builds(_negative, inner)
        | st.builds(_mapped, inner)
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.recursive(_LEAVES, _larger, max_leaves=6))
def test_any_expression_gives_what_numpy_gives(run: Run, expression: Expression) -> None:
    check(column(run, expression.text), [unmasked(expression.of_row(row)) for row in range(ROWS)])


@pytest.mark.parametrize(
    ("left", "right"), [(a, b) for a in _TYPES for b in (*_TYPES, "0.5", "3", "id") if a != "b" or b != "b"]
)
def test_results_have_the_types_of_the_elements(reader: psycopg.Connection, left: str, right: str) -> None:
    scalars = {"0.5": types.DOUBLES, "3": types.INTS, "id": types.INTS}
    expression = f"{left} + {right}"
    type_ = types.wider(_TYPES[left][0], scalars.get(right) or _TYPES[right][0])
    info = translate(f"SELECT {expression} FROM answers.arrays", read_catalogue(reader)).outputs[0].info
    assert info.type is (types.INTS if type_ is types.SMALLINTS else type_)
    ((stored,),) = run_types(reader, f"SELECT {expression} FROM answers.arrays WHERE id = 20")
    assert info.type is not None
    assert stored == info.type.name


def run_types(reader: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    sql = translate(query, read_catalogue(reader)).sql
    return reader.execute(f"SELECT pg_typeof(c1)::text FROM ({sql}) AS q".encode()).fetchall()


# ---- elements and parts


@pytest.mark.parametrize("name", _TYPES)
@pytest.mark.parametrize("index", [-1, 0, 1, 2, 6, 7, 2**31 - 1, 2**31, 2**40, "m"])
def test_an_element_is_numpys_and_null_beyond_the_ends(run: Run, name: str, index: int | str) -> None:
    def wanted(row: int) -> Any:
        values, place = COLUMNS[name][row], M[row] if index == "m" else index
        if values is None or not isinstance(place, int) or not 1 <= place <= len(values):
            return None
        return as_column(values[place - 1])

    check(column(run, f"{name}[{index}]"), [wanted(row) for row in range(ROWS)])


@pytest.mark.parametrize("first", [-2, 0, 1, 3, 9, None, "m"])
@pytest.mark.parametrize("last", [-1, 0, 2, 3, 99, None, "m + 1"])
def test_a_part_is_numpys_both_ends_included(run: Run, first: int | str | None, last: int | str | None) -> None:
    def wanted(row: int) -> Any:
        values = COLUMNS["n"][row]
        start = M[row] if first == "m" else 1 if first is None else first
        m = M[row]
        stop = (None if m is None else m + 1) if last == "m + 1" else len(values or []) if last is None else last
        if values is None or not isinstance(start, int) or not isinstance(stop, int):
            return None
        return values[max(start - 1, 0) : max(stop, 0)]

    text = f"n[{'' if first is None else first}:{'' if last is None else last}]"
    check(column(run, text), [wanted(row) for row in range(ROWS)])


def test_a_matrix_has_rows_and_these_have_elements(run: Run) -> None:
    """The shape 3x2 of a file would be (2, 3) in numpy; a list of Parquet has one dimension."""
    check(column(run, "v[2:4]"), [None if m is None else m[1:4] for m in MATRIX])
    check(column(run, "ARRAY_LENGTH(v)"), [None if m is None else 6 for m in MATRIX])


@pytest.mark.parametrize("matrix", ["w", "COALESCE(w, w)", "CASE WHEN id >= 0 THEN w END", "NULLIF(w, NULL)", "CASE WHEN id < 0 THEN NULL ELSE w END"])  # fmt: skip
def test_a_matrix_stays_one_in_conditions(run: Run, matrix: str) -> None:
    check(column(run, f"({matrix})[2]"), [None if m is None else m[3:] for m in MATRIX])
    check(column(run, f"({matrix})[2][1]"), [None if m is None else m[3] for m in MATRIX])
    check(column(run, f"ARRAY_LENGTH({matrix})"), [None if m is None else 2 for m in MATRIX])


@pytest.mark.parametrize("query", ["SELECT id, w FROM answers.arrays UNION ALL SELECT -1, NULL FROM answers.arrays WHERE id = 0", "SELECT -1 AS id, NULL AS w FROM answers.arrays WHERE id = 0 UNION ALL SELECT id, w FROM answers.arrays"])  # fmt: skip
def test_a_matrix_stays_one_in_unions(run: Run, query: str) -> None:
    found = [row for (row,) in run(f"SELECT q.w[2] FROM ({query}) AS q WHERE id >= 0 ORDER BY id")]
    check(found, [None if m is None else m[3:] for m in MATRIX])


@pytest.mark.parametrize("query", ["SELECT COALESCE(w, v) FROM answers.arrays", "SELECT CASE WHEN id > 0 THEN w ELSE n END FROM answers.arrays", "SELECT w FROM answers.arrays UNION SELECT v FROM answers.arrays"])  # fmt: skip
def test_a_matrix_meets_no_array_of_another_shape(run: Run, query: str) -> None:
    with pytest.raises(AdqlError, match="3x2"):
        run(query)


def test_an_index_may_be_any_whole_number(run: Run) -> None:
    assert set(column(run, "n[id + 3000000000]")) == {None}
    assert set(column(run, "n[b[1] - 9000000000000000000]")) == {None}


def test_elements_stand_wherever_a_value_may(run: Run) -> None:
    kept = [
        row for row in range(ROWS) if len(COLUMNS["n"][row] or []) > 1 and None not in (COLUMNS["n"][row] or [])[:2]
    ]
    query = (
        "SELECT n[1], MAX(a.n[2] + ABS(n[1])) FROM answers.arrays AS a WHERE n[1] IS NOT NULL AND a.n[2] BETWEEN -99 AND 99"
        " GROUP BY n[1] HAVING COUNT(n[2]) > 0 ORDER BY n[1] DESC"
    )
    firsts = sorted({COLUMNS["n"][row][0] for row in kept}, reverse=True)  # type: ignore[index]
    wanted = [
        (f, max(COLUMNS["n"][r][1] + abs(f) for r in kept if COLUMNS["n"][r][0] == f))  # type: ignore[index]
        for f in firsts
    ]
    assert run(query) == wanted


# ---- functions of arrays

_OF_ELEMENTS: dict[str, Callable[[Any], Any]] = {
    "arr_sum": np.sum,
    "arr_avg": np.mean,
    "arr_min": np.min,
    "arr_max": np.max,
    "arr_median": np.median,
}


@pytest.mark.parametrize("name", _TYPES)
@pytest.mark.parametrize("function", _OF_ELEMENTS)
def test_statistics_of_elements_are_numpys_without_null_and_nan(run: Run, function: str, name: str) -> None:
    numbers = [without_nan(values) for values in COLUMNS[name]]
    with np.errstate(invalid="ignore"):
        wanted = [_OF_ELEMENTS[function](n).item() if n.size else None for n in numbers]
    check(column(run, f"{function}({name})"), wanted)


@pytest.mark.parametrize("name", _TYPES)
def test_counts_lengths_and_places_are_numpys(run: Run, name: str) -> None:
    arrays = COLUMNS[name]
    check(column(run, f"ARRAY_LENGTH({name})"), [None if a is None else len(a) for a in arrays])
    check(column(run, f"arr_count({name})"), [None if a is None else without_nan(a).size for a in arrays])
    for function, place in (("arr_argmin", np.nanargmin), ("arr_argmax", np.nanargmax)):
        wanted = [
            int(place(np.array([math.nan if v is None else v for v in a], float))) + 1 if without_nan(a).size else None
            for a in arrays
        ]
        check(column(run, f"{function}({name})"), wanted)


@pytest.mark.parametrize("name", _TYPES)
def test_the_deviation_is_that_of_a_sample(run: Run, name: str) -> None:
    finite = [n if np.isfinite(n).all() else np.array([]) for n in map(without_nan, COLUMNS[name])]
    found = column(run, f"CASE WHEN id <> 8 THEN arr_stddev({name}) END")
    check(found, [n.std(ddof=1).item() if n.size > 1 and row != 8 else None for row, n in enumerate(finite)])


@pytest.mark.parametrize(("left", "right"), [("n", "n"), ("d", "n"), ("r", "b"), ("k", "r")])
def test_a_scalar_product_needs_arrays_of_one_length_without_nulls(run: Run, left: str, right: str) -> None:
    def wanted(row: int) -> Any:
        a, b = COLUMNS[left][row], COLUMNS[right][row]
        if not a or not b or len(a) != len(b) or None in (*a, *b):
            return None
        with np.errstate(invalid="ignore"):
            return float(np.dot(np.array(a, float), np.array(b, float)))

    check(column(run, f"arr_dot({left}, {right})"), [wanted(row) for row in range(ROWS)])


def test_arr_map_calls_any_function_for_each_element_and_sees_the_row(run: Run) -> None:
    def wanted(row: int) -> Any:
        values = COLUMNS["n"][row]
        return values and [None if v is None or X[row] is None else math.sqrt(abs(v)) + X[row] for v in values]

    check(column(run, "arr_map(SQRT(ABS(x)) + answers.arrays.x, n)"), [wanted(row) for row in range(ROWS)])
    found = column(run, "arr_map(CASE WHEN x > 0 THEN 1 WHEN x <= 0 THEN 0 END, n)")
    check(found, [v and [None if e is None else int(e > 0) for e in v] for v in COLUMNS["n"]])


@pytest.mark.parametrize("name", _TYPES)
@pytest.mark.parametrize("sign", ["<", "<=", "=", "<>", ">=", ">"])
def test_a_condition_in_arr_map_gives_numpys_truth_of_each_element(run: Run, name: str, sign: str) -> None:
    compare = {"<": np.less, "<=": np.less_equal, "=": np.equal, "<>": np.not_equal, ">=": np.greater_equal, ">": np.greater}[sign]  # fmt: skip

    def wanted(row: int) -> Any:
        values = COLUMNS[name][row]
        return values and [None if as_column(v) is None else int(compare(v, 1.25)) for v in values]

    check(column(run, f"arr_map(x {sign} 1.25, {name})"), [wanted(row) for row in range(ROWS)])


def test_arrays_are_compared_with_each_other_by_their_difference(run: Run) -> None:
    def wanted(row: int) -> Any:
        n, d = COLUMNS["n"][row], COLUMNS["d"][row]
        if n is None or d is None:
            return None
        pairs = zip_longest(n, map(as_column, d))
        return [None if a is None or b is None else int(a > b) for a, b in pairs]

    check(column(run, "arr_map(x > 0, n - d)"), [wanted(row) for row in range(ROWS)])


@pytest.mark.parametrize(("condition", "holds"), [("x BETWEEN 0 AND 2", lambda v: 0 <= v <= 2), ("x IN (1, 2) OR x < -5", lambda v: v in {1, 2} or v < -5), ("NOT x > 0 AND x IS NOT NULL", lambda v: v <= 0)])  # fmt: skip
def test_any_condition_stands_in_arr_map_and_counts_by_its_sum(run: Run, condition: str, holds: Callable[[Any], bool]) -> None:  # fmt: skip
    numbers = [[v for v in n or [] if v is not None] for n in COLUMNS["n"]]
    assert column(run, f"COALESCE(arr_sum(arr_map({condition}, n)), 0)") == [sum(map(holds, n)) for n in numbers]


def test_an_element_that_is_nan_is_larger_than_nothing(run: Run) -> None:
    """To PostgreSQL it would be larger than all numbers."""
    above = [r for r in range(ROWS) if any(as_column(v) is not None and v > 1e9 for v in COLUMNS["d"][r] or [])]
    for condition in (
        "d[1] > 1e9 OR d[2] > 1e9 OR d[3] > 1e9",
        "EXISTS (SELECT v FROM UNNEST(d) AS u (v) WHERE v > 1e9)",
    ):
        assert [i for (i,) in run(f"SELECT id FROM answers.arrays WHERE {condition} ORDER BY id")] == above


def test_arr_map_in_arr_map_has_an_x_of_its_own(run: Run) -> None:
    found = column(run, "arr_map(x + arr_sum(arr_map(x * 10, n[1:2])), array(1, 2))")

    def tens(row: int) -> Any:
        return [10 * v for v in (COLUMNS["n"][row] or [])[:2] if v is not None]

    check(found, [[1 + sum(tens(r)), 2 + sum(tens(r))] if tens(r) else [None, None] for r in range(ROWS)])


def test_an_array_is_made_of_numbers_of_one_row(run: Run) -> None:
    check(column(run, "array(id, x, 0.5, NULL)"), [[float(row), X[row], 0.5, None] for row in range(ROWS)])
    check(column(run, "array(1, 2)[m]"), [{1: 1, 2: 2}.get(-1 if m is None else m) for m in M])


# ---- comparisons


def test_arrays_are_equal_if_they_have_the_same_elements(run: Run) -> None:
    """NULL and NaN are equal to themselves there, as in DISTINCT; a NULL array is unknown."""
    assert column(run, "CASE WHEN d = d THEN 1 ELSE 0 END") == [int(values is not None) for values in COLUMNS["d"]]
    assert [i for (i,) in run("SELECT id FROM answers.arrays WHERE n = array(0, 0, 0, 0)")] == [5]
    assert [i for (i,) in run("SELECT id FROM answers.arrays WHERE r = n AND id BETWEEN 1 AND 5 ORDER BY id")] == [1, 2, 3, 4, 5]  # fmt: skip
    different = [r for r in range(ROWS) if COLUMNS["n"][r] is not None and COLUMNS["n"][r] != [7]]
    assert [i for (i,) in run("SELECT id FROM answers.arrays WHERE n <> array(7) ORDER BY id")] == different


@pytest.mark.parametrize("condition", ["n < b", "n BETWEEN b AND k", "n = 5", "n IN (1, 2)", "n IN (SELECT b FROM answers.arrays)", "n LIKE 'a'"])  # fmt: skip
def test_arrays_have_no_order_and_are_no_numbers(run: Run, condition: str) -> None:
    with pytest.raises(AdqlError):
        run(f"SELECT id FROM answers.arrays WHERE {condition}")


def test_arrays_of_booleans_have_elements_and_can_be_mapped_and_gathered(run: Run) -> None:
    assert column(run, "f[2]") == [f[1] if f and len(f) > 1 else None for f in FLAGS]
    assert [i for (i,) in run("SELECT id FROM answers.arrays WHERE f[1] = 1 ORDER BY id")] == [r for r, f in enumerate(FLAGS) if f and f[0]]  # fmt: skip
    found = column(run, "arr_sum(arr_map(CASE WHEN x = 1 THEN 1 ELSE 0 END, f))")
    assert found == [sum(v is True for v in f) if f else None for f in FLAGS]
    assert column(run, "arr_count(f)") == [None if f is None else sum(v is not None for v in f) for f in FLAGS]
    assert column(run, "(SELECT COUNT(*) FROM UNNEST(f, n) AS u (flag, n) WHERE flag = 0 AND n <> 0)") == [sum(a is False and b not in {None, 0} for a, b in zip(f or [], n or [], strict=False)) for f, n in zip(FLAGS, COLUMNS["n"], strict=True)]  # fmt: skip
    assert run("SELECT ARRAY_AGG(f[1] ORDER BY id) FROM answers.arrays") == [([f[0] if f else None for f in FLAGS],)]


# ---- rows and elements


@pytest.mark.parametrize("join", [", UNNEST(a.n, a.d)", "JOIN UNNEST(n, d)"])
def test_unnest_makes_a_row_of_each_element_with_its_index(run: Run, join: str) -> None:
    on = "" if join.startswith(",") else "ON i > 0"
    found = run(f"SELECT id, i, u.n, u.d FROM answers.arrays AS a {join} WITH ORDINALITY AS u (n, d, i) {on} ORDER BY id, i")  # fmt: skip
    wanted = []
    for row in range(ROWS):
        n, d = COLUMNS["n"][row] or [], COLUMNS["d"][row] or []
        for index in range(max(len(n), len(d))):
            wanted.append((row, index + 1, *(as_column(v[index]) if index < len(v) else None for v in (n, d))))
    check([list(row) for row in found], [list(row) for row in wanted])
    assert len(found) > ROWS


def test_a_left_join_keeps_rows_without_elements(run: Run) -> None:
    query = "SELECT id, COUNT(e) FROM answers.arrays LEFT JOIN UNNEST(n) AS u (e) ON e > 2 GROUP BY id ORDER BY id"
    wanted = [(row, sum(v is not None and v > 2 for v in COLUMNS["n"][row] or [])) for row in range(ROWS)]
    assert run(query) == wanted


def test_elements_are_searched_in_queries_inside(run: Run) -> None:
    some = (
        "SELECT id FROM answers.arrays AS a WHERE EXISTS (SELECT v FROM UNNEST(a.n) AS u (v) WHERE v > 7) ORDER BY id"
    )
    assert [i for (i,) in run(some)] == [r for r in range(ROWS) if any(v is not None and v > 7 for v in COLUMNS["n"][r] or [])]  # fmt: skip
    least = column(run, "(SELECT MIN(v) FROM UNNEST(n) AS u (v) WHERE v > 0)")
    check(least, [min((v for v in n or [] if v is not None and v > 0), default=None) for n in COLUMNS["n"]])


def test_rows_are_gathered_into_arrays_and_unnested_again(run: Run) -> None:
    by_m = {m: [r for r in range(ROWS) if M[r] == m] for m in M}
    found = dict(run("SELECT m, ARRAY_AGG(id ORDER BY x DESC) FROM answers.arrays GROUP BY m"))
    # NULL comes last in both orders.
    assert found == {m: sorted(rows, key=lambda r: -math.inf if X[r] is None else -r if r != 9 else 0) if 9 not in rows else [*sorted((r for r in rows if r != 9), reverse=True), 9] for m, rows in by_m.items()}  # fmt: skip
    again = run(
        "WITH g AS (SELECT ARRAY_AGG(id) AS ids FROM answers.arrays) SELECT SUM(u.ids) FROM g, UNNEST(g.ids) AS u"
    )
    assert again == [(sum(range(ROWS)),)]


def test_rows_are_grouped_by_what_is_made_of_arrays(run: Run) -> None:
    found = run("SELECT ARRAY_LENGTH(n + 1), arr_max(n), COUNT(*) FROM answers.arrays GROUP BY ARRAY_LENGTH(n + 1), arr_max(n)")  # fmt: skip
    wanted: dict[tuple[Any, Any], int] = {}
    for n in COLUMNS["n"]:
        key = (None if n is None else len(n), max((v for v in n or [] if v is not None), default=None))
        wanted[key] = wanted.get(key, 0) + 1
    assert {(a, b): c for a, b, c in found} == wanted


@pytest.mark.parametrize("name", _TYPES)
@pytest.mark.parametrize(("function", "of_rows"), [("SUM", np.nansum), ("AVG", np.nanmean), ("MIN", np.nanmin), ("MAX", np.nanmax)])  # fmt: skip
@pytest.mark.filterwarnings("ignore:All-NaN:RuntimeWarning", "ignore:Mean of empty slice:RuntimeWarning")
def test_aggregates_of_arrays_go_element_by_element(run: Run, function: str, of_rows: Any, name: str) -> None:
    """The further elements of longer arrays are those of fewer rows."""
    arrays = [a for row, a in enumerate(COLUMNS[name]) if a is not None and row != 8]
    cube = np.full((len(arrays), 6), math.nan)
    for row, array in enumerate(arrays):
        cube[row, : len(array)] = [math.nan if v is None else v for v in array]
    ((found,),) = run(f"SELECT {function}({name}) FROM answers.arrays WHERE id <> 8")
    check([found], [of_rows(cube, axis=0).tolist()])
    assert run(f"SELECT {function}({name}) FROM answers.arrays WHERE id < 0") == [(None,)]


def test_aggregates_of_arrays_count_what_is_there_in_each_group(run: Run) -> None:
    found = dict(run("SELECT id, AVG(d) FROM answers.arrays WHERE id IN (0, 1, 3, 6, 7) GROUP BY id"))
    check([found[i] for i in (0, 1, 3, 6, 7)], [None, [], [None] * 3, [1.5, None, None, -2.0], [None, None]])


# ---- what results say


def info(reader: psycopg.Connection, expression: str) -> tuple[Any, ...]:
    output = translate(f"SELECT {expression} FROM answers.arrays", read_catalogue(reader)).outputs[0].info
    return output.type, output.arraysize, output.unit, output.ucd


@pytest.mark.parametrize(("expression", "wanted"), [
    ("d[1]", (types.DOUBLE, None, "Jy", "phot.flux;meta.main")),
    ("d[1:3]", (types.DOUBLES, None, "Jy", "phot.flux;meta.main")),
    ("v[2:4]", (types.INTS, "3", None, None)),
    ("v[5:99]", (types.INTS, "2", None, None)),
    ("v[id:4]", (types.INTS, None, None, None)),
    ("v + v", (types.INTS, "6", None, None)),
    ("v + v[1:2]", (types.INTS, "6", None, None)),
    ("v * 2.5", (types.DOUBLES, "6", None, None)),
    ("-v", (types.INTS, "6", None, None)),
    ("d / n", (types.DOUBLES, "*", "Jy.s**-1", None)),
    ("d - r", (types.DOUBLES, "*", "Jy", None)),
    ("d + n", (types.DOUBLES, "*", None, None)),
    ("r * 2", (types.DOUBLES, "*", "Jy", None)),
    ("arr_avg(d)", (types.DOUBLE, None, "Jy", "phot.flux;stat.mean")),
    ("arr_max(r)", (types.REAL, None, "Jy", None)),
    ("arr_sum(n)", (types.BIGINT, None, "s", None)),
    ("arr_dot(d, r)", (types.DOUBLE, None, "Jy**2", None)),
    ("arr_map(x * x, d)", (types.DOUBLES, "*", "Jy**2", None)),
    ("arr_map(1, v)", (types.INTS, "6", None, None)),
    ("array(x, 1)", (types.DOUBLES, "2", None, None)),
    ("ARRAY_AGG(r[1])", (types.REALS, None, "Jy", None)),
    ("AVG(v)", (types.DOUBLES, "6", None, None)),
    ("SUM(r)", (types.DOUBLES, "*", "Jy", None)),
    ("MAX(k)", (types.SMALLINTS, "*", None, None)),
])  # fmt: skip
def test_results_say_what_they_are(reader: psycopg.Connection, expression: str, wanted: tuple[Any, ...]) -> None:
    found = info(reader, expression)
    assert (found[0], found[1] if found[1] != "*" else wanted[1], *found[2:]) == (
        wanted[0],
        wanted[1] or None,
        *wanted[2:],
    )


# ---- what is refused


@pytest.mark.parametrize(("expression", "problem"), [
    ("n * COUNT(*)", "together with arrays"),
    ("n * ROW_NUMBER() OVER (ORDER BY id)", "together with arrays"),
    ("n[x]", "whole number"),
    ("x[1]", "Only arrays"),
    ("ABS(n)", "arr_map"),
    ("arr_sum(x)", "does not take"),
    ("n || n", "joins strings"),
    ("n + 'a'", "number is needed"),
    ("SUM(DISTINCT n)", "DISTINCT"),
    ("GREATEST(n, n)", "no order"),
    ("f + 1", "number is needed"),
    ("MAX(f)", "number is needed"),
    ("arr_sum(f)", "BOOLEAN array"),
    ("CAST(n AS VARCHAR)", "cannot be cast"),
])  # fmt: skip
def test_what_has_no_meaning_is_refused(run: Run, expression: str, problem: str) -> None:
    with pytest.raises(AdqlError) as caught:
        run(f"SELECT {expression} FROM answers.arrays")
    assert problem in f"{caught.value.message} {caught.value.hint}"


def test_an_error_in_one_element_is_an_error_of_the_query(run: Run) -> None:
    for expression, state in (
        ("n / (n - n)", "22012"),
        ("b * 9000000000000000000", "22003"),
        ("(n * 900000000)[1]", "22003"),
    ):
        with pytest.raises(psycopg.Error) as caught:
            run(f"SELECT {expression} FROM answers.arrays")
        assert caught.value.sqlstate == state


def test_an_array_that_postgresql_has_no_room_for_is_the_querys_fault() -> None:
    """What it says where an array would take more than a gigabyte."""
    answer = describe(psycopg.errors.InternalError_("invalid memory alloc request size 1073741824"))
    assert answer.status == 400
    assert "too large" in answer.message
