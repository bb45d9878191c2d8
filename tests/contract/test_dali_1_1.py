"""DALI 1.1: parameters, responses and errors, examples, availability; and HTTP's own rules where DALI builds on them."""

import gzip
import http.client
import io
import json
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import pyarrow as pa
import pytest

from tests.contract.client import BOUNDARY, Reply, get, post, post_multipart, request, sync, table, well_formed

QUERY = "SELECT table_name FROM tap_schema.tables ORDER BY table_name"
Send = Callable[[str, Mapping[str, str]], Reply]
XHTML = "{http://www.w3.org/1999/xhtml}"


def refused(reply: Reply, *statuses: int) -> str:
    """The message of an error in a valid VOTable with one of these statuses."""
    assert reply.status in (statuses or (400,)), (reply.status, reply.text[:300])
    votable = reply.votable()
    assert votable.statuses == [("ERROR", "alone")]
    return votable.message


# ---- §3 parameters


@pytest.mark.parametrize("name", ["LANG", "QUERY", "MAXREC", "RESPONSEFORMAT", "FORMAT", "REQUEST"])
@pytest.mark.parametrize("send", [get, post, post_multipart])
def test_a_single_valued_parameter_given_two_values_is_an_error(
    service: str, send: Callable[..., Reply], name: str
) -> None:
    """§3.2: must respond with an error; a value that is given twice is one, as clients send some (also in another case)."""
    values = {
        "LANG": "ADQL",
        "QUERY": QUERY,
        "MAXREC": "5",
        "RESPONSEFORMAT": "csv",
        "FORMAT": "csv",
        "REQUEST": "doQuery",
    }
    pairs = [(k, values[k]) for k in dict.fromkeys(["LANG", "QUERY", name])]
    assert send(f"{service}/sync", pairs).status == 200
    assert send(f"{service}/sync", [*pairs, (name.lower(), values[name])]).status == 200
    assert name in refused(send(f"{service}/sync", [*pairs, (name.lower(), values[name] + "0")]))


def test_a_parameter_in_url_and_body_is_given_twice(service: str) -> None:
    """§3.2."""
    assert "MAXREC" in refused(post(f"{service}/sync?MAXREC=4", {"LANG": "ADQL", "QUERY": QUERY, "MAXREC": "3"}))


def test_a_value_is_not_taken_for_a_name(service: str) -> None:
    """§3.1: only names know no case; a value keeps its own."""
    found = table(service, "SELECT TOP 1 'LANG=adql MaxRec' AS said FROM tap_schema.schemas")
    assert found.rows == [["LANG=adql MaxRec"]]


@pytest.mark.parametrize("body", [b"LANG=ADQL&QUERY=%FF%FE", b"LANG=ADQL&QUERY=\xff\xfe", b"%80=1&LANG=ADQL"])
def test_a_form_that_is_not_utf_8_is_refused(service: str, body: bytes) -> None:
    assert "UTF-8" in refused(
        request("POST", f"{service}/sync", body, {"Content-Type": "application/x-www-form-urlencoded"})
    )


def test_a_url_that_is_not_utf_8_is_refused(service: str) -> None:
    assert "UTF-8" in refused(request("GET", f"{service}/sync?LANG=ADQL&QUERY=%FF"))


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"LANG": "ADQL"}', "application/json"),
        (b"no parts", "multipart/form-data"),
        (b"no parts", f'multipart/form-data; boundary="{BOUNDARY}"'),
        (b"<x/>", "text/xml"),
        (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="LANG"\r\n\r\nADQL'.encode(),
            f'multipart/form-data; boundary="{BOUNDARY}"',
        ),
        (
            f"--{BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nADQL\r\n--{BOUNDARY}--".encode(),
            f'multipart/form-data; boundary="{BOUNDARY}"',
        ),
        (
            f"--{BOUNDARY}\r\nnonsense\r\n\r\nADQL\r\n--{BOUNDARY}--".encode(),
            f'multipart/form-data; boundary="{BOUNDARY}"',
        ),
        (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="LANG"\r\n\r\n'.encode()
            + b"\xff\xfe"
            + f"\r\n--{BOUNDARY}--\r\n".encode(),
            f'multipart/form-data; boundary="{BOUNDARY}"',
        ),
    ],
    ids=["json", "no boundary", "no parts", "xml", "cut", "nameless", "no header", "not UTF-8"],
)
def test_a_body_that_is_no_form_is_refused_politely(service: str, body: bytes, content_type: str) -> None:
    """§4.2: an error of the client, 4xx and told in a VOTable."""
    assert refused(request("POST", f"{service}/sync", body, {"Content-Type": content_type}), 400, 415)


