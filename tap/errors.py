"""Cause → HTTP status → message: one table, PostgreSQL's SQLSTATEs included.

Nothing of what PostgreSQL says reaches a client, but for what it says of the client's own values.
"""

import errno
import re
from dataclasses import dataclass

import psycopg

from adql.errors import AdqlError, ClosedTable
from schema.description import DescriptionError
from schema.load.reader import LoadError
from schema.own_tables.names import NotOwnSchema
from schema.own_tables.publication import NoSuchPublication
from schema.own_tables.quota import OverQuota
from schema.own_tables.rows import NoSuchTable, TableExists
from tap.auth.accounts import AccountsAway
from tap.auth.authentication import ForeignPage, Insecure, OutOfScope, Unauthorized
from tap.auth.oidc import NotVouchedFor, ProviderAway
from tap.auth.passwords import TooManyAttempts, WrongPassword
from tap.auth.rights import NoLongerAllowed
from tap.bulk.folder import FolderAway
from tap.bulk.served import ExportGoesOn
from tap.engine.cancellation import CancelReason
from tap.engine.engine import DatabaseAway, ShardAway
from tap.engine.rows import Interrupted
from tap.own_tables.own_tables import NotYours, TableInUse
from tap.sharding.engines.citus.refusals import refusal
from tap.shares.groups import NoSuchGroup
from tap.shares.shares import NoSuchShare
from tap.storage.storage import StorageAway, StorageFull
from uws.errors import (
    IllegalMove,
    NoSuchJob,
    NotAllowed,
    NotComplete,
    QueueFull,
    StoreAway,
    TooManyBytes,
    TooManyJobs,
)
from uws.parameters import ParameterError


class NotFound(Exception):
    """There is nothing at that URL."""


class TooLarge(Exception):
    """The request is larger than it may be."""


class Busy(Exception):
    """Too many queries run; the client may come back."""


class TimeLimit(Exception):
    """A synchronous query took too long; `job` is the URL that makes a job of it when it is posted to."""

    def __init__(self, job: str) -> None:
        super().__init__(job)
        self.job = job


class TooSlow(Exception):
    """The client did not send its request in time."""


class ResultsOverQuota(Exception):
    """The results of the jobs of an account, or of all strangers, would have more bytes than they may."""


class BadRequest(Exception):
    """The request is not one that HTTP or a form allows."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client is told, with a `reason` for programs. `retry_after` in seconds; `expected` False for faults of our own.

    `job` is the URL that makes a job of a query when it is posted to. `adql` is what is wrong with a query, and where.
    """

    status: int
    message: str
    retry_after: int | None = None
    expected: bool = True
    reason: str | None = None
    job: str | None = None
    adql: AdqlError | None = None

    def as_json(self) -> dict[str, dict[str, str | int]]:
        """Return what is known of the error, its parts one by one."""
        values: dict[str, str | int | None] = {"message": self.message, "reason": self.reason, "job": self.job}
        if error := self.adql:
            values |= {"message": error.message, "hint": error.hint}
            values |= {"line": error.line, "column": error.column} if error.text else {}
        return {"error": {name: value for name, value in values.items() if value is not None}}


TIME_LIMIT = "time-limit"
LOG_IN = "log-in"
_TIME_LIMIT = "The query took longer than this service allows for synchronous queries. Narrow it down, with TOP, a smaller cone or a condition on an indexed column."
_AWAY = "The database cannot be reached just now. Please try again soon."
_MANY = "You have as many jobs waiting as one may have here. Please wait until some are done, or delete some."
_FULL = "As many jobs wait already as this service takes. Please try again later."
_NO_ROOM = "This service has no room for results just now. Please try again later."
_UNREACHED = "The place where results lie cannot be reached just now. Please try again soon."
_BULK_AWAY = "The place where whole tables lie cannot be reached just now. Please try again soon."
_EXPORTED = "This table is being exported just now. Please try again later."
_NOT_TEXT = "A column, such as a MOC or a UUID, cannot be compared, sorted or grouped as it is. CAST(column AS VARCHAR) gives its text, which can."
_NOT_YET = (
    "A table of the query is not there: it is being loaded and has not arrived on all servers, or it was taken away."
    " Please try again soon."
)
_OURS = "An error of this service, not of your query, has been logged."

