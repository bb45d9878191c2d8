"""Random queries on tables that are there twice, sharded and not: {s} stands where the schema shall be."""

import random

NUMBER, TEXT, ID = "number", "text", "id"
TABLES = {
    "stars": {
        "tyc_id": TEXT,
        "hip": NUMBER,
        "ccdm": TEXT,
        "vmag": NUMBER,
        "ra": NUMBER,
        "dec": NUMBER,
        "epoch": NUMBER,
    },
    "source": {"source_id": ID, "ra": NUMBER, "dec": NUMBER, "vmag": NUMBER},
    "params": {"source_id": ID, "teff": NUMBER, "parallax": NUMBER},
    "odd": {'" table"': NUMBER, "c1": NUMBER, "c2": NUMBER, "g1": NUMBER, "name": TEXT, "nothing": NUMBER},
    "ids": {"c1": ID, "c2": NUMBER, "c3": NUMBER, "v": NUMBER},
    "list": {"n": NUMBER, "ra": NUMBER, "dec": NUMBER, "f": NUMBER},
    "ngc": {"name": TEXT, "ra": NUMBER, "dec": NUMBER, "vmag": NUMBER, "obj_type": TEXT},
}
POSITIONS = {"stars": "ra dec", "source": "ra dec", "odd": "c1 c2", "ids": "c2 c3", "list": "ra dec", "ngc": "ra dec"}
FEW = {
    "stars": "vmag < 4",
    "source": "vmag < 6",
    "params": "teff > 7500",
    "odd": "g1 = 3",
    "ids": "v < 9",
    "list": "n < 200",
    "ngc": "vmag < 9",
}
BOUNDS = ("-5", "0", "34359738368", "2690000000000000000", "4611686018427387904", "5759764000000000000")
Columns = dict[str, str]


