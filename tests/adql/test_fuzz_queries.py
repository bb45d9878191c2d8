"""Random queries on the sample (docs/demands.md): valid ones run, mutated ones raise AdqlError only, relations hold.

The generator knows the tables and ADQL's grammar, nothing of the parser. ARMILLARY_FUZZ is the number of
queries of each kind (default 400), ARMILLARY_FUZZ_SEED repeats a run; the seed is printed.
"""

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
import pytest

from adql.errors import AdqlError
from adql.translate import translate
from schema.model import Catalogue
from tests.conftest import Run

COUNT = int(os.environ.get("ARMILLARY_FUZZ", "400"))
SEED = int(os.environ.get("ARMILLARY_FUZZ_SEED", "20260731"))

NUMBER, WHOLE, TEXT, POINT, REGION, TIME = "number", "whole", "text", "point", "region", "time"
# Names that stand in the sample, by what they hold.
_NGC = {
    "name": TEXT,
    "obj_type": TEXT,
    "hubble": TEXT,
    "common_names": TEXT,
    "messier": TEXT,
    "ra": NUMBER,
    "dec": NUMBER,
    "bmag": NUMBER,
    "vmag": NUMBER,
    "radius": NUMBER,
    "parallax": NUMBER,
    "pmra": NUMBER,
    "redshift": NUMBER,
    "position_angle": WHOLE,
    "radial_velocity": WHOLE,
}
_STARS = {
    "tyc_id": TEXT,
    "ra": NUMBER,
    "dec": NUMBER,
    "vmag": NUMBER,
    "bv": NUMBER,
    "pmra": NUMBER,
    "pmdec": NUMBER,
    "parallax": NUMBER,
}
_COLUMNS = {
    "table_name": TEXT,
    "column_name": TEXT,
    "datatype": TEXT,
    "ucd": TEXT,
    "unit": TEXT,
    "principal": WHOLE,
    "std": WHOLE,
    "column_index": WHOLE,
}
TABLES = {"demo.ngc": _NGC, "demo.stars": _STARS, "tap_schema.columns": _COLUMNS, "ngc": _NGC}


