"""IDs as they are sent, and the values that they mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.links import Linking
from schema.model import Column, Table
from tap.datalink.identifiers import MOST_UNIQUE, RequestedId, chunks, ids_of, requested_id, unique
from tap.datalink.linked_table import LinkedTable
from uws.parameters import ParameterError, Parameters


def linked(datatype: str) -> LinkedTable:
    column = Column("id", datatype, "*" if datatype == "char" else None)
    return LinkedTable(Table("gaiadr3", "gaiadr3.source", (column,)), Linking("id"), column)


NUMBERS, NAMES = linked("long"), linked("char")


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_a_number_is_itself_also_behind_its_release(number: int) -> None:
    for text in (str(number), f" {number} ", f"Gaia DR3 {number}", f"gaia_dr3 {number}"):
        assert requested_id(text, NUMBERS) == RequestedId(text, number)


@pytest.mark.parametrize(
    "text", ["", "x", "1.5", "1e3", "--1", "1-5", "\u0661", str(2**63), "9" * 5000, "Gaia DR2 1", "0x10"]
)
def test_what_is_no_number_says_so_shortly(text: str) -> None:
    found = requested_id(text, NUMBERS)
    assert (found.key, bool(found.problem)) == (None, True)
    assert len(found.problem) < 150


@given(st.text(max_size=100))
def test_a_name_is_itself(text: str) -> None:
    assert requested_id(text, NAMES) == RequestedId(text, text)


def test_lists_are_of_numbers_and_of_names_only_where_clients_send_such() -> None:
    parameters = Parameters.of([("ID", "1,2, 3"), ("id", ""), ("Id", "4")])
    assert list(ids_of(parameters, NUMBERS)) == ["1", "2", "3", "4"]
    assert list(ids_of(parameters, NAMES)) == ["1,2, 3", "4"]
    assert list(ids_of(parameters, NAMES, always_split=True)) == ["1", "2", "3", "4"]


def test_chunks_keep_the_order_and_each_once_is_once() -> None:
    ids = [str(number % 1500) for number in range(4000)]
    assert [found.text for chunk in chunks(ids, NUMBERS) for found in chunk] == ids
    assert list(unique(ids)) == ids[:1500]


def test_more_ids_than_can_be_remembered_are_refused() -> None:
    with pytest.raises(ParameterError, match="200,000"):
        list(unique(map(str, range(MOST_UNIQUE + 1))))
