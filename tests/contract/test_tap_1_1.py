"""TAP 1.1, the synchronous part: one test for each "must", its section in the docstring."""

import csv
import io
import re
from collections.abc import Callable, Mapping

import pytest

from tap.formats import FORMATS
from tests.contract.client import Reply, get, post, post_multipart, records, request, sync, table
from tests.contract.xsd import VOTABLE

QUERY = "SELECT name, ra, obj_type FROM demo.ngc WHERE name LIKE 'IC0%' ORDER BY name"
Send = Callable[[str, Mapping[str, str]], Reply]
WAYS = pytest.mark.parametrize("send", [get, post, post_multipart], ids=["GET", "POST urlencoded", "POST multipart"])
NAMES = [(name, each) for each in FORMATS for name in (*each.aliases, *each.media_types)]


def error_of(reply: Reply) -> str:
    """The message of a refusal, which must be a 4xx with a valid VOTable that says ERROR and has no table."""
    assert 400 <= reply.status < 500, (reply.status, reply.text[:500])
    assert reply.media_type in {"application/x-votable+xml", "text/xml", "application/xml"}
    votable = reply.votable()
    assert votable.statuses == [("ERROR", "alone")]
    assert votable.all("//v:TABLE") == []
    assert votable.message.strip()
    return votable.message


# ---- §2.1 /sync


@WAYS
def test_a_query_is_answered_by_get_and_post(service: str, send: Send) -> None:
    """§2.1, DALI 1.1 §2.2: HTTP GET and POST, forms of both kinds."""
    reply = send(f"{service}/sync", {"LANG": "ADQL", "QUERY": QUERY, "MAXREC": "3", "RESPONSEFORMAT": "csv"})
    assert reply.status == 200
    assert [line.split(",")[0] for line in reply.lines] == ["name", "IC0001", "IC0002", "IC0003"]


@WAYS
@pytest.mark.parametrize("text", ["naïve Ω 𝄞", "a&b=c;d+e%20f", "it''s", 'say "yes"', "new\nline\tand tab"])
def test_any_character_of_a_query_arrives(service: str, send: Send, text: str) -> None:
    """§2.7.2: QUERY is a character string; DALI 1.1 §3: encoded as the form says."""
    reply = send(
        f"{service}/sync",
        {
            "LANG": "ADQL",
            "QUERY": f"SELECT TOP 1 '{text}' AS said FROM tap_schema.schemas",
            "RESPONSEFORMAT": "votable/td",
        },
    )
    assert reply.status == 200, reply.text
    assert reply.votable().rows == [[text.replace("''", "'")]]


def test_a_multipart_form_of_stilts_with_crlf_in_the_query_is_read(service: str) -> None:
    """docs/demands.md K9."""
    query = "SELECT TOP 2 name\r\nFROM demo.ngc\r\nWHERE name LIKE 'IC0%'\r\nORDER BY name"
    assert post_multipart(f"{service}/sync", {"LANG": "ADQL", "QUERY": query, "FORMAT": "csv"}).lines == [
        "name",
        "IC0001",
        "IC0002",
    ]