@dataclass
class Writer:
    """Writes one query. `scope` is the columns in reach, as they may be written, with their kinds."""

    random: random.Random
    scope: dict[str, str] = field(default_factory=dict)
    numbers: int = 0

    def pick(self, *choices: Callable[[int], str], depth: int) -> str:
        return self.random.choice(choices)(depth)

    def fresh(self, stem: str) -> str:
        self.numbers += 1
        name = f"{stem}{self.numbers}"
        return f'"{name} {self.random.choice(["é", "a.b", "%s", "x"])}"' if self.random.random() < 0.15 else name

    def case(self, word: str) -> str:
        return self.random.choice((word, word.lower(), word.capitalize()))

    def column(self, kind: str) -> str | None:
        found = [name for name, own in self.scope.items() if own == kind or (kind == NUMBER and own == WHOLE)]
        return self.random.choice(found) if found else None

    # ---- values

    def number(self, depth: int) -> str:
        if depth <= 0 or self.random.random() < 0.35:
            return (self.column(NUMBER) if self.random.random() < 0.7 else None) or self.constant()
        a, b = self.number, self.number
        forms: tuple[Callable[[int], str], ...] = (
            lambda d: f"({a(d)} {self.random.choice('+-*')} {b(d)})",
            lambda d: (
                f"{a(d)} + {self.constant()} * {b(d)}"
                if self.random.random() < 0.5
                else f"({a(d)} / NULLIF({b(d)}, 0))"
            ),
            lambda d: f"-({a(d)})",
            lambda d: (
                f"{self.case(self.random.choice(('ABS', 'FLOOR', 'CEILING', 'RADIANS', 'DEGREES', 'SIN', 'COS', 'ATAN', 'ROUND', 'TRUNCATE')))}({a(d)})"
            ),
            lambda d: f"SQRT(ABS({a(d)}))",
            lambda d: f"LOG10(1 + ABS({a(d)}))",
            lambda d: f"ROUND({a(d)}, {self.random.randint(-2, 5)})",
            lambda d: f"MOD({a(d)}, 7.5)",
            lambda d: f"POWER(ABS({a(d)}), 0.5)",
            lambda d: f"ATAN2({a(d)}, {b(d)})",
            lambda d: f"COALESCE({a(d)}, {b(d)}, {self.constant()})",
            lambda d: f"CASE WHEN {self.condition(d)} THEN {a(d)} ELSE {b(d)} END",
            lambda d: f"CASE WHEN {self.condition(d)} THEN {a(d)} WHEN {self.condition(d)} THEN {b(d)} END",
            lambda d: f"CAST({a(d)} AS {self.random.choice(('DOUBLE PRECISION', 'REAL'))})",
            lambda d: f"DISTANCE({self.point(d)}, {self.point(d)})",
            lambda d: f"COORD1({self.point(d)})",
            lambda d: f"CONTAINS({self.point(d)}, {self.region(d)})",
            lambda d: f"AREA({self.region(d)})",
            self.whole,
        )
        return self.pick(*forms, depth=depth - 1)

    def whole(self, depth: int) -> str:
        if depth <= 0 or self.random.random() < 0.5:
            return (self.column(WHOLE) if self.random.random() < 0.7 else None) or str(self.random.randint(0, 99))
        forms: tuple[Callable[[int], str], ...] = (
            lambda d: f"({self.whole(d)} {self.random.choice('+-*')} {self.random.randint(1, 9)})",
            lambda d: f"MOD({self.whole(d)}, {self.random.randint(1, 9)})",
            lambda d: f"({self.whole(d)} / {self.random.randint(1, 9)})",
            lambda d: (
                f"ivo_healpix_index({self.random.randint(0, 9)}, {self.random.randint(0, 359)}, {self.random.randint(-90, 90)})"
            ),
            lambda d: f"ivo_hasword({self.text(d)}, 'nebula')",
            lambda d: f"ivo_nocasematch({self.text(d)}, 'n%')",
            lambda d: (
                f"CAST({self.random.randint(0, 99)}.5 AS {self.random.choice(('INTEGER', 'BIGINT', 'SMALLINT'))})"
            ),
        )
        return self.pick(*forms, depth=depth - 1)

    def constant(self) -> str:
        return self.random.choice(
            (
                "0",
                "1",
                "2.5",
                ".5",
                "3.",
                "1e2",
                "1.5E-3",
                "-7",
                "42",
                "100000",
                "2147483648",
                "9223372036854775807.0",
                "PI()",
            )
        )

    def text(self, depth: int) -> str:
        if depth <= 0 or self.random.random() < 0.5:
            return (self.column(TEXT) if self.random.random() < 0.7 else None) or self.random.choice(
                ("'a'", "'NGC0224'", "''", "'it''s'", "'%_\\'", "'é'", "'-- x'")
            )
        forms: tuple[Callable[[int], str], ...] = (
            lambda d: f"{self.text(0)} || {self.text(0)}",
            lambda d: f"UPPER({self.text(d)})",
            lambda d: f"LOWER({self.text(d)})",
            lambda d: f"CAST({self.number(d)} AS VARCHAR)",
            lambda d: f"CAST({self.text(d)} AS {self.random.choice(('VARCHAR(5)', 'CHAR(3)'))})",
            lambda d: f"COALESCE({self.text(d)}, {self.text(d)})",
            lambda d: f"CASE WHEN {self.condition(d)} THEN {self.text(d)} ELSE NULL END",
            lambda d: f"NULLIF({self.text(d)}, 'x')",
        )
        return self.pick(*forms, depth=depth - 1)

    def point(self, depth: int) -> str:
        ra, dec = self.scope_position()
        return self.random.choice(
            (
                f"POINT({ra}, {dec})",
                f"POINT('ICRS', {ra}, {dec})",
                f"CENTROID(CIRCLE({ra}, {dec}, 1))",
                f"ivo_geom_transform('ICRS', 'GALACTIC', POINT({ra}, {dec}))",
                f"POINT({self.random.randint(0, 359)}, {self.random.randint(-90, 90)})",
            )
        )

    def scope_position(self) -> tuple[str, str]:
        found = [name for name in self.scope if name == "ra" or name.endswith(".ra")]
        if not found:
            return "10.5", "-20"
        ra = self.random.choice(found)
        dec = ra[:-2] + "dec"
        return (ra, dec) if dec in self.scope else (ra, "0")

    def region(self, depth: int) -> str:
        ra, dec = self.scope_position()
        lon, lat = self.random.randint(0, 350), self.random.randint(-80, 80)
        return self.random.choice(
            (
                f"CIRCLE({lon}, {lat}, {self.random.choice((0, 0.1, 5, 90))})",
                f"CIRCLE({ra}, {dec}, 0.5)",
                f"CIRCLE(POINT({ra}, {dec}), ABS({self.constant()}))"
                if self.random.random() < 0.1
                else f"CIRCLE(POINT({lon}, {lat}), 2)",
                f"BOX({lon}, {lat}, 2, 3)",
                f"BOX({ra}, {dec}, 1, 1)",
                f"POLYGON({lon}, {lat}, {lon + 2}, {lat}, {lon + 1}, {lat + 2})",
                f"POLYGON({ra}, {dec}, {ra} + 1, {dec}, {ra}, {dec} / 2 + 40)",
                f"REGION('CIRCLE ICRS {lon} {lat} 3')",
            )
        )

    # ---- conditions

    def condition(self, depth: int) -> str:
        d = depth - 1

        def comparison(d: int) -> str:
            return f"{self.number(d)} {self.random.choice(('=', '<', '>', '<=', '>=', '<>', '!='))} {self.number(d)}"

        if depth <= 0:
            return f"{self.number(0)} {self.random.choice('<>')} {self.number(0)}"
        forms: tuple[Callable[[int], str], ...] = (
            comparison,
            comparison,
            lambda d: f"({self.condition(d)} {self.random.choice(('AND', 'OR', 'and'))} {self.condition(d)})",
            lambda d: f"NOT ({self.condition(d)})",
            lambda d: (
                f"{self.number(d)} {self.random.choice(('', 'NOT '))}BETWEEN {self.number(d)} AND {self.number(d)}"
            ),
            lambda d: (
                f"{self.number(d)} {self.random.choice(('', 'NOT '))}IN ({self.number(d)}, {self.constant()}, {self.constant()})"
            ),
            lambda d: f"{self.text(d)} {self.random.choice(('', 'NOT '))}IN ('a', 'G', 'OCl')",
            lambda d: (
                f"{self.text(d)} {self.random.choice(('', 'NOT '))}{self.random.choice(('LIKE', 'ILIKE'))} {self.random.choice((chr(39) + 'N%' + chr(39), chr(39) + '_' + chr(92) + chr(39)))}"
            ),
            lambda d: f"{self.text(d)} = {self.text(d)}",
            lambda d: f"{self.number(d)} IS {self.random.choice(('', 'NOT '))}NULL",
            lambda d: f"{self.random.choice('01')} = CONTAINS({self.point(d)}, {self.region(d)})",
            lambda d: (
                f"CONTAINS({self.point(d)}, {self.region(d)}) {self.random.choice(('=', '<>', '>', '<'))} {self.random.choice('01')}"
            ),
            lambda d: f"1 = INTERSECTS({self.region(d)}, {self.region(d)})",
            lambda d: (
                f"DISTANCE({self.point(d)}, {self.point(d)}) {self.random.choice(('<', '>', '<=', '>='))} {self.random.choice(('0', '1.5', '90', '120'))}"
            ),
            lambda d: f"{self.random.choice(('', 'NOT '))}EXISTS ({self.inner(d)})",
            lambda d: f"{self.number(0)} {self.random.choice(('', 'NOT '))}IN ({self.inner(d, NUMBER)})",
        )
        return self.pick(*forms, depth=d)

    def inner(self, depth: int, kind: str = WHOLE) -> str:
        """A query of one column, which sees the columns round it."""
        inner = Writer(self.random, dict(self.scope), self.numbers + 100)
        tables, columns = inner.tables(1)
        inner.scope = {**self.scope, **columns} if self.random.random() < 0.5 else columns
        value = inner.number(min(depth, 1)) if kind == NUMBER else "1"
        self.numbers = inner.numbers
        return f"SELECT {value} AS {inner.fresh('v')} FROM {tables} WHERE {inner.condition(min(depth, 1))}"

    # ---- queries

    def tables(self, depth: int) -> tuple[str, dict[str, str]]:
        """FROM, and the columns that it brings, qualified."""
        first, columns = self.table(depth)
        for _ in range(self.random.choice((0, 0, 0, 1, 1, 2))):
            other, more = self.table(0)
            if self.random.random() < 0.3:
                first = f"{first}, {other}"
                columns |= more
                continue
            columns |= more
            self.scope, outer = {**more}, self.scope
            kind = self.random.choice(("JOIN", "INNER JOIN", "LEFT JOIN", "LEFT OUTER JOIN", "RIGHT JOIN"))
            last = first.rpartition(", ")
            on = f"{self.number(0)} = {self.number(0)}"
            self.scope = outer
            first = f"{last[0]}{last[1]}{last[2]} {kind} {other} ON {on}"
        return first, columns

    def table(self, depth: int) -> tuple[str, dict[str, str]]:
        alias = self.fresh("a")
        if depth > 0 and self.random.random() < 0.25:
            text, columns = self.select(depth - 1, plain=True)
            return f"({text}) AS {alias}", {f"{alias}.{name}": kind for name, kind in columns.items()}
        name = self.random.choice(list(TABLES))
        return f"{name} {self.random.choice(('AS ', ''))}{alias}", {
            f"{alias}.{column}": kind for column, kind in TABLES[name].items()
        }

    def select(self, depth: int, *, plain: bool = False) -> tuple[str, dict[str, str]]:
        """A SELECT, and the columns that it gives."""
        outer = self.scope
        tables, self.scope = self.tables(depth)
        top = f"TOP {self.random.randint(0, 50)} " if self.random.random() < 0.5 else ""
        where = f" WHERE {self.condition(depth)}" if self.random.random() < 0.7 else ""
        items: dict[str, str] = {}
        texts = []
        group = ""
        if self.random.random() < 0.25:
            key = (
                self.text(0) if self.random.random() < 0.5 else f"({self.whole(1)} + 0)"
            )  # a bare number is a position
            name = self.fresh("g")
            texts = [
                f"{key} AS {name}",
                f"COUNT(*) AS {name.strip(chr(34)).split()[0]}n",
                f"{self.random.choice(('AVG', 'MIN', 'MAX', 'SUM'))}({self.number(1)}) AS {name.strip(chr(34)).split()[0]}m",
            ]
            group = f" GROUP BY {key}" + (
                f" HAVING COUNT(*) > {self.random.randint(0, 3)}" if self.random.random() < 0.4 else ""
            )
            items = {f"{name.strip(chr(34)).split()[0]}n": WHOLE, f"{name.strip(chr(34)).split()[0]}m": NUMBER}
        else:
            for _ in range(self.random.randint(1, 4)):
                kind = self.random.choice(
                    (NUMBER, NUMBER, WHOLE, TEXT) if plain or self.random.random() < 0.8 else (POINT, REGION)
                )
                name = self.fresh("c")
                texts.append(f"{getattr(self, kind)(depth)} AS {name}")
                items[name] = kind
        order = ""
        if not plain and self.random.random() < 0.4:
            order = (
                f" ORDER BY {self.random.choice(('1', '1 DESC')) if all(kind in (NUMBER, WHOLE, TEXT) for kind in items.values()) else 'NULL'}"
                if items
                else ""
            )
            order = "" if order.endswith("NULL") else order
            order += f" OFFSET {self.random.randint(0, 9)}" if self.random.random() < 0.3 else ""
        distinct = (
            "DISTINCT "
            if not group and all(kind not in (POINT, REGION) for kind in items.values()) and self.random.random() < 0.15
            else ""
        )
        self.scope = outer
        return f"SELECT {distinct}{top}{', '.join(texts)} FROM {tables}{where}{group}{order}", items

    def query(self) -> str:
        kind = self.random.random()
        if kind < 0.7:
            return self.select(2)[0]
        if kind < 0.85:
            name = self.fresh("w")
            text, columns = self.select(1, plain=True)
            self.scope = columns
            return f"WITH {name} AS ({text}) SELECT TOP 9 {self.number(1)} AS x, {self.text(1)} AS y FROM {name} WHERE {self.condition(1)}"
        word = self.random.choice(("UNION", "UNION ALL", "EXCEPT", "INTERSECT", "EXCEPT ALL"))
        operands = []
        for _ in range(self.random.randint(2, 3)):
            tables, self.scope = self.tables(0)
            operands.append(
                f"SELECT {self.number(1)} AS x, {self.text(1)} AS y FROM {tables} WHERE {self.condition(1)}"
            )
        return f" {word} ".join(operands) + self.random.choice(("", " ORDER BY 1", " ORDER BY y DESC"))


