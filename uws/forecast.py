"""What can be said of a job's future: when it may be complete, and what it waits for."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from uws.job import Job, JobLimits
from uws.phases import FINAL, Phase


@dataclass(frozen=True, slots=True)
class Forecast:
    """`quote` None means that nobody knows (UWS 1.1 §2.1.6)."""

    quote: datetime | None = None
    waits_for: str | None = None


def outlook(job: Job, limits: JobLimits) -> Forecast:
    """Forecast as of now, to the second."""
    now = datetime.now(UTC).replace(microsecond=0)
    return Forecast(_quote(job, now), _waits_for(job, limits))


def _quote(job: Job, now: datetime) -> datetime | None:
    """Return when four of five jobs of this cost would be done.

    None for a job that is late, or behind others in the queue.
    """
    if job.expected is None or job.phase in FINAL or job.ahead:
        return None
    quote = (job.start_time or now) + timedelta(seconds=job.expected)
    return quote if quote >= now else None


def _running_limit(job: Job, limits: JobLimits) -> int:
    return limits.running_per_owner if job.running_limit is None else job.running_limit


def _waits_for(job: Job, limits: JobLimits) -> str | None:
    match job.phase:
        case Phase.PENDING:
            return "PHASE=RUN"
        case Phase.HELD:
            return "the operator, or PHASE=RUN"
        case Phase.SUSPENDED:
            return "the operator; it will then run again"
        case Phase.QUEUED if 0 < _running_limit(job, limits) <= (job.running or 0):
            return f"one of the {job.running} running jobs of the same owner to end"
        case Phase.QUEUED:
            return f"a free place in the {job.lane} lane"
    return None
