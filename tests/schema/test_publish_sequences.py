"""Whatever is done with tables one after the other, the database and TAP_SCHEMA hold what was done last, and no more."""

import itertools
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from psycopg import sql

from adql.translate import translate
from schema.description import Description, DescriptionError, parse_description
from schema.load import open_file
from schema.load.reader import LoadError
from schema.model import Column, Table, quoted_if_needed
from schema.publish import Loaded, load_table, publish_table, unpublish_table
from schema.tap_schema import count_change, read_catalogue, remove_table

Said = dict[str, dict[str, Any]]
"""What a description says, as its TOML would have it: `table` and `columns`."""
FORGETS = False
"""Whether `unpublish` forgets what descriptions said, so that `publish` brings back the file's words alone."""
MAIN_RA, MAIN_DEC = "pos.eq.ra;meta.main", "pos.eq.dec;meta.main"
DATATYPES = {pa.int32(): "int", pa.int64(): "long", pa.float32(): "float", pa.float64(): "double", pa.string(): "char"}


# ---- files


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a file: its values, and what the file says of it."""

    values: pa.Array
    unit: str | None = None
    ucd: str | None = None
    utype: str | None = None
    description: str | None = None

    @property
    def said(self) -> dict[str, str]:
        told = {name: getattr(self, name) for name in ("unit", "ucd", "utype", "description")}
        return {name: text for name, text in told.items() if text}

    @property
    def datatype(self) -> str:
        ascii_only = all(each.isascii() for each in self.values.drop_null().to_pylist() if isinstance(each, str))
        return DATATYPES[self.values.type] if ascii_only else "unicodeChar"


File = dict[str, Field]


def numbers(*values: float | None) -> pa.Array:
    return pa.array(values, pa.float64())


def texts(*values: str | None) -> pa.Array:
    return pa.array(values, pa.string())


BRIGHT: File = {
    "n": Field(pa.array([1, 2, None], pa.int32()), ucd="meta.id", description="Number"),
    "mag": Field(pa.array([1.5, None, -0.25], pa.float32()), "mag", "phot.mag;em.opt.V", "x:mag", "Brightness"),
    "Name": Field(texts("Sirius", None, "Vega"), description="What people call it"),
    "B-V": Field(numbers(0.5, 0.25, None), "mag", "phot.color"),
}
PLACED: File = {
    "n": Field(pa.array([7, 8], pa.int64())),
    "mag": Field(numbers(2.5, 3.5), "Jy", description="Flux, in fact"),
    "Name": Field(texts("\u03b1 Cen", "x"), ucd="meta.id"),
    "B-V": Field(numbers(None, None)),
    "ra": Field(numbers(10.0, 359.5), "deg", MAIN_RA, description="Right ascension"),
    "dec": Field(numbers(-90.0, 45.25), "deg", MAIN_DEC),
    "pm": Field(numbers(-7.5, 3.0), "mas.yr**-1", "pos.pm"),
}
NOTHING: File = {name: Field(each.values[:0], each.unit, each.ucd) for name, each in BRIGHT.items()}
FILES = {"bright": BRIGHT, "placed": PLACED, "nothing": NOTHING}
POSITION = {"ra", "dec"}


def written(path: Path, file: File) -> Path:
    fields = [pa.field(name, each.values.type, metadata=each.said) for name, each in file.items()]
    pq.write_table(pa.Table.from_arrays([each.values for each in file.values()], schema=pa.schema(fields)), path)
    return path


def rows_of_file(file: File) -> list[tuple[object, ...]]:
    return list(zip(*(each.values.to_pylist() for each in file.values()), strict=True))


def in_order(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return sorted(rows, key=repr)


# ---- what should be there


@dataclass(slots=True)
class Kept:
    """A table whose data are in the database."""

    file: File
    said: Said = field(default_factory=lambda: {"table": {}, "columns": {}})
    published: bool = True

    def describe(self, more: Said) -> None:
        self.said["table"] |= more["table"]
        for name, each in more["columns"].items():
            self.said["columns"].setdefault(name, {}).update(each)

    def forget(self) -> None:
        self.published = False
        if FORGETS:
            self.said = {"table": {}, "columns": {}}

    def columns(self) -> list[tuple[object, ...]]:
        return [self._column(name, each) for name, each in self.file.items()]

    def _column(self, name: str, about: Field) -> tuple[object, ...]:
        said = self.said["columns"].get(name, {})
        told = [said.get(key, getattr(about, key)) or None for key in ("unit", "ucd", "utype", "description")]
        bounds = (min(about.values.to_pylist()), max(about.values.to_pylist())) if about.ucd == "pos.pm" else None
        return (quoted_if_needed(name), about.datatype, *told, said.get("principal", True), name in POSITION, bounds)

    def table(self) -> tuple[object, ...]:
        said = self.said["table"]
        told = [said.get(key) for key in ("description", "title", "creator", "licence")]
        return ("table", *told, len(rows_of_file(self.file)))


def found_column(column: Column) -> tuple[object, ...]:
    told = column.unit, column.ucd, column.utype, column.description
    return (column.column_name, column.datatype, *told, column.principal, column.indexed, column.bounds)


def found_table(table: Table) -> tuple[object, ...]:
    origin = table.origin
    return (table.table_type, table.description, origin.title, origin.creator, origin.licence, table.nrows)


def relations(connection: psycopg.Connection, schema: str) -> list[str]:
    """All that holds or shows rows in a schema."""
    found = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind IN ('r', 'p', 'f', 'v', 'm')",
        (schema,),
    )
    return [str(name) for (name,) in found]


def readable(connection: psycopg.Connection, schema: str) -> set[str]:
    """Those that the role of strangers' queries may read."""
    may = "SELECT has_table_privilege('armillary_reader', %s::regclass, 'SELECT')"
    names = relations(connection, schema)
    return {n for n in names if connection.execute(may, (sql.Identifier(schema, n).as_string(),)).fetchone() == (True,)}


