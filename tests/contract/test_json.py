"""Documents of VOSI and UWS, and errors, as JSON for clients that ask for it: they say what the XML says."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.client import Reply, get, request, sync, well_formed
from tests.contract.test_uws_1_1 import call, done, post, submit, wait_for
from tests.contract.xsd import XSI

JSON = "application/json"
VOSI = [
    "capabilities",
    "tables",
    "tables?detail=min",
    "tables/demo.stars",
    "tables/tap_schema.key_columns",
]
ROOT = ["scs/demo.stars/capabilities"]


def as_json(url: str, accept: str = JSON) -> Any:
    reply = request("GET", url, headers={"Accept": accept})
    assert (reply.status, reply.media_type) == (200, JSON), reply.text
    return json.loads(reply.body)


def leaves(value: Any) -> Iterator[str]:
    """Every value in a document, as it is written in XML."""
    if isinstance(value, dict):
        for member in value.values():
            yield from leaves(member)
    elif isinstance(value, list):
        for member in value:
            yield from leaves(member)
    elif value is not None:
        yield str(value).lower() if isinstance(value, bool) else str(value)


def texts(root: Any) -> Iterator[str]:
    """Every text and attribute of an XML document, but for those that steer the reading of it."""
    for element in root.iter():
        left_out = {f"{{{XSI}}}nil", "{http://www.w3.org/1999/xlink}type"}
        yield from (value for name, value in element.attrib.items() if name not in left_out)
        if element.text and not len(element):
            yield element.text


@pytest.mark.parametrize("path", VOSI)
def test_documents_of_vosi_say_all_that_the_xml_says(service: str, path: str) -> None:
    assert Counter(leaves(as_json(f"{service}/{path}"))) == Counter(texts(get(f"{service}/{path}").xml()))


@pytest.mark.parametrize("path", ROOT)
def test_those_of_the_simple_services_do_too(service: str, path: str) -> None:
    url = f"{service.removesuffix('/tap')}/{path}"
    # The schema of SCS is not among those that STILTS has.
    assert Counter(leaves(as_json(url))) == Counter(texts(well_formed(get(url).body)))


def test_the_tables_are_lists_of_columns_with_their_types(service: str) -> None:
    schemas = {schema["name"]: schema for schema in as_json(f"{service}/tables")["schemas"]}
    stars = next(table for table in schemas["demo"]["tables"] if table["name"] == "demo.stars")
    assert stars["nrows"] == int(sync(service, "SELECT COUNT(*) AS n FROM demo.stars", FORMAT="csv").lines[1])
    ra = next(column for column in stars["columns"] if column["name"] == "ra")
    assert (ra["unit"], ra["dataType"]["value"], ra["std"]) == ("deg", "double", False)
    assert "indexed" in ra["flags"] or ra["flags"] == ["principal"]
    assert as_json(f"{service}/tables/demo.stars")["columns"] == stars["columns"]


def test_the_capabilities_have_limits_as_numbers_and_formats_with_their_names(service: str) -> None:
    capabilities = {one["standardID"]: one for one in as_json(f"{service}/capabilities")["capabilities"]}
    tap = capabilities["ivo://ivoa.net/std/TAP"]
    assert tap["outputLimit"]["hard"] == {"unit": "row", "value": tap["outputLimit"]["hard"]["value"]}
    assert isinstance(tap["outputLimit"]["hard"]["value"], int)
    assert "votable" in tap["outputFormats"][0]["aliases"]
    assert tap["interfaces"][0]["accessURL"] == {"use": "base", "value": service}
    assert tap["languages"][0]["name"] == "ADQL"


def test_availability_is_a_truth_value(service: str) -> None:
    assert as_json(f"{service}/availability")["available"] is True


# ---- jobs


@pytest.fixture(scope="module")
def job(service: str) -> str:
    return done(service, RUNID="a name", X="")


@pytest.fixture(scope="module")
def broken(service: str) -> str:
    job = submit(service, "SELECT nonsense FROM demo.ngc", PHASE="RUN")
    assert wait_for(job, "ERROR") == "ERROR"
    return job


@pytest.mark.parametrize("part", ["", "/parameters", "/results"])
def test_a_job_and_its_parts_say_all_that_the_xml_says(job: str, broken: str, part: str) -> None:
    for url in (job, broken):
        assert Counter(filter(None, leaves(as_json(url + part)))) == Counter(texts(get(url + part).xml()))


def test_a_job_has_numbers_nulls_and_lists(job: str, broken: str) -> None:
    told = as_json(job)
    assert (told["phase"], told["runId"], told["ownerId"]) == ("COMPLETED", "a name", None)
    assert isinstance(told["executionDuration"], int)
    assert {"id": "LANG", "value": "ADQL"} in told["parameters"]
    assert {"id": "X", "value": ""} in told["parameters"]
    result = next(result for result in told["results"] if result["id"] == "result")
    assert (result["id"], result["href"], result["size"]) == (
        "result",
        f"{job}/results/result",
        told["jobInfo"]["bytes"],
    )
    assert isinstance(told["jobInfo"]["rows"], int)
    assert as_json(broken)["results"] == []
    assert as_json(broken)["errorSummary"]["hasDetail"] is True


def test_empty_lists_are_lists(service: str) -> None:
    bare = str(post(f"{service}/async").headers["location"])
    assert as_json(bare)["parameters"] == as_json(bare)["results"] == []
    assert as_json(f"{bare}/parameters") == {"parameters": []}
    assert as_json(f"{service}/async?AFTER=2999-01-01T00:00:00Z")["jobs"] == []


def test_the_list_of_jobs_is_one_of_references(service: str) -> None:
    first = post(f"{service}/async", LANG="ADQL")
    cookie = str(first.headers["set-cookie"]).partition(";")[0]
    reply = call("GET", f"{service}/async", Accept=JSON, Cookie=cookie)
    (reference,) = json.loads(reply.body)["jobs"]
    assert (reference["href"], reference["phase"]) == (first.headers["location"], "PENDING")
    assert first.headers["location"].endswith(reference["id"])


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("phase", "phase"),
        ("executionduration", "executionDuration"),
        ("destruction", "destruction"),
        ("quote", "quote"),
        ("owner", "ownerId"),
    ],
)
def test_single_values_have_the_names_of_the_job(job: str, part: str, name: str) -> None:
    assert as_json(f"{job}/{part}") == {name: as_json(job)[name]}
    assert get(f"{job}/{part}").media_type == "text/plain"


def test_a_parameter_has_all_its_values(service: str) -> None:
    job = submit(service, MAXREC="3")
    assert as_json(f"{job}/parameters/maxrec") == {"parameters": [{"id": "MAXREC", "value": "3"}]}


def test_a_client_of_json_goes_through_the_life_of_a_job(service: str) -> None:
    """Redirects lead to documents in the same form."""
    body, form = b"LANG=ADQL&QUERY=SELECT+1+AS+x+FROM+tap_schema.schemas", "application/x-www-form-urlencoded"
    made = request("POST", f"{service}/async", body, {"Accept": JSON, "Content-Type": form})
    url = f"{service}/async/{json.loads(made.body)['jobId']}"
    ran = request("POST", f"{url}/phase", b"PHASE=RUN", {"Accept": JSON, "Content-Type": form})
    assert json.loads(ran.body)["phase"] in {"QUEUED", "EXECUTING", "COMPLETED"}
    while (told := as_json(f"{url}?WAIT=20"))["phase"] in {"QUEUED", "EXECUTING"}:
        pass
    assert (told["phase"], told["results"][0]["id"]) == ("COMPLETED", "result")


# ---- errors


def error(reply: Reply) -> dict[str, Any]:
    assert reply.media_type == JSON, reply.text
    return dict(json.loads(reply.body)["error"])


def test_an_error_of_a_query_has_its_place_and_its_hint(service: str) -> None:
    query = "SELECT TOP 3 name,\n  raa FROM demo.ngc"
    reply = get(f"{service}/sync", {"LANG": "ADQL", "QUERY": query}, Accept=JSON)
    told = error(reply)
    assert (reply.status, told["line"], told["column"]) == (400, 2, 3)
    assert "raa" in told["message"]
    assert "\n" not in told["message"]
    assert "ra" in told["hint"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("sync?LANG=ADQL", 400),
        ("nowhere", 404),
        ("tables/demo.nothing", 404),
        ("async/none", 404),
        ("tokens", 401),
        ("tables/demo.stars?RESPONSEFORMAT=csv", 400),
    ],
)
def test_other_errors_have_their_message(service: str, path: str, status: int) -> None:
    reply = get(f"{service}/{path}", Accept=JSON)
    assert (reply.status, list(error(reply))) == (status, ["message"])
    assert error(reply)["message"] in get(f"{service}/{path}").votable().message


def test_another_method_is_refused_in_json(service: str) -> None:
    reply = request("DELETE", f"{service}/sync", headers={"Accept": JSON})
    assert (reply.status, list(error(reply))) == (405, ["message"])


def test_an_error_of_a_cone_search_has_a_status_in_json(service: str) -> None:
    """In XML it is 200, since clients of SCS know no status."""
    url = f"{service.removesuffix('/tap')}/scs/demo.stars?RA=1&DEC=100&SR=1"
    assert get(url).status == 200
    assert error(get(url, Accept=JSON))["message"]


def test_the_error_of_a_job_is_told_in_json(broken: str) -> None:
    for part, status in (("error", 200), ("results/result", 404)):
        reply = get(f"{broken}/{part}", Accept=JSON)
        assert (reply.status, "nonsense" in error(reply)["message"]) == (status, True)


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "text/xml",
        "application/json, text/xml, application/xml, */*",
        "application/json;q=0.5, */*",
        "application/json;q=0",
        "text/html, image/gif, image/jpeg, */*; q=0.2",
        "application/*",
    ],
)
def test_xml_stays_for_who_does_not_ask_for_json_before_all_else(service: str, job: str, accept: str) -> None:
    for url in (f"{service}/capabilities", f"{service}/tables", job):
        assert get(url, Accept=accept).media_type == "text/xml"
    assert get(f"{service}/sync", Accept=accept).media_type == "application/x-votable+xml"


@pytest.mark.parametrize(
    "accept", ["application/json, text/plain, */*", "text/xml;q=0.9, APPLICATION/JSON;charset=utf-8"]
)
def test_clients_of_json_are_known_by_their_usual_headers(service: str, accept: str) -> None:
    """The first is what axios sends."""
    assert as_json(f"{service}/availability", accept)["available"] is True


def test_a_result_is_in_the_format_that_the_query_names(service: str) -> None:
    assert (
        get(
            f"{service}/sync", {"LANG": "ADQL", "QUERY": "SELECT 1 AS x FROM tap_schema.schemas"}, Accept=JSON
        ).media_type
        == "application/x-votable+xml"
    )


@pytest.mark.parametrize("path", ["tables", "capabilities"])
def test_json_has_an_etag_of_its_own(service: str, path: str) -> None:
    reply = get(f"{service}/{path}", Accept=JSON)
    assert reply.headers["etag"] != get(f"{service}/{path}").headers["etag"]
    assert get(f"{service}/{path}", Accept=JSON, If_None_Match=str(reply.headers["etag"])).status == 304
