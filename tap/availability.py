"""Whether the service is available: what it needs is asked now, and what its probes found is told (VOSI 1.1 §5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from tap import probes
from tap.auth.accounts import AccountsAway
from tap.engine.engine import DatabaseAway
from tap.errors import describe
from tap.parts import Parts
from tap.probes import ProbeState
from tap.storage.storage import StorageAway, StorageFull
from uws.errors import StoreAway


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """Whether the service is available, what users should know, what the probes found, and which shards answer."""

    available: bool
    notes: tuple[str, ...] = ()
    probes: Sequence[ProbeState] = ()
    shards: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Availability:
    """Looks at what a service is made of."""

    parts: Parts

    async def now(self) -> ServiceStatus:
        """Ask the catalogue, the job store and the storage of results, and read the probes."""
        try:
            shards = await run_in_threadpool(self.parts.shard_states)
            await run_in_threadpool(self.parts.store.jobs, [])
            await run_in_threadpool(self.parts.storage.check)
            states = await run_in_threadpool(self._probes)
        except (DatabaseAway, StoreAway, StorageFull, StorageAway, AccountsAway) as error:
            return ServiceStatus(False, (describe(error).message,))
        notes = [probes.note_of(state) for state in states if state.failures_now > 1]
        if away := _away(shards):
            notes.insert(0, f"Searches that need what lies on {', '.join(away)} fail just now; all others run.")
        return ServiceStatus(not any(map(probes.is_down, states)), tuple(notes), states, shards)

    def _probes(self) -> list[ProbeState]:
        seconds = self.parts.config.probes.probe_seconds
        return probes.states(self.parts.accounts, seconds) if seconds else []

    async def away(self) -> tuple[str, ...]:
        """Return the shards that have something published and cannot be reached."""
        return _away(await run_in_threadpool(self.parts.shard_states))


def _away(shards: Mapping[str, bool]) -> tuple[str, ...]:
    return tuple(name for name, answers in shards.items() if not answers)
