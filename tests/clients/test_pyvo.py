"""pyvo as a client; warnings are errors here, so none of it may warn where it need not."""

from collections.abc import Iterator

import numpy as np
import pytest
import pyvo
from pyvo.dal.exceptions import DALOverflowWarning, DALQueryError

from tap.config import Config
from tap.examples import EXAMPLES


@pytest.fixture
def tap(service: str) -> Iterator[pyvo.dal.TAPService]:
    found = pyvo.dal.TAPService(service)
    yield found
    found._session.close()


def test_search_gives_a_table_with_names_and_values(tap: pyvo.dal.TAPService) -> None:
    found = tap.search("SELECT TOP 3 name, ra, dec FROM demo.ngc WHERE name LIKE 'IC000%' ORDER BY name")
    assert list(found["name"]) == ["IC0001", "IC0002", "IC0003"]
    assert found.fieldnames == ("name", "ra", "dec")
    assert found["ra"][0] == pytest.approx(2.1127083333333334)


def test_units_ucds_and_descriptions_reach_the_column(tap: pyvo.dal.TAPService) -> None:
    found = tap.run_sync("SELECT TOP 1 pmra, vmag FROM demo.ngc")
    about = found.getdesc("pmra")
    assert (str(about.unit), about.ucd) == ("mas / yr", "pos.pm;pos.eq.ra")
    assert about.description.startswith("Proper motion in right ascension")
    assert str(found.to_table()["vmag"].unit) == "mag"


def test_nulls_are_masked(tap: pyvo.dal.TAPService) -> None:
    table = tap.run_sync("SELECT name, position_angle, bmag, hubble FROM demo.ngc WHERE name = 'IC0001'").to_table()
    assert np.ma.is_masked(table["position_angle"][0])
    assert np.ma.is_masked(table["bmag"][0]) or np.isnan(table["bmag"][0])


def test_the_tables_are_there_with_their_columns(tap: pyvo.dal.TAPService) -> None:
    assert {"demo.stars", "demo.ngc", "tap_schema.tables"} <= set(tap.tables.keys())
    columns = {c.name: c for c in tap.tables["demo.ngc"].columns}
    assert list(columns)[:4] == ["name", "obj_type", "ra", "dec"]
    assert (columns["pmra"].unit, columns["pmra"].ucd) == ("mas/yr", "pos.pm;pos.eq.ra")
    assert columns["ra"].datatype.content == "double"
    assert columns["name"].datatype.arraysize == "13*"
    assert "indexed" in columns["obj_type"].flags


def test_a_table_can_be_described_for_people(tap: pyvo.dal.TAPService, capsys: pytest.CaptureFixture[str]) -> None:
    tap.tables["demo.stars"].describe()
    tap.tables.describe()
    said = capsys.readouterr().out
    assert "Stars to magnitude 11" in said or "981,852" in said


def test_describe_prints_the_capabilities(tap: pyvo.dal.TAPService, capsys: pytest.CaptureFixture[str]) -> None:
    tap.describe()
    said = capsys.readouterr().out
    assert "ADQL" in said
    assert "ivo_healpix_index" in said


def test_the_limits_are_those_of_the_configuration(tap: pyvo.dal.TAPService, sample: Config) -> None:
    assert (tap.maxrec, tap.hardlimit) == (sample.limits.maxrec_default, sample.limits.maxrec_hard)


@pytest.mark.filterwarnings("ignore:The (_availability|availability|available|up_since) function is deprecated")
def test_the_service_is_available_and_since_when(tap: pyvo.dal.TAPService) -> None:
    assert tap.available is True
    assert tap.up_since is not None


def test_adql_has_its_functions(tap: pyvo.dal.TAPService) -> None:
    adql = tap.get_tap_capability().get_adql()
    assert adql.get_udf("ivo_hasword") is not None
    assert adql.get_feature("ivo://ivoa.net/std/TAPRegExt#features-adqlgeo", "CONTAINS") is not None


def test_conditions_of_coverage_that_pyvo_writes_are_understood(tap: pyvo.dal.TAPService) -> None:
    """pyvo.registry.Spatial, which asks registries; the feature by which it knows them makes taplint warn."""
    row = "SELECT MOC('2/1') AS coverage FROM tap_schema.schemas WHERE schema_name = 'tap_schema'"
    for intersect, holds in (("covers", True), ("enclosed", False), ("overlaps", True)):
        condition = pyvo.registry.Spatial((56.75, 24.12, 1), intersect=intersect)._condition
        found = tap.run_sync(f"SELECT coverage FROM ({row}) AS stc_spatial WHERE {condition}")
        assert len(found) == holds, condition


def test_rows_beyond_maxrec_are_told_as_overflow(tap: pyvo.dal.TAPService) -> None:
    """DALOverflowWarning where rows were cut by the service; the caller's own maxrec is no surprise to pyvo."""
    with pytest.warns(DALOverflowWarning):
        found = tap.run_sync("SELECT vmag FROM demo.stars")
    assert len(found) == tap.maxrec
    assert found.query_status == "OVERFLOW"


def test_the_callers_own_maxrec_cuts_without_a_warning(tap: pyvo.dal.TAPService) -> None:
    assert len(tap.run_sync("SELECT name FROM demo.ngc", maxrec=5)) == 5


def test_exactly_maxrec_rows_are_no_overflow(tap: pyvo.dal.TAPService) -> None:
    found = tap.run_sync("SELECT TOP 5 name FROM demo.ngc", maxrec=5)
    assert (len(found), found.query_status) == (5, "OK")


def test_an_empty_result_has_its_columns(tap: pyvo.dal.TAPService) -> None:
    found = tap.run_sync("SELECT name, ra FROM demo.ngc WHERE ra < -1")
    assert (len(found), found.fieldnames) == (0, ("name", "ra"))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT nam FROM demo.ngc", "Hint: Did you mean"),
        ("SELECT", "line 1, column"),
        ("SELECT CAST(name AS INTEGER) AS n FROM demo.ngc", "CAST"),
    ],
)
def test_an_error_is_shown_with_its_whole_text(tap: pyvo.dal.TAPService, query: str, said: str) -> None:
    with pytest.raises(DALQueryError, match=said):
        tap.run_sync(query)


def test_the_examples_are_found_and_run(tap: pyvo.dal.TAPService) -> None:
    found = tap.examples
    assert [example["QUERY"].split() for example in found] == [example.query.split() for example in EXAMPLES]
    assert len(found[1].execute()) > 0


def test_a_geometry_arrives_as_an_array(tap: pyvo.dal.TAPService) -> None:
    found = tap.run_sync("SELECT TOP 1 POINT(10, 20) AS p, CIRCLE(10, 20, 1) AS c FROM demo.ngc")
    assert list(found["p"][0]) == pytest.approx([10, 20])
    assert list(found["c"][0]) == pytest.approx([10, 20, 1])


def test_another_format_can_be_asked_for(tap: pyvo.dal.TAPService) -> None:
    query = tap.create_query(
        "SELECT TOP 2 name FROM demo.ngc WHERE name LIKE 'IC000%' ORDER BY name", RESPONSEFORMAT="csv"
    )
    assert query.execute_raw().split() == [b"name", b"IC0001", b"IC0002"]