def published(connection: psycopg.Connection, schema: str) -> dict[str, Table]:
    return {t.table_name: t for t in read_catalogue(connection).tables if t.schema_name == schema}


def clean(connection: psycopg.Connection, schema: str) -> None:
    for name in published(connection, schema):
        with suppress(LoadError):
            unpublish_table(connection, name)
        remove_table(connection, name)
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
    count_change(connection)


# ---- every order of things

Name = tuple[str, str]
"""In the database, and as an operator writes it."""
OFTEN: Name = ("my table", '"my table"')
"""So that much happens to one of them."""
NAMES = st.sampled_from([OFTEN, OFTEN, OFTEN, ("Mixed", "Mixed"), ("Mixed", '"Mixed"'), ("stars", "stars")])
FILE = st.sampled_from(sorted(FILES))
COLUMN: dict[str, st.SearchStrategy[Any]] = {
    "unit": st.sampled_from(["m", "mag", ""]),
    "ucd": st.sampled_from(["meta.number", "phot.flux", ""]),
    "utype": st.sampled_from(["y:z", ""]),
    "description": st.sampled_from(["Told otherwise", "Told yet otherwise", ""]),
    "principal": st.booleans(),
}
COLUMNS = st.dictionaries(
    st.sampled_from(["n", "mag", "Name", "B-V"]), st.fixed_dictionaries({}, optional=COLUMN), min_size=1, max_size=3
)
TABLES: st.SearchStrategy[dict[str, str]] = st.sampled_from([
    {}, {"title": "Stars", "description": "All of them"}, {"description": "Some"}, {"creator": "Me"}, {"licence": "CC0"},
])  # fmt: skip
DESCRIPTIONS: st.SearchStrategy[Said] = st.fixed_dictionaries({"table": TABLES, "columns": COLUMNS})
NO_DESCRIPTION: Said = {"table": {}, "columns": {}}
COUNTER = itertools.count(1)
UNLOADABLE: dict[str, tuple[File, Said]] = {
    "column nowhere": (BRIGHT, {"columns": {"nowhere": {"unit": "m"}}}),
    "a key with a NULL": (BRIGHT, {"table": {"primary_key": ["n"]}}),
    "a key that repeats": ({"n": Field(pa.array([1, 1], pa.int32()))}, {"table": {"primary_key": ["n"]}}),
    "no text": ({"t": Field(texts("a\0b"))}, {}),
}
ANOTHERS: Said = {"columns": {"n": {"unit": "kg"}, "nowhere": {"unit": "m"}}}


