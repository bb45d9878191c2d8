"""Cone searches on tables on shards give the same as on one server."""

import pytest

from tests.contract.client import get


@pytest.mark.parametrize("table", ["stars", "source"])
@pytest.mark.parametrize(("ra", "dec"), [("1.13", "2.27"), ("0.05", "1.5")])
def test_a_cone_has_the_same_rows_wherever_they_lie(service: str, table: str, ra: str, dec: str) -> None:
    """Also where the identifier is made of the position, which a window of all rows of the cone numbers."""
    cone = {"RA": ra, "DEC": dec, "SR": "1", "VERB": "1"}
    far, near = (
        get(f"{service.removesuffix('/tap')}/scs/{schema}.{table}", cone).votable() for schema in ("far", "near")
    )
    assert sorted(far.rows) == sorted(near.rows) != []
    assert far.fields == near.fields
