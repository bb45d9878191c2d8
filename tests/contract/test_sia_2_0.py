"""Simple Image Access 2.0 on made observations: which of them a search finds is computed from what the tables were made of."""

from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from tests.contract.client import Votable, get, post
from tests.observations import COUNT, Observations

pytestmark = pytest.mark.usefixtures("observations")
Found = set[str]
IMAGE, CUBE = "ivo://example.org/plates?P0000", "ivo://Example.org/Survey?C/1"


@pytest.fixture(scope="module")
def sia(service: str) -> str:
    return service.removesuffix("/tap") + "/sia"


def search(sia: str, *pairs: tuple[str, str]) -> Votable:
    reply = get(f"{sia}/query", [*pairs, ("RESPONSEFORMAT", "votable/td"), ("MAXREC", "100000")])
    assert reply.status == 200, reply.text
    return reply.votable()


def found_by(sia: str, *pairs: tuple[str, str]) -> Found:
    result = search(sia, *pairs)
    return {row[result.names.index("obs_id")] for row in result.rows}


def where(names: list[str], condition: Any) -> Found:
    return {name for name, holds in zip(names, condition, strict=True) if holds}


def error_of(sia: str, *pairs: tuple[str, str]) -> str:
    reply = get(f"{sia}/query", pairs)
    assert reply.status == 400
    result = reply.votable()
    assert [status for status, _ in result.statuses] == ["ERROR"]
    return result.message


def is_image(observations: Observations) -> Any:
    return np.array(observations.cubes["kind"]) == "cube"


# ---- what comes


def test_without_parameters_all_images_and_cubes_come_and_nothing_else(sia: str, observations: Observations) -> None:
    """§2.1, §2.1.14: parameters can be left out; spectra are no images."""
    found = found_by(sia)
    assert found == set(observations.plates["plate"]) | where(observations.cubes["id"], is_image(observations))


def test_the_columns_are_those_of_obscore(sia: str, service: str) -> None:
    """§3.1: with its names, utypes, UCDs and units."""
    rows = get(
        f"{service}/sync",
        {
            "LANG": "ADQL",
            "QUERY": "SELECT column_name, utype, ucd, unit, principal FROM tap_schema.columns WHERE table_name = 'ivoa.obscore'",
            "RESPONSEFORMAT": "votable/td",
        },
    ).votable().rows  # fmt: skip
    fields = {(f["name"], f.get("utype", ""), f.get("ucd", ""), f.get("unit", "")) for f in search(sia).fields}
    assert fields == {tuple(row[:4]) for row in rows}
    assert len([row for row in rows if row[4] == "1"]) == 30


def test_get_and_post_and_names_in_any_case_are_the_same(sia: str) -> None:
    """§2.1: a DALI-sync resource."""
    pairs = [("pos", "CIRCLE 180 10 30"), ("Band", "4e-7"), ("responseformat", "votable/td")]
    rows = get(f"{sia}/query", pairs).votable().rows
    assert rows == post(f"{sia}/query", pairs).votable().rows != []


# ---- positions


