"""What can go wrong with a job, one class a cause; the service that runs them knows the HTTP statuses."""

from uws.job import Attachment
from uws.phases import Move, Phase


class NoSuchJob(Exception):
    """There is no such job, or no such part of it."""

    def __init__(self, message: str = "There is no such job") -> None:
        super().__init__(message)


class NotAllowed(Exception):
    """The job belongs to somebody else."""

    def __init__(self) -> None:
        super().__init__("This job belongs to somebody else")


class IllegalMove(Exception):
    """The job's phase does not allow it (UWS 1.1 §2.2)."""

    def __init__(self, action: str, phase: Phase) -> None:
        super().__init__(f"{action} is not possible: the job is {phase}")
        self.phase = phase

    @classmethod
    def of_change(cls, name: str, phase: Phase) -> "IllegalMove":
        return cls(f"Changing its {name.replace('_', ' ')}", phase)

    @classmethod
    def of(cls, move: Move, phase: Phase) -> "IllegalMove":
        return cls(move.value, phase)


class NotComplete(Exception):
    """A file of the job is not complete yet."""

    def __init__(self, name: str, size: int) -> None:
        super().__init__(f"Of the file {name[:60]} {size} bytes are here; send the rest, then run the job")


class OtherOffset(Exception):
    """The part does not go on where the file ends."""

    def __init__(self, attachment: Attachment | None) -> None:
        self.size = attachment.size if attachment else 0
        self.complete = attachment is not None and attachment.complete
        state = "is complete" if self.complete else f"goes on at byte {self.size}"
        super().__init__(f"The file {state}")


class TooManyJobs(Exception):
    """One owner has more jobs waiting than may be."""


class TooManyBytes(Exception):
    """The files of one owner's jobs would have more bytes than they may."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"The files that came with your jobs have at most {most:,} bytes together. Delete jobs that you no longer need."
        )


class QueueFull(Exception):
    """All owners together have more jobs waiting than may be."""


class StoreAway(Exception):
    """The job store's PostgreSQL cannot be reached now."""
