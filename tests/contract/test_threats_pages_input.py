"""Whatever is sent to a page, the answer is a page or a refusal: never a fault, and never an answer without measure."""

import gzip
import json
import time
from collections.abc import Callable
from io import BytesIO
from itertools import product
from urllib.parse import quote, urlencode

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.client import Reply
from tests.contract.own_tables import WRITERS, Asker, stars
from tests.contract.pages import cookie, files, form, job_of, list_file, login_cookie, page
from tests.hostile import LINKS, TEXTS
from tests.people import TOKEN

_MANY = settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
_FEW = settings(_MANY, max_examples=120)

_PARAMETERS = {
    "/": "query maxrec runid list job",
    "/tap/check": "QUERY MAXREC UPLOADED",
    "/build": "table shape region select column op value order desc top write object radius",
    "/crossmatch": "left right radius ra dec find nearest write",
    "/tap/tables": "q first brief",
    "/tap/tables/demo.ngc": "q",
    "/tap/async": "PHASE BEFORE ALL NAME",
    "/tap/async/{job}": "first count sort desc where op value WAIT",
    "/tap/async/{empty}": "first count sort desc where op value",
    "/tap/login": "next",
    "/tap/whoami": "x",
    "/help": "x",
    "/-/completion": "QUERY OFFSET UPLOADED",
    "/-/columns/{job}": "name",
    "/-/results/{job}": "RESPONSEFORMAT MAXREC",
    "/-/events": "jobs x",
}
_GIVEN = {
    "/build": {"table": "demo.ngc", "write": "1"},
    "/crossmatch": {"left": "your list", "right": "demo.ngc", "write": "1"},
}
_WORDS = (
    *TEXTS, *LINKS, *"0 1 -1 1.5 1e999 -inf nan 99999999999999999999 1e-999 ra name dec = < contains none * .. //x [] {} [{}] \u0661\u0662".split(),
    "9" * 5000, "x" * 20_000, "\0", "a\0b", "\r\nX: y", "\ufffe\U0010ffff", "SELECT", "demo.ngc", "your list", "1 2 3", "cone", "NaN", "null",
)  # fmt: skip
_VALUES = st.sampled_from(_WORDS) | st.text(max_size=40)


def is_answered(reply: Reply) -> bool:
    """Whether a request got what it asked for, or was told what is wrong with it."""
    return 200 <= reply.status < 500 and b"Traceback" not in reply.body


def urls(places: dict[str, str]) -> st.SearchStrategy[str]:
    def url(path: str) -> st.SearchStrategy[str]:
        # An event stream without a NUL has a test of its own.
        values = _VALUES.filter(lambda value: "\0" not in value) if "events" in path else _VALUES
        pairs = st.lists(st.tuples(st.sampled_from(_PARAMETERS[path].split()), values), max_size=6)
        return pairs.map(lambda pairs: f"{path.format(**places)}?{urlencode([*_GIVEN.get(path, {}).items(), *pairs])}")

    return st.sampled_from(list(_PARAMETERS)).flatmap(url)


def test_no_parameters_of_a_page_are_a_fault(stranger: Asker) -> None:
    places = {"job": job_of(stranger), "empty": job_of(stranger, "SELECT name, ra FROM demo.ngc WHERE ra < -1")}

    @_MANY
    @given(urls(places), st.sampled_from([{}, {"HX_Request": "true", "HX_Target": "rows"}]))
    def holds(url: str, more: dict[str, str]) -> None:
        if len(url) < 60_000:
            assert is_answered(page(stranger.service, url, **more))

    holds()


