"""ObsCore 1.1 on made observations: what a service with ivoa.obscore says of it, and what it holds.

STILTS' taplint compares each column with the standard's tables (tests/clients/test_taplint.py, stage OBS).
"""

from typing import Any

import numpy as np
import pytest

from tests.contract.client import get, records, sync
from tests.contract.test_vosi_1_1 import tap_capability
from tests.observations import COUNT, Observations

pytestmark = pytest.mark.usefixtures("observations")
MANDATORY = (
    "dataproduct_type calib_level obs_collection obs_id obs_publisher_did access_url access_format access_estsize target_name"
    " s_ra s_dec s_fov s_region s_resolution s_xel1 s_xel2 t_min t_max t_exptime t_resolution t_xel em_min em_max"
    " em_res_power em_xel o_ucd pol_states pol_xel facility_name instrument_name"
).split()


def columns(service: str) -> dict[str, dict[str, str]]:
    rows = records(service, "SELECT * FROM tap_schema.columns WHERE table_name = 'ivoa.obscore'")
    return {row["column_name"]: row for row in rows}


def test_the_table_has_all_mandatory_columns_whatever_descriptions_say(service: str) -> None:
    """§4, table 4: also those of which no table has anything, which are NULL."""
    assert set(MANDATORY) <= columns(service).keys()
    names = ", ".join(MANDATORY)
    (row,) = records(service, f"SELECT TOP 1 {names} FROM ivoa.ObsCore WHERE obs_id = 'P0001'")
    assert row["t_xel"] == str(-(2**63))
    assert row["o_ucd"] == "phot.flux.density"


def test_mandatory_columns_are_principal_and_all_are_of_the_standard(service: str) -> None:
    """Appendix C.2."""
    found = columns(service)
    assert {name for name, row in found.items() if row["principal"] == "1"} == set(MANDATORY)
    assert {row["std"] for row in found.values()} == {"1"}


@pytest.mark.parametrize(
    ("name", "described"),
    [
        ("dataproduct_type", ("obscore:ObsDataset.dataProductType", "meta.code.class", "", "char")),
        ("calib_level", ("obscore:ObsDataset.calibLevel", "meta.code;obs.calib", "", "int")),
        ("obs_publisher_did", ("obscore:Curation.publisherDID", "meta.ref.ivoid", "", "unicodeChar")),
        ("access_estsize", ("obscore:Access.size", "phys.size;meta.file", "kbyte", "long")),
        ("s_region", ("obscore:Char.SpatialAxis.Coverage.Support.Area", "pos.outline;obs.field", "", "char")),
        ("t_min", ("obscore:Char.TimeAxis.Coverage.Bounds.Limits.StartTime", "time.start;obs.exposure", "d", "double")),
    ],
)
def test_columns_are_described_as_the_standard_does(service: str, name: str, described: tuple[str, ...]) -> None:
    """Appendix C.2: utype, UCD, unit and type."""
    row = columns(service)[name]
    assert (row["utype"], row["ucd"], row["unit"], row["datatype"]) == described


def test_the_capabilities_declare_the_data_model(service: str) -> None:
    """§5: by its identifier, while the table is there."""
    (model,) = tap_capability(service).findall("dataModel")
    assert (model.get("ivo-id"), model.text) == ("ivo://ivoa.net/std/ObsCore#core-1.1", "ObsCore-1.1")


def test_values_that_must_be_there_are(service: str) -> None:
    """§4.2-§4.5."""
    names = ("calib_level", "obs_collection", "obs_id", "obs_publisher_did")
    where = " OR ".join(f"{name} IS NULL" for name in names)
    assert records(service, f"SELECT COUNT(*) AS n FROM ivoa.obscore WHERE {where}") == [{"n": "0"}]
    counted = records(service, "SELECT COUNT(DISTINCT obs_publisher_did) AS n FROM ivoa.obscore")
    assert counted == [{"n": str(2 * COUNT)}]


def test_types_and_levels_are_those_of_the_lists(service: str) -> None:
    """§4.1, §4.2."""
    kinds = records(service, "SELECT DISTINCT dataproduct_type AS x FROM ivoa.obscore")
    assert {row["x"] for row in kinds} == {"image", "cube", "spectrum"}
    levels = records(service, "SELECT DISTINCT calib_level AS x FROM ivoa.obscore")
    assert {row["x"] for row in levels} == set("01234")


