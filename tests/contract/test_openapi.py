"""Requests made from the service's own description of its endpoints: none ends in an error of the service, and each answer is what it says."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tap.formats import FORMATS
from tap.openapi.endpoints import Endpoint, endpoints
from tests.contract.test_uws_1_1 import done
from tests.people import MakePerson, basic

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
ACCEPTS = ["*/*", "application/json", "text/html,application/xhtml+xml", "text/xml", "application/x-votable+xml"]
OPERATIONS = [pytest.param(each, id=f"{each[1]} {each[0]}") for each in endpoints().operations()]
FEW, MANY = 2, 40
OF_CONNECTIONS = {"connection", "content-length", "expect", "host", "transfer-encoding", "upgrade"}
SENSE: dict[str, list[Any]] = {
    "QUERY": ["SELECT TOP 3 * FROM demo.ngc", "SELECT TOP 2 name, ra, dec, nothing FROM demo.ngc"],
    "RESPONSEFORMAT": [name for format_ in FORMATS for name in (*format_.aliases, *format_.media_types)],
    "TABLE": ["demo.ngc", "demo.stars", "mine"],
    "RA": [56.75],
    "DEC": [24.12],
    "SR": [0.5],
    "POS": ["CIRCLE 56.75 24.12 0.5"],
    "WAIT": [0, 1],
    "name": ["ra", "dec"],
}
"""What chance would hardly find."""

KNOWN = {
    "result_id": ["result", "manifest", "partial", "citations"],
    "table": ["demo.ngc"],
    "file": ["query.py", "README.md"],
    "path": ["tap/tokens", "site.css"],
    "name": ["demo.ngc", "demo.stars", "mine", "QUERY", "topcat"],
}
"""Parts of paths where something is."""


@dataclass(frozen=True)
class Client:
    """Sends what is made of the description, and looks at the answers."""

    service: str
    session: requests.Session
    document: Any

    def ask(self, case: Case, headers: Mapping[str, str]) -> None:
        # What is no HTTP/1.1 is answered by the server, which knows no endpoints.
        for name in [name for name in case.headers or {} if name.lower() in OF_CONNECTIONS]:
            del case.headers[name]
        root = self.service.removesuffix("/tap")
        response = case.call(root, session=self.session, headers=dict(headers), allow_redirects=False, timeout=60)
        case.validate_response(response, checks=CHECKS, headers=dict(headers))


@pytest.fixture(scope="module")
def client(service: str) -> Iterator[Client]:
    """One that comes from an address of its own, whose wrong passwords hold up nobody else."""

    class FromElsewhere(HTTPAdapter):
        def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
            super().init_poolmanager(*arguments, source_address=("127.0.0.33", 0), **options)

    schemathesis.serializer.alias("application/partial-upload", "application/octet-stream")
    document = requests.get(f"{service}/openapi.json", timeout=30).json()
    with requests.Session() as session:
        session.mount("http://", FromElsewhere())
        yield Client(service, session, schemathesis.openapi.from_dict(document))


@pytest.fixture(scope="module")
def finished(service: str) -> str:
    return done(service, "SELECT TOP 5 name, ra, dec FROM demo.ngc").rpartition("/")[2]


def sensible(strategy: st.SearchStrategy[Case], known: Mapping[str, list[str]]) -> st.SearchStrategy[Case]:
    """Cases of which some parts have been replaced by what is there, or means something."""

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        case = draw(strategy)
        for values, choices in ((case.path_parameters, known), (case.query, SENSE), (case.body, SENSE)):
            for name in list(values) if isinstance(values, dict) else []:
                if name in choices and draw(st.integers(0, 3)):
                    values[name] = draw(st.sampled_from(choices[name]))
        if isinstance(case.query, dict) and "WAIT" in case.query:
            case.query["WAIT"] = 0
        return case

    return cases()


def exercise(
    client: Client, path: str, method: str, known: Mapping[str, list[str]], shown: Mapping[str, str], *, examples: int
) -> None:
    operation = client.document[path][method.lower()]
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    cases = st.one_of([sensible(operation.as_strategy(generation_mode=mode), known) for mode in modes])

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(cases, st.sampled_from(ACCEPTS))
    def asked(case: Case, accept: str) -> None:
        client.ask(case, {**shown, "Accept": accept})

    asked()


def new_job(client: Client, job_list: str, shown: Mapping[str, str]) -> str:
    reply = requests.post(f"{client.service}/{job_list}", headers=dict(shown), allow_redirects=False, timeout=30)
    return reply.headers["location"].rpartition("/")[2]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
def test_no_request_ends_in_an_error_of_the_service_and_answers_are_as_declared(
    client: Client, person: MakePerson, finished: str, operation: tuple[str, str, Endpoint], examples: int
) -> None:
    path, method, endpoint = operation
    if path == "/docs":
        pytest.skip("this service has no site of documents")
    job_list = "table-update" if "table-update" in path else "async"
    ada = person()
    shown = basic(ada.name, ada.password) if endpoint.account or job_list != "async" else {}
    job = finished if method == "GET" and not shown else new_job(client, job_list, shown)
    exercise(client, path, method, {**KNOWN, "job_id": [job]}, shown, examples=examples)


def test_an_answer_of_another_type_than_declared_is_noticed(client: Client) -> None:
    case = client.document["/livez"]["get"].Case()
    response = case.call(client.service.removesuffix("/tap"), session=client.session)
    response.headers["content-type"] = ["application/json"]
    with pytest.raises(FailureGroup) as caught:
        case.validate_response(response, checks=CHECKS)
    assert [type(failure).__name__ for failure in caught.value.exceptions] == ["UndefinedContentType"]