def test_a_multipart_form_of_astroquery_is_read(service: str) -> None:
    """docs/demands.md K9: an unquoted boundary of digits between signs of equality."""
    boundary = "===1234567890==="
    fields = {
        "LANG": "ADQL",
        "QUERY": "SELECT TOP 1 name FROM demo.ngc WHERE name LIKE 'IC0%' ORDER BY name",
        "FORMAT": "csv",
        "phase": "RUN",
    }
    body = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\nContent-Type: text/plain; charset=x-unknown\r\n\r\n{v}\r\n'
        for k, v in fields.items()
    )
    reply = request(
        "POST",
        f"{service}/sync",
        f"{body}--{boundary}--\r\n".encode(),
        {"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    assert (reply.status, reply.lines) == (200, ["name", "IC0001"])


def test_parameters_in_the_url_count_for_post_too(service: str) -> None:
    reply = post(
        f"{service}/sync?RESPONSEFORMAT=csv&LANG=ADQL",
        {"QUERY": "SELECT TOP 1 name FROM demo.ngc WHERE name LIKE 'IC0%' ORDER BY name"},
    )
    assert reply.lines == ["name", "IC0001"]


# ---- §2.7 parameters


def test_every_parameter_may_be_in_any_case(service: str) -> None:
    """§2.7 by DALI 1.1 §3.1."""
    reply = get(
        f"{service}/sync",
        {"lang": "ADQL", "Query": QUERY, "maxRec": "1", "responseformat": "csv", "reQuest": "doQuery"},
    )
    assert (reply.status, len(reply.lines)) == (200, 2)


@pytest.mark.parametrize(
    "spurious",
    [
        {"DUMMY": "ignore-me"},
        {"PHASE": "RUN"},
        {"RUNID": "r1"},
        {"VERSION": "1.0"},
        {"SRID": "1", "": "nameless"},
        {"_": ""},
        {"USERNAME": "x"},
    ],
)
def test_a_spurious_parameter_changes_nothing(service: str, spurious: dict[str, str]) -> None:
    """§2.7: must ignore it, must respond normally; RUNID: §2.7.5."""
    plain, more = (sync(service, QUERY, MAXREC="5", RESPONSEFORMAT="csv", **each) for each in ({}, spurious))
    assert (more.status, more.body) == (plain.status, plain.body) == (200, plain.body)


@pytest.mark.parametrize("value", ["doQuery", "doquery", "DOQUERY"])
def test_the_old_request_parameter_is_tolerated(service: str, value: str) -> None:
    """TAP 1.0 §2.3.1; docs/demands.md K16."""
    assert sync(service, QUERY, MAXREC="1", REQUEST=value).status == 200


def test_another_request_is_refused(service: str) -> None:
    assert "REQUEST" in error_of(sync(service, QUERY, REQUEST="getCapabilities"))


# ---- §2.7.1 LANG


@pytest.mark.parametrize("language", ["ADQL", "ADQL-2.0", "ADQL-2.1"])
@WAYS
def test_adql_is_spoken_under_its_names(service: str, send: Send, language: str) -> None:
    """§2.7.1; docs/demands.md K12."""
    assert send(f"{service}/sync", {"LANG": language, "QUERY": QUERY, "MAXREC": "1"}).status == 200


@pytest.mark.parametrize("language", ["SQL", "ADQL-1.0", "ADQL-3.0", "ADQL-", "ADQL2.0", "PQL", "x" * 5000])
def test_an_unknown_language_is_an_error_that_names_lang(service: str, language: str) -> None:
    """§2.7.1, §3.3: "unknown query language"."""
    assert "LANG" in error_of(sync(service, QUERY, LANG=language))


@pytest.mark.parametrize(
    "pairs",
    [
        {"QUERY": QUERY},
        {"QUERY": QUERY, "LANG": ""},
        {"LANG": "ADQL"},
        {"LANG": "ADQL", "QUERY": ""},
        {"LANG": "ADQL", "QUERY": "  \n"},
        {},
    ],
)
@WAYS
def test_a_missing_lang_or_query_is_an_error(service: str, send: Send, pairs: dict[str, str]) -> None:
    """§2.7.1: the client must provide a value; §2.7.2."""
    message = error_of(send(f"{service}/sync", pairs))
    assert ("QUERY" if pairs.get("LANG") else "LANG") in message


# ---- §2.7.3 FORMAT and RESPONSEFORMAT


BEGINNINGS = {
    "fits": b"SIMPLE  =",
    "parquet": b"PAR1",
    "arrows": b"\xff\xff\xff\xff",
    "h5": b"\x89HDF\r\n",
    "json": b'{"metadata": [',
    "ecsv": b"# %ECSV 1.0",
    "txt": b"name",
    "html": b"<!DOCTYPE html>",
    "moc.fits": b"SIMPLE  =",
    "moc.json": b'{"10": [',
    "moc.txt": b"10/",
}


@pytest.mark.parametrize("parameter", ["RESPONSEFORMAT", "FORMAT"])
@pytest.mark.parametrize(("name", "format_"), NAMES, ids=[name for name, _ in NAMES])
def test_every_alias_and_media_type_is_answered_with_its_media_type(
    service: str, parameter: str, name: str, format_: object
) -> None:
    """§2.7.3: FORMAT is equivalent; DALI 1.1 §3.4.3: a media type that is asked for must be in Content-Type."""
    reply = sync(
        service,
        "SELECT TOP 3 name, ra, dec, obj_type FROM demo.ngc WHERE name LIKE 'IC0%' ORDER BY name",
        **{parameter: name},
    )
    assert reply.status == 200
    media_types = format_.media_types  # type: ignore[attr-defined]
    assert reply.headers["content-type"] == (name if name in media_types else media_types[0])
    if "votable" in media_types[0]:
        serialization = reply.votable().all("//v:DATA/*")[0].tag.rpartition("}")[2]
        wanted = {"VOTable, TABLEDATA": "TABLEDATA", "VOTable, BINARY": "BINARY", "VOTable, BINARY2": "BINARY2"}
        assert serialization == wanted[format_.name]  # type: ignore[attr-defined]
    elif format_.name in ("CSV", "TSV"):  # type: ignore[attr-defined]
        delimiter = "\t" if "tab" in media_types[0] else ","
        assert [row[0] for row in csv.reader(io.StringIO(reply.text), delimiter=delimiter)] == [
            "name",
            "IC0001",
            "IC0002",
            "IC0003",
        ]
    else:
        assert reply.body.startswith(BEGINNINGS[format_.extension])  # type: ignore[attr-defined]
        has_rows = not format_.sums_up and format_.extension != "parquet"  # type: ignore[attr-defined]
        assert b"IC0003" in reply.body or not has_rows


@pytest.mark.parametrize(
    "name",
    [
        "VOTable",
        "CSV",
        "Text/CSV",
        " csv ",
        "application/x-votable+xml; serialization=tabledata",
        'application/x-votable+xml;serialization="BINARY"',
        "text/csv; header=present",
    ],
)
def test_media_types_are_known_with_blanks_quotes_and_capitals(service: str, name: str) -> None:
    """RFC 9110 §8.3.1: type, subtype and parameter names know no case, values may be quoted."""
    assert sync(service, QUERY, MAXREC="1", RESPONSEFORMAT=name).status == 200


def test_the_default_format_is_votable(service: str) -> None:
    """§2.7.3."""
    for more in ({}, {"RESPONSEFORMAT": ""}, {"FORMAT": ""}):
        reply = sync(service, QUERY, MAXREC="1", **more)
        assert reply.media_type == "application/x-votable+xml"
        assert reply.votable().statuses[0] == ("OK", "before")


@pytest.mark.parametrize(
    "name",
    [
        "xlsx",
        "application/jsonp",
        "text/csv;header=absent",
        "votable/b3",
        "votable;version=1.7",
        "csv;version=1.4",
        "*/*",
        "x" * 4000,
    ],
)
@pytest.mark.parametrize("parameter", ["RESPONSEFORMAT", "FORMAT"])
def test_a_format_that_is_not_there_is_an_error(service: str, parameter: str, name: str) -> None:
    """DALI 1.1 §3.4.3: should fail; a parameter of a media type is never dropped in silence."""
    assert "RESPONSEFORMAT" in error_of(sync(service, QUERY, **{parameter: name}))


# ---- §2.7.4 MAXREC


@pytest.mark.parametrize("format_", ["votable/td", "votable/b", "votable/b2"])
@pytest.mark.parametrize(
    ("maxrec", "statuses"),
    [
        ("6", [("OK", "before")]),
        ("5", [("OK", "before")]),
        ("4", [("OK", "before"), ("OVERFLOW", "after")]),
        ("1", [("OK", "before"), ("OVERFLOW", "after")]),
        ("0", [("OK", "before"), ("OVERFLOW", "after")]),
    ],
)
def test_overflow_is_told_after_the_table_exactly_when_rows_were_cut(
    service: str, format_: str, maxrec: str, statuses: list[tuple[str, str]]
) -> None:
    """§2.7.4, §3.4, DALI 1.1 §4.4.1; exactly MAXREC rows is OK (docs/demands.md K6); MAXREC=0 always overflows (DALI 1.1 §3.4.4)."""
    reply = sync(service, "SELECT TOP 5 name FROM demo.ngc", MAXREC=maxrec, RESPONSEFORMAT=format_)
    assert (reply.status, reply.votable().statuses) == (200, statuses)


@pytest.mark.parametrize(
    ("maxrec", "count"), [("0", 0), ("1", 1), ("4", 4), ("5", 5), ("6", 5), ("0005", 5), ("", 5), (" 3 ", 3)]
)
@pytest.mark.parametrize("format_", ["csv", "tsv", "votable/td"])
def test_no_more_than_maxrec_rows_come(service: str, maxrec: str, count: int, format_: str) -> None:
    """DALI 1.1 §3.4.4: must only return the requested number of rows."""
    reply = sync(
        service,
        "SELECT TOP 5 name FROM demo.ngc WHERE name LIKE 'IC0%' ORDER BY name",
        MAXREC=maxrec,
        RESPONSEFORMAT=format_,
    )
    found = reply.votable().rows if format_ == "votable/td" else reply.lines[1:]
    assert (reply.status, len(found)) == (200, count)


def test_maxrec_zero_brings_all_metadata_and_no_row(service: str) -> None:
    """§2.7.4: a means to examine the VOTable metadata."""
    none, one = (table(service, "SELECT * FROM demo.stars", MAXREC=each) for each in "01")
    assert none.fields == one.fields
    assert (len(none.rows), len(one.rows)) == (0, 1)


def test_a_top_of_the_query_that_cuts_is_no_overflow(service: str) -> None:
    """§2.7.4: truncation occurs after any limitations imposed by the query."""
    assert table(service, "SELECT TOP 7 name FROM demo.ngc", MAXREC="7").statuses == [("OK", "before")]
    assert table(service, "SELECT name FROM demo.ngc ORDER BY name OFFSET 14030", MAXREC="3").statuses == [
        ("OK", "before")
    ]


def test_an_order_is_applied_before_maxrec(service: str) -> None:
    assert (
        table(service, "SELECT name FROM demo.ngc ORDER BY name DESC", MAXREC="1").rows
        == table(service, "SELECT MAX(name) AS name FROM demo.ngc").rows
    )


@pytest.mark.parametrize("maxrec", ["-1", "1.5", "ten", "1e3", "0x10", "+5", "٣", "1 2", "NaN"])
def test_a_maxrec_that_is_no_whole_number_is_an_error(service: str, maxrec: str) -> None:
    assert "MAXREC" in error_of(sync(service, QUERY, MAXREC=maxrec))


@pytest.mark.parametrize("maxrec", ["20000000", "20000001", "9223372036854775807", "9" * 60])
def test_a_huge_maxrec_means_the_hard_limit(service: str, maxrec: str) -> None:
    """DALI 1.1 §3.4.4: the service may enforce a smaller limit."""
    assert len(table(service, "SELECT TOP 5 name FROM demo.ngc", MAXREC=maxrec).rows) == 5


# ---- §2.7.6 UPLOAD; tests/tap/uploads has the rest


def test_an_upload_that_is_not_there_is_refused_with_a_message(service: str) -> None:
    assert "UPLOAD" in error_of(sync(service, QUERY, UPLOAD="mine,http://localhost:9/x"))


# ---- §3 results


def test_the_columns_of_a_result_are_named_as_in_the_query(service: str) -> None:
    """§3.2."""
    found = table(
        service,
        'SELECT TOP 1 name AS "Full Name", ra AS alpha, dec, COUNT(*) AS n FROM demo.ngc GROUP BY name, ra, dec',
    )
    assert found.names == ["Full Name", "alpha", "dec", "n"]


def test_what_the_query_does_not_name_gets_a_name_of_its_own(service: str) -> None:
    """§3.2: unique within the table, and an ADQL identifier."""
    query = "SELECT TOP 1 ra + 1, ra + 1, ABS(ra), ABS(dec), ra AS \"abs\", COUNT(*), 'x', NULL, POINT(ra, dec) FROM demo.ngc GROUP BY ra, dec"
    names = table(service, query).names
    assert len({name.lower() for name in names}) == len(names) == 9
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) for name in names), names