_SHARD = re.compile(r'could not connect to server "(\w+)"')
_SHARD_AWAY = "A part of this table cannot be reached just now: the shard {0} is away. Searches in parts of the sky that lie on others go on."
_MISSING_SKY = " It has the HEALPix cells {0} (as a MOC); PARTIAL=allow gives what the others have, where a query can be answered in part."
_LONGEST_MOC = 1000
_OF_PLANNERS = {"0A000", "53400", "XX000"}
"""With which Citus refuses a query."""
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_INTERRUPTED = {
    CancelReason.TIME_LIMIT: Answer(400, _TIME_LIMIT, reason=TIME_LIMIT),
    CancelReason.CLIENT_LEFT: Answer(499, "The client went away"),
    CancelReason.KILLED: Answer(
        403, "The operator of this service stopped this query. Please ask before you run it again."
    ),
    CancelReason.SHUTDOWN: Answer(503, "The service is being restarted. Please try again.", 5),
}

_SQLSTATES: dict[str, Answer] = {
    "0A000": Answer(400, "This cannot be run: the ON of a FULL JOIN needs an equality of columns."),
    "22012": Answer(
        400,
        "A division by zero. NULLIF(x, 0) as the divisor gives NULL instead, of an array a arr_map(NULLIF(x, 0), a).",
    ),
    "2201E": Answer(400, "The logarithm of a number that is not positive. CASE WHEN x > 0 THEN LOG(x) END avoids it."),
    "2201F": Answer(400, "A power or root that is not a real number, such as the square root of a negative one."),
    "22003": Answer(
        400,
        "A number is too large for its type, or outside of what a function takes, as in ACOS(2). CAST(x AS DOUBLE PRECISION) or BIGINT gives more room.",
    ),
    "22P02": Answer(400, "A text is not of the form that CAST needs."),
    "22007": Answer(400, "A text is no date or time. Write '2016-01-01T00:00:00'."),
    "22008": Answer(400, "A date or time is out of range."),
    "22001": Answer(400, "A text is longer than its type allows."),
    "2202E": Answer(400, "An array has the wrong size."),
    "2201G": Answer(400, "The bins of ivo_histogram need lower < upper, and 1 to 100,000 bins."),
    "2201W": Answer(400, "TOP must not be negative."),
    "42P01": Answer(503, _NOT_YET, 10, expected=False),
    "42501": Answer(503, _NOT_YET, 10, expected=False),
    "42804": Answer(400, _NOT_TEXT),
    "42883": Answer(400, _NOT_TEXT),
    "53400": Answer(400, "The query needs more temporary space than this service allows. Narrow it down."),
    "54000": Answer(400, "The query is too complex."),
    "54001": Answer(400, "The query is too complex."),
    "57014": Answer(400, _TIME_LIMIT, reason=TIME_LIMIT),
    "21000": Answer(400, "A query that stands for a value gave more than one row. MIN, MAX or TOP 1 give one."),
    "42803": Answer(400, "A query inside uses a column of the outer one that is not grouped by. Add it to GROUP BY."),
}
_CLASSES: dict[str, Answer] = {
    "22": Answer(400, "A value of the query is out of the range of its type."),
    "53": Answer(503, "The database has no resources left just now. Please try again soon.", 10),
    "54": Answer(400, "The query is too complex."),
    "57": Answer(503, _AWAY, 5),
    "08": Answer(503, _AWAY, 5),
}
_TOO_LARGE = Answer(400, "An array or a text that the query makes is too large. Gather fewer rows into each.")
_GEOMETRY = re.compile(
    r"spherepoly|spherecircle|scircle|spoly|polygon|radius|healpix|line segment|order", re.IGNORECASE
)


