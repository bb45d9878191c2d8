"""Accounts with tables of their own."""

import pytest

from tests.contract.own_tables import Asker, votable
from tests.contract.own_tables import stars as three_stars


@pytest.fixture
def stars(ada: Asker) -> str:
    """The name of a table of hers, with three stars."""
    name = ada.own("stars")
    reply = ada.put(name, votable(three_stars()))
    assert reply.status == 201, reply.text
    return name
