"""UWS documents hold whatever text a client, an owner or an error brings, and are valid."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.xsd import UWS, XSI, parse
from uws.forecast import Forecast
from uws.job import ErrorSummary, Job, JobRef, Result
from uws.phases import Phase
from uws.xml import job_document, job_list_document, parameters_document, results_document

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
URL = "https://example.org/tap/async/0"
JOB = Job(
    job_id="0",
    owner_id=None,
    share="s",
    run_id=None,
    phase=Phase.PENDING,
    creation_time=NOW,
    queue_time=None,
    start_time=None,
    end_time=None,
    execution_duration=60,
    destruction=NOW,
    parameters=(),
    cost=None,
    expected=None,
    lane="short",
    priority=0,
    progress=(),
    results=(),
    error=None,
    attempt=0,
    crashes=0,
    worker=None,
)
HOSTILE = [
    "]]>",
    "<![CDATA[x]]>",
    "&amp; &lt; <a b='c'/> \"",
    "<!-- --> <?xml version='1.0'?>",
    "🔭 ä \u2028 \u0301",
    "\0 \x01 \x08 \x0b \x1b \x7f \x85 \ufffe \uffff",
    "a\r\nb\rc\td\n",
    "\ud800 \udfff",
    "  ",
    "{http://evil}name",
    "x" * 100_000,
]
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=()), max_size=30))
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def written(text: str) -> str:
    """As it must come out of a document."""
    return _NOT_XML.sub("\ufffd", text)


def find(root: Any, path: str) -> Any:
    return root.find(path, {"uws": UWS})


def document(job: Job, outlook: Forecast | None = None) -> Any:
    return parse(job_document(job, URL, outlook or Forecast()))


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_any_text_comes_out_as_it_went_in(name: str, value: str, message: str) -> None:
    job = replace(
        JOB,
        phase=Phase.ERROR,
        end_time=NOW,
        run_id=value,
        owner_id=name,
        parameters=((name, value), (value, name)),
        error=ErrorSummary(message),
    )
    root = document(job)
    parameters = root.findall("uws:parameters/uws:parameter", {"uws": UWS})
    assert [(each.get("id"), each.text or "") for each in parameters] == [
        (written(name), written(value)),
        (written(value), written(name)),
    ]
    assert (find(root, "uws:runId").text or "") == written(value)
    assert (find(root, "uws:ownerId").text or "") == written(name)
    assert (find(root, "uws:errorSummary/uws:message").text or "") == written(message)
    # The atom's document is the same part.
    alone = parse(parameters_document(job, URL))
    assert [each.text or "" for each in alone] == [written(value), written(name)]


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_can_stand_in_a_list(text: str) -> None:
    root = parse(job_list_document([JobRef("0", Phase.PENDING, text, text, NOW)], "https://example.org/tap/async"))
    assert (find(root, "uws:jobref/uws:runId").text or "") == written(text)
    assert (find(root, "uws:jobref/uws:ownerId").text or "") == written(text)


@pytest.mark.parametrize("phase", Phase)
def test_a_job_in_any_phase_is_valid(phase: Phase) -> None:
    """UWS 1.1 appendix B; UNKNOWN too, in which no job of ours is."""
    root = document(replace(JOB, phase=phase))
    assert find(root, "uws:phase").text == phase


def test_what_is_not_known_is_nil() -> None:
    root = document(JOB)
    for name in ("ownerId", "quote", "startTime", "endTime"):
        assert find(root, f"uws:{name}").get(f"{{{XSI}}}nil") == "true"
        assert find(root, f"uws:{name}").text is None
    for name in ("runId", "errorSummary", "jobInfo"):
        assert find(root, f"uws:{name}") is None
    known = document(replace(JOB, owner_id="me", start_time=NOW, end_time=NOW), Forecast(NOW))
    for name in ("ownerId", "quote", "startTime", "endTime"):
        assert find(known, f"uws:{name}").get(f"{{{XSI}}}nil") is None
        assert find(known, f"uws:{name}").text


def test_the_prefix_is_uws_to_the_letter() -> None:
    for document_ in (
        job_document(JOB, URL, Forecast()),
        job_list_document([], URL),
        parameters_document(JOB, URL),
        results_document(JOB, URL),
    ):
        assert re.search(rb"<uws:(job|jobs|parameters|results)[ >/]", document_)
        assert not re.search(rb"<(?!uws:|/|\?)\w", document_), "an element without the prefix"


def test_results_are_told_with_size_type_rows_and_digest() -> None:
    done = replace(
        JOB, phase=Phase.COMPLETED, end_time=NOW, results=(Result("result", "0/1.vot", "text/csv", 7, "ab=", 3),)
    )
    root = document(done)
    result = find(root, "uws:results/uws:result")
    assert (result.get("id"), result.get("size"), result.get("mime-type")) == ("result", "7", "text/csv")
    assert result.get("{http://www.w3.org/1999/xlink}href") == f"{URL}/results/result"
    assert {each.tag: each.text for each in find(root, "uws:jobInfo")} == {"rows": "3", "bytes": "7", "sha-256": "ab="}
    assert len(parse(results_document(done, URL))) == 1


def test_what_a_job_waits_for_and_has_done_is_told() -> None:
    waiting = document(replace(JOB, phase=Phase.QUEUED, ahead=4), Forecast(None, "a <free> place"))
    told = {each.tag: each.text for each in find(waiting, "uws:jobInfo")}
    assert told == {"waitsFor": "a <free> place", "queuePosition": "5"}
    running = document(replace(JOB, phase=Phase.EXECUTING, progress=(("bytes", 2), ("rows", 1)), attempt=2))
    assert {each.tag: each.text for each in find(running, "uws:jobInfo")} == {"rows": "1", "bytes": "2", "attempt": "2"}