class Writer:
    """Writes a query; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._names = 0

    def query(self) -> str:
        if self._chance(0.8):
            return self._select(2)[0]
        word = self._choice("UNION", "UNION ALL", "EXCEPT", "INTERSECT")
        parts = []
        for _ in range(2):
            table, columns, few, _ = self._from(0)
            parts.append(f"SELECT {self._number(columns)} AS x FROM {table} WHERE {few} AND {self._condition(columns)}")
        return f" {word} ".join(parts)

    def _choice(self, *texts: str) -> str:
        return self._random.choice(texts)

    def _chance(self, part: float) -> bool:
        return self._random.random() < part

    def _fresh(self, letter: str) -> str:
        self._names += 1
        return f"{letter}{self._names}"

    def _column(self, columns: Columns, *kinds: str) -> str | None:
        found = [name for name, kind in columns.items() if kind in kinds]
        return self._random.choice(found) if found else None

    def _number(self, columns: Columns) -> str:
        column = self._column(columns, NUMBER) or "1"
        return self._choice(column, column, f"({column} + 1)", f"ABS({column})", f"COALESCE({column}, 99)")

    def _full(self, table: str) -> str:
        return {"ngc": "demo.ngc", "list": "tap_upload.list"}.get(table, "{s}." + table)

    # ---- conditions

    def _condition(self, columns: Columns, depth: int = 2) -> str:
        kind = self._random.randrange(8 if depth else 4)
        match kind:
            case 0:
                return f"{self._column(columns, NUMBER, TEXT, ID)} IS {self._choice('', 'NOT ')}NULL"
            case 1 if key := self._column(columns, ID):
                return f"{key} {self._choice('<', '>', '<=', '>=', '=', '<>')} {self._choice(*BOUNDS)}"
            case 2 if text := self._column(columns, TEXT):
                pattern = self._choice("1%", "%a%", "%''%")
                return f"{text} {self._choice('LIKE', 'NOT LIKE')} '{pattern}'"
            case 4:
                word = self._choice("AND", "OR")
                return f"({self._condition(columns, depth - 1)} {word} {self._condition(columns, depth - 1)})"
            case 5:
                return f"NOT ({self._condition(columns, depth - 1)})"
            case 6 | 7:
                return self._subquery(columns)
        return f"{self._number(columns)} {self._choice('<', '>', '=', '<>')} {self._choice('0', '5', '9', '100')}"

    def _subquery(self, columns: Columns) -> str:
        table, inner, few, _ = self._table()
        key, outer, negation = self._column(inner, ID), self._column(columns, ID), self._choice("", "NOT ")
        if key and outer and self._chance(0.6):
            tie = f"{key} = {outer} AND {self._condition(inner | columns, 0)}"
            return self._choice(
                f"{outer} {negation}IN (SELECT {key} FROM {table} WHERE {self._condition(inner, 0)})",
                f"{negation}EXISTS (SELECT {key} FROM {table} WHERE {tie})",
            )
        value = self._column(inner, NUMBER)
        return f"{self._number(columns)} {negation}IN (SELECT {value} FROM {table} WHERE {few})"

    def _cone(self, position: str) -> str:
        radius = self._choice("0.5", "3", "20", "59", "120")
        at = self._choice("0, 0", "10, 90", "359.9, -41", "45, 10", f"{self._random.uniform(0, 360):.3f}, 41.81")
        return self._choice(
            f"DISTANCE({position}, {at}) < {radius}",
            f"NOT DISTANCE({position}, {at}) <= {radius}",
            f"0 = CONTAINS(POINT({position}), CIRCLE({at}, 20))",
            f"1 = CONTAINS(POINT({position}), BOX({at.split(',')[0]}, 70, 20, 15))",
        )

    # ---- tables

    def _table(self, depth: int = 0) -> tuple[str, Columns, str, str | None]:
        """Its text, its columns, what leaves few rows of it, and its position."""
        alias = self._fresh("a")
        if depth and self._chance(0.2):
            text, columns = self._select(depth - 1)
            return f"({text}) AS {alias}", {f"{alias}.{c}": kind for c, kind in columns.items()}, "1 = 1", None
        name = self._random.choice(list(TABLES))
        at = ", ".join(f"{alias}.{c}" for c in POSITIONS[name].split()) if name in POSITIONS else None
        columns = {f"{alias}.{c}": kind for c, kind in TABLES[name].items()}
        return f"{self._full(name)} AS {alias}", columns, f"{alias}.{FEW[name]}", at

    def _from(self, depth: int) -> tuple[str, Columns, str, str | None]:
        text, columns, few, at = self._table(depth)
        for _ in range(self._random.choice((0, 1, 1, 2))):
            other, more, fewer, there = self._table(depth)
            kind = self._choice("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
            on = self._on(columns, more, (at, there) if kind != "FULL JOIN" else (None, None))
            text = f"{text} {kind} {other} ON {on}"
            few = f"{few} AND {fewer}" if self._chance(0.7) else f"{few} AND ({fewer} OR {self._condition(more, 0)})"
            columns = columns | more
        return text, columns, few, at

    def _on(self, columns: Columns, more: Columns, positions: tuple[str | None, str | None]) -> str:
        one, other = self._column(columns, ID), self._column(more, ID)
        if one and other:
            return f"{one} = {other}"
        if all(positions):
            return f"DISTANCE({positions[0]}, {positions[1]}) < {self._choice('0.01', '0.1', '1')}"
        return f"{self._column(columns, NUMBER)} = {self._column(more, NUMBER)}"

    # ---- SELECT

    def _select(self, depth: int) -> tuple[str, Columns]:
        table, columns, few, at = self._from(depth)
        conditions = [few, *(self._condition(columns) for _ in range(self._random.randrange(3)))]
        conditions += [self._cone(at)] if at and self._chance(0.3) else []
        rest = f"FROM {table} WHERE {' AND '.join(conditions)}"
        distinct = self._choice("", "", "", "DISTINCT ")
        if self._chance(0.35):
            return self._grouped(columns, distinct, rest)
        chosen = [self._column(columns, NUMBER, TEXT, ID) or "1", self._number(columns)]
        names = [self._fresh("x") for _ in chosen]
        items = ", ".join(f"{value} AS {name}" for value, name in zip(chosen, names, strict=True))
        kinds = {names[0]: columns.get(chosen[0], NUMBER), names[1]: NUMBER}
        return f"SELECT {distinct}{items} {rest}", kinds

    def _grouped(self, columns: Columns, distinct: str, rest: str) -> tuple[str, Columns]:
        key, names = self._column(columns, NUMBER, TEXT, ID) or "1", [self._fresh("x") for _ in range(3)]
        some = self._choice("MIN", "MAX", "SUM", "AVG", "COUNT")
        case = f"SUM(CASE WHEN {self._condition(columns, 1)} THEN 1 ELSE 0 END)"
        one = self._choice(case, f"{some}({self._number(columns)})", f"COUNT(DISTINCT {self._number(columns)})")
        items = f"COUNT(*) AS {names[0]}, {one} AS {names[1]}"
        if self._chance(0.5):
            return f"SELECT {distinct}{items} {rest} GROUP BY {key}", dict.fromkeys(names[:2], NUMBER)
        return f"SELECT {distinct}{items} {rest}", dict.fromkeys(names[:2], NUMBER)
