"""UWS documents (UWS 1.1 appendix B). The prefix is `uws:` to the letter: some clients compare names as text."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from lxml import etree
from lxml.builder import ElementMaker

from uws.forecast import Forecast
from uws.job import Job, JobRef
from uws.phases import Phase
from uws.timestamps import write_instant

UWS = "http://www.ivoa.net/xml/UWS/v1.0"
XLINK = "http://www.w3.org/1999/xlink"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
_NAMESPACES = {"uws": UWS, "xlink": XLINK, "xsi": XSI}
_HREF, _NIL, _TYPE = f"{{{XLINK}}}href", {f"{{{XSI}}}nil": "true"}, f"{{{XLINK}}}type"
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_KEPT = 20_000
"""Characters of the parameters of a job whose document is kept for others who wait for it."""
_E = ElementMaker(namespace=UWS, nsmap=_NAMESPACES)
_INFO = ElementMaker()

Element = Any


def job_list_document(jobs: Iterable[JobRef], url: str) -> bytes:
    """Return the document of the job list; `url` is the list's."""
    return _bytes(_E.jobs({"version": "1.1"}, *(_reference(job, url) for job in jobs)))


def _reference(job: JobRef, url: str) -> Element:
    return _E.jobref(
        {"id": job.job_id, _TYPE: "simple", _HREF: f"{url}/{job.job_id}"},
        _E.phase(job.phase),
        *_run_id(job.run_id),
        _text_or_nil("ownerId", job.owner_id),
        _E.creationTime(write_instant(job.creation_time)),
    )


def job_document(job: Job, url: str, outlook: Forecast) -> bytes:
    """Return a job's document; `url` is the job's. Many may wait for the same job: then they get the same bytes."""
    make = _kept_document if job.words <= _KEPT else _kept_document.__wrapped__
    return make(job, url, outlook)


@lru_cache(64)
def _kept_document(job: Job, url: str, outlook: Forecast) -> bytes:
    return _bytes(job_element(job, url, outlook))


def job_element(job: Job, url: str, outlook: Forecast) -> Element:
    return _E.job(
        {"version": "1.1"},
        _E.jobId(job.job_id),
        *_run_id(job.run_id),
        _text_or_nil("ownerId", job.owner_id),
        _E.phase(job.phase),
        _text_or_nil("quote", write_instant(outlook.quote)),
        _E.creationTime(write_instant(job.creation_time)),
        _text_or_nil("startTime", write_instant(job.start_time)),
        _text_or_nil("endTime", write_instant(job.end_time)),
        _E.executionDuration(str(job.execution_duration)),
        _E.destruction(write_instant(job.destruction)),
        _parameters(job, url),
        _results(job, url),
        *_error(job),
        *_job_info(job, outlook.waits_for),
    )


def parameters_document(job: Job, url: str) -> bytes:
    return _bytes(_parameters(job, url))


def results_document(job: Job, url: str) -> bytes:
    return _bytes(_results(job, url))


def _bytes(root: Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _run_id(run_id: str | None) -> list[Element]:
    return [] if run_id is None else [_E.runId(_text(run_id))]


def _text_or_nil(name: str, text: str | None) -> Element:
    return _E(name, _text(text)) if text else _E(name, _NIL)


def _parameters(job: Job, url: str) -> Element:
    """Return the parameters, files by reference (UWS 1.1 §2.2.3.1.1)."""
    values = [_E.parameter({"id": _text(name)}, _text(value)) for name, value in job.parameters]
    files = [
        _E.parameter(
            {"id": _text(attachment.name), "byReference": "true"}, f"{url}/parameters/{quote(attachment.name, safe='')}"
        )
        for attachment in job.attachments
    ]
    return _E.parameters(*values, *files)


def _results(job: Job, url: str) -> Element:
    attributes_of_results = [
        {
            "id": result.id,
            _TYPE: "simple",
            _HREF: result.url or f"{url}/results/{result.id}",
            "size": str(result.size),
            "mime-type": result.mime_type,
        }
        for result in job.results
    ]
    return _E.results(*(_E.result(attributes) for attributes in attributes_of_results))


def _error(job: Job) -> list[Element]:
    if job.error is None:
        return []
    return [_E.errorSummary({"type": job.error.type, "hasDetail": "true"}, _E.message(_text(job.error.message)))]


def _job_info(job: Job, waits_for: str | None) -> list[Element]:
    """Return what is done and what it waits for, in elements without a namespace."""
    info: dict[str, object] = dict(job.progress)
    if waits_for:
        info["waitsFor"] = waits_for
    if job.phase is Phase.QUEUED and job.ahead is not None:
        info["queuePosition"] = job.ahead + 1
    for result in (result for result in job.results if result.text is None):
        in_storage = {"bytes": result.size, "sha-256": result.digest}
        info |= {"rows": result.rows} | ({} if result.url else in_storage)
        if result.computed:
            info["computed"] = result.computed
    if job.attempt > 1:
        info["attempt"] = job.attempt
    return [_E.jobInfo(*(_INFO(name, str(value)) for name, value in info.items() if value is not None))] if info else []


def _text(text: str) -> str:
    """Replace what XML cannot hold with U+FFFD."""
    return _UNWRITABLE.sub("\ufffd", text)
