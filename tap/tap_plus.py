"""What astroquery's TapPlus asks beyond TAP (the TAP+ of the ESA archives), for strangers.

Its attribute `esatapplus:flags` is given to those who ask for it only: to others it is against the schema.
"""

import sys
from collections.abc import Collection
from itertools import islice
from typing import Any

from lxml import etree
from starlette.requests import Request

from schema.vodataservice import writable
from uws.errors import NoSuchJob
from uws.forecast import outlook
from uws.job import Job, Requester
from uws.parameters import ParameterError, Parameters
from uws.store import Store, is_job_id
from uws.xml import UWS, job_element

_ESA = "http://esa.int/xml/EsaTapPlus"
_ASKED_BY = ("ONLY_TABLES", "SHARE_ACCESSIBLE", "TABLES")
_ROLES = (
    ("pos.eq.ra;meta.main", 1),
    ("pos.eq.dec;meta.main", 2),
    ("phot.flux", 4),
    ("phot.mag", 8),
    ("meta.id;meta.main", 16),
)
_INDEXED = 32
_MOST_WORDS = 20_000_000
"""Characters of the parameters of all jobs in a list."""
_MOST_TABLES = 100

Element = Any


def is_tap_plus(request: Request, parameters: Parameters) -> bool:
    """Return whether TapPlus asks.

    It is known by its parameters, or by what its plain GETs lack: they name neither a program nor what it accepts.
    """
    silent = not {"user-agent", "accept"} & set(request.headers)
    return silent or any(parameters.all(name) for name in _ASKED_BY)


def wants_names_only(parameters: Parameters) -> bool:
    return (parameters.one("ONLY_TABLES") or "").lower() == "true"


def tables_asked_for(parameters: Parameters) -> list[str]:
    """Raises: ParameterError for more than anybody asks for: each is looked up."""
    names = [name.strip() for value in parameters.all("TABLES") for name in value.split(",") if name.strip()]
    if len(names) > _MOST_TABLES:
        raise ParameterError(f"TABLES takes {_MOST_TABLES} names; all tables come without it")
    return names


def with_flags(document: bytes, table_names: Collection[str]) -> bytes:
    """Return the VOSI document with what each column is for, and of the tables only those of these names, if there are any."""
    root: Element = etree.fromstring(document)
    names = {name.lower() for name in table_names}
    for table in list(root.iter("table")):
        if names and (table.findtext("name") or "").lower() not in names:
            table.getparent().remove(table)
    for column in root.iter("column"):
        column.set(f"{{{_ESA}}}flags", str(_flags(column)))
    etree.cleanup_namespaces(root, top_nsmap={"esatapplus": _ESA}, keep_ns_prefixes=["esatapplus"])
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _flags(column: Element) -> int:
    ucd = (column.findtext("ucd") or "").lower()
    role = next((flag for start, flag in _ROLES if ucd.startswith(start)), 0)
    indexed = any(flag.text == "indexed" for flag in column.iter("flag"))
    return role + _INDEXED * indexed


def found_jobs(store: Store, asker: Requester, parameters: Parameters, url: str) -> bytes:
    """Answer `jobs/async`.

    It has whole job elements of the asker's own jobs that pass the filters, the newest first, or of the one whose id is
    given. Raises: ParameterError where they are too much for one document.
    """
    job_id, phase = parameters.one("JOBID"), parameters.one("PHASEID")
    wanted = [job_id] if job_id else [reference.job_id for reference in store.references(asker)]
    jobs = store.in_turn([id_ for id_ in wanted if is_job_id(id_)])
    passing = (job for job in jobs if asker.may_see(job) and _passes(job, phase, parameters))
    begin, most = min(parameters.whole_number("OFFSET") or 0, sys.maxsize), parameters.whole_number("LIMIT")
    root, words = etree.Element(f"{{{UWS}}}jobs", {"version": "1.1"}, {"uws": UWS}), 0
    for job in islice(passing, begin, None if most is None else min(begin + most, sys.maxsize)):
        words += job.words
        if words > _MOST_WORDS:
            raise ParameterError("Your jobs are too many, or too long, for one list: give PHASEID, or LIMIT and OFFSET")
        element = job_element(job, f"{url}/{job.job_id}", outlook(job, store.limits))
        if name := _name(job):
            etree.SubElement(element, f"{{{UWS}}}name").text = writable(name)
        root.append(element)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _name(job: Job) -> str | None:
    return Parameters(job.parameters).first("JOBNAME") or job.run_id


def _passes(job: Job, phase: str | None, parameters: Parameters) -> bool:
    text, name = parameters.one("QUERY"), parameters.one("JOBNAME")
    query = Parameters(job.parameters).first("QUERY")
    return (
        (phase is None or job.phase == phase.upper())
        and (text is None or text.lower() in query.lower())
        and (name is None or name == _name(job))
    )


def delete_jobs(store: Store, asker: Requester, parameters: Parameters) -> None:
    """Answer `deletejobs`: delete all that are there. Raises: NoSuchJob naming those that are not."""
    ids = [id_.strip() for value in parameters.all("JOB_IDS") for id_ in value.split(",") if id_.strip()]
    jobs = store.in_turn(list(dict.fromkeys(filter(is_job_id, ids))))
    gone = {job.job_id for job in jobs if asker.may_see(job)}
    for job_id in gone:
        store.delete(job_id)
    missing = sorted(set(ids) - gone)
    if missing or not ids:
        raise NoSuchJob(f"There is no job {', '.join(id_[:40] for id_ in missing[:10])}".strip())
