"""pyvo makes, fills, indexes and removes tables of an account, by the methods of its feature cadc-tb-upload."""

from collections.abc import Callable, Iterator
from io import BytesIO, StringIO
from typing import Any

import numpy as np
import pytest
import pyvo
import requests
from astropy import units as u
from astropy.table import MaskedColumn, Table
from pyvo.auth import AuthSession
from pyvo.dal.exceptions import DALQueryError
from pyvo.utils.http import create_session
from pyvo.utils.prototype import deactivate_features

from tap.auth.accounts import AccountStore
from tap.auth.identity import TokenScope
from tests.people import MakePerson, Person

DEFINITION = b"""<vosi:table xmlns:vosi="http://www.ivoa.net/xml/VOSITables/v1.0"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:vod="http://www.ivoa.net/xml/VODataService/v1.1" type="output">
  <name>my_table</name>
  <description>This is my very own table</description>
  <column><name>article</name><description>some article</description>
    <dataType xsi:type="vod:VOTableType" arraysize="30*">char</dataType></column>
  <column><name>count</name><description>how many</description>
    <dataType xsi:type="vod:VOTableType">long</dataType></column>
  <column><name>price</name><unit>EUR</unit><ucd>arith.factor</ucd>
    <dataType xsi:type="vod:VOTableType">double</dataType></column>
</vosi:table>"""
QUERY = 'SELECT article, "count", price FROM {} ORDER BY article'


def goods() -> Table:
    return Table({"article": ["bread", "cheese", "wine"], "count": np.array([3, 0, 2**40]), "price": [1.25, 9.5, -0.1]})


def by_password(person: Person, accounts: AccountStore) -> Any:
    session = AuthSession()
    session.credentials.set_password(person.name, person.password)
    return session


def by_token(person: Person, accounts: AccountStore) -> Any:
    bearer, session = create_session(), AuthSession()
    scopes = [TokenScope.READ, TokenScope.JOBS, TokenScope.TABLES]
    bearer.headers["Authorization"] = f"Bearer {accounts.add_token(person.account, 'tables', scopes, 60)}"
    session.credentials.set("ivo://ivoa.net/sso#OAuth", bearer)
    return session


@pytest.fixture(autouse=True)
def _feature() -> Iterator[None]:
    pyvo.utils.activate_features("cadc-tb-upload")
    yield
    deactivate_features("cadc-tb-upload")


@pytest.fixture
def ada(person: MakePerson) -> Person:
    return person()


@pytest.fixture(params=[by_password, by_token])
def tap(service: str, ada: Person, accounts: AccountStore, request: pytest.FixtureRequest) -> pyvo.dal.TAPService:
    login: Callable[[Person, AccountStore], Any] = request.param
    return pyvo.dal.TAPService(service, session=login(ada, accounts))


@pytest.fixture
def name(ada: Person) -> str:
    return f'"{ada.name}".goods'


def again(tap: pyvo.dal.TAPService) -> pyvo.dal.TAPService:
    """The same, without the list of tables that pyvo keeps."""
    return pyvo.dal.TAPService(tap.baseurl, session=tap._session)


def written(format_: str, table: Table) -> bytes:
    if format_ == "FITSTable":
        table.write(binary := BytesIO(), format="fits")
        return binary.getvalue()
    table.write(text := StringIO(), format="ascii.csv", delimiter="\t" if format_ == "tsv" else ",")
    return text.getvalue().encode()


def same(found: Any, table: Table) -> bool:
    """Whether a result has these rows."""
    names = table.colnames
    return found.fieldnames == tuple(names) and all(list(found[each]) == list(table[each]) for each in names)


def test_a_table_is_made_of_a_definition(tap: pyvo.dal.TAPService, name: str) -> None:
    tap.create_table(name, BytesIO(DEFINITION))
    assert name in tap.tables
    table = tap.tables[name]
    assert table.description == "This is my very own table"
    columns = {column.name.strip('"'): column for column in table.columns}
    assert list(columns) == ["article", "count", "price"]
    assert (columns["article"].datatype.content, columns["price"].datatype.content) == ("char", "double")
    assert (columns["price"].unit, columns["price"].ucd) == ("EUR", "arith.factor")
    assert len(tap.run_sync(QUERY.format(name))) == 0


def test_a_table_is_made_of_a_votable_with_its_rows(tap: pyvo.dal.TAPService, name: str) -> None:
    table = goods()
    table["price"].unit = u.m
    table["price"].description = "What it costs"
    table.write(votable := BytesIO(), format="votable")
    tap.create_table(name, BytesIO(votable.getvalue()), format="VOTable")
    found = tap.run_sync(QUERY.format(name))
    assert same(found, goods())
    assert str(found.getdesc("price").unit) == "m"
    assert found.getdesc("price").description == "What it costs"


def test_a_table_is_made_by_its_bare_name(tap: pyvo.dal.TAPService, name: str) -> None:
    tap.create_table("goods", BytesIO(DEFINITION))
    tap.load_table("goods", BytesIO(written("csv", goods())), format="csv")
    assert same(tap.run_sync(QUERY.format(name)), goods())


@pytest.mark.parametrize("format_", ["tsv", "csv", "FITSTable"])
def test_rows_of_each_format_are_loaded(tap: pyvo.dal.TAPService, name: str, format_: str) -> None:
    tap.create_table(name, BytesIO(DEFINITION))
    tap.load_table(name, BytesIO(written(format_, goods())), format=format_)
    assert same(tap.run_sync(QUERY.format(name)), goods())


