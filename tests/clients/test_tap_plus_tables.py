"""astroquery's TapPlus and its class of the Gaia archive, logged in: tables of one's own, from their upload to their end."""

from pathlib import Path
from typing import Any

import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.utils.exceptions import AstropyWarning
from astroquery.utils.tap.core import TapPlus
from requests.exceptions import HTTPError

from tests.clients.seats import QUALIFIED, ROWS, SPELT, Seat, Spell, check, fresh, stars

pytestmark = pytest.mark.filterwarnings(f"ignore::{AstropyWarning.__module__}.AstropyWarning")
ABOUT = "Stars & galaxies <λ>"
POSITION = {"ra": {"1", "33"}, "dec": {"2", "34"}}


def has_position(seat: Seat, name: str) -> bool:
    found = seat.flags(name)
    return all(found[column] in flags for column, flags in POSITION.items())


# ---- uploads


def test_a_table_of_astropy_is_uploaded_and_queried_back(ada: Seat) -> None:
    table = ada.upload(stars())
    check(ada.rows(ada.shown(table)), stars())
    assert ada.shown(table) in {each.name for each in ada.tap.load_tables(only_names=True)}


@pytest.mark.parametrize("kind", ["votable", "ascii.csv", "fits"])
def test_a_file_is_uploaded_and_queried_back(ada: Seat, tmp_path: Path, kind: str) -> None:
    path, made = tmp_path / "mine.file", stars()
    made["name"] = [f"<{n}> & 'co'" for n in range(ROWS)]
    made.write(path, format=kind)
    written = Table.read(path, format=kind)
    written.convert_bytestring_to_unicode()
    check(ada.rows(ada.shown(ada.upload(str(path), format=kind))), written)


def test_the_class_of_gaia_uploads_queries_renames_and_deletes(gaia: Seat) -> None:
    table, renamed = gaia.upload(stars()), fresh("renamed")
    check(gaia.rows(gaia.shown(table)), stars())
    gaia.tap.rename_table(table_name=gaia.as_esa(table), new_table_name=gaia.as_esa(renamed))
    check(gaia.tap.launch_job_async(f"SELECT * FROM {gaia.shown(renamed)} ORDER BY id").get_results(), stars())
    gaia.tap.delete_user_table(table_name=renamed)
    assert gaia.tap.load_table(gaia.shown(renamed)) is None
    assert gaia.tap.load_user(user_id=gaia.name)


def test_what_the_table_says_of_itself_and_its_columns_is_kept(ada: Seat) -> None:
    name = ada.shown(ada.upload(stars(), table_description=ABOUT))
    assert ada.tap.load_table(name).description == ABOUT
    right_ascension = ada.columns(name)["ra"]
    assert (right_ascension.unit, right_ascension.ucd) == ("deg", "pos.eq.ra;meta.main")
    assert right_ascension.description == "Where it is"
    assert list(ada.columns(name)) == stars().colnames


def test_more_rows_than_a_query_gives_are_uploaded(ada: Seat) -> None:
    made = stars(5000)
    query = f"SELECT COUNT(*) AS n, MAX(id) AS last_id, SUM(ra) AS total FROM {ada.shown(ada.upload(made))}"
    (row,) = ada.tap.launch_job(query).get_results()
    assert (row["n"], row["last_id"]) == (5000, made["id"].max())
    assert row["total"] == pytest.approx(made["ra"].sum(), rel=1e-12)


def test_a_table_without_rows_is_uploaded(ada: Seat) -> None:
    assert len(ada.rows(ada.shown(ada.upload(stars()[:0])))) == 0


def test_a_name_that_is_taken_is_refused_and_its_table_stays(ada: Seat) -> None:
    table = ada.upload(stars())
    with pytest.raises(HTTPError, match="409"):
        ada.tap.upload_table(upload_resource=stars(3), table_name=table)
    check(ada.rows(ada.shown(table)), stars())


def test_what_is_no_table_is_refused_and_leaves_nothing(ada: Seat, tmp_path: Path) -> None:
    (tmp_path / "mine.vot").write_text("this is no table")
    with pytest.raises(HTTPError, match="400"):
        ada.tap.upload_table(upload_resource=str(tmp_path / "mine.vot"), table_name="broken")
    assert ada.tap.load_table(ada.shown("broken")) is None


