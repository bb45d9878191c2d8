"""Tables that queries make: JOB, of a job that has ended, and DEST, of one that is to run."""

import pytest

from tap.auth.accounts import AccountStore
from tap.auth.identity import TokenScope
from tests.contract.own_tables import Asker, place, plain, values
from tests.contract.own_tables import stars as three_stars

TWICE = "SELECT id, dec * 2 AS twice, name FROM {} ORDER BY id"
ENDLESS = "SELECT COUNT(*) AS n FROM demo.ngc AS a, demo.ngc AS b, demo.ngc AS c WHERE a.ra + b.ra < c.ra"


def doubled() -> list[tuple[object, ...]]:
    rows = three_stars()
    rows["dec"] = rows["dec"] * 2
    return values(rows["id", "dec", "name"])


def id_of(job: str) -> str:
    return job.rpartition("/")[2]


# ---- JOB


@pytest.mark.parametrize("format_", ["votable", "votable/td", "csv", "fits", "parquet"])
def test_the_result_of_a_job_becomes_a_table(ada: Asker, stars: str, format_: str) -> None:
    job = ada.run(TWICE.format(stars), FORMAT=format_)
    reply = ada.change(ada.own("kept"), JOB=id_of(job))
    assert (reply.status, place(reply)) == (201, f"{ada.service}/tables/{ada.name}.kept")
    assert ada.rows(f"SELECT id, twice, name FROM {ada.own('kept')} ORDER BY id") == doubled()


def test_a_table_of_a_job_stays_when_the_job_is_deleted(ada: Asker, stars: str) -> None:
    job = ada.run(TWICE.format(stars))
    ada.change("kept", JOB=id_of(job))
    ada.call("DELETE", job)
    assert ada.count(ada.own("kept")) == 3


def test_a_result_does_not_take_the_place_of_a_table(ada: Asker, stars: str) -> None:
    job = ada.run(TWICE.format(stars))
    assert ada.change(stars, JOB=id_of(job)).status == 409
    assert set(ada.columns(stars)) == set(three_stars().colnames)


def test_a_job_of_another_account_becomes_no_table_and_is_answered_as_none(ada: Asker, stars: str, bo: Asker) -> None:
    job = id_of(ada.run(TWICE.format(stars)))
    theirs, none = bo.change("stolen", JOB=job), bo.change("stolen", JOB="no-such-job")
    assert theirs.status == none.status
    assert theirs.status in {400, 403, 404}
    assert theirs.text.replace(job, "no-such-job") == none.text
    assert bo.get("stolen").status == 404


def test_a_job_that_has_no_result_becomes_no_table(ada: Asker) -> None:
    waiting = ada.post_form("async", LANG="ADQL", QUERY="SELECT TOP 1 name FROM demo.ngc").headers["Location"]
    failed = ada.run("SELECT nonsense FROM demo.ngc")
    for job in (str(waiting), failed):
        assert 400 <= ada.change("kept", JOB=id_of(job)).status < 500
    assert ada.get("kept").status == 404


def test_a_result_goes_into_no_other_schema(ada: Asker, stars: str, bo: Asker) -> None:
    job = id_of(ada.run(TWICE.format(stars)))
    for name in ("demo.kept", bo.own("kept"), "nowhere.kept"):
        assert ada.change(name, JOB=job).status == 403


# ---- DEST


def test_a_query_makes_a_table_and_says_where_it_is(ada: Asker, stars: str) -> None:
    job = ada.run(TWICE.format(stars), DEST="kept")
    assert ada.phase(job) == "COMPLETED", ada.error(job)
    table = ada.results(job)["table"]
    assert plain(table) == f"{ada.service}/tables/{ada.name}.kept"
    assert ada.call("GET", table).xml().findtext("name") == ada.own("kept")
    assert ada.rows(f"SELECT id, twice, name FROM {ada.own('kept')} ORDER BY id") == doubled()


def test_a_job_whose_result_is_a_table_is_refused_as_an_upload(ada: Asker, stars: str) -> None:
    job = ada.run(TWICE.format(stars), DEST="kept")
    reply = ada.ask("SELECT * FROM TAP_UPLOAD.t", UPLOAD=f"t,{job}/results/result")
    assert reply.status == 400
    assert id_of(job) in reply.text


def test_the_full_name_may_stand_in_dest(ada: Asker, stars: str) -> None:
    job = ada.run(TWICE.format(stars), DEST=ada.own("kept"))
    assert ada.phase(job) == "COMPLETED", ada.error(job)
    assert ada.count(ada.own("kept")) == 3


def test_a_table_has_the_whole_result_whatever_the_default_of_maxrec(ada: Asker) -> None:
    job = ada.run("SELECT TOP 100500 vmag FROM demo.stars", DEST="many")
    assert ada.phase(job) == "COMPLETED", ada.error(job)
    assert ada.count(ada.own("many")) == 100_500


def test_units_and_descriptions_of_a_query_reach_the_table(ada: Asker) -> None:
    ada.run("SELECT TOP 3 pmra FROM demo.ngc", DEST="kept")
    mine, source = ada.columns("kept")["pmra"], ada.columns("demo.ngc")["pmra"]
    for each in ("description", "unit", "ucd"):
        assert mine.findtext(each) == source.findtext(each)


def test_a_table_of_a_query_is_private(ada: Asker, stars: str, bo: Asker) -> None:
    job = ada.run(TWICE.format(stars), DEST="kept")
    assert bo.call("GET", ada.results(job)["table"]).status == 404
    assert bo.ask(f"SELECT * FROM {ada.own('kept')}").status == 400