def test_rows_are_loaded_from_text(tap: pyvo.dal.TAPService, name: str) -> None:
    tap.create_table(name, BytesIO(DEFINITION))
    tap.load_table(name, StringIO("article\tcount\nart1\t1\nart2\t2\nart3\t3\n"))
    found = tap.run_sync(QUERY.format(name)).to_table()
    assert list(found["count"]) == [1, 2, 3]
    assert np.ma.getmaskarray(found["price"]).all() or np.isnan(found["price"]).all()


@pytest.mark.parametrize("format_", ["tsv", "csv"])
def test_values_that_are_missing_are_masked(tap: pyvo.dal.TAPService, name: str, format_: str) -> None:
    table = goods()
    table["count"] = MaskedColumn(table["count"], mask=[False, True, False])
    tap.create_table(name, BytesIO(DEFINITION))
    tap.load_table(name, BytesIO(written(format_, table)), format=format_)
    assert list(np.ma.getmaskarray(tap.run_sync(QUERY.format(name)).to_table()["count"])) == [False, True, False]


def test_rows_are_loaded_after_others_in_another_order(tap: pyvo.dal.TAPService, name: str) -> None:
    tap.create_table(name, BytesIO(DEFINITION))
    tap.load_table(name, BytesIO(written("tsv", goods()[:1])))
    tap.load_table(name, BytesIO(written("csv", goods()["price", "article", "count"][1:])), format="csv")
    assert same(tap.run_sync(QUERY.format(name)), goods())


def test_an_index_is_made_and_shown(tap: pyvo.dal.TAPService, name: str) -> None:
    tap.create_table(name, BytesIO(DEFINITION))
    tap.load_table(name, BytesIO(written("tsv", goods())))
    tap.create_index(name, "article")
    tap.create_index(name, "price", unique=True)
    columns = {column.name: column for column in tap.tables[name].columns}
    assert "indexed" in columns["article"].flags
    assert "indexed" in columns["price"].flags
    assert same(tap.run_sync(QUERY.format(name)), goods())


def test_an_index_that_cannot_be_made_is_told(tap: pyvo.dal.TAPService, name: str) -> None:
    twice = goods()
    twice["price"] = [1.0, 1.0, 2.0]
    tap.create_table(name, BytesIO(DEFINITION))
    tap.load_table(name, BytesIO(written("tsv", twice)))
    with pytest.raises(DALQueryError, match="price"):
        tap.create_index(name, "price", unique=True)
    with pytest.raises(DALQueryError, match="colour"):
        tap.create_index(name, "colour")
    with pytest.raises(DALQueryError, match="nowhere"):
        tap.create_index(name.replace("goods", "nowhere"), "price")


def test_a_table_is_removed(tap: pyvo.dal.TAPService, name: str) -> None:
    tap.create_table(name, BytesIO(DEFINITION))
    assert name in tap.tables
    tap.remove_table(name)
    assert name not in again(tap).tables
    with pytest.raises(DALQueryError, match="goods"):
        tap.run_sync(QUERY.format(name))
    with pytest.raises(requests.HTTPError, match="404"):
        tap.remove_table(name)


def test_a_table_is_made_once(tap: pyvo.dal.TAPService, name: str) -> None:
    tap.create_table(name, BytesIO(DEFINITION))
    with pytest.raises(requests.HTTPError, match="409"):
        tap.create_table(name, BytesIO(DEFINITION))


def test_what_cannot_be_loaded_is_told_and_leaves_the_rows_as_they_were(tap: pyvo.dal.TAPService, name: str) -> None:
    tap.create_table(name, BytesIO(DEFINITION))
    tap.load_table(name, BytesIO(written("tsv", goods())))
    with pytest.raises(requests.HTTPError, match="400"):
        tap.load_table(name, BytesIO(b"article\tcolour\nwine\tred\n"))
    with pytest.raises(requests.HTTPError, match="400"):
        tap.load_table(name, BytesIO(b"article\tcount\nmilk\t1\nwater\tmuch\n"))
    with pytest.raises(requests.HTTPError, match="404"):
        tap.load_table("nowhere", BytesIO(written("tsv", goods())))
    assert same(tap.run_sync(QUERY.format(name)), goods())


def test_another_account_and_a_stranger_get_nowhere(
    tap: pyvo.dal.TAPService, name: str, person: MakePerson, accounts: AccountStore
) -> None:
    tap.create_table(name, BytesIO(DEFINITION))
    tap.load_table(name, BytesIO(written("tsv", goods())))
    for session, make, change in ((by_password(person(), accounts), "403", "404"), (create_session(), "401", "401")):
        other = pyvo.dal.TAPService(tap.baseurl, session=session)
        assert name not in other.tables
        with pytest.raises(DALQueryError, match="goods"):
            other.run_sync(QUERY.format(name))
        with pytest.raises(requests.HTTPError, match=make):
            other.create_table(name, BytesIO(DEFINITION))
        with pytest.raises(requests.HTTPError, match=change):
            other.load_table(name, BytesIO(written("tsv", goods())))
        with pytest.raises(requests.HTTPError, match=change):
            other.remove_table(name)
        with pytest.raises((DALQueryError, RuntimeError)):
            other.create_index(name, "price")
    assert same(tap.run_sync(QUERY.format(name)), goods())


def test_a_result_is_kept_as_a_table(tap: pyvo.dal.TAPService, name: str) -> None:
    tap.create_table("goods", BytesIO(DEFINITION))
    tap.load_table(name, BytesIO(written("tsv", goods())))
    job = tap.submit_job(f"SELECT article, price * 2 AS twice FROM {name}", DEST="doubled")
    job.run().wait(timeout=60)
    job.raise_if_error()
    found = tap.run_sync(f"SELECT twice FROM {name.replace('goods', 'doubled')} ORDER BY article")
    assert list(found["twice"]) == list(goods()["price"] * 2)
    job.delete()