def test_no_path_is_a_fault(ada: Asker) -> None:
    own = login_cookie(ada)
    starts = [
        "/-/static/",
        "/-/static/x/",
        "/-/kit/",
        "/-/results/",
        "/-/form/",
        "/-/form/tap/async/",
        "/help/",
        "/tap/tables/",
        "/-/",
    ]
    parts = st.sampled_from(
        ["..", "../..", "%2e%2e", "style.css", "query.js", "etc/passwd", "tap", "async", "", "x", "\\", "a" * 3000]
    )

    @_FEW
    @given(st.sampled_from(starts), st.lists(parts | st.text(max_size=8), max_size=5), st.sampled_from(["GET", "POST"]))
    def holds(start: str, rest: list[str], method: str) -> None:
        reply = page(
            ada.service, start + quote("/".join(rest), safe="%/" if "%2e%2e" in rest else ""), method, Cookie=own
        )
        assert is_answered(reply)
        assert b"root:" not in reply.body

    holds()


@pytest.mark.parametrize(
    "path", ["../query_page.py", "..%2fquery_page.py", "%2e%2e/query_page.py", "..%5cquery_page.py", "vendor/../../forms.py", "%00", "/etc/passwd"]
)  # fmt: skip
def test_no_other_file_is_sent_as_a_static_one(service: str, path: str) -> None:
    style = page(service, "/help").text.partition('rel="stylesheet" href="')[2].partition("style.css")[0]
    assert page(service, f"{style}style.css").status == 200
    assert page(service, style + path).status == 404


def test_a_form_reaches_the_resources_of_forms_only(ada: Asker) -> None:
    own, job = {"Cookie": login_cookie(ada)}, job_of(ada)
    for path, method in product(
        (
            "tap/sync", "tap/deletejobs", "tap/Upload", "tap/login", "tap/load/x", "tap/update_statistics", "tap", "TAP/async/x",
            "tap/async/../deletejobs", "tap/async/..%2f..%2ftap%2fdeletejobs", "tap/async/%2e%2e/deletejobs", "tap%2fsync",
            "tap/tables/../deletejobs", "tap/async%00", "tap/shares/../../tap/sync", "tap/tokensx", "tap/groups/../tokens",
            "-/form/tap/async", "",
        ),
        ("POST", "PUT", "DELETE", "PATCH", "GET", "\0", "post"),
    ):  # fmt: skip
        reply = form(ada.service, f"/-/form/{path}?method={quote(method)}&back=/", {"JOB_IDS": job, "NAME": "x"}, **own)
        assert reply.status in {400, 404, 405}, (path, method)
    assert ada.call("GET", f"async/{job}").status == 200
    assert [token["name"] for token in json.loads(ada.call("GET", "tokens").body)] == [TOKEN]


# ---- names with a NUL, for which nothing can be looked up


def test_a_nul_in_a_name_is_a_wrong_name_and_no_outage(ada: Asker) -> None:
    own = {"Cookie": login_cookie(ada)}
    wrong = {
        path: form(ada.service, f"/-/form/tap/{path}%00x?method={method}&back=/", {"ADD": "x", "ACTION": "accept"}, **own).status
        for path, method in (("tables/", "DELETE"), ("groups/", "POST"), ("tokens/", "DELETE"), ("shares/", "DELETE"), ("publications/", "POST"))
    }  # fmt: skip
    assert [path for path, status in wrong.items() if status not in {400, 404}] == []


def test_events_of_jobs_that_cannot_be_are_none(service: str) -> None:
    assert page(service, f"/-/events?jobs={'x' * 5000},,%F0%9F%98%80").text == "event: end\ndata: \n\n"
    assert is_answered(page(service, "/-/events?jobs=%00"))


# ---- jobs that are wrong


def test_a_job_with_two_queries_breaks_no_page(service: str) -> None:
    """Such a job is made, since it is the job that tells what is wrong; a form of another site can make it."""
    made = page(
        service, "/tap/async", "POST", b"QUERY=a&QUERY=b&PHASE=RUN", Content_Type="application/x-www-form-urlencoded"
    )
    own, path = {"Cookie": cookie(made)}, str(made.headers["Location"]).removeprefix(service.removesuffix("/tap"))
    assert {place: page(service, place, **own).status for place in ("/", "/tap/async", path)} == {
        "/": 200,
        "/tap/async": 200,
        path: 200,
    }