def test_a_query_does_not_overwrite_a_table_unasked(ada: Asker, stars: str) -> None:
    job = ada.run(TWICE.format(stars), DEST="stars")
    assert ada.phase(job) == "ERROR"
    assert "stars" in ada.error(job)
    assert set(ada.columns(stars)) == set(three_stars().colnames)


def test_a_query_replaces_a_table_when_asked_to(ada: Asker, stars: str) -> None:
    job = ada.run(TWICE.format(stars), DEST="stars", DEST_MODE="replace")
    assert ada.phase(job) == "COMPLETED", ada.error(job)
    assert ada.rows(f"SELECT id, twice, name FROM {stars} ORDER BY id") == doubled()
    assert set(ada.columns(stars)) == {"id", "twice", "name"}


def test_a_query_appends_to_a_table_when_asked_to(ada: Asker, stars: str) -> None:
    job = ada.run(f"SELECT name, id + 100 AS id FROM {stars} WHERE n < 1", DEST="stars", DEST_MODE="append")
    assert ada.phase(job) == "COMPLETED", ada.error(job)
    found = ada.rows(f"SELECT id, ra, name FROM {stars} WHERE n IS NULL ORDER BY id")
    assert found == [(101, None, "Sirius"), (102, None, "Altair")]
    assert ada.count(stars) == 5


@pytest.mark.parametrize("mode", ["replace", "append"])
def test_a_query_that_fails_leaves_the_table_as_it_was(ada: Asker, stars: str, mode: str) -> None:
    query = f"SELECT CAST(name AS INTEGER) AS colour FROM {stars}"
    job = ada.run(query, DEST="stars", DEST_MODE=mode)
    assert ada.phase(job) == "ERROR"
    found = ada.rows(f"SELECT id, n, ra, dec, mag, name FROM {stars} ORDER BY id")
    assert found == values(three_stars())


def test_columns_that_a_table_has_not_are_not_appended(ada: Asker, stars: str) -> None:
    job = ada.run(f"SELECT id, 'red' AS colour FROM {stars}", DEST="stars", DEST_MODE="append")
    assert ada.phase(job) == "ERROR"
    assert "colour" in ada.error(job)
    assert ada.count(stars) == 3


def test_a_query_that_fails_or_is_aborted_makes_no_table(ada: Asker) -> None:
    failed = ada.run("SELECT nonsense FROM demo.ngc", DEST="kept")
    assert ada.phase(failed) == "ERROR"
    aborted = str(ada.post_form("async", LANG="ADQL", PHASE="RUN", QUERY=ENDLESS, DEST="kept").headers["Location"])
    ada.post_form(f"{aborted}/phase", PHASE="ABORT")
    ada.call("GET", f"{aborted}?WAIT=30")
    assert ada.phase(aborted) == "ABORTED"
    assert ada.get("kept").status == 404


@pytest.mark.parametrize("name", ["demo.kept", "nowhere_at_all.kept", "tap_schema.kept", '"ada".kept', "a.b.c"])
def test_a_query_makes_no_table_in_another_schema(ada: Asker, name: str) -> None:
    reply = ada.post_form("async", LANG="ADQL", QUERY="SELECT TOP 1 name FROM demo.ngc", DEST=name)
    if reply.status == 303:
        assert ada.phase(ada.end(str(reply.headers["Location"]))) == "ERROR"
    else:
        assert reply.status in {400, 403}
    assert ada.get(name).status == 404


def test_a_stranger_makes_no_table(stranger: Asker) -> None:
    reply = stranger.post_form("async", LANG="ADQL", QUERY="SELECT TOP 1 name FROM demo.ngc", DEST="kept")
    if reply.status == 303:
        job = stranger.end(str(reply.headers["Location"]))
        assert stranger.phase(job) == "ERROR"
        assert "account" in stranger.error(job)
    else:
        assert reply.status in {400, 401}
    assert stranger.get("kept").status == 404


def test_a_token_without_the_scope_of_tables_makes_no_table(ada: Asker, accounts: AccountStore) -> None:
    assert ada.person
    scopes = [TokenScope.READ, TokenScope.JOBS]
    script = Asker(ada.service, ada.person, accounts.add_token(ada.person.account, "script", scopes, 60))
    reply = script.post_form("async", LANG="ADQL", QUERY="SELECT TOP 1 name FROM demo.ngc", DEST="kept")
    if reply.status == 303:
        assert script.phase(script.end(str(reply.headers["Location"]))) == "ERROR"
    else:
        assert reply.status in {400, 403}
    assert ada.get("kept").status == 404


def test_a_table_of_a_query_stays_when_the_job_is_deleted(ada: Asker, stars: str) -> None:
    job = ada.run(TWICE.format(stars), DEST="kept")
    ada.call("DELETE", job)
    assert ada.count(ada.own("kept")) == 3


def test_a_table_of_a_query_is_used_by_the_next(ada: Asker, stars: str) -> None:
    ada.run(TWICE.format(stars), DEST="kept")
    job = ada.run(
        f"SELECT k.twice FROM {ada.own('kept')} AS k JOIN {stars} AS s ON k.id = s.id WHERE s.n = 0", DEST="more"
    )
    assert ada.phase(job) == "COMPLETED", ada.error(job)
    assert ada.rows(f"SELECT twice FROM {ada.own('more')}") == [(0.0,)]


def test_dest_at_sync_is_refused_with_where_it_works(ada: Asker) -> None:
    reply = ada.call("GET", "sync?LANG=ADQL&QUERY=SELECT+TOP+1+name+FROM+demo.ngc&DEST=mine")
    assert reply.status == 400
    assert "needs a job" in reply.text