def test_who_has_not_logged_in_uploads_renames_and_deletes_nothing(ada: Seat, stranger: TapPlus) -> None:
    table = ada.upload(stars())
    with pytest.raises(HTTPError, match="401"):
        stranger.upload_table(upload_resource=stars(), table_name="mine")
    with pytest.raises(HTTPError, match="401"):
        stranger.rename_table(table_name=ada.shown(table), new_table_name="other")
    with pytest.raises(HTTPError, match="401"):
        stranger.delete_user_table(table_name=ada.shown(table))
    check(ada.rows(ada.shown(table)), stars())


@pytest.mark.parametrize("by_id", [True, False])
def test_the_result_of_a_job_becomes_a_table(ada: Seat, *, by_id: bool) -> None:
    query = f"SELECT id, mag FROM {ada.shown(ada.upload(stars()))} WHERE dec > 0"
    job, table = ada.tap.launch_job_async(query), fresh("northern")
    ada.tap.upload_table_from_job(job=job.jobid if by_id else job, table_name=table)
    made = stars()
    check(ada.rows(ada.shown(table)), made[made["dec"] > 0]["id", "mag"])
    about = ada.tap.load_table(ada.shown(table)).description
    assert about != "None" if by_id else about == query


def test_a_table_of_a_job_is_called_after_it_and_outlives_it(ada: Seat) -> None:
    job = ada.tap.launch_job_async(f"SELECT * FROM {ada.shown(ada.upload(stars()))} ORDER BY id")
    ada.tap.upload_table_from_job(job=job, table_description=ABOUT)
    ada.tap.remove_jobs(job.jobid)
    check(ada.rows(ada.shown(f"t{job.jobid}")), stars())
    assert ada.tap.load_table(ada.shown(f"t{job.jobid}")).description == ABOUT


def test_the_result_of_somebody_elses_job_becomes_no_table(ada: Seat, bo: Seat) -> None:
    job = ada.tap.launch_job_async("SELECT TOP 3 name FROM demo.ngc")
    with pytest.raises(HTTPError, match=r"40[34]"):
        bo.tap.upload_table_from_job(job=job, table_name="taken")
    assert bo.tap.load_table(bo.shown("taken")) is None


# ---- deletion and other names


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("spell", SPELT)
def test_a_table_is_deleted_by_each_of_its_names(ada: Seat, spell: Spell, *, force: bool) -> None:
    table = ada.upload(stars())
    ada.tap.delete_user_table(table_name=spell(ada, table), force_removal=force)
    assert ada.tap.load_table(ada.shown(table)) is None
    with pytest.raises(HTTPError, match="404"):
        ada.tap.delete_user_table(table_name=spell(ada, table), force_removal=force)


@pytest.mark.parametrize("spell", QUALIFIED)
def test_somebody_elses_table_is_not_there_for_deletion(ada: Seat, bo: Seat, spell: Spell) -> None:
    table = ada.upload(stars())
    with pytest.raises(HTTPError, match="404"):
        bo.tap.delete_user_table(table_name=spell(ada, table))
    check(ada.rows(ada.shown(table)), stars())


@pytest.mark.parametrize("spell", SPELT)
def test_a_table_is_renamed(ada: Seat, spell: Spell) -> None:
    table, renamed = ada.upload(stars()), fresh("renamed")
    ada.tap.rename_table(table_name=spell(ada, table), new_table_name=spell(ada, renamed))
    check(ada.rows(ada.shown(renamed)), stars())
    assert ada.tap.load_table(ada.shown(table)) is None


@pytest.mark.parametrize("with_table", [False, True])
@pytest.mark.parametrize("spell", SPELT)
def test_columns_are_renamed_alone_or_with_their_table(ada: Seat, spell: Spell, *, with_table: bool) -> None:
    table, names = ada.upload(stars()), {"mag": "vmag", "name": "label"}
    renamed = fresh("renamed") if with_table else table
    new = {"new_table_name": spell(ada, renamed)} if with_table else {}
    ada.tap.rename_table(table_name=spell(ada, table), new_column_names_dict=names, **new)
    made = stars()
    made.rename_columns(list(names), list(names.values()))
    check(ada.rows(ada.shown(renamed)), made)


def test_what_cannot_be_renamed_is_told_and_nothing_changes(ada: Seat) -> None:
    table, other = ada.upload(stars()), ada.upload(stars(3))
    refused: list[tuple[str, dict[str, Any]]] = [
        ("400", {}),
        ("409", {"new_table_name": other}),
        ("400", {"new_column_names_dict": {"nothing": "something"}}),
        ("400", {"new_column_names_dict": {"mag": "ra"}}),
        ("400", {"new_table_name": fresh("x"), "new_column_names_dict": {"mag": "vmag", "nothing": "something"}}),
    ]
    for status, new in refused:
        with pytest.raises(HTTPError, match=status):
            ada.tap.rename_table(table_name=table, **new)
        check(ada.rows(ada.shown(table)), stars())
    check(ada.rows(ada.shown(other)), stars(3))