@pytest.mark.parametrize("wrong", [{"MAXREC": "many"}, {"RESPONSEFORMAT": "nope"}, {"query": ""}])
def test_a_wrong_job_has_its_page_which_tells_what_is_wrong(stranger: Asker, wrong: dict[str, str]) -> None:
    job = job_of(stranger, **wrong)
    reply = page(stranger.service, f"/tap/async/{job}")
    assert (reply.status, "ERROR" in reply.text) == (200, True)


# ---- columns that somebody says an upload has


def check_list(
    service: str, uploaded: str, query: str = "SELECT * FROM TAP_UPLOAD.list", **headers: str
) -> list[Reply]:
    fields = {"QUERY": query, "OFFSET": "7", "UPLOADED": uploaded}
    return [form(service, path, fields, **headers) for path in ("/tap/check", "/-/completion")]


def test_no_columns_of_an_upload_are_a_fault(service: str) -> None:
    names = st.sampled_from(["column_name", "datatype", "arraysize", "xtype", "unit", "ucd", "x"])
    texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    values = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | texts
        | st.sampled_from(["int", "char", "*", "2x3", "point", "deg", '"', "a.b"])
    )
    one = st.dictionaries(names, values) | st.fixed_dictionaries(
        {"column_name": texts, "datatype": st.sampled_from(["int", "double", "char"])}
    )
    trees = st.recursive(
        values | one, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
    )

    @_FEW
    @given(st.lists(one, max_size=4) | trees, st.sampled_from([{"Accept": "*/*"}, {}, {"HX_Request": "true"}]))
    def holds(uploaded: object, headers: dict[str, str]) -> None:
        assert all(map(is_answered, check_list(service, json.dumps(uploaded), **headers)))

    holds()


@pytest.mark.parametrize("uploaded", ["[" * 50_000, '[{"column_name":' * 9000])
def test_columns_of_an_upload_within_each_other_are_refused(service: str, uploaded: str) -> None:
    assert [reply.status for reply in check_list(service, uploaded)] == [400, 400]


@pytest.mark.parametrize("field", ["column_name", "unit", "ucd"])
def test_half_a_character_in_a_column_of_an_upload_is_no_fault(service: str, field: str) -> None:
    uploaded = json.dumps([{"column_name": "a", "datatype": "int", field: "\ud800"}])
    for query in ("SELECT * FROM TAP_UPLOAD.list", "SELECT x FROM TAP_UPLOAD.list", "SELECT  FROM TAP_UPLOAD.list"):
        for headers in ({"Accept": "*/*"}, {}, {"HX_Request": "true"}):
            assert all(map(is_answered, check_list(service, uploaded, query, **headers)))


# ---- files that are looked at before they are sent

_VOT = b'<VOTABLE version="1.3"><RESOURCE><TABLE><FIELD name="a" datatype="int"/>%s</TABLE></RESOURCE></VOTABLE>'
_FILES: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "zeros": lambda: b"\0" * 1000,
    "much in little": lambda: gzip.compress(b"a,b\n" + b"1,2\n" * 5_000_000),
    "zeros in little": lambda: gzip.compress(b"\0" * 100_000_000),
    "packed thrice": lambda: gzip.compress(gzip.compress(gzip.compress(b"a,b\n1,2\n"))),
    "half packed": lambda: gzip.compress(b"a,b\n1,2\n" * 1000)[:-30],
    "a line without end": lambda: b"a" * 3_000_000,
    "a quote without end": lambda: b'"' + b"a,\n" * 300_000,
    "a name of 200 kB": lambda: b"a" * 200_000 + b",b\n1,2\n",
    "many columns": lambda: b",".join(b"c%d" % n for n in range(25_000)) + b"\n",
    "lines of a Macintosh": lambda: b"a,b\r1,2\r3,4\r",
    "a return in a name": lambda: b"a\rb,c\n1,2\n",
    "entities": lambda: b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + _VOT % b"&x;",
    "elements within each other": lambda: b"<VOTABLE>" + b"<RESOURCE>" * 50_000,
    "data elsewhere": lambda: _VOT % b'<DATA><BINARY><STREAM href="file:///etc/passwd"/></BINARY></DATA>',
    "YAML that runs": lambda: b"# %ECSV 1.0\n# ---\n# datatype:\n# - !!python/object/apply:os.system [id]\na\n1\n",
    "YAML within itself": lambda: b"# %ECSV 1.0\n# ---\n# datatype: " + b"[" * 5000 + b"\na\n1\n",
    "names that are no UTF-8": lambda: parquet("wxyz").replace(b"wxyz", b"\xff\xfe\xff\xfe"),
    "names with a NUL": lambda: parquet("a\0b"),
}  # fmt: skip


