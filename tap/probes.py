"""Probes: the service asks itself, as its users do, again and again; the status page and /availability tell what came."""

import socket
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tap.auth.accounts import AccountsAway, AccountStore
from tap.client.http import Http, Refused, Unreachable, bearer
from tap.client.job import JobFailed
from tap.client.questions import QUESTIONS, Service, WrongAnswer
from tap.config import Config
from tap.engine.database import accounts_conninfo
from uws.periodic import Periodic

AGENT = "armillary-probe"
_SOON = 5.0
"""Seconds after which a probe that failed asks again."""
_MOST = 20_000
"""Outcomes that wait for the database: those of a day in which all probes fail."""
_UNREACHABLE = "The service cannot be reached at its own URL"
QUARTERS = 96
"""Quarters of an hour in a day."""


@dataclass(frozen=True, slots=True)
class ProbeState:
    """The last outcome of a probe on a machine, and its day; `median` and `slow` (95 %) are seconds.

    `failures_now` are those since it last worked.
    """

    probe: str
    machine: str
    last: datetime
    error: str | None
    seconds: float
    failing_since: datetime | None
    failures_now: int
    asked: int
    answered: int
    median: float | None
    slow: float | None


@contextmanager
def probing(config: Config) -> Iterator[None]:
    """Probe the service as long as the block lasts, where it is wanted and probes may ask."""
    if not config.probes.probe_seconds or not (config.accounts.anonymous or config.probes.probe_token):
        yield
        return
    store = AccountStore(accounts_conninfo(config))
    store.open()
    prober = Prober(config, store)
    periodic = Periodic("probes", min(_SOON, config.probes.probe_seconds), prober.step)
    periodic.start()
    try:
        yield
    finally:
        periodic.stop()
        store.close()


class Prober:
    """Asks the questions when it is time, each that failed again soon."""

    def __init__(self, config: Config, store: AccountStore) -> None:
        http = Http(0, bearer(config.probes.probe_token), _limit(config), AGENT)
        self._service = Service(config.web.base_url, http)
        self._store = store
        self._seconds = config.probes.probe_seconds
        self._outcomes: deque[dict[str, Any]] = deque(maxlen=_MOST)
        self._due = dict.fromkeys(QUESTIONS, time.monotonic() + self._seconds)

    def step(self) -> None:
        for probe, due in self._due.items():
            if time.monotonic() >= due:
                is_well = self._ask(probe)
                self._due[probe] = time.monotonic() + (self._seconds if is_well else _SOON)

    def _ask(self, probe: str) -> bool:
        """Ask, and keep what came; return whether all was well."""
        begun = time.monotonic()
        error = _error_of(probe, self._service)
        seconds = time.monotonic() - begun
        self._outcomes.append(
            {
                "probe": probe,
                "machine": socket.gethostname(),
                "seconds": seconds,
                "error": error,
                "at": datetime.now(UTC),
            }
        )
        self._keep()
        return error is None

    def _keep(self) -> None:
        """Write down what came, and first what could not be written before: of an outage of the database nothing else tells."""
        with suppress(AccountsAway):
            while self._outcomes:
                self._store.rows("add_probe", self._outcomes[0])
                self._outcomes.popleft()


def _limit(config: Config) -> float:
    return config.limits.sync_limit + config.web.queue_limit


def _error_of(probe: str, service: Service) -> str | None:
    try:
        QUESTIONS[probe](service)
    except Unreachable as error:
        # With no patience, an answer of 5xx is no more than that; it is the cause.
        return str(error.__cause__)[:300] if isinstance(error.__cause__, Refused) else _UNREACHABLE
    except (Refused, WrongAnswer, JobFailed) as error:
        return str(error)[:300]
    return None


def states(store: AccountStore, seconds: float) -> list[ProbeState]:
    """Return the state of each probe that is not silent. Raises: AccountsAway."""
    return [ProbeState(**row) for row in store.rows("probe_states", {"silent": 3 * seconds + 60})]


def is_down(state: ProbeState) -> bool:
    """Return whether queries fail though the service answers: twice, as once may be a restart."""
    return state.probe == "query" and state.failures_now > 1 and state.error != _UNREACHABLE


def note_of(state: ProbeState) -> str:
    """Return what users are told of a probe that fails."""
    what = {"query": "Queries", "upload": "Queries with uploads", "job": "Jobs"}[state.probe]
    return f"{what} have failed since {state.failing_since:%Y-%m-%d %H:%M} UTC: {(state.error or '').rstrip('.')}."


def history(store: AccountStore) -> Mapping[str, list[tuple[int, float] | None]]:
    """Return of each probe the failures and the longest seconds in each quarter of an hour of the last day, oldest first.

    None where it did not ask. Raises: AccountsAway.
    """
    quarters: dict[str, list[tuple[int, float] | None]] = {}
    for row in store.rows("probe_history", {}):
        of_probe = quarters.setdefault(row["probe"], [None] * QUARTERS)
        of_probe[QUARTERS - max(1, min(QUARTERS, row["ago"]))] = row["failed"], row["seconds"]
    return quarters