_LONGEST_CAUSE = 300
_SAYS_IT_ITSELF: dict[type[Exception], int] = {
    ParameterError: 400,
    LoadError: 400,
    DescriptionError: 400,
    BadRequest: 400,
    NotComplete: 400,
    Unauthorized: 401,
    IllegalMove: 403,
    Insecure: 403,
    OutOfScope: 403,
    ForeignPage: 403,
    NoLongerAllowed: 403,
    NotVouchedFor: 403,
    NotAllowed: 403,
    NotOwnSchema: 403,
    NotYours: 403,
    NotFound: 404,
    NoSuchJob: 404,
    NoSuchTable: 404,
    NoSuchShare: 404,
    NoSuchGroup: 404,
    NoSuchPublication: 404,
    TooSlow: 408,
    TableExists: 409,
    TableInUse: 409,
    TooLarge: 413,
    OverQuota: 507,
    ResultsOverQuota: 507,
    TooManyBytes: 507,
    ProviderAway: 502,
}
_KNOWN: dict[type[Exception], Answer] = {
    TooManyJobs: Answer(429, _MANY, 30),
    QueueFull: Answer(503, _FULL, 60),
    StorageFull: Answer(503, _NO_ROOM, 300),
    DatabaseAway: Answer(503, _AWAY, 5),
    StoreAway: Answer(503, _AWAY, 5),
    StorageAway: Answer(503, _UNREACHED, 10),
    FolderAway: Answer(503, _BULK_AWAY, 10),
    ExportGoesOn: Answer(503, _EXPORTED, 60),
    AccountsAway: Answer(503, _AWAY, 5),
    WrongPassword: Answer(401, "There is no such account, or its password is another."),
}


def describe(error: Exception) -> Answer:
    """What to answer for an error."""
    if status := _SAYS_IT_ITSELF.get(type(error)):
        return Answer(status, str(error))
    if answer := _KNOWN.get(type(error)):
        return answer
    match error:
        case ClosedTable():
            return Answer(403, error.explain(), reason=LOG_IN, adql=error)
        case AdqlError():
            return Answer(400, error.explain(), adql=error)
        case ShardAway(name=name, sky=sky):
            return Answer(503, _SHARD_AWAY.format(name) + (_MISSING_SKY.format(_shortened(sky)) if sky else ""), 10)
        case TimeLimit(job=job):
            message = f"{_TIME_LIMIT} As a job it has more time: POST to {job}"
            return Answer(504, message, reason=TIME_LIMIT, job=job)
        case TooManyAttempts(seconds=seconds):
            return Answer(
                429, f"There were too many wrong passwords. The next is looked at in {seconds} seconds.", seconds
            )
        case Busy():
            return Answer(503, str(error), 10)
        case Interrupted(reason=reason):
            return _INTERRUPTED[reason]
        case OSError(errno=number) if number in _NO_SPACE:
            return _KNOWN[StorageFull]
        case psycopg.Error():
            return _of_sqlstate(error)
    return Answer(500, _OURS, expected=False)


def cause_of(error: Exception, answer: Answer) -> str:
    """Return what the log says of an error: its class; of what users cannot help also what lies beneath.

    Other messages may quote what was sent.
    """
    beneath = error.__cause__ if answer.status >= 500 else None
    detail = f": {beneath!r}"[:_LONGEST_CAUSE] if isinstance(beneath, psycopg.Error | OSError) else ""
    return type(error).__name__ + detail


def _shortened(moc: str) -> str:
    return moc if len(moc) <= _LONGEST_MOC else moc[:_LONGEST_MOC].rsplit(" ", 1)[0] + " …"


def _of_sqlstate(error: psycopg.Error) -> Answer:
    state = error.sqlstate or ""
    if lost := _SHARD.search(str(error)) if state.startswith("08") else None:
        return Answer(503, _SHARD_AWAY.format(lost[1]), 10)
    if state in _OF_PLANNERS and (refused := refusal(error)):
        return Answer(400, refused)
    if state == "0A000" and "cached plan" in str(error):
        # A migration under a running service: the statement is planned anew the next time.
        return Answer(503, _AWAY, 1)
    found = _SQLSTATES.get(state) or _CLASSES.get(state[:2])
    if found:
        return found
    if state == "XX000" and "memory alloc" in str(error):
        return _TOO_LARGE
    if state == "XX000" and _GEOMETRY.search(str(error)):
        return Answer(
            400,
            "A geometry of the query is impossible: a polygon that crosses itself or is too large, or a radius or HEALPix order out of range.",
        )
    if isinstance(error, psycopg.OperationalError) or not state:
        return Answer(503, _AWAY, 5)
    return Answer(500, _OURS, expected=False)