def test_a_compressed_form_is_refused(service: str) -> None:
    body = gzip.compress(b"LANG=ADQL&QUERY=SELECT+1")
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": "gzip"}
    assert "compressed" in refused(request("POST", f"{service}/sync", body, headers), 400, 415)


@pytest.mark.parametrize("send", [post, post_multipart])
def test_a_form_that_is_too_large_is_refused_with_413(service: str, send: Send) -> None:
    """RFC 9110 §15.5.14."""
    assert refused(send(f"{service}/sync", {"LANG": "ADQL", "QUERY": QUERY, "X": "x" * 1_100_000}), 413)


def test_a_form_with_too_many_parameters_is_refused(service: str) -> None:
    assert refused(post(f"{service}/sync", [("X", str(i)) for i in range(300)]), 400, 413)


def test_a_chunked_form_is_read(service: str) -> None:
    """docs/demands.md K9: STILTS sends its forms so."""
    place = urlsplit(service)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    parts = "".join(
        f'--{BOUNDARY}\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'
        for k, v in {"LANG": "ADQL", "QUERY": QUERY, "FORMAT": "csv"}.items()
    )
    body = f"{parts}--{BOUNDARY}--\r\n".encode()
    pieces = (body[i : i + 37] for i in range(0, len(body), 37))
    try:
        connection.request(
            "POST",
            f"{place.path}/sync",
            pieces,
            {"Content-Type": f'multipart/form-data; boundary="{BOUNDARY}"'},
            encode_chunked=True,
        )
        answer = connection.getresponse()
        assert (answer.status, answer.read().splitlines()[0]) == (200, b"table_name")
    finally:
        connection.close()


# ---- §4 responses


@pytest.mark.parametrize("format_", ["votable/td", "votable/b", "votable/b2"])
def test_the_status_of_a_good_result_is_ok_before_the_table(service: str, format_: str) -> None:
    """§4.4: must contain, before the TABLE, an INFO named QUERY_STATUS."""
    assert sync(service, QUERY, RESPONSEFORMAT=format_).votable().statuses == [("OK", "before")]


@pytest.mark.parametrize("format_", ["csv", "tsv"])
def test_an_overflow_changes_neither_status_nor_type(service: str, format_: str) -> None:
    """TAP 1.1 §3.4: MIME type and HTTP status as for a complete query."""
    whole, cut = (sync(service, QUERY, RESPONSEFORMAT=format_, MAXREC=each) for each in ("1000", "2"))
    assert (whole.status, whole.headers["content-type"]) == (cut.status, cut.headers["content-type"])
    assert whole.lines[:3] == cut.lines


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["sync", "capabilities", "tables", "availability", "examples"])
def test_another_method_is_405(service: str, method: str, path: str) -> None:
    assert refused(request(method, f"{service}/{path}", b"x" if method != "DELETE" else None), 405)


@pytest.mark.parametrize("path", ["sync", "capabilities"])
def test_an_answer_405_tells_the_methods_that_are_allowed(service: str, path: str) -> None:
    """RFC 9110 §15.5.6: must send Allow."""
    allowed = request("PUT", f"{service}/{path}", b"x").headers["allow"] or ""
    assert {"GET", "HEAD"} <= {each.strip() for each in allowed.split(",")}


def test_post_to_a_vosi_document_is_405(service: str) -> None:
    assert refused(post(f"{service}/capabilities"), 405)


@pytest.mark.parametrize("path", ["/nothing", "/capabilities/x", "/%00", "/sync/x", "/-/none.css", "/examples/x"])
def test_a_url_where_nothing_is_answers_404(service: str, path: str) -> None:
    """§4.2."""
    assert refused(get(f"{service}{path}"), 404)


@pytest.mark.parametrize("path", ["sync", "capabilities", "tables"])
def test_a_slash_too_many_does_no_harm(service: str, path: str) -> None:
    """Either the same resource, by a redirect or not, or 404."""
    reply = get(f"{service}/{path}/")
    assert reply.status == 404 or (reply.status, reply.media_type) == (
        get(f"{service}/{path}").status,
        get(f"{service}/{path}").media_type,
    )


def test_head_of_a_query_has_the_headers_of_get_and_no_body(service: str) -> None:
    """RFC 9110 §9.3.2."""
    url = f"{service}/sync?LANG=ADQL&QUERY=SELECT+TOP+5+name+FROM+demo.ngc&RESPONSEFORMAT=csv"
    head = request("HEAD", url)
    assert (head.status, head.body, head.headers["content-type"]) == (200, b"", "text/csv")


