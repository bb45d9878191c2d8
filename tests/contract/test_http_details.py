"""What web pages of other sites, browsers and clients with parsers of their own need of the answers, down to single headers."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tap import vosi
from tap.config import Config
from tests.contract.client import Reply, get, post, request, sync, well_formed
from tests.contract.xsd import JAVA

QUERY = "SELECT TOP 1 name FROM demo.ngc"
UPLOAD_QUERY = {"LANG": "ADQL", "QUERY": "SELECT * FROM TAP_UPLOAD.t", "RESPONSEFORMAT": "csv"}
ORIGIN = {"Origin": "https://elsewhere.example"}

# ---- what pages of other sites may send and see


PARTS = ("content-type", "upload-offset", "upload-complete", "content-disposition", "content-digest")
SENT = ("authorization", *PARTS, "upload-draft-interop-version", "upload-length")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def listed(reply: Reply, header: str) -> set[str]:
    return {each.strip().lower() for value in reply.headers.get_all(header) or [] for each in value.split(",")}


def preflight(url: str, method: str, *headers: str) -> Reply:
    asked = {"Access-Control-Request-Method": method} | (
        {"Access-Control-Request-Headers": ", ".join(headers)} if headers else {}
    )
    return request("OPTIONS", url, headers=ORIGIN | asked)


def allows(reply: Reply, header: str) -> bool:
    """As browsers see it: a star stands for all but Authorization (Fetch §4.8)."""
    allowed = listed(reply, "access-control-allow-headers")
    return header in allowed or ("*" in allowed and header != "authorization")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["sync", "async", f"async/{'0' * 32}/parameters/f", "capabilities"])
def test_a_page_may_use_every_method_and_header_of_the_service(service: str, path: str, method: str) -> None:
    reply = preflight(f"{service}/{path}", method, *SENT)
    assert reply.status in {200, 204}, reply.text
    assert listed(reply, "access-control-allow-origin") == {"*"}
    assert {method.lower(), "*"} & listed(reply, "access-control-allow-methods")
    assert [each for each in SENT if not allows(reply, each)] == []


@pytest.mark.parametrize("header", [*SENT, "Authorization", "Upload-Offset"])
def test_a_page_may_send_each_header_alone(service: str, header: str) -> None:
    reply = preflight(f"{service}/sync", "POST", header)
    assert reply.status in {200, 204}
    assert allows(reply, header.lower())


def test_a_preflight_needs_no_job_and_no_rights(service: str) -> None:
    reply = preflight(f"{service}/async/{'f' * 32}", "DELETE", "authorization")
    assert reply.status in {200, 204}
    assert reply.body in {b"", b"OK"}


EXPOSED = ("location", "etag", "upload-offset", "upload-complete", "upload-limit", "content-digest", "retry-after")


def test_a_page_may_read_the_headers_that_matter(service: str) -> None:
    """Location of a new job, ETag of its result, the offset of a file; a star stands for all where no cookie is sent."""
    for reply in (
        sync(service, QUERY),
        get(f"{service}/sync", {"LANG": "ADQL", "QUERY": QUERY}, Origin=ORIGIN["Origin"]),
        get(f"{service}/sync", {"LANG": "ADQL", "QUERY": "SELECT"}, Origin=ORIGIN["Origin"]),
        request("GET", f"{service}/async", headers=ORIGIN),
    ):
        exposed = listed(reply, "access-control-expose-headers")
        if reply.headers["access-control-allow-origin"] is not None:
            assert "*" in exposed or set(EXPOSED) <= exposed
            assert reply.headers["access-control-allow-credentials"] is None
    assert exposed


def test_a_page_sends_a_file_in_parts(service: str) -> None:
    """The whole dance of a browser: it asks before each request that is not plain, and must see the offset."""
    made = request("POST", f"{service}/async", b"LANG=ADQL&QUERY=SELECT+1&UPLOAD=t,param:f", ORIGIN | FORM_TYPE)
    place = f"{service}/async/{made.xml().findtext('{*}jobId')}/parameters/f"
    assert preflight(place, "PATCH", *PARTS).status in {200, 204}
    part = {"Content-Type": "application/partial-upload", "Upload-Offset": "0", "Upload-Complete": "?0"}
    sent = request("PATCH", place, b"a\n", ORIGIN | part)
    told = request("HEAD", place, headers=ORIGIN)
    for reply in (sent, told):
        assert (reply.headers["upload-offset"], reply.headers["access-control-allow-origin"]) == ("2", "*")
        assert {"upload-offset", "*"} & listed(reply, "access-control-expose-headers")
    request("DELETE", place.rpartition("/parameters")[0])


FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


# ---- the policy of pages


def of_format(format_: str, **headers: str) -> tuple[str, dict[str, str]]:
    return f"sync?LANG=ADQL&QUERY=SELECT+TOP+1+name+FROM+demo.ngc&RESPONSEFORMAT={format_}", headers


PAGES = {
    "start": ("", {}),
    "result": of_format("html"),
    "error": ("sync?LANG=ADQL&QUERY=SELECT", {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}),
    "not found": ("nothing", {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}),
}
DOCUMENTS = {
    "capabilities": ("capabilities", {}),
    "tables": ("tables", {}),
    "jobs": ("async", {}),
    "error": ("sync?LANG=ADQL&QUERY=SELECT", {}),
    **{each: of_format(each) for each in ("votable", "votable/td", "csv", "json", "parquet", "fits", "text")},
}


@pytest.mark.parametrize("name", PAGES)
def test_pages_come_with_a_policy(service: str, name: str) -> None:
    path, headers = PAGES[name]
    reply = request("GET", f"{service}/{path}".rstrip("/"), headers=headers)
    assert reply.media_type == "text/html"
    assert "default-src 'none'" in (reply.headers["content-security-policy"] or "")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_no_page_comes_without_a_policy(service: str, name: str) -> None:
    """Browsers show XML with a style of their own, which the policy would forbid."""
    path, headers = DOCUMENTS[name]
    reply = request("GET", f"{service}/{path}", headers=headers)
    assert reply.headers["content-security-policy"] is None
    assert reply.headers["x-content-type-options"] == "nosniff"


# ---- capabilities


def capability(document: bytes) -> Any:
    return next(e for e in well_formed(document) if e.get("standardID") == "ivo://ivoa.net/std/TAP")


@pytest.fixture(scope="module")
def declared(service: str) -> Any:
    return capability(get(f"{service}/capabilities").body)


def test_the_newest_version_of_the_language_comes_first(declared: Any) -> None:
    versions = declared.findall("language/version")
    assert [each.text for each in versions] == ["2.1", "2.0"]
    assert [each.get("ivo-id") for each in versions] == [f"ivo://ivoa.net/std/ADQL#v{v}" for v in ("2.1", "2.0")]


@pytest.mark.parametrize(
    ("hosts", "methods"),
    [
        # Results of our own jobs are taken by URL from whoever has them.
        ("", ["inline", "http"]),
        ("data.example.org", ["inline", "http", "https"]),
        ("*.org, x.net", ["inline", "http", "https"]),
    ],
)
def test_uploads_by_url_are_declared_where_a_host_is_allowed(sample: Config, hosts: str, methods: list[str]) -> None:
    found = capability(vosi.capabilities(sample.changed(upload_hosts=hosts))).findall("uploadMethod")
    assert [each.get("ivo-id").partition("#upload-")[2] for each in found] == methods


PARSER = """
import java.io.*;
public class Forms {
    public static void main(String[] none) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String form; (form = in.readLine()) != null;) {
            try { adql.db.FunctionDef.parse(form); System.out.println("read"); }
            catch (Exception error) { System.out.println("refused: " + form + ": " + error.getMessage()); }
        }
    }
}
"""


@pytest.fixture(scope="module")
def forms(declared: Any) -> list[str]:
    found = declared.xpath("language/languageFeatures[contains(@type, 'features-udf')]/feature/form/text()")
    assert len(found) > 10
    return [str(each) for each in found]


def test_every_function_is_declared_with_types_that_are_names(forms: list[str]) -> None:
    """docs/demands.md K23: name(arguments) -> type; a type with brackets is none to TOPCAT."""
    name, kind = r"[A-Za-z]\w*", r"[A-Za-z]\w*(?: [A-Za-z]\w*)*"
    form = re.compile(rf"{name}\((?:{name} {kind}(?:, {name} {kind})*)?\) -> {kind}", re.ASCII)
    assert [each for each in forms if not form.fullmatch(each)] == []


def test_topcats_own_parser_reads_every_function(forms: list[str], tmp_path: Path) -> None:
    library = JAVA / "adql.jar"
    if not shutil.which("javac") or not library.exists():
        pytest.skip("the parser of STILTS is not installed: apt-get install stilts default-jdk-headless")
    source = tmp_path / "Forms.java"
    source.write_text(PARSER)
    command = ["java", "-cp", str(library), str(source)]
    done = subprocess.run(command, input="\n".join(forms), capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines() == ["read"] * len(forms), done.stdout + done.stderr


# ---- URLs and texts in UPLOAD that are none


MALFORMED = {
    "half an address": "t,http://[",
    "no host": "t,http://",
    "a port alone": "t,http://:80/x",
    "a port that is none": "t,http://example.org:port/x",
    "a port beyond all": "t,http://example.org:99999999/x",
    "a bracket": "t,http://[::1/x",
    "an address that is none": "t,http://[x]/",
    "a blank": "t,http://exa mple.org/",
    "no source": "t,",
    "no comma": "t",
    "no name": ",http://example.org/x",
    "comma alone": ",",
    "no part": "t,param:",
    "a semicolon": "t;http://x",
    "an unknown scheme": "t,gopher://x/",
    "vospace": "t,vos://example.org!vospace/x",
    "a file": "t,file:///etc/passwd",
    "a line end": "t,http://example.org/\r\nX: y",
    "a NUL": "t,http://example.org/\0",
    "an escape": "t\x1b,http://example.org/",
    "a long URL": f"t,http://{'x' * 10_000}/",
    "a long name": f"{'t' * 10_000},param:f",
    "a long scheme": f"t,{'x' * 10_000}:f",
    "a long part": f"t,param:{'f' * 10_000}",
    "a domain that cannot be written": f"t,http://{'ü' * 70}.example/",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_upload_is_refused_at_once(service: str, name: str) -> None:
    for reply in (
        post(f"{service}/sync", UPLOAD_QUERY | {"UPLOAD": MALFORMED[name]}),
        get(f"{service}/sync", UPLOAD_QUERY | {"UPLOAD": MALFORMED[name][:4000]}),
    ):
        assert reply.status == 400, (reply.status, reply.text[:300])
        assert reply.votable().message
        assert len(reply.body) < 4000


FOR_THE_JOB = ("a long part", "a domain that cannot be written")
"""The file of a job may come after the job, and whether a host has a name is seen when it is looked up."""


@pytest.mark.parametrize("name", [each for each in MALFORMED if each not in FOR_THE_JOB])
def test_a_malformed_upload_makes_no_job(service: str, name: str) -> None:
    reply = post(f"{service}/async", UPLOAD_QUERY | {"UPLOAD": MALFORMED[name]})
    assert reply.status == 400, (reply.status, reply.text[:300])
    assert reply.votable().message


def test_a_part_that_is_not_there_is_refused_when_the_query_runs(service: str) -> None:
    """A job's file may come later, so it is the job that tells."""
    form = UPLOAD_QUERY | {"UPLOAD": "t,param:f"}
    assert "'f'" in post(f"{service}/sync", form).votable().message
    reply = post(f"{service}/async", form | {"PHASE": "RUN"})
    if reply.status == 400:
        return
    job = f"{service}/async/{reply.xml().findtext('{*}jobId')}"
    phase = "QUEUED"
    while phase in {"QUEUED", "EXECUTING"}:
        phase = get(job, {"WAIT": "10", "PHASE": phase}).xml().findtext("{*}phase")
    assert phase == "ERROR"
    assert "'f'" in get(f"{job}/error").votable().message
    request("DELETE", job)