@pytest.mark.parametrize(("ra", "dec", "radius"), [(120.0, 30.0, 10.0), (0.5, -20.0, 25.0), (200.0, 89.0, 15.0), (77.0, 5.0, 0.0)])  # fmt: skip
def test_a_circle_finds_what_it_touches(
    sia: str, observations: Observations, ra: float, dec: float, radius: float
) -> None:
    """§2.1.1: regions that intersect it, not only centres within."""
    found = found_by(sia, ("POS", f"CIRCLE {ra} {dec} {radius}"))
    centre, plates, cubes = SkyCoord(ra, dec, unit="deg"), observations.plates, observations.cubes
    distance = centre.separation(SkyCoord(plates["ra"], plates["dec"], unit="deg")).deg
    certain = where(plates["plate"], distance < radius + plates["fov"] / 120)
    possible = where(plates["plate"], distance < radius + plates["fov"] / 120 * 1.02)
    corners = SkyCoord(observations.corners[..., 0], observations.corners[..., 1], unit="deg")
    to_corners = centre.separation(corners).deg
    to_centre = centre.separation(SkyCoord(cubes["ra"], cubes["dec"], unit="deg")).deg
    certain |= where(cubes["id"], is_image(observations) & ((to_corners < radius).any(1) | (to_centre < radius)))
    possible |= where(cubes["id"], is_image(observations) & (to_centre < radius + 1.5))
    assert certain <= found <= possible
    assert certain or radius == 0


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("RANGE 30 60 -20 10", (30, 60, -20, 10)),
        ("RANGE 0 360.0 -2.0 2.0", (0, 360, -2, 2)),
        ("RANGE 0 360.0 80.0 +Inf", (0, 360, 80, 90)),
        ("RANGE -Inf 10 -Inf 0", (0, 10, -90, 0)),
        ("RANGE -Inf +Inf -Inf +Inf", (0, 360, -90, 90)),
        ("RANGE 100 100 -90 90", (100, 100, -90, 90)),
    ],
)
def test_a_range_finds_what_it_touches(
    sia: str, observations: Observations, text: str, limits: tuple[float, float, float, float]
) -> None:
    """§2.1.1: also as a ring, to the pole, and the whole sky."""
    found = found_by(sia, ("POS", text))
    plates, cubes = observations.plates, observations.cubes
    certain, possible = set(), set()
    for names, ra, dec, size in (
        (plates["plate"], plates["ra"], plates["dec"], plates["fov"] / 60),
        (where_images(observations), *(cubes[name][is_image(observations)] for name in ("ra", "dec")), 1.5),
    ):
        half = size / 2 * 1.02
        wide = np.degrees(np.arcsin(np.minimum(1, np.sin(np.radians(half)) / np.cos(np.radians(dec)))))
        wide = np.where(np.abs(dec) + half >= 90, 180, wide)
        in_height = (dec >= limits[2] - half) & (dec <= limits[3] + half)
        offset = np.maximum(limits[0] - ra, ra - limits[1])
        in_width = np.minimum(offset, np.maximum(limits[0] - ra + 360, ra - limits[1] - 360).clip(0)) <= wide
        in_width |= (limits[0] + 360 - ra <= wide) | (ra + 360 - limits[1] <= wide)
        possible |= where(list(names), in_height & in_width)
        inside = (ra >= limits[0]) & (ra <= limits[1]) & (dec >= limits[2]) & (dec <= limits[3])
        certain |= where(list(names), inside)
    assert certain <= found <= possible


def where_images(observations: Observations) -> list[str]:
    return [name for name, is_cube in zip(observations.cubes["id"], is_image(observations), strict=True) if is_cube]


def test_a_polygon_finds_what_it_touches_whichever_way_it_goes_round(sia: str, observations: Observations) -> None:
    """§2.1.1: the smaller side is its inside."""
    one_way, other_way = (
        found_by(sia, ("POS", f"POLYGON {text}")) for text in ("10 0 50 0 50 40 10 40", "10 40 50 40 50 0 10 0")
    )
    plates = observations.plates
    ra, dec = plates["ra"], plates["dec"]
    within = (ra > 11) & (ra < 49) & (dec > 0) & (dec < 40)
    assert one_way == other_way
    assert where(plates["plate"], within) <= one_way
    far = (ra > 80) & (ra < 340)
    assert not where(plates["plate"], far) & one_way


# ---- intervals


@pytest.mark.parametrize(
    ("text", "least", "largest"),
    [("4e-7", 4e-7, 4e-7), ("500e-9 550e-9", 5e-7, 5.5e-7), ("8e-7 +Inf", 8e-7, np.inf), ("-Inf 3.5e-7", -np.inf, 3.5e-7), ("-Inf +Inf", -np.inf, np.inf)],
)  # fmt: skip
def test_a_band_finds_what_overlaps_it(
    sia: str, observations: Observations, text: str, least: float, largest: float
) -> None:
    """§2.1.2: its ends included."""
    cubes = observations.cubes
    shortest, longest = cubes["shortest"].astype(np.float32).astype(float) * 1e-9, cubes["longest"] * 1e-9
    expected = where(cubes["id"], is_image(observations) & (shortest <= largest) & (longest >= least))
    if least <= 5e-7 and largest >= 3.8e-7:
        expected |= set(observations.plates["plate"])
    assert found_by(sia, ("BAND", text)) == expected