class Life(RuleBasedStateMachine):
    """Tables are loaded, described, published and taken out again, in any order; beside it what should be there."""

    def __init__(self, owner: psycopg.Connection, reader: psycopg.Connection, folder: Path) -> None:
        super().__init__()
        self.owner, self.reader, self.folder = owner, reader, folder
        # Of its own for every run: what an earlier one left behind is none of this one's business.
        self.schema = f"lab{next(COUNTER)}"
        self.kept: dict[str, Kept] = {}
        self.messages: list[str] = []

    def teardown(self) -> None:
        clean(self.owner, self.schema)

    def _in_adql(self, stored: str) -> str:
        return f"{self.schema}.{quoted_if_needed(stored)}"

    def _load(self, name: str, file: File, said: Said) -> Loaded:
        path = written(self.folder / "t.parquet", file)
        return load_table(self.owner, open_file(path), f"{self.schema}.{name}", parse_description(said))

    def _hear(self, done: Loaded, stored: str) -> None:
        self.messages += [*done.warnings, *done.notes, done.table.table_name]
        assert found_table(done.table) == self.kept[stored].table()
        assert done.table.table_name == self._in_adql(stored)

    # -- what an operator does

    @initialize(file=FILE, said=DESCRIPTIONS)
    def begin(self, file: str, said: Said) -> None:
        self.load(OFTEN, file, said)

    @rule(name=NAMES, file=FILE, said=st.one_of(st.just(NO_DESCRIPTION), DESCRIPTIONS))
    def load(self, name: Name, file: str, said: Said) -> None:
        stored, spelt = name
        done = self._load(spelt, FILES[file], said)
        self.kept[stored] = Kept(FILES[file])
        self.kept[stored].describe(said)
        self._hear(done, stored)

    @rule(name=NAMES, said=DESCRIPTIONS)
    def publish(self, name: Name, said: Said) -> None:
        stored, spelt = name
        if stored not in self.kept:
            with pytest.raises(LoadError, match="there is no table") as refused:
                publish_table(self.owner, f"{self.schema}.{spelt}", parse_description(said))
            self.messages.append(str(refused.value))
            return
        done = publish_table(self.owner, f"{self.schema}.{spelt}", parse_description(said))
        self.kept[stored].describe(said)
        self.kept[stored].published = True
        self._hear(done, stored)

    @rule(name=NAMES)
    def publish_without_description(self, name: Name) -> None:
        self.publish(name, NO_DESCRIPTION)

    @rule(name=NAMES)
    def unpublish(self, name: Name) -> None:
        known = self.kept.get(name[0])
        assert unpublish_table(self.owner, f"{self.schema}.{name[1]}") == bool(known and known.published)
        if known:
            known.forget()

    @precondition(lambda self: len(self.kept) > 1)
    @rule(name=NAMES)
    def unpublish_and_drop(self, name: Name) -> None:
        """Where the data are there without being published, it says that it did something exactly if it did."""
        known = self.kept.get(name[0])
        before = len(relations(self.owner, self.schema))
        said = unpublish_table(self.owner, f"{self.schema}.{name[1]}", drop=True)
        gone = before - len(relations(self.owner, self.schema))
        assert (said, gone) == ((True, 1) if known and (known.published or gone) else (False, 0))
        if gone:
            del self.kept[name[0]]

    @rule(name=NAMES, why=st.sampled_from(["another table's description", *UNLOADABLE]))
    def be_refused(self, name: Name, why: str) -> None:
        with pytest.raises((LoadError, DescriptionError)) as refused:
            if why in UNLOADABLE:
                self._load(name[1], *UNLOADABLE[why])
            else:
                publish_table(self.owner, f"{self.schema}.{name[1]}", parse_description(ANOTHERS))
        self.messages.append(str(refused.value))

    # -- what holds after each of these

    @invariant()
    def every_table_is_there_once_with_the_rows_of_its_last_load(self) -> None:
        stored = relations(self.owner, self.schema)
        assert len(stored) == len(self.kept), stored
        command = sql.SQL("SELECT * FROM {}")
        rows = [self.owner.execute(command.format(sql.Identifier(self.schema, name))).fetchall() for name in stored]
        expected = [in_order(rows_of_file(each.file)) for each in self.kept.values()]
        assert sorted(map(in_order, rows), key=repr) == sorted(expected, key=repr)

    @invariant()
    def the_catalogue_tells_what_is_published_and_the_reader_sees_it(self) -> None:
        expected = {self._in_adql(name): each for name, each in self.kept.items() if each.published}
        catalogue = read_catalogue(self.reader)
        tables = published(self.reader, self.schema)
        assert tables.keys() == expected.keys()
        assert (self.schema in {each.schema_name for each in catalogue.schemas}) == bool(expected)
        for name, each in expected.items():
            assert found_table(tables[name]) == each.table()
            assert [found_column(c) for c in tables[name].columns] == each.columns()
            query = translate(f"SELECT * FROM {name}", catalogue).sql.encode()
            assert in_order(self.reader.execute(query).fetchall()) == in_order(rows_of_file(each.file))
        assert readable(self.owner, self.schema) == {each.stored_parts[1] for each in tables.values()}

    @invariant()
    def a_position_stays_one(self) -> None:
        for name, each in self.kept.items():
            if each.published:
                known = position(self.owner, self._in_adql(name))
                assert known == (("ra", "dec") if "ra" in each.file else (None, None))

    @invariant()
    def no_message_tells_how_tables_are_stored(self) -> None:
        known = {"stars", "my table", "Mixed"}
        hidden = set(relations(self.owner, self.schema)) - known
        said = "\n".join(self.messages)
        assert not [name for name in hidden if name in said]
        assert not [name for name in known if re.search(rf"{name}_\d", said)]


