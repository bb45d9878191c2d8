"""A NULL among the whole numbers of an array is one still, wherever a result goes; the least number stands for it where need be."""

import io

import numpy as np
import pytest
from astropy.io.votable import parse_single_table

from tests.contract.client import sync
from tests.contract.own_tables import VOTABLE, Asker
from tests.people import MakePerson
from tests.tap.formats.readers import arrow_table, hdf5_table, parquet_table

ARRAYS = "array(1, NULL, 3) AS n, array(NULL, 9000000000) AS b, array(7, NULL)[2:2] AS one"
QUERY = f"SELECT TOP 1 {ARRAYS} FROM demo.ngc"
SUMS = [(4, 9_000_000_000, None, 2, 1, 0)]
OF_FILES = {"votable": VOTABLE, "votable/td": VOTABLE, "votable/b": VOTABLE, "fits": "application/fits", "parquet": "application/vnd.apache.parquet", "arrow": "application/vnd.apache.arrow.stream"}  # fmt: skip


@pytest.fixture
def ada(service: str, person: MakePerson) -> Asker:
    return Asker(service, person())


def sums(who: Asker, table: str) -> list[tuple[object, ...]]:
    columns = ("n", "b", "one")
    counted = ", ".join([*(f"arr_sum({c}) AS s_{c}" for c in columns), *(f"arr_count({c}) AS c_{c}" for c in columns)])
    return who.rows(f"SELECT {counted} FROM {table}")


def test_in_a_table_that_a_job_fills(ada: Asker) -> None:
    assert ada.phase(ada.run(QUERY, DEST="filled")) == "COMPLETED"
    assert sums(ada, ada.own("filled")) == SUMS


def test_in_an_upload_that_is_the_result_of_a_job(ada: Asker) -> None:
    job = ada.run(QUERY)
    columns = "arr_sum(n) AS a, arr_sum(b) AS b, arr_count(one) AS c"
    reply = ada.post_form("sync", LANG="ADQL", QUERY=f"SELECT {columns} FROM TAP_UPLOAD.t", UPLOAD=f"t,{job}/results/result", FORMAT="csv")  # fmt: skip
    assert reply.text.splitlines()[1] == "4,9000000000,0"


@pytest.mark.parametrize("format_", OF_FILES)
def test_in_a_table_that_is_made_of_a_result(ada: Asker, format_: str) -> None:
    body = ada.ask(QUERY, FORMAT=format_).body
    assert ada.put("again", body, OF_FILES[format_]).status in {200, 201}
    assert sums(ada, ada.own("again")) == SUMS


@pytest.mark.parametrize("format_", ["votable", "votable/td", "votable/b"])
def test_votables_declare_what_stands_for_it(service: str, format_: str) -> None:
    table = parse_single_table(io.BytesIO(sync(service, QUERY, FORMAT=format_).body))
    assert [field.values.null for field in table.fields] == [-(2**31), -(2**63), -(2**31)]


def test_fits_declares_it_in_its_votable(service: str) -> None:
    body = sync(service, QUERY, FORMAT="fits").body
    assert body.count(b'<VALUES null="-2147483648"/>') == 2
    assert body.count(b'<VALUES null="-9223372036854775808"/>') == 1


def test_arrow_and_parquet_have_a_null_of_their_own(service: str) -> None:
    for format_, read in (("arrow", arrow_table), ("parquet", parquet_table)):
        rows = read(sync(service, QUERY, FORMAT=format_).body).to_pylist()
        assert rows == [{"n": [1, None, 3], "b": [None, 9_000_000_000], "one": [None]}]


def test_csv_has_nan_and_json_null(service: str) -> None:
    assert sync(service, QUERY, FORMAT="csv").text.splitlines()[1] == "1 NaN 3,NaN 9000000000,NaN"
    assert "[[1,null,3],[null,9000000000],[null]]" in sync(service, QUERY, FORMAT="json").text.replace(" ", "")


def test_hdf5_has_the_least_number(service: str) -> None:
    table = hdf5_table(sync(service, QUERY, FORMAT="hdf5").body)
    assert np.asarray(table["n"][0]).tolist() == [1, -(2**31), 3]