def test_a_result_is_one_table_of_what_was_selected(service: str) -> None:
    """§3.2: of an ADQL query a single table, with the columns of the list."""
    for format_ in ("votable/td", "votable/b", "votable/b2"):
        reply = sync(service, "SELECT TOP 2 name, ra, name AS again FROM demo.ngc", RESPONSEFORMAT=format_)
        (found,) = reply.votable().all("//v:TABLE")
        assert [field.get("name") for field in found.findall(f"{{{VOTABLE}}}FIELD")] == ["name", "ra", "again"]


def test_a_column_keeps_unit_ucd_and_description(service: str) -> None:
    """§3.2, §4: metadata of columns that are selected as they are."""
    field = table(service, "SELECT TOP 1 s.pmra AS motion FROM demo.ngc AS s").fields[0]
    assert (field["name"], field["unit"], field["ucd"], field["datatype"]) == (
        "motion",
        "mas/yr",
        "pos.pm;pos.eq.ra",
        "double",
    )
    assert field["description"].startswith("Proper motion in right ascension")


def test_csv_begins_with_the_names_and_quotes_what_must_be(service: str) -> None:
    """§3.2, RFC 4180: fields with commas or quotes stand in quotes, quotes doubled."""
    reply = sync(
        service,
        """SELECT TOP 1 'a,b' AS one, 'say "x"' AS two, 'l1
l2' AS three, '' AS four, name AS "f,ive" FROM demo.ngc WHERE name LIKE 'IC0%' ORDER BY name""",
        RESPONSEFORMAT="csv",
    )
    assert reply.body.startswith(b'one,two,three,four,"f,ive"')
    assert list(csv.reader(io.StringIO(reply.text, newline="")))[1] == ["a,b", 'say "x"', "l1\nl2", "", "IC0001"]


