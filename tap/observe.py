"""What happened, as values; the log decides what it writes of them. Query texts only at debug level."""

import logging
import sys
from dataclasses import dataclass, fields
from typing import Any

import structlog

_LOG = structlog.get_logger("armillary")


@dataclass(frozen=True, slots=True)
class QueryDone:
    """A query was answered; `milliseconds` from the request to the last byte."""

    status: int
    milliseconds: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Something failed that must not: an error of ours."""

    where: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A request got 503; `cause` is what failed."""

    where: str
    cause: str


@dataclass(frozen=True, slots=True)
class ClientLeft:
    """A client went away before its answer was whole."""

    milliseconds: int


@dataclass(frozen=True, slots=True)
class JobDone:
    """A job's result is stored."""

    job_id: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Kept:
    """The housekeeper did something."""

    what: str
    count: int


@dataclass(frozen=True, slots=True)
class ShardLost:
    """A shard cannot be reached: queries that need it fail until it is back."""

    shard: str


@dataclass(frozen=True, slots=True)
class ShardBack:
    """A shard that was away answers again."""

    shard: str


Event = QueryDone | Fault | Unavailable | ClientLeft | JobDone | Kept | ShardLost | ShardBack


def observe(event: Event, error: BaseException | None = None) -> None:
    name = type(event).__name__
    if isinstance(event, Fault):
        _LOG.error(name, **_values(event), exc_info=error)
    else:
        _LOG.info(name, **_values(event))


def _values(event: Event) -> dict[str, Any]:
    return {field.name: getattr(event, field.name) for field in fields(event)}


def configure_logging(*, quiet: bool = False) -> None:
    """Log JSON lines, or for a terminal readable ones."""
    renderer: Any = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    processors: list[Any] = [structlog.processors.add_log_level, structlog.processors.TimeStamper("iso")]
    if not sys.stderr.isatty():
        processors.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING if quiet else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
