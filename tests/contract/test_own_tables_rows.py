"""Rows that are appended to an account's own tables, at /tables and at /load (VOSI 1.2 draft, and CADC's youcat)."""

import re
from collections.abc import Callable
from urllib.parse import quote

import numpy as np
import pytest
from astropy.table import Table, vstack

from tests.contract.client import Reply
from tests.contract.own_tables import (
    CSV,
    VOTABLE,
    WRITERS,
    XML,
    Asker,
    column,
    csv,
    description,
    parquet,
    values,
    votable,
)
from tests.contract.own_tables import stars as three_stars

Append = Callable[[Asker, str, bytes, str], Reply]
ALL = "SELECT id, n, ra, dec, mag, name FROM {} ORDER BY id"


def by_tables(client: Asker, table: str, body: bytes, kind: str) -> Reply:
    return client.post(table, body, kind)


def by_load(client: Asker, table: str, body: bytes, kind: str) -> Reply:
    return client.call("POST", f"load/{quote(table)}", body, Content_Type=kind)


BOTH = pytest.mark.parametrize(("append", "done"), [(by_tables, 204), (by_load, 200)])


def more_stars() -> Table:
    more = three_stars()
    more["id"] = [4, 5, 6]
    return more


@BOTH
@pytest.mark.parametrize("kind", WRITERS)
def test_rows_of_every_format_are_appended(ada: Asker, stars: str, append: Append, done: int, *, kind: str) -> None:
    media_type, write = WRITERS[kind]
    assert append(ada, stars, write(more_stars()), media_type).status == done
    both = vstack([three_stars(), more_stars()], metadata_conflicts="silent")
    both.sort("id")
    assert ada.rows(ALL.format(stars)) == values(both)


@BOTH
@pytest.mark.parametrize(
    ("body", "row"),
    [
        (b"name,mag,dec,ra,n,id\nDeneb,1.25,45.5,310.5,7,9\n", (9, 7, 310.5, 45.5, 1.25, "Deneb")),
        (b"ID,Name\n9,Deneb\n", (9, None, None, None, None, "Deneb")),
        (b"DEC,id\n45.5,9\n", (9, None, None, 45.5, None, None)),
        (b"id,mag,name\n9,,Deneb\n", (9, None, None, None, None, "Deneb")),
    ],
)
def test_rows_are_appended_by_name_in_any_order_and_subset(
    ada: Asker, stars: str, append: Append, done: int, *, body: bytes, row: tuple[object, ...]
) -> None:
    assert append(ada, stars, body, CSV).status == done
    assert ada.rows(ALL.format(stars)).count(row) == 1
    assert ada.count(stars) == 4


@BOTH
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"id,colour\n9,red\n", CSV),
        (b"id,id\n9,9\n", CSV),
        (csv(Table({"id": np.arange(10, 4010)})) + b"x\n", CSV),
        (csv(Table({"n": [*[1] * 3000, 70_000]})), CSV),
        (parquet(Table({"n": [*[1] * 3000, 70_000]})), "application/vnd.apache.parquet"),
        (parquet(Table({"ra": ["north"]})), "application/vnd.apache.parquet"),
        (votable(Table({"id": np.arange(10, 4010)}))[:-300], VOTABLE),
        (b"", CSV),
        (b"", VOTABLE),
        (b"\x00\x01\x02\x03", "application/octet-stream"),
    ],
)
def test_all_rows_are_appended_or_none(
    ada: Asker, stars: str, append: Append, done: int, *, body: bytes, kind: str
) -> None:
    reply = append(ada, stars, body, kind)
    assert reply.status == 400
    assert reply.votable().statuses == [("ERROR", "alone")]
    assert ada.rows(ALL.format(stars)) == values(three_stars())


@BOTH
def test_whole_numbers_that_fit_are_appended_whatever_their_type(
    ada: Asker, stars: str, append: Append, done: int
) -> None:
    wide = Table({"id": np.array([9], "int16"), "n": np.array([-5], "int64"), "ra": np.array([7], "int32")})
    assert append(ada, stars, parquet(wide), "application/vnd.apache.parquet").status == done
    assert (9, -5, 7.0, None, None, None) in ada.rows(ALL.format(stars))