@pytest.mark.parametrize("name", ["half an address", "no host", "a file", "a port that is none"])
def test_a_job_cannot_be_given_a_malformed_upload_later(service: str, name: str) -> None:
    job = f"{service}/async/{post(f'{service}/async', UPLOAD_QUERY).xml().findtext('{*}jobId')}"
    for method, place, body in (
        ("POST", f"{job}/parameters", b"UPLOAD=" + MALFORMED[name].encode()),
        ("PUT", f"{job}/parameters/UPLOAD", MALFORMED[name].encode()),
    ):
        reply = request(method, place, body, FORM_TYPE)
        assert reply.status < 500
        if reply.status < 400:  # then the job itself must say it
            post(f"{job}/phase", {"PHASE": "RUN"})
            break
    assert get(job).status == 200
    request("DELETE", job)


# ---- lengths


@pytest.mark.parametrize("format_", ["votable", "csv", "json", "fits"])
def test_a_small_result_leaves_with_its_length(service: str, format_: str) -> None:
    reply = sync(service, "SELECT TOP 3 table_name FROM tap_schema.tables", RESPONSEFORMAT=format_)
    assert reply.status == 200
    assert int(reply.headers["content-length"]) == len(reply.body)


def test_a_large_result_leaves_as_it_comes_and_whole(service: str) -> None:
    reply = sync(
        service, "SELECT TOP 60000 a.ra, a.dec, a.name FROM demo.ngc AS a, demo.ngc AS b", RESPONSEFORMAT="csv"
    )
    assert "content-length" not in reply.headers
    assert len(reply.body.splitlines()) == 60_001