def test_head_of_a_bad_query_has_the_status_of_get(service: str) -> None:
    head = request("HEAD", f"{service}/sync?LANG=ADQL&QUERY=SELECT")
    assert (head.status, head.body) == (400, b"")


def test_a_connection_is_of_use_after_head_and_after_errors(service: str) -> None:
    """RFC 9112 §6.3: no body after HEAD may be taken for the next answer."""
    place = urlsplit(service)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    try:
        for method, query, status in [
            ("HEAD", "SELECT+TOP+9+name+FROM+demo.ngc", 200),
            ("GET", "SELECT", 400),
            ("HEAD", "SELECT", 400),
            ("GET", "SELECT+TOP+1+name+FROM+demo.ngc", 200),
        ]:
            connection.request(method, f"{place.path}/sync?LANG=ADQL&FORMAT=csv&QUERY={query}")
            answer = connection.getresponse()
            body = answer.read()
            assert (answer.status, bool(body)) == (status, method == "GET")
    finally:
        connection.close()


def unpacked(body: bytes, coding: str) -> bytes:
    return bytes(pa.CompressedInputStream(io.BytesIO(body), coding).read())


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("format_", ["csv", "votable/td", "votable/b2", "json"])
def test_a_result_compressed_on_request_is_the_same_result(service: str, format_: str, coding: str) -> None:
    plain, packed = (
        sync(service, QUERY, RESPONSEFORMAT=format_),
        get(f"{service}/sync", {"LANG": "ADQL", "QUERY": QUERY, "RESPONSEFORMAT": format_}, Accept_Encoding=coding),
    )
    assert (plain.headers["content-encoding"], packed.headers["content-encoding"]) == (None, coding)
    without_time = [
        [line for line in body.splitlines() if b"request_date" not in line]
        for body in (plain.body, unpacked(packed.body, coding))
    ]
    assert without_time[0] == without_time[1]


def test_browsers_of_other_sites_may_read_answers(service: str) -> None:
    reply = get(f"{service}/sync", {"LANG": "ADQL", "QUERY": QUERY}, Origin="https://elsewhere.example")
    assert reply.headers["access-control-allow-origin"] == "*"


def test_browsers_of_other_sites_may_read_errors_too(service: str) -> None:
    """Else a web page cannot show its user what was wrong with the query."""
    reply = get(f"{service}/sync", {"LANG": "ADQL", "QUERY": "SELECT"}, Origin="https://elsewhere.example")
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (400, "*")


# ---- §2.3 examples


def test_the_examples_are_well_formed_and_marked_as_rdfa(service: str) -> None:
    """§2.3: one vocab attribute, no other; every example with an id and a reference to itself."""
    root = well_formed(get(f"{service}/examples").body)
    assert root.xpath("//@vocab") == ["http://www.ivoa.net/rdf/examples#"]
    examples = root.xpath("//*[@vocab]//*[@typeof='example']")
    assert examples == root.xpath("//*[@typeof='example']") != []
    assert [e.get("resource") for e in examples] == [f"#{e.get('id')}" for e in examples]
    assert len({e.get("id") for e in examples}) == len(examples)


def test_every_example_has_one_name_one_query_and_tables_that_exist(service: str) -> None:
    """§2.3.1, TAP 1.1 §2.6: plain text, tables fully qualified."""
    root = well_formed(get(f"{service}/examples").body)
    tables = {row[0] for row in table(service, QUERY).rows}
    for example in root.xpath("//*[@typeof='example']"):
        for name, count in (("name", 1), ("query", 1)):
            found = example.xpath(f".//*[@property='{name}']")
            assert (len(found), [len(e) for e in found]) == (count, [0])
            assert found[0].text.strip()
        assert {e.text for e in example.xpath(".//*[@property='table']")} <= tables
    assert not root.xpath("//@content[not(parent::*[local-name()='meta'])]"), "RDFa Lite has no content attribute"


def test_no_property_stands_on_a_link(service: str) -> None:
    """§2.3: else the link would be the value."""
    root = well_formed(get(f"{service}/examples").body)
    assert not root.xpath("//*[@property and @property != 'continuation' and (@href or @src)]")


def test_every_example_runs(service: str) -> None:
    root = well_formed(get(f"{service}/examples").body)
    for query in root.xpath("//*[@property='query']"):
        reply = post(f"{service}/sync", {"LANG": "ADQL", "QUERY": query.text, "MAXREC": "3"})
        assert reply.status == 200, query.text
        assert reply.votable().fields