def position(connection: psycopg.Connection, table_name: str) -> tuple[object, ...] | None:
    return connection.execute("SELECT ra, dec FROM armillary.tables WHERE table_name = %s", (table_name,)).fetchone()


@pytest.mark.long
def test_in_any_order_what_was_done_last_is_there_and_nothing_else(
    owner: psycopg.Connection, reader: psycopg.Connection, tmp_path: Path
) -> None:
    run_state_machine_as_test(
        lambda: Life(owner, reader, tmp_path),
        settings=settings(
            max_examples=25,
            stateful_step_count=16,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # Without shrinking: that would run it for minutes, and sixteen steps can be read.
            phases=(Phase.reuse, Phase.generate),
        ),
    )


# ---- some orders by name


@pytest.fixture
def lab(owner: psycopg.Connection) -> Iterator[psycopg.Connection]:
    yield owner
    clean(owner, "lab")


def load(
    connection: psycopg.Connection, folder: Path, name: str = "lab.stars", file: File = PLACED, **said: Any
) -> Table:
    return load_table(
        connection, open_file(written(folder / "t.parquet", file)), name, parse_description(said)
    ).table  # fmt: skip


def publish(connection: psycopg.Connection, name: str = "lab.stars", **said: Any) -> Table:
    done = publish_table(connection, name, parse_description(said))
    assert published(connection, "lab")[done.table.table_name].columns == done.table.columns
    return done.table


def told(table: Table) -> list[tuple[object, ...]]:
    return [found_column(each) for each in table.columns]


def test_a_description_changes_what_it_names_and_nothing_else(lab: psycopg.Connection, tmp_path: Path) -> None:
    before = told(load(lab, tmp_path, table={"title": "Stars", "licence": "CC0"}, columns={"n": {"ucd": "meta.id"}}))
    table = publish(lab, table={"creator": "Me"}, columns={"mag": {"unit": "mag"}})
    changed = [(*each[:2], "mag", *each[3:]) if each[0] == "mag" else each for each in before]
    assert told(table) == changed
    assert (table.origin.title, table.origin.licence, table.origin.creator) == ("Stars", "CC0", "Me")
    assert (table.nrows, position(lab, "lab.stars")) == (2, ("ra", "dec"))


def test_publish_after_unpublish_brings_back_what_the_file_said(lab: psycopg.Connection, tmp_path: Path) -> None:
    before = load(lab, tmp_path)
    assert unpublish_table(lab, "lab.stars")
    assert not published(lab, "lab")
    table = publish(lab)
    assert told(table) == told(before)
    assert (table.nrows, position(lab, "lab.stars")) == (2, ("ra", "dec"))


def test_publish_works_after_two_loads_and_leaves_one_copy(lab: psycopg.Connection, tmp_path: Path) -> None:
    load(lab, tmp_path)
    load(lab, tmp_path, file=BRIGHT)
    assert told(publish(lab)) == Kept(BRIGHT).columns()
    assert unpublish_table(lab, "lab.stars")
    assert told(publish(lab)) == Kept(BRIGHT).columns()
    load(lab, tmp_path)
    assert len(relations(lab, "lab")) == 1


def test_load_works_after_unpublish_and_leaves_one_copy(lab: psycopg.Connection, tmp_path: Path) -> None:
    load(lab, tmp_path)
    unpublish_table(lab, "lab.stars")
    load(lab, tmp_path, file=BRIGHT)
    assert len(relations(lab, "lab")) == 1
    assert readable(lab, "lab") == {published(lab, "lab")["lab.stars"].stored_parts[1]}


