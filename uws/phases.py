"""The phases of a job and ONE table of the moves between them (UWS 1.1 §2.1.3).

The compare-and-set in SQL, the tests of all pairs of phases and the drawing in docs/jobs.md are made from it.
"""

import json
from dataclasses import dataclass
from enum import Enum, StrEnum


class Phase(StrEnum):
    PENDING = "PENDING"
    QUEUED = "QUEUED"
    EXECUTING = "EXECUTING"
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"
    ABORTED = "ABORTED"
    HELD = "HELD"
    SUSPENDED = "SUSPENDED"
    ARCHIVED = "ARCHIVED"
    UNKNOWN = "UNKNOWN"


ACTIVE = frozenset({Phase.PENDING, Phase.QUEUED, Phase.EXECUTING})
"""Only in these may WAIT block (UWS 1.1 §2.2.1.2)."""

FINAL = frozenset({Phase.COMPLETED, Phase.ERROR, Phase.ABORTED, Phase.ARCHIVED})


class Actor(StrEnum):
    CLIENT = "client"
    OPERATOR = "operator"
    WORKER = "worker"
    KEEPER = "keeper"


class Move(Enum):
    """What can happen to a job."""

    RUN = "PHASE=RUN"
    ABORT = "PHASE=ABORT"
    HOLD = "hold"
    RELEASE = "release"
    CLAIM = "a worker takes it"
    COMPLETE = "its result is stored"
    FAIL = "it fails"
    TIME_OUT = "its time is up"
    GIVE_BACK = "its worker stops or dies"
    ARCHIVE = "destruction, the record kept"
    LOSE = "its result is gone from storage"


@dataclass(frozen=True, slots=True)
class Transition:
    move: Move
    source: Phase
    target: Phase
    actor: Actor


TRANSITIONS = (
    Transition(Move.RUN, Phase.PENDING, Phase.QUEUED, Actor.CLIENT),
    Transition(Move.RUN, Phase.HELD, Phase.QUEUED, Actor.CLIENT),
    Transition(Move.ABORT, Phase.PENDING, Phase.ABORTED, Actor.CLIENT),
    Transition(Move.ABORT, Phase.QUEUED, Phase.ABORTED, Actor.CLIENT),
    Transition(Move.ABORT, Phase.EXECUTING, Phase.ABORTED, Actor.CLIENT),
    Transition(Move.ABORT, Phase.HELD, Phase.ABORTED, Actor.CLIENT),
    Transition(Move.ABORT, Phase.SUSPENDED, Phase.ABORTED, Actor.CLIENT),
    Transition(Move.HOLD, Phase.QUEUED, Phase.HELD, Actor.OPERATOR),
    Transition(Move.HOLD, Phase.EXECUTING, Phase.SUSPENDED, Actor.OPERATOR),
    Transition(Move.RELEASE, Phase.HELD, Phase.QUEUED, Actor.OPERATOR),
    Transition(Move.RELEASE, Phase.SUSPENDED, Phase.QUEUED, Actor.OPERATOR),
    Transition(Move.CLAIM, Phase.QUEUED, Phase.EXECUTING, Actor.WORKER),
    Transition(Move.COMPLETE, Phase.EXECUTING, Phase.COMPLETED, Actor.WORKER),
    Transition(Move.FAIL, Phase.EXECUTING, Phase.ERROR, Actor.WORKER),
    Transition(Move.TIME_OUT, Phase.EXECUTING, Phase.ABORTED, Actor.WORKER),
    Transition(Move.GIVE_BACK, Phase.EXECUTING, Phase.QUEUED, Actor.WORKER),
    Transition(Move.ARCHIVE, Phase.COMPLETED, Phase.ARCHIVED, Actor.KEEPER),
    Transition(Move.ARCHIVE, Phase.ERROR, Phase.ARCHIVED, Actor.KEEPER),
    Transition(Move.ARCHIVE, Phase.ABORTED, Phase.ARCHIVED, Actor.KEEPER),
    Transition(Move.LOSE, Phase.COMPLETED, Phase.ERROR, Actor.KEEPER),
)


def targets(move: Move) -> dict[Phase, Phase]:
    """Return where a move leads, by where it begins; elsewhere it is illegal."""
    return {transition.source: transition.target for transition in TRANSITIONS if transition.move is move}


def as_json(move: Move) -> str:
    """Return the same for the compare-and-set in SQL."""
    return json.dumps(targets(move))


def drawing() -> str:
    """Return the table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> PENDING: POST to the job list"]
    for transition in TRANSITIONS:
        lines.append(f"    {transition.source} --> {transition.target}: {transition.move.value} ({transition.actor})")
    return "\n".join(lines)