def test_csv_comes_whole_with_no_blank_line(service: str) -> None:
    reply = sync(service, "SELECT name FROM demo.ngc", RESPONSEFORMAT="csv")
    assert len(reply.lines) == 14_034
    assert all(reply.lines)


# ---- §3.3 errors

BAD = {
    "syntax": "SELECT FROM",
    "no query": "DUFF QUERY",
    "table": "SELECT * FROM demo.starz",
    "column": "SELECT nam FROM demo.ngc",
    "function": "SELECT FOO(ra) FROM demo.ngc",
    "type": "SELECT name + 1 FROM demo.ngc",
    "division": "SELECT 1 / (0 * LENGTH(name)) AS x FROM demo.ngc",
    "logarithm": "SELECT LOG(-ABS(ra)) AS x FROM demo.ngc",
    "cast": "SELECT CAST(name AS INTEGER) AS x FROM demo.ngc",
    "changing": "DELETE FROM demo.ngc",
    "two": "SELECT name FROM demo.ngc; SELECT name FROM demo.ngc",
    "latitude": "SELECT POINT(10, 100) AS p FROM demo.ngc",
    "private": "SELECT * FROM armillary.tables",
    "catalogue": "SELECT * FROM pg_catalog.pg_roles",
    "sign": "SELECT name FROM demo.ngc WHERE name = '\x01\ufffe<&>' AND",
}