def test_a_time_finds_what_overlaps_it(sia: str, observations: Observations) -> None:
    """§2.1.3: as Modified Julian Dates."""
    begins, cubes = observations.begins, observations.cubes
    ends = begins + observations.plates["exposure"] / 1440
    expected = where(observations.plates["plate"], (begins <= 53000) & (ends >= 52500))
    expected |= where(cubes["id"], is_image(observations) & (cubes["begin"] <= 53000) & (cubes["begin"] >= 52500))
    assert found_by(sia, ("TIME", "52500 53000")) == expected


@pytest.mark.parametrize(("name", "column"), [("FOV", "fov"), ("EXPTIME", "exposure")])
def test_sizes_and_exposure_times_lie_in_an_interval(
    sia: str, observations: Observations, name: str, column: str
) -> None:
    """§2.1.5, §2.1.8: in degrees and in seconds; repeated ones are alternatives."""
    values = observations.plates[column] * {"fov": 1 / 60, "exposure": 60}[column]
    low, high = np.quantile(values, [0.2, 0.7])
    found = found_by(sia, (name, f"-Inf {float(low)!r}"), (name, f"{float(high)!r} +Inf"), ("COLLECTION", "Plates"))
    assert found == where(observations.plates["plate"], (values <= low) | (values >= high))


def test_resolutions_lie_in_an_interval_and_unknown_ones_in_none(sia: str, observations: Observations) -> None:
    """§2.1, §2.1.6, §2.1.7, §2.1.9: what is not known satisfies no constraint."""
    assert found_by(sia, ("SPATRES", "-Inf +Inf")) == set(observations.plates["plate"])
    assert found_by(sia, ("SPATRES", "2 3")) == set()
    power = observations.cubes["power"].astype(np.float32)
    expected = where(observations.cubes["id"], is_image(observations) & (power >= 1000))
    assert found_by(sia, ("SPECRP", "1000 +Inf")) == expected
    assert found_by(sia, ("TIMERES", "-Inf +Inf")) == set()


# ---- words


def test_states_of_polarization_are_looked_for_in_the_list(sia: str, observations: Observations) -> None:
    """§2.1.4: each as a whole, so that X is not XX."""
    states, images = observations.cubes["polarization"], is_image(observations)
    for state in ("I", "Q", "XX"):
        expected = where(observations.cubes["id"], images & [bool(text) and f"/{state}/" in text for text in states])
        assert found_by(sia, ("POL", state)) == expected
    assert found_by(sia, ("POL", "Q"), ("POL", "YY")) == found_by(sia, ("POL", "Q")) | found_by(sia, ("POL", "YY"))
    assert found_by(sia, ("POL", "V")) == set()


@pytest.mark.parametrize(
    ("name", "value", "other"),
    [
        ("COLLECTION", "Survey", "survey"),
        ("FACILITY", "Example Array", "example array"),
        ("INSTRUMENT", "Camera", "camera"),
        ("DPTYPE", "cube", "CUBE"),
        ("TARGET", "field 3", "Field 3"),
        ("FORMAT", "image/fits", "image/FITS"),
    ],
)
def test_words_are_the_same_or_not_with_their_case(sia: str, name: str, value: str, other: str) -> None:
    """§2.1, §2.1.11-§2.1.17."""
    result = search(sia, (name, value))
    column = {"COLLECTION": "obs_collection", "FACILITY": "facility_name", "INSTRUMENT": "instrument_name",
              "DPTYPE": "dataproduct_type", "TARGET": "target_name", "FORMAT": "access_format"}[name]  # fmt: skip
    assert {row[result.names.index(column)] for row in result.rows} == {value}
    assert found_by(sia, (name, other)) == set()


def test_identifiers_are_compared_without_regard_to_case(sia: str) -> None:
    """§2.1.10."""
    assert found_by(sia, ("ID", CUBE.upper()), ("ID", IMAGE)) == {"C/1", "P0000"}


def test_levels_of_calibration_are_numbers(sia: str, observations: Observations) -> None:
    """§2.1.15."""
    levels = np.array(observations.cubes["level"])
    expected = where(observations.cubes["id"], is_image(observations) & np.isin(levels, [0, 3]))
    assert found_by(sia, ("CALIB", "0"), ("CALIB", "3")) == expected


