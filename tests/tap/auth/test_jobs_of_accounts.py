"""The jobs of an account: only it and administrators see, change and delete them, and read what they found."""

from collections.abc import Iterator

import pytest

from tests.contract.client import post as post_form
from tests.contract.client import request
from tests.contract.test_uws_1_1 import call
from tests.people import MakePerson, Person, basic

QUERY = b"LANG=ADQL&PHASE=RUN&FORMAT=csv&QUERY=SELECT+TOP+2+name+FROM+demo.ngc+ORDER+BY+name"
RESULT = b"name\nB033\nC009\n"
OF_A_JOB = ("", "/phase", "/parameters", "/results", "/results/result", "/owner", "/quote", "/destruction")


def finished(service: str, headers: dict[str, str]) -> str:
    """Run a job to its end, and return its URL."""
    url = call("POST", f"{service}/async", QUERY, **headers).headers["Location"]
    for phase in ("QUEUED", "EXECUTING"):
        request("GET", f"{url}?WAIT=30&PHASE={phase}", headers=headers)
    assert request("GET", f"{url}/phase", headers=headers).text == "COMPLETED"
    return str(url)


@pytest.fixture
def ada(person: MakePerson) -> Person:
    return person()


@pytest.fixture
def job(service: str, ada: Person) -> Iterator[str]:
    """The URL of a finished job of hers."""
    headers = basic(ada.name, ada.password)
    url = finished(service, headers)
    yield url
    call("DELETE", url, **headers)


def test_a_job_tells_its_owner_and_gives_her_its_result(job: str, ada: Person) -> None:
    headers = basic(ada.name, ada.password)
    assert request("GET", f"{job}/owner", headers=headers).text == ada.name
    assert request("GET", f"{job}/results/result", headers=headers).body == RESULT
    assert f"<uws:ownerId>{ada.name}</uws:ownerId>" in request("GET", job, headers=headers).text


@pytest.mark.parametrize("resource", OF_A_JOB)
def test_nothing_of_a_job_is_shown_to_others(job: str, person: MakePerson, resource: str) -> None:
    bo = person()
    stranger = request("GET", job + resource)
    assert stranger.status == 403
    assert stranger.headers.get_all("WWW-Authenticate")
    other = request("GET", job + resource, headers=basic(bo.name, bo.password))
    assert other.status == 403
    assert other.headers.get_all("WWW-Authenticate") is None


@pytest.mark.parametrize(
    ("method", "resource", "body"),
    [
        ("DELETE", "", None),
        ("POST", "", b"ACTION=DELETE"),
        ("POST", "/phase", b"PHASE=ABORT"),
        ("POST", "/destruction", b"DESTRUCTION=2100-01-01T00:00:00Z"),
        ("POST", "/parameters", b"QUERY=x"),
        ("PUT", "/parameters/QUERY", b"x"),
    ],
)
def test_nothing_of_a_job_is_changed_by_others(
    job: str, ada: Person, person: MakePerson, *, method: str, resource: str, body: bytes | None
) -> None:
    bo, before = person(), request("GET", job, headers=basic(ada.name, ada.password)).body
    for headers in ({}, basic(bo.name, bo.password)):
        assert call(method, job + resource, body, **headers).status == 403
    assert request("GET", job, headers=basic(ada.name, ada.password)).body == before


def test_an_administrator_sees_and_deletes_the_jobs_of_all(service: str, ada: Person, person: MakePerson) -> None:
    job, root = finished(service, basic(ada.name, ada.password)), person(is_admin=True)
    headers = basic(root.name, root.password)
    assert request("GET", f"{job}/results/result", headers=headers).body == RESULT
    assert call("DELETE", job, **headers).status == 303
    assert request("GET", job, headers=basic(ada.name, ada.password)).status == 404


def test_a_list_has_the_jobs_of_who_asks_and_no_others(service: str, job: str, ada: Person, person: MakePerson) -> None:
    bo, id_ = person(), job.rpartition("/")[2]
    for path in ("/async", "/jobs/async", f"/jobs/async?JOBID={id_}"):
        assert id_ in request("GET", service + path, headers=basic(ada.name, ada.password)).text
        assert id_ not in request("GET", service + path, headers=basic(bo.name, bo.password)).text
        assert id_ not in request("GET", service + path).text


def test_deletejobs_leaves_the_jobs_of_others(service: str, job: str, ada: Person, person: MakePerson) -> None:
    bo, id_ = person(), job.rpartition("/")[2]
    for headers in ({}, basic(bo.name, bo.password)):
        assert post_form(f"{service}/deletejobs", {"JOB_IDS": id_}, **headers).status == 404
    assert request("GET", job, headers=basic(ada.name, ada.password)).status == 200


def test_the_result_of_a_job_cannot_be_uploaded_by_others(
    service: str, job: str, ada: Person, person: MakePerson
) -> None:
    bo = person()
    query = {"LANG": "ADQL", "QUERY": "SELECT COUNT(*) AS n FROM TAP_UPLOAD.mine", "FORMAT": "csv"}
    for source in (f"{job}/results/result", job.rpartition("/")[2]):
        form = query | {"UPLOAD": f"mine,{source}"}
        assert post_form(f"{service}/sync", form, **basic(ada.name, ada.password)).body == b"n\n2\n"
        for headers in ({}, basic(bo.name, bo.password)):
            refused = post_form(f"{service}/sync", form, **headers)
            assert refused.status == 400
            assert "there is no job" in refused.text


def test_a_job_of_a_stranger_is_still_reached_by_whoever_knows_it(service: str, ada: Person) -> None:
    job = finished(service, {})
    assert request("GET", f"{job}/results/result", headers=basic(ada.name, ada.password)).body == RESULT
