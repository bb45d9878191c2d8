"""The log: one line for each event. No passwords, tokens or cookies; texts of queries only where the operator wants them."""

import hashlib
import logging
import os
import secrets
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog

from tap.config import ENVIRONMENT
from tap.config_sections import LogConfig
from tap.observe import Event, Fault, JobMoved, JobTold, Kept, RequestDone, ShardBack, ShardLost

KEY = f"{ENVIRONMENT}LOG_KEY"
"""The variable by which processes that belong together hash addresses alike."""
_LOG = structlog.get_logger()
_LONGEST_QUERY = 10_000
_PROBES = frozenset({"/livez", "/readyz"})


def make_key() -> None:
    """Make the key that addresses are hashed with, for this process and those that it starts."""
    os.environ.setdefault(KEY, secrets.token_hex(16))


class Log:
    """Writes events as lines; what libraries log goes the same way."""

    def __init__(self, config: LogConfig) -> None:
        make_key()
        self._config = config
        target = sys.stderr
        if config.log_target:
            target = Path(config.log_target).open("a", encoding="utf-8")  # noqa: SIM115 - as long as the process lives
        is_text = config.log_format == "text" or (config.log_format == "auto" and target.isatty())
        level = logging.getLevelNamesMapping()[config.log_level.upper()]
        structlog.configure(
            processors=_processors(is_text=is_text),
            wrapper_class=structlog.make_filtering_bound_logger(level),
            logger_factory=structlog.WriteLoggerFactory(target),
            cache_logger_on_first_use=False,
        )
        logging.basicConfig(handlers=[_Forwarding()], level=max(level, logging.WARNING), force=True)

    def __call__(self, event: Event) -> None:
        match event:
            case RequestDone():
                self._request(event)
            case JobMoved():
                self._job(event)
            case Fault(where=where, error=error, request_id=request_id):
                _LOG.error("fault", where=where, id=request_id, exc_info=error)
            case Kept(what=what, count=count):
                _LOG.info("kept", what=what, count=count)
            case JobTold(job_id=job_id, how=how, attempt=attempt, problem=problem):
                _LOG.info(
                    "notification", job=job_id, how=how, attempt=attempt, **({"cause": problem} if problem else {})
                )
            case ShardLost(shard=shard):
                _LOG.warning("shard lost", shard=shard)
            case ShardBack(shard=shard):
                _LOG.info("shard back", shard=shard)

    def _request(self, done: RequestDone) -> None:
        values: dict[str, Any] = {
            "id": done.request_id,
            "who": done.account or self._address(done.address),
            "method": done.method,
            "path": done.path,
            "status": done.status,
            "ms": _milliseconds(done.seconds),
            "bytes": done.bytes,
        }
        if done.rows is not None:
            values |= {"rows": done.rows, "stages": _stages(done.stages)}
        if done.job:
            values["job"] = done.job
        if done.cause:
            values["cause"] = done.cause
        if done.query and self._config.log_queries:
            values["query"] = done.query[:_LONGEST_QUERY]
        write = _LOG.debug if done.path in _PROBES and done.status == 200 else _LOG.info
        (_LOG.warning if done.status >= 500 else write)("request", **values)

    def _job(self, moved: JobMoved) -> None:
        values: dict[str, Any] = {
            "job": moved.job_id,
            "phase": moved.phase,
            "lane": moved.lane,
            "who": moved.owner or "stranger",
        }
        if moved.seconds:
            values |= {"ms": _milliseconds(moved.seconds), "rows": moved.rows, "bytes": moved.bytes}
            values["stages"] = _stages(moved.stages)
        if moved.cause:
            values["cause"] = moved.cause
        if moved.query and self._config.log_queries:
            values["query"] = moved.query[:_LONGEST_QUERY]
        _LOG.info("job", **values)

    def _address(self, address: str) -> str:
        return address if self._config.log_addresses == "plain" else _hashed(address)


@lru_cache(10_000)
def _hashed(address: str) -> str:
    return "~" + hashlib.blake2b(address.encode(), digest_size=6, key=os.environ[KEY].encode()).hexdigest()


def _stages(stages: Mapping[str, float]) -> dict[str, float]:
    return {str(stage): _milliseconds(seconds) for stage, seconds in stages.items()}


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)


def _processors(*, is_text: bool) -> list[Any]:
    level, stamper = structlog.processors.add_log_level, structlog.processors.TimeStamper
    if is_text:
        # Another formatter would show local variables: passwords and tokens among them.
        return [level, stamper("iso"), structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    as_json = structlog.processors.JSONRenderer()
    return [level, stamper("iso", key="time"), structlog.processors.format_exc_info, _in_order, as_json]


def _in_order(_: Any, __: str, values: dict[str, Any]) -> dict[str, Any]:
    """Put first what every line has."""
    return {name: values.pop(name) for name in ("time", "level", "event")} | values


class _Forwarding(logging.Handler):
    """Brings what libraries log into our log."""

    def emit(self, record: logging.LogRecord) -> None:
        _LOG.log(record.levelno, "library", logger=record.name, message=record.getMessage(), exc_info=record.exc_info)
