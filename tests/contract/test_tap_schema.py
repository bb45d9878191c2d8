"""TAP_SCHEMA (TAP 1.1 §4): it describes itself and everything else, and what it says is true."""

from collections import Counter

import pytest
from astropy.coordinates import SkyCoord
from mocpy import MOC

from tests.contract.client import records, sync, table

STANDARD = {
    "schemas": {"schema_name": "string", "utype": "string", "description": "string", "schema_index": "integer"},
    "tables": {
        "schema_name": "string",
        "table_name": "string",
        "table_type": "string",
        "utype": "string",
        "description": "string",
        "table_index": "integer",
    },
    "columns": {
        **dict.fromkeys(["table_name", "column_name", "datatype", "arraysize", "xtype"], "string"),
        '"size"': "integer",
        **dict.fromkeys(["description", "utype", "unit", "ucd"], "string"),
        **dict.fromkeys(["indexed", "principal", "std", "column_index"], "integer"),
    },
    "keys": dict.fromkeys(["key_id", "from_table", "target_table", "description", "utype"], "string"),
    "key_columns": dict.fromkeys(["key_id", "from_column", "target_column"], "string"),
}
NOT_NULL = {
    "schemas": ["schema_name"],
    "tables": ["schema_name", "table_name", "table_type"],
    "columns": ["table_name", "column_name", "datatype", "indexed", "principal", "std"],
    "keys": ["key_id", "from_table", "target_table"],
    "key_columns": ["key_id", "from_column", "target_column"],
}
UNIQUE = {
    "schemas": ["schema_name"],
    "tables": ["table_name"],
    "columns": ["table_name", "column_name"],
    "keys": ["key_id"],
}
KEYS = {
    ("tables", "schema_name", "schemas", "schema_name"),
    ("columns", "table_name", "tables", "table_name"),
    ("keys", "from_table", "tables", "table_name"),
    ("keys", "target_table", "tables", "table_name"),
    ("key_columns", "key_id", "keys", "key_id"),
}
each_table = pytest.mark.parametrize("name", STANDARD)


def short(table_name: str) -> str:
    return table_name.lower().removeprefix("tap_schema.")


def described(service: str, name: str) -> list[dict[str, str]]:
    return records(
        service, f"SELECT * FROM tap_schema.columns WHERE table_name = 'tap_schema.{name}' ORDER BY column_index"
    )


@each_table
def test_a_standard_table_describes_itself(service: str, name: str) -> None:
    """§4: it is self-describing."""
    assert len(records(service, f"SELECT * FROM tap_schema.tables WHERE table_name = 'tap_schema.{name}'")) == 1


@each_table
def test_a_standard_table_has_its_columns_and_declares_them_as_standard(service: str, name: str) -> None:
    """§4.1-§4.4; docs/demands.md K15, taplint TSTD."""
    found = {row["column_name"]: row for row in described(service, name)}
    assert set(STANDARD[name]) <= set(found)
    assert {found[column]["std"] for column in STANDARD[name]} == {"1"}


@each_table
def test_the_types_of_standard_columns_are_string_or_int(service: str, name: str) -> None:
    """§4; taplint TSCT and CINT: `int` for flags and "size"."""
    for row in described(service, name):
        kind = STANDARD[name].get(row["column_name"])
        if kind == "string":
            assert row["datatype"] in {"char", "unicodeChar"}, row
            assert row["arraysize"].endswith("*"), row
        elif kind == "integer":
            assert (row["datatype"], row["arraysize"]) == ("int", ""), row


@each_table
def test_select_star_returns_what_is_declared(service: str, name: str) -> None:
    """§4; docs/demands.md K15: by case, type, unit, UCD, utype and xtype, in the declared order."""
    fields = table(service, f"SELECT * FROM tap_schema.{name}", MAXREC="0").fields
    declared = described(service, name)
    assert [f["name"] for f in fields] == [d["column_name"].strip('"') for d in declared]
    for field, about in zip(fields, declared, strict=True):
        for key in ("datatype", "arraysize", "xtype", "unit", "ucd", "utype", "description"):
            assert field.get(key, "") == about[key], (field["name"], key)


@each_table
def test_nothing_is_null_where_it_may_not_be(service: str, name: str) -> None:
    """§4, "not-null" of the tables there."""
    for column in NOT_NULL[name]:
        assert records(service, f"SELECT COUNT(*) AS n FROM tap_schema.{name} WHERE {column} IS NULL") == [
            {"n": "0"}
        ], column


@pytest.mark.parametrize("name", UNIQUE)
def test_what_must_be_unique_is(service: str, name: str) -> None:
    """§4.1-§4.4."""
    columns = ", ".join(UNIQUE[name])
    rows = Counter(tuple(row.values()) for row in records(service, f"SELECT {columns} FROM tap_schema.{name}"))
    assert rows
    assert set(rows.values()) == {1}


