"""Names, types and descriptions."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema import types
from schema.description import DescriptionError, parse_description
from schema.model import Catalogue, Column, Schema, Table, quoted_if_needed, split_name, stored_name
from schema.vocabulary import problems


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_any_stored_name_comes_back_from_its_adql_form(name: str) -> None:
    assert stored_name(quoted_if_needed(name)) == name


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), min_size=1, max_size=3))
def test_a_full_name_is_split_into_its_parts(names: list[str]) -> None:
    quoted = [quoted_if_needed(name) for name in names]
    assert [stored_name(part) for part in split_name(".".join(quoted))] == names


@pytest.mark.parametrize(
    ("stored", "adql"),
    [("ra", "ra"), ("size", '"size"'), ("RAJ2000", "RAJ2000"), ("_x", '"_x"'), ("a b", '"a b"'), ('a"b', '"a""b"')],
)
def test_only_names_that_adql_would_not_take_are_quoted(stored: str, adql: str) -> None:
    assert quoted_if_needed(stored) == adql


@pytest.mark.parametrize("type_", types.TYPES, ids=lambda t: f"{t.name}-{t.datatype}")
def test_a_type_is_found_again_by_what_tap_schema_says_of_it(type_: types.Type) -> None:
    assert Column("x", type_.datatype, type_.arraysize, type_.xtype).type is type_


@pytest.mark.parametrize(
    ("left", "right", "wide"),
    [
        (types.SMALLINT, types.BIGINT, types.BIGINT),
        (types.REAL, types.SMALLINT, types.REAL),
        (types.REAL, types.INTEGER, types.DOUBLE),
        (types.REAL, types.BIGINT, types.DOUBLE),
        (types.TEXT, types.UNICODE, types.UNICODE),
        (types.TEXT, types.INTEGER, None),
        (types.BOOLEAN, types.INTEGER, None),
        (types.POINT, types.POINT, types.POINT),
    ],
)
def test_the_wider_of_two_types_holds_the_values_of_both(
    left: types.Type, right: types.Type, wide: types.Type | None
) -> None:
    assert types.wider(left, right) is wide
    assert types.wider(right, left) is wide


def test_a_table_is_found_by_its_name_with_and_without_schema_whatever_the_case() -> None:
    a, b = Table("s", "s.a", ()), Table("u", "u.a", ())
    catalogue = Catalogue((Schema("s", (a,)), Schema("u", (b,))))
    assert catalogue.find(("S", "A")) == [a]
    assert catalogue.find(("a",)) == [a, b]
    assert catalogue.find(("s", "b")) == []


@pytest.mark.parametrize(
    ("unit", "ucd", "expected"),
    [
        ("mas/yr", "pos.pm;pos.eq.ra", []),
        ("degs", None, ["'degs' is no VOUnit"]),
        ("Angstrom", None, ["deprecated"]),
        (None, "phot.mag;em.opt.G", ["em.opt.G"]),
    ],
)
def test_units_and_ucds_are_checked(unit: str | None, ucd: str | None, expected: list[str]) -> None:
    found = problems(Column("x", "double", unit=unit, ucd=ucd))
    assert len(found) == len(expected)
    assert all(text in problem for text, problem in zip(expected, found, strict=True))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"tabel": {}}, "did you mean table?"),
        ({"table": {"titel": "x"}}, "did you mean title?"),
        ({"columns": {"a": {"ucds": "x"}}}, "did you mean ucd?"),
        ({"keys": [{"columns": {}}]}, "target"),
    ],
)
def test_a_wrong_key_in_a_description_is_named(document: dict[str, object], message: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        parse_description(document)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"columns": {"a": {"omit": "yes"}}}, "omit is true or false, not 'yes'"),
        ({"columns": {"a": {"type": 5}}}, "type is a text in quotes, not 5"),
        ({"columns": {"a": {"from": 1}}}, "from is a text in quotes"),
        ({"table": {"indexes": ["id"]}}, 'indexes is a list of lists of names, as in [["magnitude"]'),
        ({"table": {"primary_key": "id"}}, "primary_key is a list of names"),
        ({"table": {"sharded": 1}}, "sharded is true or false, not 1"),
        ({"table": {"table_index": True}}, "table_index is a whole number, not True"),
        ({"table": {"title": 3}}, "title is a text in quotes, not 3"),
        ({"keys": [{"target": "a.b", "columns": ["x"]}]}, "columns is pairs of names"),
    ],
)
def test_a_value_of_a_description_has_the_kind_that_its_key_takes(document: dict[str, object], message: str) -> None:
    with pytest.raises(DescriptionError, match=re.escape(message)):
        parse_description(document)
