"""What can go wrong with a job, one class a cause; the service that runs them knows the HTTP statuses."""

from uws.phases import Move, Phase


class NoSuchJob(Exception):
    """There is no such job, or no such part of it."""

    def __init__(self, what: str = "There is no such job") -> None:
        super().__init__(what)


class NotAllowed(Exception):
    """The job belongs to somebody else."""

    def __init__(self) -> None:
        super().__init__("This job belongs to somebody else")


class IllegalMove(Exception):
    """The job's phase does not allow it (UWS 1.1 §2.2)."""

    def __init__(self, what: str, phase: Phase) -> None:
        super().__init__(f"{what} is not possible: the job is {phase}")
        self.phase = phase

    @classmethod
    def of_change(cls, what: str, phase: Phase) -> "IllegalMove":
        return cls(f"Changing its {what.replace('_', ' ')}", phase)

    @classmethod
    def of(cls, move: Move, phase: Phase) -> "IllegalMove":
        return cls(move.value, phase)


class TooManyJobs(Exception):
    """One owner has more jobs waiting than may be."""


class QueueFull(Exception):
    """All owners together have more jobs waiting than may be."""


class StoreAway(Exception):
    """The job store's PostgreSQL cannot be reached now."""