# ---- §3.3 literal values in results


def test_geometries_have_dalis_xtypes_and_form(service: str) -> None:
    """§3.3.5-§3.3.7: numbers with blanks between, degrees, vertices without the first repeated."""
    found = table(
        service,
        "SELECT TOP 1 POINT(10, -20) AS p, CIRCLE(10, 20, 0.5) AS c, POLYGON(10, 10, 11, 10, 11, 11) AS poly FROM demo.ngc",
    )
    assert [(f["xtype"], f["datatype"], f["arraysize"]) for f in found.fields] == [
        ("point", "double", "2"),
        ("circle", "double", "3"),
        ("polygon", "double", "*"),
    ]
    values = [[float(number) for number in cell.split(" ")] for cell in found.rows[0]]
    assert values[0] == pytest.approx([10, -20])
    assert values[1] == pytest.approx([10, 20, 0.5])
    assert values[2] == pytest.approx([10, 10, 11, 10, 11, 11])


def test_coordinates_leave_within_dalis_ranges(service: str) -> None:
    """§3.3.5-§3.3.7: longitudes from 0 to 360, latitudes from -90 to 90, however the query spells them."""
    query = (
        "SELECT TOP 1 POINT(-1, 90) AS a, POINT(360, -90) AS b, POINT(725, 0) AS c, CIRCLE(-10, 20, 1) AS d,"
        " POLYGON(-1, -1, 361, 0, 0, 2) AS e FROM demo.ngc"
    )
    found = table(service, query).rows[0]
    for cell, length in zip(found, (2, 2, 2, 3, 6), strict=True):
        numbers = [float(number) for number in cell.split(" ")]
        assert len(numbers) == length
        corners = numbers[:2] if length == 3 else numbers
        assert all(0 <= longitude <= 360 for longitude in corners[::2]), cell
        assert all(-90 <= latitude <= 90 for latitude in corners[1::2]), cell


@pytest.mark.parametrize(
    "geometry", ["POINT(1, 90.1)", "CIRCLE(1, -91, 1)", "CIRCLE(1, 2, 180.1)", "POLYGON(1, 2, 3, 4)"]
)
def test_what_dali_has_no_form_for_is_refused(service: str, geometry: str) -> None:
    """§3.3.5-§3.3.7: latitudes, radii and numbers of vertices."""
    refused(sync(service, f"SELECT TOP 1 {geometry} AS g FROM demo.ngc"))


def test_timestamps_are_iso_8601_with_a_t(service: str) -> None:
    """§3.3.3: YYYY-MM-DD['T'hh:mm:ss[.SSS]]."""
    found = table(service, "SELECT TOP 1 CAST('2016-01-02 03:04:05.25' AS TIMESTAMP) AS t FROM demo.ngc")
    assert (found.fields[0]["xtype"], found.fields[0]["datatype"]) == ("timestamp", "char")
    assert found.rows[0][0].rstrip("0") == "2016-01-02T03:04:05.25"


def test_the_media_types_are_those_of_dalis_table(service: str) -> None:
    """§3.4.3, table of short forms."""
    wanted = {"votable": "application/x-votable+xml", "csv": "text/csv", "tsv": "text/tab-separated-values"}
    assert {short: sync(service, QUERY, RESPONSEFORMAT=short).media_type for short in wanted} == wanted


def test_probes_of_the_operator_say_that_it_lives(service: str) -> None:
    root = service.removesuffix("/tap")
    assert [get(f"{root}/{path}").status for path in ("livez", "readyz")] == [200, 200]


def test_no_answer_is_json_by_mistake(service: str) -> None:
    """Frameworks' own error pages are of no use to any client."""
    for reply in (get(f"{service}/nothing"), request("PUT", f"{service}/sync", b"x"), sync(service, "SELECT")):
        with pytest.raises(json.JSONDecodeError):
            json.loads(reply.body)


def test_people_who_look_with_a_browser_get_their_error_as_a_page(service: str) -> None:
    """A browser would save the VOTable to a file; of programs, some take HTML, and anything else."""
    url = f"{service}/sync?LANG=ADQL&QUERY=SELECT+a%3Cb+FROM+demo.stars"
    reply = get(url, Accept="text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
    assert (reply.status, reply.media_type) == (400, "text/html")
    assert "<pre" in reply.text
    assert "a&lt;b" in reply.text
    assert get(url, Accept="text/html, */*").media_type == "application/x-votable+xml"
