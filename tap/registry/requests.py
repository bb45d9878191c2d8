"""What a harvester asks (OAI-PMH 2.0 §3, §4): the verb and its arguments, checked before anything is looked up."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tap.registry.faults import BAD_ARGUMENT, BAD_VERB, OaiError
from uws.parameters import Parameters

_LIST = {"metadataPrefix"}, {"from", "until", "set"}
_VERBS: dict[str, tuple[set[str], set[str]]] = {
    "Identify": (set(), set()),
    "ListMetadataFormats": (set(), {"identifier"}),
    "ListSets": (set(), set()),
    "GetRecord": ({"identifier", "metadataPrefix"}, set()),
    "ListIdentifiers": _LIST,
    "ListRecords": _LIST,
}
"""Arguments that a verb needs, and those that it takes besides."""
TOKEN = "resumptionToken"  # noqa: S105
_GIVES_LISTS = {"ListSets", "ListIdentifiers", "ListRecords"}
_PREFIX = re.compile(r"[\w\-.!~*'()]+", re.ASCII)
_URI = re.compile(r"(?:[^\s%<>\"{}|\\^`\[\]\x00-\x1f]|%[0-9A-Fa-f]{2})*")
_SET = re.compile(r"[\w\-.!~*'()]+(:[\w\-.!~*'()]+)*", re.ASCII)
_PATTERNS = {"metadataPrefix": _PREFIX, "identifier": _URI, "set": _SET}
_DAY, _SECOND = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII), re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


@dataclass(frozen=True, slots=True)
class OaiRequest:
    """A verb with its arguments, named as OAI-PMH spells them."""

    verb: str
    arguments: Mapping[str, str] = field(default_factory=dict)


def read_request(parameters: Parameters) -> OaiRequest:
    """Return what is asked. Raises: OaiError."""
    verbs = parameters.all("VERB")
    if len(verbs) != 1 or verbs[0] not in _VERBS:
        told = "No verb is given" if not verbs else f"There is no verb {' '.join(verbs)[:60]!r}"
        raise OaiError(BAD_VERB, f"{told}; one verb is needed: {', '.join(_VERBS)}")
    pairs = [(name, value) for name, value in parameters.pairs if name != "VERB"]
    request = OaiRequest(verbs[0], {_spelt(name): value for name, value in pairs})
    _check(request, [_spelt(name) for name, _ in pairs])
    return request


_SPELT = {name.upper(): name for needed, taken in _VERBS.values() for name in (*needed, *taken, TOKEN)}


def _spelt(name: str) -> str:
    return _SPELT.get(name, name)


def _check(request: OaiRequest, given: list[str]) -> None:
    """Raise OaiError for arguments that a verb does not take, or lacks, or has twice."""
    needed, taken = _VERBS[request.verb]
    if request.verb in _GIVES_LISTS and TOKEN in given:
        needed, taken = {TOKEN}, set()
    twice = next((name for name in given if given.count(name) > 1), None)
    if twice is not None:
        raise OaiError(BAD_ARGUMENT, f"{twice[:40]} is given twice; once is enough")
    wrong = next((name for name in given if name not in needed | taken), None)
    if wrong is not None:
        takes = ", ".join(sorted(needed | taken)) or "no argument"
        alone = f"{TOKEN} comes alone" if TOKEN in given else f"{request.verb} takes {takes}"
        raise OaiError(BAD_ARGUMENT, f"{alone}, not {wrong[:40]!r}")
    if missing := sorted(needed - set(given)):
        raise OaiError(BAD_ARGUMENT, f"{request.verb} needs {', '.join(missing)}")
    for name, pattern in _PATTERNS.items():
        if name in request.arguments and not pattern.fullmatch(value := request.arguments[name]):
            raise OaiError(BAD_ARGUMENT, f"{value[:60]!r} can be no {name}")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records a list has: changed between two instants, both included; `prefix` is the format they are wanted in."""

    prefix: str
    since: datetime | None = None
    until: datetime | None = None
    set_name: str | None = None


def read_selection(arguments: Mapping[str, str]) -> Selection:
    """Return which records are asked for. Raises: OaiError."""
    since, until, set_name = arguments.get("from"), arguments.get("until"), arguments.get("set")
    if since and until and len(since) != len(until):
        raise OaiError(BAD_ARGUMENT, "from and until must both be days, or both be instants")
    first, last = _instant("from", since), _instant("until", until)
    if last and until and _DAY.fullmatch(until):
        last += timedelta(days=1, seconds=-1)
    if first and last and first > last:
        raise OaiError(BAD_ARGUMENT, "from must not be later than until")
    return Selection(arguments["metadataPrefix"], first, last, set_name)


def _instant(name: str, text: str | None) -> datetime | None:
    """Return an instant, of a day its first. Raises: OaiError."""
    if text is None:
        return None
    try:
        if _DAY.fullmatch(text) or _SECOND.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        pass
    raise OaiError(
        BAD_ARGUMENT, f"{name} is a day, as 2026-11-28, or an instant, as 2026-11-28T12:00:00Z, not {text[:40]!r}"
    )