def test_the_page_of_the_table_of_observations_tells_its_url(service: str, sia: str) -> None:
    page = get(f"{service}/tables/ivoa.obscore", Accept="text/html").text
    assert f"<code>{sia}/query</code>" in page


def test_a_quote_in_a_word_is_a_letter(sia: str) -> None:
    assert found_by(sia, ("TARGET", "x' OR 'a' = 'a")) == set()
    assert found_by(sia, ("COLLECTION", "%")) == set()


def test_parameters_all_hold_and_values_of_one_are_alternatives(sia: str, observations: Observations) -> None:
    """§2.1."""
    north, level = ("POS", "RANGE 0 360 0 90"), ("CALIB", "2")
    south = ("POS", "RANGE 0 360 -90 0")
    in_north = found_by(sia, north)
    assert found_by(sia, north, level) == in_north & found_by(sia, level)
    assert found_by(sia, north, south) == in_north | found_by(sia, south)


# ---- MAXREC, formats, errors


def test_maxrec_cuts_and_says_so_but_not_where_no_rows_were_wanted(sia: str) -> None:
    """§2.1.19."""
    cut = get(f"{sia}/query", {"MAXREC": "3", "RESPONSEFORMAT": "votable/td"}).votable()
    assert len(cut.rows) == 3
    assert cut.statuses == [("OK", "before"), ("OVERFLOW", "after")]
    none = get(f"{sia}/query", {"MAXREC": "0", "RESPONSEFORMAT": "votable/td"}).votable()
    assert (none.rows, none.statuses) == ([], [("OK", "before")])
    assert none.fields == cut.fields


def test_the_default_format_is_votable_and_others_can_be_asked_for(sia: str) -> None:
    """§3.1; FORMAT is of the data, RESPONSEFORMAT of the answer."""
    assert get(f"{sia}/query", {"MAXREC": "1"}).media_type == "application/x-votable+xml"
    csv = get(f"{sia}/query", {"MAXREC": "1", "RESPONSEFORMAT": "csv", "FORMAT": "image/fits"})
    assert (csv.media_type, len(csv.lines)) == ("text/csv", 2)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POS", "CIRCLE 10 20"),
        ("POS", "SQUARE 1 2 3"),
        ("POS", "CIRCLE 400 20 1"),
        ("POS", "CIRCLE 10 95 1"),
        ("POS", "CIRCLE 10 20 -1"),
        ("POS", "CIRCLE 10 20 x"),
        ("POS", "RANGE 20 10 0 1"),
        ("POS", "RANGE 0 10 0 91"),
        ("POS", "POLYGON 1 2 3 4"),
        ("POS", "POLYGON 0 0 10 10 10 0 0 10"),
        ("BAND", "blue"),
        ("BAND", "1 2 3"),
        ("BAND", "2 1"),
        ("TIME", "+Inf"),
        ("FOV", "NaN"),
        ("POL", "Z"),
        ("CALIB", "two"),
        ("CALIB", "7"),
        ("MAXREC", "-1"),
        ("RESPONSEFORMAT", "gif"),
    ],
)
def test_what_is_wrong_is_a_usage_fault(sia: str, name: str, value: str) -> None:
    """§3.2: a DALI document whose message begins with UsageFault and says what."""
    message = error_of(sia, (name, value))
    assert message.startswith("UsageFault: ")
    assert name in message


def test_parameters_that_are_not_known_are_left_alone(sia: str) -> None:
    """DALI 1.1 §3."""
    assert len(found_by(sia, ("REQUEST", "query"), ("COLOUR", "red"))) > COUNT


# ---- VOSI


def test_the_capabilities_lead_to_the_query(sia: str) -> None:
    """§2.3: with the standardID of the query, siblings of it."""
    root = get(f"{sia}/capabilities").xml()
    urls = {c.get("standardID"): c.findtext("interface/accessURL") for c in root.findall("capability")}
    assert urls == {
        "ivo://ivoa.net/std/SIA#query-2.0": f"{sia}/query",
        "ivo://ivoa.net/std/VOSI#capabilities": f"{sia}/capabilities",
        "ivo://ivoa.net/std/VOSI#availability": f"{sia}/availability",
    }


def test_the_availability_is_told(sia: str) -> None:
    """§2.2."""
    assert "true" in get(f"{sia}/availability").text
    assert get(f"{sia}/availability").xml() is not None