def test_the_five_foreign_keys_are_described(service: str) -> None:
    """§4.4: each one a key of one column."""
    query = (
        "SELECT k.key_id, k.from_table, c.from_column, k.target_table, c.target_column"
        " FROM tap_schema.keys AS k JOIN tap_schema.key_columns AS c ON k.key_id = c.key_id"
    )
    rows = [list(row.values()) for row in records(service, query)]
    found = {(short(r[1]), r[2], short(r[3]), r[4]) for r in rows}
    assert found >= KEYS
    own = Counter(r[0] for r in rows if r[1].lower().startswith("tap_schema."))
    assert set(own.values()) == {1}


@pytest.mark.parametrize(
    ("name", "column", "target", "key"),
    [
        *sorted(KEYS),
        ("keys", "from_table", "columns", "table_name"),
        ("keys", "target_table", "columns", "table_name"),
        ("key_columns", "from_column", "columns", "column_name"),
        ("key_columns", "target_column", "columns", "column_name"),
        ("columns", "table_name", "tables", "table_name"),
    ],
)
def test_no_row_hangs_on_nothing(service: str, name: str, column: str, target: str, key: str) -> None:
    """§4.4: should enforce; from and target must refer to entries of columns."""
    query = f"SELECT {column} FROM tap_schema.{name} WHERE {column} NOT IN (SELECT {key} FROM tap_schema.{target})"
    assert records(service, query) == []


def test_both_ends_of_a_key_are_columns_of_their_tables(service: str) -> None:
    """§4.4: table and column together are an entry of columns."""
    columns = {
        tuple(row.values()) for row in records(service, "SELECT table_name, column_name FROM tap_schema.columns")
    }
    joined = "FROM tap_schema.keys AS k JOIN tap_schema.key_columns AS c ON k.key_id = c.key_id"
    for end in ("from", "target"):
        ends = {tuple(row.values()) for row in records(service, f"SELECT k.{end}_table, c.{end}_column {joined}")}
        assert ends
        assert ends <= columns


def test_every_column_comes_with_the_type_that_is_described(service: str) -> None:
    """§3.2: datatype, arraysize and xtype of a FIELD are those of TAP_SCHEMA."""
    query = "SELECT table_name, column_name, datatype, arraysize, xtype FROM tap_schema.columns ORDER BY table_name, column_index"
    described: dict[str, list[tuple[str, ...]]] = {}
    for row in records(service, query):
        described.setdefault(row["table_name"], []).append(
            (row["column_name"].strip('"'), row["datatype"], row["arraysize"], row["xtype"])
        )
    for name, columns in described.items():
        fields = table(service, f"SELECT * FROM {name}", MAXREC="0").fields
        found = [(f["name"], f["datatype"], f.get("arraysize", ""), f.get("xtype", "")) for f in fields]
        assert found == columns, name


def test_every_table_has_columns_and_every_schema_tables(service: str) -> None:
    assert (
        records(
            service,
            "SELECT table_name FROM tap_schema.tables WHERE table_name NOT IN (SELECT table_name FROM tap_schema.columns)",
        )
        == []
    )
    assert (
        records(
            service,
            "SELECT schema_name FROM tap_schema.schemas WHERE schema_name NOT IN (SELECT schema_name FROM tap_schema.tables)",
        )
        == []
    )


def test_a_table_is_table_or_view(service: str) -> None:
    """§4.2."""
    assert records(service, "SELECT table_type FROM tap_schema.tables WHERE table_type NOT IN ('table', 'view')") == []


@pytest.mark.parametrize("flag", ["indexed", "principal", "std"])
def test_flags_are_0_or_1(service: str, flag: str) -> None:
    """§4.3: no other values are allowed."""
    assert {row[flag] for row in records(service, f"SELECT DISTINCT {flag} FROM tap_schema.columns")} <= {"0", "1"}


def test_size_follows_arraysize(service: str) -> None:
    """§4.3: null where arraysize is null or has more dimensions, else its number."""
    field, rows = (
        table(service, 'SELECT "size" FROM tap_schema.columns', MAXREC="0").root,
        records(service, 'SELECT column_name, arraysize, "size" FROM tap_schema.columns'),
    )
    null = field.xpath("string(//*[local-name()='VALUES']/@null)")
    for row in rows:
        number = row["arraysize"].removesuffix("*")
        assert row["size"] == (number if number.isdigit() else null), row


def test_arraysize_is_null_for_scalars_and_given_for_texts(service: str) -> None:
    """§4.3: must be null for scalar numeric columns; docs/demands.md K22: always give it for text."""
    for row in records(service, "SELECT table_name, column_name, datatype, arraysize FROM tap_schema.columns"):
        assert row["arraysize"] != "1", row
        assert row["arraysize"] or row["datatype"] not in {"char", "unicodeChar"}, row


