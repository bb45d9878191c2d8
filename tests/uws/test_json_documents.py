"""Documents of UWS as JSON, whatever text is in them; and which clients ask for it."""

import json
from dataclasses import replace

import pytest
from hypothesis import given

from tap.progress import QueryProgress
from tests.uws.test_xml import HOSTILE, JOB, NOW, TEXTS, URL
from uws.accept import Accept, wants_json
from uws.forecast import Forecast
from uws.job import Attachment, ErrorSummary, JobRef, Result
from uws.json_documents import UWS_JSON, JsonRule
from uws.phases import Phase
from uws.xml import job_document, job_list_document, parameters_document, results_document


def told(document: bytes) -> dict[str, object]:
    return dict(json.loads(UWS_JSON.document(document)))


@given(TEXTS, TEXTS)
def test_any_text_of_a_parameter_comes_out_as_xml_has_it(name: str, value: str) -> None:
    job = replace(JOB, parameters=((name or "x", value), ("y", "")))
    parameters = told(job_document(job, URL, Forecast()))["parameters"]
    assert parameters == told(parameters_document(job, URL))["parameters"]
    assert isinstance(parameters, list)
    assert [set(parameter) for parameter in parameters] == [{"id", "value"}] * 2
    assert parameters[1] == {"id": "y", "value": ""}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_messages_are_texts(text: str) -> None:
    summary = told(job_document(replace(JOB, error=ErrorSummary(f"x{text}")), URL, Forecast()))["errorSummary"]
    assert isinstance(summary, dict)
    assert (summary["type"], summary["hasDetail"]) == ("fatal", True)
    assert summary["message"].startswith("x")


def test_what_is_not_known_is_null_and_numbers_are_numbers() -> None:
    result = Result("r", "k", "text/csv", 5, "abc", 7)
    job = replace(JOB, progress=(("rows", 3), ("overflow", 1)), results=(result,), attempt=2, phase=Phase.COMPLETED)
    document = told(job_document(job, URL, Forecast(NOW, "its turn")))
    assert document["ownerId"] is document["startTime"] is None
    assert "runId" not in document
    assert document["executionDuration"] == 60
    assert document["jobInfo"] == {
        "rows": 7,
        "overflow": True,
        "waitsFor": "its turn",
        "bytes": 5,
        "sha-256": "abc",
        "attempt": 2,
    }
    assert told(results_document(job, URL)) == {
        "results": [{"id": "r", "href": f"{URL}/results/r", "size": 5, "mime-type": "text/csv"}]
    }


def test_files_are_told_by_reference() -> None:
    job = replace(JOB, attachments=(Attachment("f", "k", 3),))
    assert told(parameters_document(job, URL))["parameters"] == [
        {"id": "f", "byReference": True, "value": f"{URL}/parameters/f"}
    ]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_list_is_one_however_long_it_is(count: int) -> None:
    jobs = [JobRef(str(number), Phase.QUEUED, None, None, NOW) for number in range(count)]
    document = told(job_list_document(jobs, URL))
    assert document["version"] == "1.1"
    assert [job["id"] for job in document["jobs"]] == [job.job_id for job in jobs]  # type: ignore[attr-defined]


def test_the_rule_is_what_the_docs_say() -> None:
    rule = JsonRule({"b": "bs", "c": "cs"}, frozenset({"n"}), frozenset({"t"}))
    xml = b'<r xmlns="urn:x" v="1"><cs/><b>1</b><n u="m">1.5</n><t>true</t><e/><o x="y"/></r>'
    expected = {"v": "1", "cs": [], "bs": ["1"], "n": {"u": "m", "value": 1.5}, "t": True, "e": None, "o": {"x": "y"}}
    assert json.loads(rule.document(xml)) == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ([], False),
        (["*/*"], False),
        (["application/json"], True),
        (["Application/JSON ; charset=utf-8; q=0.4"], True),
        (["text/xml;q=0.5", "application/json"], True),
        (["application/json", "text/xml"], False),
        (["application/json;q=0.1, */*;q=0.2"], False),
        (["application/json, */*"], True),
        (["application/json;q=nonsense"], True),
        (["application/json;q=0.000"], False),
        (["application/problem+json"], False),
        (["application/x-votable+xml, application/json"], False),
    ],
)
def test_json_is_asked_for_by_name(accept: list[str], expected: bool) -> None:
    scope = {"type": "http", "headers": [(b"accept", value.encode()) for value in accept]}
    assert wants_json(scope) == expected


def test_the_weightiest_mention_of_a_type_counts() -> None:
    scope = {"type": "http", "headers": [(b"accept", b"a/b;q=0.2, a/b;q=0.7, a/b;q=0.1")]}
    assert Accept.of(scope).weights == {"a/b": 0.7}


def test_all_that_a_query_tells_of_its_progress_has_a_type() -> None:
    names: set[str] = set()
    progress = QueryProgress(names.update, overflow=True)
    progress.add(rows=1, size=2, uploaded=3, matched=4)
    assert names
    assert names <= UWS_JSON.numbers | UWS_JSON.booleans
