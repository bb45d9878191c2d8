"""The table of moves is what the store allows, for all pairs of move and phase."""

from collections.abc import Callable

import pytest

from tests.uws.conftest import DONE, PHASES, Sql, at_once, create, is_refused, job_in, moved, row_of
from uws.errors import IllegalMove, NoSuchJob
from uws.job import JobEnding
from uws.phases import ACTIVE, FINAL, TRANSITIONS, Move, Phase, drawing, targets
from uws.store import Store

PAIRS = [(move, phase) for move in Move for phase in PHASES]
LEGAL = {(each.move, each.source): each.target for each in TRANSITIONS}


@pytest.mark.parametrize(("move", "phase"), [pair for pair in PAIRS if pair in LEGAL])
def test_a_legal_move_arrives(store: Store, move: Move, phase: Phase) -> None:
    job = job_in(store, phase)
    after = moved(store, job, move)
    assert after.phase is LEGAL[move, phase]
    assert store.job(job.job_id).phase is after.phase
    assert (after.end_time is not None) == (after.phase in FINAL)
    assert (after.worker is not None) == (after.phase is Phase.EXECUTING)
    assert (after.start_time is None) == (after.phase in {Phase.PENDING, Phase.QUEUED, Phase.HELD}) or after.end_time


@pytest.mark.parametrize(("move", "phase"), [pair for pair in PAIRS if pair not in LEGAL])
def test_an_illegal_move_is_refused_and_changes_nothing(store: Store, sql: Sql, move: Move, phase: Phase) -> None:
    job = job_in(store, phase)
    before = row_of(sql, job)
    with pytest.raises(IllegalMove) as refusal:
        moved(store, job, move)
    assert refusal.value.phase is phase
    assert move.value in str(refusal.value)
    assert row_of(sql, job) == before


@pytest.mark.parametrize("move", Move)
def test_nothing_moves_a_job_that_is_deleted_or_never_was(store: Store, sql: Sql, move: Move) -> None:
    job = job_in(store, next(iter(targets(move))))
    store.delete(job.job_id)
    before = row_of(sql, job)
    for job_id in (job.job_id, "0" * 32):
        with pytest.raises(NoSuchJob):
            store.move(job_id, move, ending=DONE.get(move, JobEnding()))
    assert row_of(sql, job) == before


def test_the_table_says_each_thing_once() -> None:
    assert len(LEGAL) == len(TRANSITIONS)


def test_every_job_can_end_and_what_ended_never_runs_again() -> None:
    """UWS 1.1 §2.1.3."""
    for phase in set(PHASES) - FINAL:
        assert LEGAL[Move.ABORT, phase] is Phase.ABORTED
    assert {each.target for each in TRANSITIONS if each.source in FINAL} <= FINAL
    assert not [each for each in TRANSITIONS if each.source is Phase.ARCHIVED]


def test_no_job_of_ours_is_in_an_unknown_phase() -> None:
    assert set(PHASES) == set(Phase) - {Phase.UNKNOWN}
    assert not [each for each in TRANSITIONS if Phase.UNKNOWN in (each.source, each.target)]


def test_only_active_phases_may_block() -> None:
    """UWS 1.1 §2.2.1.2."""
    assert {Phase.PENDING, Phase.QUEUED, Phase.EXECUTING} == ACTIVE


def test_the_drawing_has_a_line_for_each_move() -> None:
    lines = drawing().splitlines()
    assert len(lines) == len(TRANSITIONS) + 2
    assert "    PENDING --> QUEUED: PHASE=RUN (client)" in lines


def _race(store: Store, phase: Phase, *moves: Move) -> list[Phase | IllegalMove]:
    job = job_in(store, phase)

    def act(move: Move) -> Callable[[], Phase]:
        return lambda: store.move(job.job_id, move, ending=DONE.get(move, JobEnding())).phase

    return at_once(*(act(move) for move in moves))


@pytest.mark.parametrize(
    ("phase", "moves"),
    [
        (Phase.PENDING, (Move.RUN, Move.RUN, Move.RUN)),
        (Phase.EXECUTING, (Move.ABORT, Move.COMPLETE)),
        (Phase.EXECUTING, (Move.FAIL, Move.TIME_OUT, Move.COMPLETE)),
        (Phase.SUSPENDED, (Move.RELEASE, Move.RELEASE)),
        (Phase.COMPLETED, (Move.LOSE, Move.LOSE)),
    ],
    ids=str,
)
def test_of_moves_that_exclude_each_other_exactly_one_wins(store: Store, phase: Phase, moves: tuple[Move, ...]) -> None:
    for _ in range(5):
        ends = _race(store, phase, *moves)
        assert sum(isinstance(end, Phase) for end in ends) == 1, ends
        assert sum(isinstance(end, IllegalMove) for end in ends) == len(moves) - 1, ends
        # The queue is left empty, for the next round.
        for job in store.references(None, [Phase.QUEUED]):
            store.move(job.job_id, Move.ABORT)


def test_deleting_while_it_ends_leaves_nothing_to_see(store: Store) -> None:
    for _ in range(5):
        job = job_in(store, Phase.EXECUTING)
        ends = at_once(lambda: store.delete(job.job_id), lambda: moved(store, job, Move.COMPLETE))  # noqa: B023
        assert ends[0] is None
        with pytest.raises(NoSuchJob):
            store.job(job.job_id)


def test_a_refused_run_leaves_the_job_as_it_was(store: Store) -> None:
    job = create(store)
    store.move(job.job_id, Move.ABORT)
    assert is_refused(lambda: store.run(job))
    assert store.job(job.job_id).phase is Phase.ABORTED