def parquet(name: str) -> bytes:
    buffer = BytesIO()
    pq.write_table(pa.table({name: [1.0]}), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", _FILES)
def test_no_hostile_file_is_a_fault_and_none_takes_long(service: str, kind: str) -> None:
    start = time.monotonic()
    reply = list_file(service, _FILES[kind](), "list.csv")
    assert is_answered(reply)
    assert b"root:" not in reply.body
    assert time.monotonic() - start < 20


def test_no_broken_file_is_a_fault(service: str) -> None:
    whole = [write(stars()) for _, write in WRITERS.values()]
    change = st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 20),
        st.binary(max_size=8).filter(lambda new: b"\r" not in new),
    )

    @_FEW
    @given(
        st.sampled_from(whole),
        st.lists(change, max_size=6),
        st.sampled_from(["x", "x.csv", "x.vot", "x.fits", "x.parquet", "x.gz"]),
    )
    def holds(content: bytes, changes: list[tuple[float, int, bytes]], name: str) -> None:
        for place, removed, added in changes:
            start = int(place * len(content))
            content = content[:start] + added + content[start + removed :]
        assert is_answered(list_file(service, content, name))

    holds()


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a" * 4000, "\\", ".", "x.csv\x7f", "%00.csv"])
def test_a_file_is_never_looked_for_by_the_name_that_it_claims(service: str, name: str) -> None:
    reply = list_file(service, b"first,second\n1,2\n", name)
    assert is_answered(reply)
    assert b"root:" not in reply.body


def test_a_form_without_a_file_or_with_two_is_answered(service: str) -> None:
    assert form(service, "/-/list", {"list": "x"}).status == 400
    assert files(service, "/-/list", []).status == 400
    assert is_answered(files(service, "/-/list", [("list", "a.csv", b"a\n1\n"), ("list", "b.csv", b"b\n1\n")]))


# ---- answers without measure


def test_completion_of_a_long_text_keeps_nobody_waiting(service: str) -> None:
    for text in ("a " * 4000, "SELECT " + "a." * 4000, "FROM " + "a b " * 2000):
        start = time.monotonic()
        assert form(service, "/-/completion", {"QUERY": text, "OFFSET": str(len(text))}).status == 200
        assert time.monotonic() - start < 1.5, text[:12]
    assert is_answered(form(service, "/-/completion", {"QUERY": "a " * 400_000, "OFFSET": "7"}))


def test_a_column_that_is_asked_for_often_is_sent_once_or_not_at_all(stranger: Asker) -> None:
    job = job_of(stranger, "SELECT TOP 20000 vmag FROM demo.stars", MAXREC="20000")
    once = page(stranger.service, f"/-/columns/{job}?name=vmag")
    often = page(stranger.service, f"/-/columns/{job}?{'name=vmag&' * 100}")
    assert len(once.body) > 100_000
    assert len(often.body) < 2 * len(once.body)


def test_a_list_of_jobs_is_short_whatever_their_queries_are(service: str) -> None:
    query = {"QUERY": "SELECT " + "-" * 200_000}
    own = {"Cookie": cookie(form(service, "/tap/async", query))}
    for _ in range(4):
        assert form(service, "/tap/async", query, **own).status == 303
    for path in ("/tap/async", "/"):
        assert len(page(service, path, **own).body) < 300_000, path