def seeded(number: int) -> random.Random:
    return random.Random(SEED * 1_000_003 + number)


def test_each_generated_query_is_translated_into_right_sql(catalogue: Catalogue, reader: psycopg.Connection) -> None:
    """PostgreSQL plans it: every name, type and operator of the SQL is right."""
    print(f"ARMILLARY_FUZZ_SEED={SEED} ARMILLARY_FUZZ={COUNT}")
    refused, wrong = [], []
    reader.execute("SET statement_timeout = '20s'")
    for number in range(COUNT):
        query = Writer(seeded(number)).query()
        try:
            sql = translate(query, catalogue).sql
        except AdqlError as error:
            refused.append((number, str(error), query))
            continue
        try:
            reader.execute(b"EXPLAIN " + sql.encode())
        except psycopg.errors.DataError:
            continue  # a constant of the query is out of its range, as PostgreSQL found when it folded it
        except psycopg.Error as error:
            if not (error.sqlstate == "XX000" and "sphere" in str(error).lower()):
                wrong.append((number, str(error).splitlines()[0], query))
    assert not wrong, f"{len(wrong)} of {COUNT} (seed {SEED}) are wrong SQL: {wrong[:5]}"
    assert len(refused) <= COUNT * 0.005, f"{len(refused)} of {COUNT} (seed {SEED}) are refused: {refused[:5]}"