# ---- what columns are


@pytest.mark.parametrize("spell", QUALIFIED)
def test_ucd_and_utype_of_a_column_are_changed_and_the_rest_stays(ada: Seat, spell: Spell) -> None:
    name = spell(ada, ada.upload(stars()))
    changes = [["mag", "ucd", "phot.mag;em.opt.V"], ["mag", "utype", "stars:brightness"]]
    ada.tap.update_user_table(table_name=name, list_of_changes=changes)
    columns = ada.columns(name)
    assert (columns["mag"].ucd, columns["mag"].utype) == ("phot.mag;em.opt.V", "stars:brightness")
    assert (columns["ra"].unit, columns["ra"].ucd, columns["ra"].description) == (
        "deg",
        "pos.eq.ra;meta.main",
        "Where it is",
    )
    assert not {str(columns[each].ucd) for each in ("id", "name")} - {"None", ""}
    assert not {str(columns[each].utype) for each in ("id", "ra", "dec", "name")} - {"None", ""}


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("spell", QUALIFIED)
def test_two_columns_become_the_position(ada: Seat, spell: Spell, *, indexed: bool) -> None:
    table = ada.upload(stars())
    name = spell(ada, table)
    changes: list[list[object]] = [["ra", "flags", "Ra"], ["dec", "flags", "Dec"]]
    changes += [[column, "indexed", True] for column in POSITION if indexed]
    ada.tap.update_user_table(table_name=name, list_of_changes=changes)
    assert has_position(ada, name)
    check(ada.rows(ada.shown(table)), stars())


def test_a_position_stays_when_something_else_is_changed(ada: Seat) -> None:
    name = ada.shown(ada.upload(stars()))
    ada.tap.set_ra_dec_columns(table_name=name, ra_column_name="ra", dec_column_name="dec")
    ada.tap.update_user_table(table_name=name, list_of_changes=[["mag", "utype", "stars:brightness"]])
    assert has_position(ada, name)


@pytest.mark.parametrize(
    ("column", "flag", "flags"),
    [("id", "PK", {"16", "48"}), ("mag", "Mag", {"8", "40"}), ("mag", "Flux", {"4", "36", "38"})],
)
def test_a_column_is_flagged(ada: Seat, column: str, flag: str, flags: set[str]) -> None:
    name = ada.shown(ada.upload(stars()))
    ada.tap.update_user_table(table_name=name, list_of_changes=[[column, "flags", flag]])
    assert ada.flags(name)[column] in flags
    check(ada.rows(name), stars())


def test_a_column_is_indexed(ada: Seat) -> None:
    name = ada.shown(ada.upload(stars()))
    assert ada.columns(name)["mag"].flag != "indexed"
    ada.tap.update_user_table(table_name=name, list_of_changes=[["mag", "indexed", True]])
    assert ada.columns(name)["mag"].flag == "indexed"
    assert ada.columns(name)["name"].flag != "indexed"


@pytest.mark.parametrize("spell", SPELT)
def test_a_position_is_set_and_found_by_cones(ada: Seat, spell: Spell) -> None:
    made, table = stars(), ada.upload(stars())
    ada.tap.set_ra_dec_columns(table_name=spell(ada, table), ra_column_name="ra", dec_column_name="dec")
    assert has_position(ada, ada.shown(table))
    places = SkyCoord(made["ra"], made["dec"])
    near = places.separation(SkyCoord(120 * units.deg, 20 * units.deg)) < 45 * units.deg
    cone = "1 = CONTAINS(POINT(ra, dec), CIRCLE(120, 20, 45))"
    found = ada.tap.launch_job(f"SELECT * FROM {ada.shown(table)} WHERE {cone} ORDER BY id").get_results()
    assert 0 < near.sum() < ROWS
    check(found, made[near])


def test_no_position_is_made_of_columns_that_are_not_there_or_no_numbers(ada: Seat) -> None:
    name = ada.shown(ada.upload(stars()))
    for column in ("nothing", "name"):
        with pytest.raises(HTTPError, match="400"):
            ada.tap.set_ra_dec_columns(table_name=name, ra_column_name="ra", dec_column_name=column)
    assert has_position(ada, name)