@pytest.mark.parametrize("loads", [1, 2])
def test_unpublish_with_drop_removes_the_data(lab: psycopg.Connection, tmp_path: Path, loads: int) -> None:
    for _ in range(loads):
        load(lab, tmp_path)
    assert unpublish_table(lab, "lab.stars", drop=True)
    assert relations(lab, "lab") == []
    assert not unpublish_table(lab, "lab.stars", drop=True)
    with pytest.raises(LoadError, match="there is no table"):
        publish_table(lab, "lab.stars", Description())
    assert load(lab, tmp_path, file=BRIGHT).nrows == 3


def test_a_column_that_a_description_leaves_out_can_be_brought_back(lab: psycopg.Connection, tmp_path: Path) -> None:
    before = told(load(lab, tmp_path))
    assert told(publish(lab, columns={"mag": {"omit": True}})) == [each for each in before if each[0] != "mag"]
    assert told(publish(lab, columns={"mag": {"omit": False}})) == before


def test_foreign_keys_outlive_the_publication_of_either_table(lab: psycopg.Connection, tmp_path: Path) -> None:
    load(lab, tmp_path, "lab.people", BRIGHT)
    load(lab, tmp_path, keys=[{"target": "lab.people", "columns": {"n": "n"}}])
    for name in ("lab.stars", "lab.people"):
        publish(lab, name, columns={"n": {"description": "Told otherwise"}})
        keys = [(k.from_table, k.target_table, k.columns) for k in read_catalogue(lab).keys]
        assert ("lab.stars", "lab.people", (("n", "n"),)) in keys


@pytest.mark.parametrize(
    ("name", "in_adql"),
    [
        ('lab."my table"', 'lab."my table"'),
        ('"lab"."Mixed"', "lab.Mixed"),
        ("lab.Mixed", "lab.Mixed"),
        ('lab."v1.2"', 'lab."v1.2"'),
        ('lab."a ""b"""', 'lab."a ""b"""'),
        ('lab."Select"', 'lab."Select"'),
    ],
)
def test_a_name_is_written_as_queries_write_it(
    lab: psycopg.Connection, tmp_path: Path, name: str, in_adql: str
) -> None:
    for _ in range(2):
        assert load(lab, tmp_path, name).table_name == in_adql
    assert publish(lab, name).table_name == in_adql
    assert unpublish_table(lab, name)
    assert publish(lab, name).table_name == in_adql
    assert len(lab.execute(translate(f"SELECT * FROM {in_adql}", read_catalogue(lab)).sql.encode()).fetchall()) == 2
    assert unpublish_table(lab, in_adql, drop=True)
    assert relations(lab, "lab") == []


@pytest.mark.parametrize("name", ["stars", "lab.", ".stars", "lab.a.b", 'lab."stars', 'lab.""', 'lab."a"b'])
def test_what_is_no_name_is_refused(lab: psycopg.Connection, tmp_path: Path, name: str) -> None:
    with pytest.raises(LoadError, match=r"schema\.table"):
        load(lab, tmp_path, name)
    with pytest.raises(LoadError, match=r"schema\.table"):
        publish_table(lab, name, Description())


def test_a_table_may_bear_the_name_under_which_another_is_stored(lab: psycopg.Connection, tmp_path: Path) -> None:
    load(lab, tmp_path)
    load(lab, tmp_path)
    assert load(lab, tmp_path, "lab.stars_2", BRIGHT).table_name == "lab.stars_2"
    assert {name: table.nrows for name, table in published(lab, "lab").items()} == {"lab.stars": 2, "lab.stars_2": 3}
    assert unpublish_table(lab, "lab.stars_2", drop=True)
    assert told(publish(lab)) == Kept(PLACED).columns()


@pytest.mark.parametrize("is_published", [True, False])
def test_a_table_that_was_dropped_by_hand_is_forgotten(
    lab: psycopg.Connection, tmp_path: Path, *, is_published: bool
) -> None:
    load(lab, tmp_path)
    if not is_published:
        unpublish_table(lab, "lab.stars")
    (stored,) = relations(lab, "lab")
    lab.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier("lab", stored)))
    with pytest.raises(LoadError, match="there is no table"):
        publish_table(lab, "lab.stars", Description())
    lab.execute("CREATE TABLE lab.stars AS SELECT 42 AS mine")
    assert [(c.column_name, c.description) for c in publish(lab).columns] == [("mine", None)]
    assert position(lab, "lab.stars") == (None, None)