_SNIPPETS = (
    "(",
    ")",
    ",",
    ";",
    "'",
    '"',
    "--",
    "/*",
    "*",
    ".",
    "SELECT",
    "FROM",
    "WHERE",
    "NOT",
    "NULL",
    "AND",
    "CASE",
    "WHEN",
    "END",
    "AS",
    "IN",
    "(SELECT",
    "UNION",
    "JOIN",
    "ON",
    "USING",
    "GROUP BY",
    "HAVING",
    "ORDER BY",
    "TOP",
    "OFFSET",
    "1e999",
    "9" * 40,
    "1/0",
    "\0",
    "\ud800",
    "\u202e",
    "é",
    "🜨",
    "%s",
    "{}",
    "pg_sleep(1)",
    "POINT(",
    "CIRCLE(1e999,",
    "POLYGON(",
    "COUNT(*)",
    "SUM(NULL)",
    "CAST(",
    "AS POINT)",
    "ra",
    "a1.ra",
    "\\",
    "||",
    "-",
    "REGION('BOX 1e999 1 1 1')",
)


def mutated(query: str, source: random.Random) -> str:
    words = query.split(" ")
    for _ in range(source.randint(1, 4)):
        place = source.randrange(len(words) + 1)
        match source.randrange(5):
            case 0:
                words.insert(place, source.choice(_SNIPPETS))
            case 1:
                words[place : place + source.randint(1, 3)] = []
            case 2:
                words[place : place + 1] = [source.choice(_SNIPPETS)]
            case 3:
                words[place:place] = words[: source.randint(0, len(words))]
            case _:
                source.shuffle(words[place:])
                words = words[place:] + words[:place]
        words = words or ["SELECT"]
    return " ".join(words)