@BOTH
def test_a_text_that_is_longer_than_all_before_is_kept_whole(ada: Asker, stars: str, append: Append, done: int) -> None:
    name = "Bételgeuse, \N{GREEK SMALL LETTER ALPHA} Orionis" * 5
    assert append(ada, stars, f'id,name\n9,"{name}"\n'.encode(), CSV).status == done
    assert ada.rows(f"SELECT name FROM {stars} WHERE id = 9") == [(name,)]
    reply = ada.ask(f"SELECT name FROM {stars} WHERE id = 9", FORMAT="votable/td")
    assert reply.votable().rows == [[name]]


@BOTH
def test_rows_are_appended_again_and_again(ada: Asker, stars: str, append: Append, done: int) -> None:
    for _ in range(3):
        assert append(ada, stars, csv(three_stars()), CSV).status == done
    assert ada.count(stars) == 12


@BOTH
def test_rows_for_a_table_that_is_not_there_are_refused(ada: Asker, append: Append, done: int) -> None:
    for name in (ada.own("none"), "none", "nowhere_at_all.none"):
        assert append(ada, name, csv(three_stars()), CSV).status == 404


@BOTH
def test_rows_for_a_table_that_everybody_reads_are_refused(ada: Asker, append: Append, done: int) -> None:
    before = ada.count("demo.ngc")
    assert append(ada, "demo.ngc", b"name\nmine\n", CSV).status in {403, 404}
    assert ada.count("demo.ngc") == before


@BOTH
def test_a_bare_name_means_a_table_of_ones_own(ada: Asker, stars: str, append: Append, done: int) -> None:
    assert append(ada, "stars", csv(more_stars()), CSV).status == done
    assert ada.count(stars) == 6


def test_the_answer_to_rows_at_tables_has_no_body(ada: Asker, stars: str) -> None:
    assert ada.post(stars, csv(more_stars()), CSV).body == b""


def test_the_answer_of_load_counts_the_rows(ada: Asker, stars: str) -> None:
    reply = by_load(ada, stars, csv(more_stars()), CSV)
    assert (reply.status, reply.media_type) == (200, "text/plain")
    assert re.search(r"Inserted 3 rows to table \S*stars", reply.text)


def test_rows_are_appended_to_a_table_that_was_made_empty(ada: Asker) -> None:
    document = description(column("article", "char", arraysize="30*"), column("published", "int"))
    assert ada.put("articles", document, XML).status == 201
    rows = b"published\tarticle\n1992\ta b\n1801\t\n"
    assert ada.post("articles", rows, "text/tab-separated-values").status == 204
    found = ada.rows(f"SELECT article, published FROM {ada.own('articles')} ORDER BY published")
    assert found == [(None, 1801), ("a b", 1992)]


def test_what_is_known_of_a_table_follows_its_rows_and_its_name(ada: Asker, bo: Asker, stars: str) -> None:
    known = (
        "SELECT largest, least, nulls FROM tap_schema.column_statistics WHERE table_name = '{}' AND column_name = 'id'"
    )
    covered = "SELECT moc FROM tap_schema.table_coverage WHERE table_name = '{}'"
    assert ada.rows(known.format(stars)) == [(str(2**40), "1", 0)]
    more = more_stars()
    more["id"] = [-7, 5, 6]
    assert ada.post(stars, csv(more), CSV).status == 204
    assert ada.rows(known.format(stars)) == [(str(2**40), "-7", 0)]
    assert ada.rows(covered.format(stars))
    renamed = stars.replace("stars", "suns")
    assert ada.change(stars, RENAME="suns").status == 204
    assert ada.rows(known.format(renamed)) == [(str(2**40), "-7", 0)]
    for name in (stars, renamed):
        assert bo.rows(known.format(name)) == bo.rows(covered.format(name)) == []
    assert ada.rows(known.format(stars)) == []
