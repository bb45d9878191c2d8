"""What an account does with a table of its own besides rows: names, indexes, positions, lifetimes (forms at /tables, jobs at /table-update)."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table

from tests.contract.client import Reply
from tests.contract.own_tables import CSV, VOTABLE, Asker, csv, values, votable
from tests.contract.own_tables import stars as three_stars
from tests.people import MakePerson

ALL = "SELECT id, n, ra, dec, mag, name FROM {} ORDER BY id"
TWICE = csv(Table({"a": [1, 1, 2], "b": [1, 2, 3]}))


def indexed(client: Asker, table: str) -> set[str]:
    return {name for name in client.columns(table) if "indexed" in client.flags(table, name)}


POSITION = {"ra", "dec"}
"""The columns that are recognised as a position, and indexed, when a table is made."""


# ---- RENAME


def test_a_renamed_table_has_its_rows_and_its_new_name_only(ada: Asker, stars: str) -> None:
    changed = ada.change(stars, RENAME="suns")
    assert (changed.status, changed.body) == (204, b"")
    assert ada.rows(ALL.format(ada.own("suns"))) == values(three_stars())
    assert ada.get(ada.own("suns")).xml().findtext("name") == ada.own("suns")
    assert (ada.get(stars).status, ada.ask(f"SELECT * FROM {stars}").status) == (404, 400)
    assert set(ada.columns(ada.own("suns"))) == set(three_stars().colnames)


def test_no_table_is_renamed_to_one_that_is_there(ada: Asker, stars: str) -> None:
    ada.put("suns", TWICE, CSV)
    assert ada.change(stars, RENAME="suns").status in {400, 409}
    assert (ada.count(stars), ada.rows(f"SELECT b FROM {ada.own('suns')} ORDER BY b")) == (3, [(1,), (2,), (3,)])


@pytest.mark.parametrize("name", ["demo.suns", "tap_schema.suns", "a.b.c", ""])
def test_no_table_is_renamed_out_of_its_schema(ada: Asker, stars: str, name: str) -> None:
    assert ada.change(stars, RENAME=name).status in {400, 403}
    assert ada.count(stars) == 3


# ---- INDEX


@pytest.mark.parametrize(
    ("form", "columns"),
    [
        ({"INDEX": "id"}, {"id"}),
        ({"INDEX": "id", "UNIQUE": "true"}, {"id"}),
        ({"INDEX": "NAME", "UNIQUE": "false"}, {"name"}),
        ({"index": "mag"}, {"mag"}),
    ],
)
def test_a_column_that_has_an_index_is_flagged(ada: Asker, stars: str, form: dict[str, str], columns: set[str]) -> None:
    assert indexed(ada, stars) == POSITION
    assert ada.change(stars, **form).status == 204
    assert indexed(ada, stars) == POSITION | columns
    assert ada.rows(ALL.format(stars)) == values(three_stars())


def test_an_index_of_several_columns_is_made(ada: Asker, stars: str) -> None:
    assert ada.change(stars, INDEX="n,name").status == 204
    assert "n" in indexed(ada, stars)


def test_a_unique_index_is_refused_where_values_repeat(ada: Asker) -> None:
    ada.put("t", TWICE, CSV)
    assert ada.change("t", INDEX="a", UNIQUE="true").status == 400
    assert indexed(ada, "t") == set()
    assert ada.change("t", INDEX="a,b", UNIQUE="true").status == 204


def test_a_unique_index_keeps_rows_out_that_repeat(ada: Asker, stars: str) -> None:
    ada.change(stars, INDEX="id", UNIQUE="true")
    assert ada.post(stars, b"id\n7\n8\n1\n", CSV).status == 400
    assert ada.count(stars) == 3
    assert ada.post(stars, b"id\n7\n8\n", CSV).status == 204


# ---- POSITION


def scattered() -> Table:
    random = np.random.default_rng(7)
    longitudes = np.concatenate([random.uniform(359.5, 360, 200), random.uniform(0, 0.5, 200)])
    return Table({"id": np.arange(400), "lon": longitudes, "lat": random.uniform(-0.5, 0.5, 400)})


def test_a_search_round_a_place_finds_the_same_before_and_after_its_position_is_told(ada: Asker) -> None:
    rows = scattered()
    ada.put("t", votable(rows))
    places = SkyCoord(rows["lon"], rows["lat"], unit=u.deg)
    near = places.separation(SkyCoord(0.01, 0.02, unit=u.deg)).deg < 0.2
    expected = [(number,) for number in rows["id"][near].tolist()]
    cone = "1 = CONTAINS(POINT(lon, lat), CIRCLE(0.01, 0.02, 0.2))"
    query = f"SELECT id FROM {ada.own('t')} WHERE {cone} ORDER BY id"
    assert 0 < len(expected) < 400
    assert ada.rows(query) == expected
    assert ada.change("t", POSITION="lon,lat").status == 204
    assert "lon" in indexed(ada, "t")
    assert ada.rows(query) == expected


def test_a_search_finds_rows_that_came_after_the_position_was_told(ada: Asker) -> None:
    rows = scattered()
    ada.put("t", votable(rows[:10]))
    ada.change("t", POSITION="lon,lat")
    assert ada.post("t", votable(rows[10:])).status == 204
    near = SkyCoord(rows["lon"], rows["lat"], unit=u.deg).separation(SkyCoord(0, 0, unit=u.deg)).deg < 0.3
    cone = "1 = CONTAINS(POINT(lon, lat), CIRCLE(0, 0, 0.3))"
    assert ada.rows(f"SELECT COUNT(*) AS n FROM {ada.own('t')} WHERE {cone}") == [(int(near.sum()),)]


# ---- DAYS, DESCRIPTION, and what is wrong


@pytest.mark.parametrize("days", ["1", "30", "0"])
def test_a_table_gets_a_lifetime(ada: Asker, stars: str, days: str) -> None:
    assert ada.change(stars, DAYS=days).status == 204
    assert ada.count(stars) == 3


def test_a_table_gets_a_description(ada: Asker, stars: str) -> None:
    assert ada.change(stars, DESCRIPTION="Few & <far>").status == 204
    assert ada.get(stars).xml().findtext("description") == "Few & <far>"
    query = "SELECT description FROM tap_schema.tables WHERE table_name LIKE '%ada%'"
    assert ada.rows(query) == [("Few & <far>",)]


def test_several_changes_come_in_one_form(ada: Asker, stars: str) -> None:
    assert ada.change(stars, INDEX="id", DESCRIPTION="Three", DAYS="9", RENAME="suns").status == 204
    assert ada.get("suns").xml().findtext("description") == "Three"
    assert indexed(ada, "suns") == POSITION | {"id"}


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"INDEX": "colour"},
        {"INDEX": "id,colour"},
        {"INDEX": ""},
        {"INDEX": "id", "UNIQUE": "perhaps"},
        {"POSITION": "ra"},
        {"POSITION": "ra,colour"},
        {"POSITION": "ra,name"},
        {"DAYS": "-1"},
        {"DAYS": "soon"},
        {"DESCRIPTION": "Changed", "INDEX": "colour"},
        {"DESCRIPTION": "Changed", "DAYS": "soon"},
    ],
)
def test_a_form_with_a_mistake_changes_nothing(ada: Asker, stars: str, form: dict[str, str]) -> None:
    before = ada.get(stars).body
    reply = ada.change(stars, **form)
    assert reply.status == 400
    assert reply.votable().statuses == [("ERROR", "alone")]
    assert ada.get(stars).body == before


def test_a_table_that_is_not_there_is_not_changed(ada: Asker) -> None:
    for form in ({"RENAME": "a"}, {"INDEX": "id"}, {"POSITION": "ra,dec"}, {"DAYS": "3"}, {"DESCRIPTION": "a"}):
        assert ada.change(ada.own("none"), **form).status == 404


# ---- /table-update


def update(client: Asker, **form: str) -> str:
    """The URL of a new job."""
    reply: Reply = client.post_form("table-update", **form)
    assert reply.status == 303, reply.text
    return str(reply.headers["Location"])


def test_an_index_is_made_by_a_job_that_waits_to_be_run(ada: Asker, stars: str) -> None:
    """UWS 1.1 §2.2.3.1: a POST to the job list makes a job and redirects to it."""
    job = update(ada, table=stars, index="id", unique="true")
    assert job.startswith(f"{ada.service}/table-update/")
    assert ada.phase(job) == "PENDING"
    assert ada.call("GET", job).xml().tag.endswith("}job")
    assert indexed(ada, stars) == POSITION
    assert ada.phase(ada.end(job)) == "COMPLETED"
    assert indexed(ada, stars) == POSITION | {"id"}


@pytest.mark.parametrize(
    ("form", "columns"),
    [
        ({"TABLE": "stars", "INDEX": "id"}, {"id"}),
        ({"Table": "stars", "Index": "id", "Unique": "TRUE"}, {"id"}),
        ({"table": "stars", "index": "NAME", "unique": "false"}, {"name"}),
        ({"TABLE": "stars", "INDEX": "id", "INDEX_TYPE": "unique"}, {"id"}),
        ({"TABLE": "stars", "INDEX": "ra,dec", "INDEX_TYPE": "long-lat"}, {"ra"}),
        ({"TABLE": "stars", "INDEX": "n,id"}, {"n"}),
    ],
)
def test_a_job_understands_the_parameters_of_all_clients(
    ada: Asker, stars: str, form: dict[str, str], columns: set[str]
) -> None:
    job = ada.end(update(ada, **form))
    assert ada.phase(job) == "COMPLETED", ada.error(job)
    assert columns <= indexed(ada, stars)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"table": "none", "index": "id"}, "none"),
        ({"table": "nowhere.none", "index": "id"}, "none"),
        ({"table": "demo.ngc", "index": "ra"}, "demo.ngc"),
        ({"table": "stars", "index": "colour"}, "colour"),
        ({"table": "stars", "index": "twice", "unique": "true"}, "twice"),
    ],
)
def test_a_job_that_cannot_be_done_ends_as_an_error_that_says_why(ada: Asker, form: dict[str, str], said: str) -> None:
    rows = three_stars()
    rows["twice"] = [5, 5, 6]
    ada.put("stars", votable(rows), VOTABLE)
    job = ada.end(update(ada, **form))
    assert ada.phase(job) == "ERROR"
    assert said in ada.error(job)
    assert indexed(ada, ada.own("stars")) == POSITION


def test_a_job_for_a_table_of_another_account_fails_as_for_none(ada: Asker, bo: Asker) -> None:
    ada.put("hidden_one", csv(three_stars()), CSV)
    jobs = [bo.end(update(bo, table=ada.own(name), index="id")) for name in ("hidden_one", "absent_one")]
    assert [bo.phase(job) for job in jobs] == ["ERROR", "ERROR"]
    assert bo.error(jobs[0]).replace("hidden_", "absent_") == bo.error(jobs[1])
    assert indexed(ada, "hidden_one") == POSITION


def test_the_list_of_updates_has_those_of_who_asks(ada: Asker, stars: str, bo: Asker, stranger: Asker) -> None:
    job = update(ada, table=stars, index="id")
    id_ = job.rpartition("/")[2]
    assert id_ in ada.call("GET", "table-update").text
    assert id_ not in bo.call("GET", "table-update").text
    for other in (bo, stranger):
        assert other.call("GET", job).status in {401, 403}
        assert other.post_form(f"{job}/phase", PHASE="RUN").status in {401, 403}
        assert other.call("DELETE", job).status in {401, 403}
    assert ada.phase(job) == "PENDING"


def test_a_job_that_was_run_is_never_pending_again(ada: Asker, stars: str) -> None:
    """pyvo calls a job that is PENDING after PHASE=RUN one that is not active."""
    job = update(ada, table=stars, index="id")
    assert ada.post_form(f"{job}/phase", PHASE="RUN").status in {200, 303}
    assert ada.phase(job) in {"QUEUED", "EXECUTING", "COMPLETED"}
    ada.call("GET", f"{job}?WAIT=30")


def test_an_account_that_has_no_table_can_ask_for_its_updates(service: str, person: MakePerson) -> None:
    assert Asker(service, person()).call("GET", "table-update").xml().tag.endswith("}jobs")