def test_a_mutated_query_raises_adql_errors_only(catalogue: Catalogue, reader: psycopg.Connection) -> None:
    print(f"ARMILLARY_FUZZ_SEED={SEED} ARMILLARY_FUZZ={COUNT}")
    faults, wrong = [], []
    for number in range(COUNT * 3):
        source = seeded(number + 10_000_000)
        query = mutated(Writer(source).query(), source)
        try:
            sql = translate(query, catalogue).sql
            reader.execute(b"EXPLAIN " + sql.encode())
        except (AdqlError, psycopg.errors.DataError):
            continue
        except psycopg.Error as error:
            if error.sqlstate not in {"XX000", "54000", "54001", "57014"}:
                wrong.append((number, str(error).splitlines()[0], query[:300]))
        except Exception as error:  # noqa: BLE001
            faults.append((number, repr(error), query[:300]))
    assert not faults, f"{len(faults)} (seed {SEED}): {faults[:5]}"
    assert not wrong, f"{len(wrong)} (seed {SEED}) are wrong SQL: {wrong[:5]}"


RELATIONS = max(20, COUNT // 8)


def test_where_p_not_p_and_neither_are_all_rows(run: Run, reader: psycopg.Connection) -> None:
    """Ternary logic partitioning: each row fulfils p, or NOT p, or p is unknown; CASE must agree with WHERE."""
    print(f"ARMILLARY_FUZZ_SEED={SEED} relations={RELATIONS}")
    table = "(SELECT * FROM demo.ngc WHERE name < 'IC0200') AS a"
    whole = run(f"SELECT COUNT(*) AS n FROM {table}")[0][0]
    reader.execute("SET statement_timeout = '5s'")
    checked, mismatches = 0, []
    for number in range(RELATIONS):
        writer = Writer(seeded(number + 20_000_000), {f"a.{name}": kind for name, kind in _NGC.items()})
        condition = writer.condition(2)
        sides = f"SUM(CASE WHEN {condition} THEN 1 ELSE 0 END) AS p, SUM(CASE WHEN NOT ({condition}) THEN 1 ELSE 0 END) AS q"
        try:
            yes = run(f"SELECT COUNT(*) AS n FROM {table} WHERE {condition}")[0][0]
            no = run(f"SELECT COUNT(*) AS n FROM {table} WHERE NOT ({condition})")[0][0]
            by_case = run(f"SELECT {sides} FROM {table}")[0]
        except (psycopg.errors.DataError, psycopg.errors.InternalError_, psycopg.errors.QueryCanceled):
            continue  # a value out of range, or too slow; the same in each form or not
        checked += 1
        if (yes, no) != tuple(by_case) or yes + no > whole:
            mismatches.append((number, yes, no, by_case, condition))
    assert not mismatches, f"(seed {SEED}) {mismatches[:3]}"
    assert checked > RELATIONS / 2


@pytest.mark.parametrize("number", range(12))
def test_a_union_of_the_parts_is_the_whole(run: Run, number: int) -> None:
    writer = Writer(seeded(number + 30_000_000), dict(_NGC))
    value = f"COALESCE({writer.number(1)}, 0)"
    limit = writer.random.choice(("0", "10", "-3.5", "180"))
    part = "SELECT name, {} AS v FROM demo.ngc WHERE {} {} {}"
    try:
        whole = sorted(run(f"SELECT name, {value} AS v FROM demo.ngc"))
        parts = run(f"{part.format(value, value, '<', limit)} UNION ALL {part.format(value, value, '>=', limit)}")
    except (psycopg.errors.DataError, psycopg.errors.InternalError_):
        pytest.skip("a value of this query is out of range")
    assert sorted(parts) == whole