@pytest.mark.parametrize("is_published", [True, False])
def test_a_table_of_the_operator_is_not_loaded_over(
    lab: psycopg.Connection, tmp_path: Path, *, is_published: bool
) -> None:
    lab.execute("CREATE SCHEMA lab; CREATE TABLE lab.own AS SELECT 42 AS mine")
    if is_published:
        publish(lab, "lab.own")
    with pytest.raises(LoadError, match=r"lab\.own (is published from a table|exists in the database)"):
        load(lab, tmp_path, "lab.own")
    assert lab.execute("SELECT mine FROM lab.own").fetchall() == [(42,)]
    assert published(lab, "lab").keys() == ({"lab.own"} if is_published else set())


# ---- units


def test_a_unit_with_a_logarithm_is_a_vounit(lab: psycopg.Connection, tmp_path: Path) -> None:
    gravity = {"logg": Field(numbers(4.4), "log(cm.s**-2)")}
    done = load_table(lab, open_file(written(tmp_path / "t.parquet", gravity)), "lab.stars", Description())
    assert (done.table.columns[0].unit, done.warnings) == ("log(cm.s**-2)", ())
    assert not any("log(cm" in each for each in done.notes)


@pytest.mark.parametrize(
    ("unit", "vounit"),
    [("mas yr-1", "mas.yr**-1"), ("km s-1", "km.s**-1"), ("W m-2", "W.m**-2")],
)
def test_a_unit_in_the_way_of_other_standards_is_noted_and_rewritten(
    lab: psycopg.Connection, tmp_path: Path, unit: str, vounit: str
) -> None:
    file = written(tmp_path / "t.parquet", {"a": Field(numbers(1.0), unit), "b": Field(numbers(1.0))})
    described = parse_description({"columns": {"b": {"unit": unit}}})
    done = load_table(lab, open_file(file), "lab.stars", described)
    assert [each.unit for each in published(lab, "lab")["lab.stars"].columns] == [vounit, vounit]
    assert_rewritten(done, "ab", unit, vounit)
    assert [each.unit for each in publish(lab).columns] == [vounit, vounit]
    lab.execute("CREATE TABLE lab.mine (b real)")
    done = publish_table(lab, "lab.mine", described)
    assert done.table.columns[0].unit == vounit
    assert_rewritten(done, "b", unit, vounit)


def assert_rewritten(done: Loaded, columns: str, unit: str, vounit: str) -> None:
    """Each column with its unit of before and the one that is published; no word of a unit that is wrong."""
    said = [each for each in (*done.notes, *done.warnings) if unit in each]
    for name in columns:
        assert any(vounit in each and re.search(rf"\b{name}\b", each) for each in said), said
    assert not [each for each in said if "no VOUnit" in each and vounit not in each]


# ---- tables of before


@pytest.mark.parametrize("loads", [1, 2])
def test_a_table_that_was_loaded_before_anything_was_kept_of_that_stays_what_it_is(
    lab: psycopg.Connection, tmp_path: Path, loads: int
) -> None:
    for _ in range(loads):
        before = told(load(lab, tmp_path))
    lab.execute("DELETE FROM armillary.loaded")
    assert told(publish(lab)) == before
    lab.execute("DELETE FROM armillary.loaded")
    assert unpublish_table(lab, "lab.stars")
    assert told(publish(lab)) == before
    assert unpublish_table(lab, "lab.stars", drop=True)
    assert relations(lab, "lab") == []


# ---- names, and tables that somebody took away


@pytest.mark.parametrize("loads", [1, 2])
def test_a_table_that_somebody_dropped_is_loaded_again(lab: psycopg.Connection, tmp_path: Path, loads: int) -> None:
    for _ in range(loads):
        table = load(lab, tmp_path)
    lab.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(*table.stored_parts)))
    for _ in range(2):
        table = load(lab, tmp_path)
        (count,) = (
            lab.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table.stored_parts))).fetchone() or ()
        )
        assert count == table.nrows == 2


@pytest.mark.parametrize("schema", ["tap_schema", "TAP_UPLOAD", "armillary", "uws", "pg_catalog", "information_schema"])
def test_schemas_of_the_service_and_of_postgresql_take_no_tables(lab: psycopg.Connection, schema: str) -> None:
    for command in (
        lambda: publish_table(lab, f"{schema}.stars", Description()),
        lambda: unpublish_table(lab, f"{schema}.tables"),
    ):
        with pytest.raises(LoadError, match="choose another"):
            command()


def test_a_name_too_long_for_the_database_is_refused(lab: psycopg.Connection) -> None:
    with pytest.raises(LoadError, match="56 bytes at most"):
        publish_table(lab, f"lab.{'n' * 57}", Description())