def test_a_region_is_text_where_it_leaves_and_a_geometry_in_conditions(
    service: str, observations: Observations
) -> None:
    """§4.12: STC-S, which INTERSECTS and CONTAINS compare."""
    corners = observations.corners[7]
    (ra, dec) = (observations.cubes[name][7] for name in ("ra", "dec"))
    query = f"SELECT s_region FROM ivoa.obscore WHERE 1 = CONTAINS(POINT({ra}, {dec}), s_region) AND obs_id = 'C/7'"
    (row,) = records(service, query)
    word, frame, *numbers = row["s_region"].split()
    assert (word, frame) == ("POLYGON", "ICRS")
    found = np.array(numbers, float).reshape(-1, 2)
    np.testing.assert_allclose(found[:, 0], corners[:, 0] % 360, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found[:, 1], corners[:, 1], rtol=0, atol=1e-9)


@pytest.mark.parametrize("format_", ["votable/td", "csv", "fits", "parquet", "json"])
def test_regions_leave_in_every_format(service: str, format_: str) -> None:
    reply = sync(
        service, "SELECT TOP 5 obs_id, s_region FROM ivoa.obscore WHERE obs_id = 'C/7'", RESPONSEFORMAT=format_
    )
    assert reply.status == 200
    assert b"POLYGON ICRS" in reply.body


@pytest.mark.parametrize(
    "query",
    [
        "SELECT DISTINCT s_region FROM ivoa.obscore WHERE obs_id = 'C/7'",
        "SELECT s_region FROM ivoa.obscore WHERE obs_id = 'C/7' UNION SELECT s_region FROM ivoa.obscore WHERE obs_id = 'C/7'",
        "SELECT s_region FROM (SELECT s_region FROM ivoa.obscore WHERE obs_id = 'C/7') AS q",
        "SELECT COALESCE(s_region, s_region) AS r FROM ivoa.obscore WHERE obs_id = 'C/7'",
    ],
)
def test_regions_go_through_every_kind_of_query(service: str, query: str) -> None:
    (row,) = records(service, query)
    assert next(iter(row.values())).startswith("POLYGON ICRS ")


def test_the_area_of_a_region_is_that_of_its_polygon(service: str, observations: Observations) -> None:
    (row,) = records(service, "SELECT AREA(s_region) AS a FROM ivoa.obscore WHERE obs_id = 'C/7'")
    (west, south), (east, _), (_, north), _ = observations.corners[7]
    expected = (east - west) * np.degrees(np.sin(np.radians(north)) - np.sin(np.radians(south)))
    assert float(row["a"]) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM ivoa.ObsCore WHERE dataproduct_type = 'image' AND s_resolution < 2 AND 1 = CONTAINS(POINT(s_ra, s_dec), CIRCLE(180, 0, 60))",
        "SELECT obs_id, access_url FROM ivoa.ObsCore WHERE em_min < 4e-7 AND em_max > 4e-7 AND t_max - t_min > 0.01",
        "SELECT obs_collection, COUNT(*) AS n, MIN(t_min) AS earliest FROM ivoa.ObsCore GROUP BY obs_collection",
        "SELECT o.obs_id FROM demo.ngc AS n JOIN ivoa.ObsCore AS o ON 1 = CONTAINS(POINT(n.ra, n.dec), o.s_region) WHERE n.messier IS NOT NULL",
        "SELECT obs_id FROM ivoa.ObsCore WHERE pol_states LIKE '%/Q/%'",
    ],
)
def test_queries_of_the_data_model_run_unchanged(service: str, query: str) -> None:
    """§4: those that are valid on every service that has it."""
    assert records(service, query)


def test_a_cone_search_of_it_names_rows_by_the_publishers_identifier(service: str, observations: Any) -> None:
    cone = {"RA": "180", "DEC": "0", "SR": "40", "VERB": "1"}
    result = get(f"{service.removesuffix('/tap')}/scs/ivoa.obscore", cone).votable()
    assert result.names == ["obs_publisher_did", "s_ra", "s_dec"]
    assert result.rows
