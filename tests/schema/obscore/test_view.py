"""ivoa.obscore holds what descriptions say of tables, for those who may read them, and searches of it use their indexes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

from adql.translate import translate
from schema.description import DescriptionError, parse_description
from schema.load.reader import LoadError
from schema.publish import publish_table, unpublish_table
from schema.readers import add_readers, make_public, open_views_over
from schema.tap_schema import read_catalogue
from tests.conftest import Run
from tests.observations import COUNT, CUBES, CUBES_DESCRIPTION, PLATES, Observations, load_plates, plates_description


def column(run: Run, name: str, collection: str = "Plates") -> Any:
    rows = run(f"SELECT {name} FROM ivoa.obscore WHERE obs_collection = '{collection}' ORDER BY obs_id")
    return np.array([row[0] for row in rows])


def plan(reader: psycopg.Connection, query: str) -> str:
    sql = translate(query, read_catalogue(reader)).sql
    with reader.transaction():
        reader.execute("SET LOCAL enable_seqscan = off")
        return "\n".join(str(row[0]) for row in reader.execute(f"EXPLAIN {sql}".encode()).fetchall())


def test_both_tables_are_in_it(observations: Observations, run: Run) -> None:
    assert run(
        "SELECT obs_collection, COUNT(*) AS n FROM ivoa.obscore GROUP BY obs_collection ORDER BY n, obs_collection"
    ) == [
        ("Plates", COUNT),
        ("Survey", COUNT),
    ]


def test_values_come_in_the_units_and_types_of_the_standard(observations: Observations, run: Run) -> None:
    plates = observations.plates
    np.testing.assert_allclose(column(run, "s_fov"), plates["fov"] / 60, rtol=1e-14)
    np.testing.assert_allclose(column(run, "t_exptime"), plates["exposure"] * 60, rtol=1e-14)
    np.testing.assert_allclose(column(run, "t_min"), observations.begins, rtol=0, atol=1e-10)
    assert column(run, "access_estsize").tolist() == [round(float(size) / 1000) for size in plates["size"]]
    shortest = dict(zip(observations.cubes["id"], observations.cubes["shortest"], strict=True))
    expected = [np.float32(shortest[key]) * 1e-9 for key in sorted(shortest)]
    np.testing.assert_allclose(column(run, "em_min", "Survey"), expected, rtol=1e-7)


def test_templates_have_values_of_columns_in_them_which_a_url_has_encoded(observations: Observations, run: Run) -> None:
    assert column(run, "access_url")[3] == "https://example.org/{get}/plate%203%2B%C3%A4%23.fits"
    assert column(run, "access_url", "Survey")[0] == observations.cubes["url"][0]
    assert column(run, "obs_publisher_did")[3] == "ivo://example.org/plates?P0003"
    assert column(run, "obs_title")[1] == "Plate P0001 of field 1"
    assert column(run, "obs_title")[0] is None


def test_a_circle_becomes_an_outline_that_contains_it(observations: Observations, reader: psycopg.Connection) -> None:
    """Its sides touch the circle, so nothing of it is outside, and its corners are not far from it."""
    row = reader.execute(
        "SELECT count(*), bool_and(c <@ o), bool_and(scircle(center(c), radius(c) * 1.02) @> o) FROM (SELECT"
        " scircle(spoint(radians(ra), radians(dec)), radians(fov / 120) - 2e-9) AS c,"
        " armillary.circle_outline(ra, dec, fov / 60) AS o FROM plates.images) AS q"
    ).fetchone()
    assert row == (COUNT, True, True)


@pytest.mark.parametrize(("ra", "dec", "fov"), [(0, 90, 1), (10, -90, 20), (359.9, 0, 160), (200, 89.9, 0)])
def test_an_outline_is_there_at_the_poles_and_whatever_its_size(
    observations: Observations, reader: psycopg.Connection, ra: float, dec: float, fov: float
) -> None:
    row = reader.execute(
        "SELECT spoint(radians(%(ra)s), radians(%(dec)s)) <@ armillary.circle_outline(%(ra)s, %(dec)s, %(fov)s)",
        {"ra": ra, "dec": dec, "fov": fov},
    ).fetchone()
    assert row == (True,)


@pytest.mark.parametrize(("ra", "dec", "fov"), [(0, 91, 1), (0, 0, 161), (0, 0, -1), (0, 0, float("nan"))])
def test_what_is_no_circle_has_no_outline(
    observations: Observations, reader: psycopg.Connection, ra: float, dec: float, fov: float
) -> None:
    assert reader.execute("SELECT armillary.circle_outline(%s, %s, %s)", (ra, dec, fov)).fetchone() == (None,)


@pytest.mark.parametrize(
    "condition",
    [
        "DISTANCE(POINT(s_ra, s_dec), POINT(10, 20)) < 1",
        "1 = CONTAINS(POINT(s_ra, s_dec), CIRCLE(10, 20, 1))",
        "1 = INTERSECTS(s_region, CIRCLE(10, 20, 1))",
        "1 = INTERSECTS(RANGE_S2D(10, 20, -5, 5), s_region)",
        "1 = CONTAINS(POINT(10, 20), s_region)",
    ],
)
def test_searches_use_the_indexes_of_both_tables(
    observations: Observations, reader: psycopg.Connection, condition: str
) -> None:
    shown = plan(reader, f"SELECT obs_id, access_url FROM ivoa.obscore WHERE {condition}")
    assert "Seq Scan on images" not in shown
    assert "Seq Scan on cubes" not in shown
    assert shown.count("Index Cond") == 2, shown


@pytest.mark.parametrize("region", ["CIRCLE(10, 20, 30)", "RANGE_S2D(300, 400, -90, 90)", "RANGE_S2D(0, 360, 60, 90)", "POLYGON(0, 0, 80, 0, 80, 60)"])  # fmt: skip
def test_indexes_find_what_a_look_at_all_rows_finds(
    observations: Observations, reader: psycopg.Connection, region: str
) -> None:
    query = f"SELECT obs_id FROM ivoa.obscore WHERE 1 = INTERSECTS({region}, s_region)"
    sql, found = translate(query, read_catalogue(reader)).sql.encode(), []
    for kinds in ("enable_seqscan = off", "enable_indexscan = off; SET LOCAL enable_bitmapscan = off"):
        with reader.transaction():
            reader.execute(f"SET LOCAL {kinds}".encode())
            found.append({row[0] for row in reader.execute(sql).fetchall()})
    assert found[0] == found[1] != set()


def test_a_join_with_another_table_uses_them_too(observations: Observations, reader: psycopg.Connection) -> None:
    query = "SELECT o.obs_id FROM demo.ngc AS n JOIN ivoa.obscore AS o ON 1 = CONTAINS(POINT(n.ra, n.dec), o.s_region) WHERE n.messier = 'M31'"
    shown = plan(reader, query)
    assert shown.count("_region") or shown.count("outline"), shown


# ---- rights


def test_rows_of_a_closed_table_are_for_its_readers_alone(
    observations: Observations, owner: psycopg.Connection, run: Run
) -> None:
    """The view runs as its owner; whoever asks sees what they may, and no error."""
    with owner.transaction():
        add_readers(owner, CUBES, ["group:nobody"])
    try:
        assert run("SELECT COUNT(*) AS n FROM ivoa.obscore") == [(COUNT,)]
        assert run("SELECT COUNT(*) AS n FROM ivoa.obscore WHERE facility_name = 'Example Array'") == [(0,)]
        assert open_views_over(owner, CUBES) == []
    finally:
        with owner.transaction():
            make_public(owner, CUBES)
    assert run("SELECT COUNT(*) AS n FROM ivoa.obscore") == [(2 * COUNT,)]


def test_rows_of_a_closed_table_are_not_even_looked_at(
    observations: Observations, owner: psycopg.Connection, run: Run
) -> None:
    """A condition that fails on one of them would tell of it."""
    with owner.transaction():
        add_readers(owner, CUBES, ["group:nobody"])
    try:
        assert (
            run("SELECT obs_id FROM ivoa.obscore WHERE 1 / (CASE WHEN obs_collection = 'Survey' THEN 0 ELSE 1 END) = 2")
            == []
        )
    finally:
        with owner.transaction():
            make_public(owner, CUBES)


def test_a_table_can_be_closed_from_the_beginning(
    observations: Observations, owner: psycopg.Connection, run: Run, tmp_path: Path
) -> None:
    """What is said of all its rows is checked all the same, and a circle of one size has an index."""
    closed = plates_description(s_fov=0.5, obs_publisher_did="ivo://example.org/closed?{plate}")
    readers = replace(closed, table=replace(closed.table, readers=("group:nobody",)))
    load_plates(owner, observations.plates, tmp_path, readers)
    assert run("SELECT COUNT(*) AS n FROM ivoa.obscore WHERE obs_publisher_did LIKE '%closed%'") == [(0,)]
    load_plates(owner, observations.plates, tmp_path, replace(closed, table=replace(closed.table, readers=("public",))))
    assert column(run, "s_fov").tolist() == [0.5] * COUNT
    load_plates(owner, observations.plates, tmp_path, plates_description())


# ---- what changes


def test_a_table_that_is_loaded_again_is_seen_at_once(
    observations: Observations, owner: psycopg.Connection, run: Run, tmp_path: Path
) -> None:
    fewer = {name: values[:10] for name, values in observations.plates.items()}
    load_plates(owner, fewer, tmp_path, plates_description())
    assert len(column(run, "obs_id")) == 10
    load_plates(owner, observations.plates, tmp_path, plates_description())
    assert len(column(run, "obs_id")) == COUNT
    views = owner.execute("SELECT count(*) FROM pg_views WHERE schemaname = 'ivoa'").fetchone()
    assert views == (1,)


def test_a_query_that_runs_keeps_its_view_while_a_table_is_loaded_again(
    observations: Observations, owner: psycopg.Connection, reader: psycopg.Connection, run: Run, tmp_path: Path
) -> None:
    """Others see the new one at once, and only the drop of the old one waits."""
    sql = translate("SELECT obs_id FROM ivoa.obscore", read_catalogue(reader)).sql
    owner.execute("SET lock_timeout = '200ms'")
    with reader.transaction():
        assert len(reader.execute(sql.encode()).fetchall()) == 2 * COUNT
        with pytest.raises(psycopg.errors.LockNotAvailable):
            load_plates(owner, observations.plates, tmp_path, plates_description(obs_collection="Anew"))
        assert len(reader.execute(sql.encode()).fetchall()) == 2 * COUNT
    owner.execute("RESET lock_timeout")
    assert len(column(run, "obs_id", "Anew")) == COUNT
    load_plates(owner, observations.plates, tmp_path, plates_description())
    assert len(column(run, "obs_id")) == COUNT


def test_a_description_without_obscore_leaves_the_table_in_and_an_empty_one_takes_it_out(
    observations: Observations, owner: psycopg.Connection, run: Run
) -> None:
    publish_table(owner, CUBES, parse_description({"columns": {"shortest": {"unit": "um"}, "longest": {"unit": "um"}}}))
    longest = float(np.max(column(run, "em_min", "Survey")))
    assert 1e-4 < longest < 1e-3
    publish_table(owner, CUBES, parse_description({"obscore": {}}))
    assert len(column(run, "obs_id", "Survey")) == 0
    publish_table(owner, CUBES, CUBES_DESCRIPTION)
    assert len(column(run, "obs_id", "Survey")) == COUNT


def test_a_table_that_is_unpublished_is_out_until_it_is_published_again(
    observations: Observations, owner: psycopg.Connection, run: Run
) -> None:
    unpublish_table(owner, CUBES)
    assert len(column(run, "obs_id", "Survey")) == 0
    publish_table(owner, CUBES, parse_description({"columns": CUBES_DESCRIPTION_UNITS}))
    assert len(column(run, "obs_id", "Survey")) == COUNT


CUBES_DESCRIPTION_UNITS = {
    name: {"unit": about.unit} for name, about in CUBES_DESCRIPTION.columns.items() if about.unit
}


def test_without_tables_there_is_no_view(observations: Observations, owner: psycopg.Connection) -> None:
    unpublish_table(owner, CUBES)
    unpublish_table(owner, PLATES)
    assert "ivoa.obscore" not in {table.table_name for table in read_catalogue(owner).tables}
    assert owner.execute("SELECT count(*) FROM pg_views WHERE schemaname = 'ivoa'").fetchone() == (0,)
    publish_table(owner, PLATES, parse_description({}))
    publish_table(owner, CUBES, CUBES_DESCRIPTION)
    assert "ivoa.obscore" in {table.table_name for table in read_catalogue(owner).tables}


# ---- what is not possible


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"obs_idd": "x"}, "ObsCore has no column obs_idd; did you mean obs_id?"),
        ({"obs_id": "{plates}"}, "the table has no column plates; did you mean plate?"),
        ({"obs_id": "{plate"}, "is no template"),
        ({"s_ra": "{plate}"}, "the column plate is VARCHAR"),
        ({"s_ra": "{ra} deg"}, 's_ra is no text: name one column, as in "{ra}"'),
        ({"s_ra": "ten"}, "s_ra is a number"),
        ({"calib_level": 7}, "calib_level is from 0 to 4, not 7"),
        ({"calib_level": True}, "calib_level is a number, a text"),
        ({"calib_level": "{exposure}"}, "has no whole numbers"),
        ({"dataproduct_type": "picture"}, "is one of image, cube"),
        ({"s_fov": "{exposure}"}, "s_fov is in deg, and the column exposure in min"),
        ({"t_min": "{exposure}"}, "it is a Modified Julian Date, or a timestamp"),
        ({"s_region": "POLYGON 1 2 3"}, "s_region is a column of polygons or circles"),
        ({"obs_release_date": "soon"}, "is a time, as in"),
        ({"obs_publisher_did": "ivo://example.org/plates"}, "obs_publisher_did is that of another row in 599 rows"),
        ({"obs_collection": "{target}"}, "obs_collection is NULL in 120 rows"),
        ({"t_min": "{end}", "t_max": "{begin}"}, "t_min is larger than t_max in 600 rows"),
        ({"pol_states": "I Q U"}, "pol_states is no list such as /I/Q/U/ in 600 rows"),
    ],
)
def test_what_cannot_be_is_refused_with_its_cause_and_nothing_changes(
    observations: Observations,
    owner: psycopg.Connection,
    run: Run,
    tmp_path: Path,
    *,
    changes: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(DescriptionError) as caught:
        load_plates(owner, observations.plates, tmp_path, plates_description(**changes))
    assert message in str(caught.value)
    assert len(column(run, "obs_id")) == COUNT


def test_columns_that_the_standard_needs_are_named(observations: Observations, owner: psycopg.Connection) -> None:
    with pytest.raises(DescriptionError, match="ObsCore needs obs_collection, obs_id, obs_publisher_did"):
        publish_table(owner, CUBES, parse_description({"obscore": {"calib_level": 1}}))


def test_tables_on_shards_are_refused_before_they_are_loaded() -> None:
    with pytest.raises(DescriptionError, match=r"tables on shards cannot be in ivoa.obscore yet"):
        parse_description({"table": {"sharded": True}, "obscore": {"calib_level": 1}})


def test_an_operators_own_obscore_is_not_touched(observations: Observations, owner: psycopg.Connection) -> None:
    unpublish_table(owner, CUBES)
    unpublish_table(owner, PLATES)
    owner.execute("CREATE VIEW ivoa.obscore AS SELECT 'x'::text AS obs_id")
    try:
        publish_table(owner, "ivoa.obscore", parse_description({}))
        with pytest.raises(LoadError, match=r"ivoa.obscore is published already"):
            publish_table(owner, CUBES, CUBES_DESCRIPTION)
        unpublish_table(owner, "ivoa.obscore")
    finally:
        owner.execute("DROP VIEW ivoa.obscore")
    publish_table(owner, PLATES, parse_description({}))
    publish_table(owner, CUBES, CUBES_DESCRIPTION)