def test_every_described_table_can_be_read_under_its_name(service: str) -> None:
    """§4.2: the string that is recommended for use in querying."""
    for row in records(service, "SELECT table_name FROM tap_schema.tables"):
        assert sync(service, f"SELECT * FROM {row['table_name']}", MAXREC="1").status == 200


def test_every_described_column_can_be_selected_under_its_name(service: str) -> None:
    """§4.3: quotes included where they are needed."""
    for row in records(service, "SELECT table_name, column_name FROM tap_schema.columns"):
        assert sync(service, f"SELECT {row['column_name']} FROM {row['table_name']}", MAXREC="0").status == 200, row


def test_size_in_double_quotes_is_a_column_and_without_them_is_not(service: str) -> None:
    """§4.3: it collides with a reserved word and is lower case exclusively."""
    assert sync(service, 'SELECT "size" FROM tap_schema.columns', MAXREC="1").status == 200
    assert sync(service, 'SELECT "SIZE" FROM tap_schema.columns', MAXREC="1").status == 400


@pytest.mark.parametrize("index", ["schema_index", "table_index", "column_index"])
def test_the_indexes_that_order_the_display_are_numbers(service: str, index: str) -> None:
    """§4.1-§4.3: clients may order by them; the sample and TAP_SCHEMA have them all (but schemas need none)."""
    name = index.removesuffix("_index") + "s"
    found = {row[index] for row in records(service, f"SELECT {index} FROM tap_schema.{name} WHERE {index} IS NOT NULL")}
    assert found
    assert all(value.isdigit() for value in found)


def test_nobody_can_change_tap_schema(service: str) -> None:
    for query in (
        "DELETE FROM tap_schema.tables",
        "UPDATE tap_schema.tables SET description = 'x'",
        "INSERT INTO tap_schema.schemas VALUES ('x')",
    ):
        assert sync(service, query).status == 400


def test_topcats_queries_of_metadata_work(service: str) -> None:
    """docs/demands.md K23: what TOPCAT asks when there are many columns."""
    queries = (
        "SELECT COUNT(*) AS nrow FROM TAP_SCHEMA.columns",
        "SELECT TOP 1 * FROM TAP_SCHEMA.columns",
        "SELECT key_id, from_column, target_column FROM TAP_SCHEMA.key_columns NATURAL JOIN TAP_SCHEMA.keys WHERE from_table = 'tap_schema.columns'",
        "SELECT c.key_id, c.from_column, c.target_column FROM TAP_SCHEMA.key_columns AS c JOIN TAP_SCHEMA.keys AS k ON c.key_id = k.key_id JOIN TAP_SCHEMA.tables AS t ON from_table = table_name",
    )
    for query in queries:
        assert table(service, query).rows


@pytest.mark.parametrize("name", ["table_coverage", "column_statistics"])
def test_what_is_known_of_rows_describes_itself_too(service: str, name: str) -> None:
    """§4: a service may have more tables and columns in TAP_SCHEMA."""
    fields = table(service, f"SELECT * FROM tap_schema.{name}", MAXREC="0").fields
    declared = described(service, name)
    assert [f["name"] for f in fields] == [d["column_name"] for d in declared]
    assert {d["std"] for d in declared} == {"0"}
    joined = (
        f"SELECT t.table_name FROM tap_schema.tables AS t JOIN tap_schema.{name} AS k ON k.table_name = t.table_name"
    )
    assert {"demo.ngc", "demo.stars"} <= {row["table_name"] for row in records(service, joined)}


def test_tables_can_be_chosen_by_the_sky_that_they_cover(service: str) -> None:
    query = (
        "SELECT table_name, AREA(moc) AS extent FROM tap_schema.table_coverage WHERE 1 = CONTAINS(POINT({}, {}), moc)"
    )
    found = {row["table_name"]: float(row["extent"]) for row in records(service, query.format(83.63, 22.01))}
    mocs = {
        row["table_name"]: row["moc"]
        for row in records(service, "SELECT table_name, moc FROM tap_schema.table_coverage WHERE moc IS NOT NULL")
    }
    crab = SkyCoord(83.63, 22.01, unit="deg")
    covering = {
        name: MOC.from_string(text) for name, text in mocs.items() if MOC.from_string(text).contains_skycoords(crab)[0]
    }
    assert found.keys() == covering.keys() >= {"demo.stars"}
    for name, moc in covering.items():
        assert found[name] == pytest.approx(moc.sky_fraction * 41252.96, rel=1e-6)


def test_columns_can_be_chosen_by_their_values(service: str) -> None:
    query = (
        "SELECT column_name, nulls FROM tap_schema.column_statistics WHERE table_name = 'demo.ngc' AND max_value > 600"
    )
    found = {row["column_name"]: int(row["nulls"]) for row in records(service, query)}
    assert found.keys() == {"major_axis", "radial_velocity"}
    counted = records(service, "SELECT COUNT(*) - COUNT(major_axis) AS n FROM demo.ngc")[0]["n"]
    assert found["major_axis"] == int(counted)