@pytest.mark.parametrize("query", BAD.values(), ids=BAD)
@WAYS
def test_a_failing_query_is_told_in_a_votable_with_a_4xx(service: str, send: Send, query: str) -> None:
    """§3.3, DALI 1.1 §4.2 and §4.4.2."""
    message = error_of(send(f"{service}/sync", {"LANG": "ADQL", "QUERY": query}))
    leaked = [
        word
        for word in ("psycopg", "Traceback", "pg_", "spoint", "armillary.", "SQLSTATE")
        if word in message and word not in query
    ]
    assert leaked == []


@pytest.mark.parametrize("format_", ["csv", "tsv", "votable/td", "text/xml"])
def test_the_error_of_a_query_is_a_votable_whatever_format_was_asked(service: str, format_: str) -> None:
    """docs/demands.md K7: clients read the message from there."""
    error_of(sync(service, BAD["table"], RESPONSEFORMAT=format_))
    error_of(sync(service, BAD["cast"], RESPONSEFORMAT=format_))


@pytest.mark.parametrize("maxrec", ["0", "1"])
def test_a_bad_query_fails_with_any_maxrec(service: str, maxrec: str) -> None:
    """§2.7.4: with MAXREC=0 it may be validated; we do."""
    assert "starz" in error_of(sync(service, BAD["table"], MAXREC=maxrec))


def test_an_error_says_where_and_offers_what_may_be_meant(service: str) -> None:
    message = error_of(sync(service, "SELECT nam\nFROM demo.ngc"))
    assert "nam" in message
    assert "line 1, column 8" in message
    assert "name" in message.split("Hint:")[1]


# ---- §2, §2.4, §2.5, §2.6: resources


@pytest.mark.parametrize(
    "path",
    ["availability", "capabilities", "tables", "examples", "sync?LANG=ADQL&QUERY=SELECT+name+FROM+demo.ngc&MAXREC=1"],
)
def test_the_resources_of_the_base_url_are_there(service: str, path: str) -> None:
    """§2: table of resources; anonymous for availability and capabilities."""
    assert get(f"{service}/{path}").status == 200


def test_the_base_url_itself_is_a_page_for_people(service: str) -> None:
    """§2: should return a human readable document (HTML)."""
    reply = get(service)
    assert (reply.status, reply.media_type) == (200, "text/html")


def test_examples_are_served_as_html_and_declared(service: str) -> None:
    """§2.6."""
    assert get(f"{service}/examples").media_type in {"application/xhtml+xml", "text/html"}
    assert 'standardID="ivo://ivoa.net/std/DALI#examples"' in get(f"{service}/capabilities").text


def test_a_query_that_reads_tap_schema_may_be_spelt_in_any_case(service: str) -> None:
    """§4: TAP_SCHEMA is a regular identifier."""
    assert records(service, "SELECT COUNT(*) AS n FROM TAP_SCHEMA.Tables") == records(
        service, "SELECT COUNT(*) AS n FROM tap_schema.tables"
    )
