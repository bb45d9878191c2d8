"""The job store: what no way of writing can break, who sees what, limits, and what a client may change when."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.uws.conftest import PHASES, REASON, Sql, create, job_in, moved, row_of
from uws.errors import IllegalMove, NoSuchJob, QueueFull, StoreAway, TooManyJobs
from uws.job import Job, JobLimits, NewJob, Requester
from uws.phases import FINAL, Move, Phase
from uws.store import Store

VIOLATIONS = [
    ("a_job_is_in_a_phase", "phase = 'LOST'"),
    ("a_job_is_in_a_phase", "phase = 'UNKNOWN'"),
    ("a_job_is_in_a_phase", "phase = 'pending'"),
    ("parameters_are_a_list", "parameters = '{}'"),
    ("attachments_are_a_list", "attachments = '{}'"),
    ("there_are_two_lanes", "lane = 'fast'"),
    ("a_duration_is_not_negative", "execution_duration = -1"),
    ("a_queued_job_has_its_place", "phase = 'QUEUED'"),
    ("who_executes_has_a_worker_and_a_lease", "phase = 'EXECUTING', start_time = now()"),
    ("who_executes_has_a_worker_and_a_lease", "phase = 'EXECUTING', start_time = now(), worker = 'w'"),
    ("who_executes_has_a_worker_and_a_lease", "worker = 'w', lease = now()"),
    ("who_executes_has_a_worker_and_a_lease", "lease = now()"),
    ("who_executes_has_begun", "phase = 'EXECUTING', worker = 'w', lease = now()"),
    ("what_ended_has_an_end", "phase = 'ABORTED'"),
    ("what_ended_has_an_end", "phase = 'COMPLETED'"),
    ("what_ended_has_an_end", "phase = 'ARCHIVED'"),
    ("what_ended_has_an_end", "end_time = now()"),
    ("an_error_says_why", "phase = 'ERROR', end_time = now()"),
    ("an_error_has_a_type", "error_message = 'why'"),
    ("an_error_has_a_type", "error_type = 'fatal'"),
    ("error_types_are_two", "error_message = 'why', error_type = 'grave'"),
    ("only_what_is_complete_has_results", "results = '[{}]'"),
    ("only_what_is_complete_has_results", "results = '[{}]', phase = 'ABORTED', end_time = now()"),
]


@pytest.mark.parametrize(("constraint", "change"), VIOLATIONS)
def test_an_invariant_cannot_be_broken_by_any_update(store: Store, sql: Sql, constraint: str, change: str) -> None:
    job = create(store)
    before = row_of(sql, job)
    with pytest.raises(psycopg.errors.CheckViolation) as violation:
        sql(f"UPDATE uws.jobs SET {change} WHERE job_id = %(id)s", id=job.job_id)
    assert violation.value.diag.constraint_name == constraint
    assert row_of(sql, job) == before


def test_no_invariant_is_without_its_violation(sql: Sql) -> None:
    found = sql("SELECT conname FROM pg_constraint WHERE conrelid = 'uws.jobs'::regclass AND contype = 'c'")
    assert {row["conname"] for row in found} == {constraint for constraint, _ in VIOLATIONS}


def test_claims_take_turns_on_one_row_only(sql: Sql) -> None:
    for second in ("true", "false"):
        with pytest.raises(psycopg.errors.IntegrityError):
            sql(f"INSERT INTO uws.turn VALUES ({second})")


def test_other_roles_of_the_house_see_no_job(store: Store, admin: psycopg.Connection) -> None:
    for role in ("armillary_reader", "armillary_owner"):
        row = admin.execute(
            "SELECT bool_or(has_table_privilege(%s, oid, 'SELECT, INSERT, UPDATE, DELETE'))"
            " FROM pg_class WHERE relnamespace = 'uws'::regnamespace AND relkind = 'r'",
            (role,),
        ).fetchone()
        assert row == (False,)


# ---- creation


def test_a_job_is_what_was_asked_for(store: Store) -> None:
    pairs = (("QUERY", "SELECT 'ä 🔭'"), ("LANG", "ADQL"), ("X", ""), ("X", "again"))
    destruction = datetime.now(UTC).replace(microsecond=123_000) + timedelta(days=1)
    asker = Requester("owner", None, "owner")
    new = NewJob(pairs, run_id="mine", execution_duration=7, destruction=destruction, cost=3.0)
    job = store.job(store.create(asker, new))
    assert (job.phase, job.parameters, job.run_id, job.owner_id) == (Phase.PENDING, pairs, "mine", "owner")
    assert (job.execution_duration, job.destruction, job.cost) == (7, destruction, 3.0)
    assert (job.start_time, job.end_time, job.results, job.error) == (None, None, (), None)


def test_ids_have_128_random_bits(store: Store) -> None:
    ids = {create(store).job_id for _ in range(64)}
    assert len(ids) == 64
    assert all(len(each) == 32 and int(each, 16) >= 0 for each in ids)
    assert all(len({each[place] for each in ids}) > 4 for place in range(32)), "a digit that hardly changes"


@pytest.mark.parametrize(
    ("wanted", "limit", "given"), [(None, 100, 60), (0, 100, 100), (200, 100, 100), (50, 100, 50), (0, 0, 0), (9, 0, 9)]
)
def test_an_execution_duration_stays_within_its_limit(
    make_store: Callable[..., Store], wanted: int | None, limit: int, given: int
) -> None:
    """UWS 1.1 §2.1.4: 0 is no limit, the service may substitute a value."""
    store = make_store(duration_default=60, duration_limit=limit)
    job = create(store, execution_duration=wanted)
    assert job.execution_duration == given
    if wanted is not None:
        assert store.change_duration(job.job_id, wanted).execution_duration == given


def test_a_destruction_stays_within_its_limit(make_store: Callable[..., Store]) -> None:
    store = make_store(destruction_default=1000, destruction_limit=5000)
    far = datetime.now(UTC) + timedelta(days=400)
    by_default, clamped = create(store), create(store, destruction=far)
    seconds = [(job.destruction - job.creation_time).total_seconds() for job in (by_default, clamped)]
    assert seconds == pytest.approx([1000, 5000], abs=0.1)
    assert store.change_destruction(by_default.job_id, far).destruction < far - timedelta(days=300)


def test_one_share_can_only_have_so_many_jobs_waiting(make_store: Callable[..., Store]) -> None:
    store = make_store(waiting_per_owner=3)
    jobs = [create(store, run=run) for run in (True, False, True)]
    with pytest.raises(TooManyJobs):
        create(store)
    assert create(store, share="another").phase is Phase.PENDING
    store.move(jobs[0].job_id, Move.ABORT)
    assert create(store).phase is Phase.PENDING


def test_held_and_suspended_jobs_wait_too(make_store: Callable[..., Store]) -> None:
    store = make_store(waiting_per_owner=2)
    job_in(store, Phase.HELD)
    job_in(store, Phase.SUSPENDED)
    with pytest.raises(TooManyJobs):
        create(store)


def test_all_together_can_only_have_so_many_jobs_in_the_queue(make_store: Callable[..., Store]) -> None:
    store = make_store(waiting=2)
    create(store, "one", run=True)
    create(store, "two", run=True)
    pending = create(store, "three")
    with pytest.raises(QueueFull):
        create(store, "four", run=True)
    with pytest.raises(QueueFull):
        store.run(pending)
    assert store.job(pending.job_id).phase is Phase.PENDING
    assert len(store.references(None)) == 3


def test_running_is_refused_to_a_share_that_has_too_many_in_the_queue(make_store: Callable[..., Store]) -> None:
    store = make_store(waiting_per_owner=2)
    pending = create(store, share="mine")
    others = make_store()
    for _ in range(2):
        create(others, share="mine", run=True)
    with pytest.raises(TooManyJobs):
        store.run(pending)
    assert store.job(pending.job_id).phase is Phase.PENDING


# ---- the list


def _ids(
    store: Store, asker: Requester | None, *phases: Phase, after: datetime | None = None, last: int | None = None
) -> list[str]:
    return [each.job_id for each in store.references(asker, phases, after, last)]


def test_a_list_has_the_askers_own_jobs_newest_first(store: Store, sql: Sql) -> None:
    mine = [store.create(Requester("me", None, "me"), NewJob(())) for _ in range(3)]
    theirs = store.create(Requester("they", None, "they"), NewJob(()))
    strange = store.create(Requester(None, "cookie", "1.2.3.4"), NewJob(()))
    for age, job_id in enumerate([*reversed(mine), theirs, strange]):
        sql("UPDATE uws.jobs SET creation_time = now() - %(a)s * interval '1s' WHERE job_id = %(id)s", a=age, id=job_id)
    assert _ids(store, Requester("me", None, "me")) == list(reversed(mine))
    assert _ids(store, Requester("they", "cookie", "x")) == [theirs]
    assert _ids(store, Requester(None, "cookie", "5.6.7.8")) == [strange]
    assert _ids(store, Requester(None, "another", "1.2.3.4")) == []
    assert _ids(store, Requester(None, None, "1.2.3.4")) == []
    assert _ids(store, None) == [*reversed(mine), theirs, strange]


def test_a_session_never_lists_the_jobs_of_an_owner(store: Store) -> None:
    store.create(Requester("me", "cookie", "me"), NewJob(()))
    assert _ids(store, Requester(None, "cookie", "me")) == []


def test_archived_jobs_are_listed_when_named_only(store: Store) -> None:
    """UWS 1.1 §2.2.2.1."""
    asker = Requester(None, "somebody", "somebody")
    pending, archived = job_in(store, Phase.PENDING), job_in(store, Phase.ARCHIVED)
    assert _ids(store, asker) == [pending.job_id]
    assert _ids(store, asker, Phase.ARCHIVED) == [archived.job_id]
    assert set(_ids(store, asker, Phase.ARCHIVED, Phase.PENDING)) == {pending.job_id, archived.job_id}


def test_filters_of_a_list_are_joined_by_and(store: Store, sql: Sql) -> None:
    """UWS 1.1 §2.2.2.1; AFTER does not take the instant itself."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    jobs = [job_in(store, Phase.ABORTED if number % 2 else Phase.PENDING) for number in range(6)]
    for number, job in enumerate(jobs):
        instant = start + timedelta(milliseconds=number)
        sql("UPDATE uws.jobs SET creation_time = %(t)s WHERE job_id = %(id)s", t=instant, id=job.job_id)
    ids = [job.job_id for job in jobs]
    assert _ids(store, None, after=start + timedelta(milliseconds=3)) == [ids[5], ids[4]]
    assert _ids(store, None, last=2) == [ids[5], ids[4]]
    assert _ids(store, None, Phase.PENDING, last=2) == [ids[4], ids[2]]
    assert _ids(store, None, Phase.PENDING, after=start + timedelta(microseconds=1_500), last=5) == [ids[4], ids[2]]
    assert _ids(store, None, Phase.PENDING, Phase.ABORTED, last=3) == [ids[5], ids[4], ids[3]]
    assert _ids(store, None, Phase.ERROR) == []


def test_a_list_has_a_length_that_it_never_passes(make_store: Callable[..., Store]) -> None:
    store = make_store(list_limit=2)
    for _ in range(3):
        create(store)
    assert len(store.references(None)) == len(store.references(None, last=50)) == 2


def test_a_deleted_job_is_out_of_sight_at_once(store: Store, sql: Sql) -> None:
    for phase in PHASES:
        job = job_in(store, phase)
        store.delete(job.job_id)
        with pytest.raises(NoSuchJob):
            store.job(job.job_id)
        with pytest.raises(NoSuchJob):
            store.delete(job.job_id)
        assert row_of(sql, job)["phase"] in FINAL
    assert _ids(store, None, *PHASES) == []
    assert store.overview() == []


# ---- changes


CHANGES: dict[str, tuple[Callable[[Store, Job], Job], set[Phase]]] = {
    "parameters": (lambda store, job: store.change_parameters(job.job_id, (("A", "1"),), None), {Phase.PENDING}),
    "run_id": (lambda store, job: store.change_run_id(job.job_id, "another"), {Phase.PENDING}),
    "execution_duration": (lambda store, job: store.change_duration(job.job_id, 11), set(PHASES) - FINAL),
    "destruction": (
        lambda store, job: store.change_destruction(job.job_id, job.destruction + timedelta(hours=1)),
        set(PHASES) - {Phase.ARCHIVED},
    ),
}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("what", CHANGES)
def test_a_client_changes_only_what_the_phase_allows(store: Store, sql: Sql, what: str, phase: Phase) -> None:
    """UWS 1.1 §2.1.11, DALI 1.1 §2.1: parameters while PENDING."""
    change, allowed = CHANGES[what]
    job = job_in(store, phase)
    before = row_of(sql, job)
    if phase in allowed:
        after = change(store, job)
        assert getattr(after, what) != getattr(job, what)
        assert {name for name, value in row_of(sql, job).items() if value != before[name]} == {what}
    else:
        with pytest.raises(IllegalMove):
            change(store, job)
        assert row_of(sql, job) == before


@pytest.mark.parametrize("change", [change for change, _ in CHANGES.values()], ids=list(CHANGES))
def test_nothing_changes_a_job_that_is_not_there(store: Store, change: Callable[[Store, Job], Job]) -> None:
    job = create(store)
    store.delete(job.job_id)
    with pytest.raises(NoSuchJob):
        change(store, job)


def test_new_parameters_bring_a_new_cost_and_lane(store: Store) -> None:
    job = create(store, cost=1.0)
    assert job.lane == "short"
    changed = store.change_parameters(job.job_id, (("QUERY", "long"),), 1e9)
    assert (changed.lane, changed.cost) == ("long", 1e9)
    assert store.change_parameters(job.job_id, (("QUERY", "?"),), None).lane == "short"


def test_an_archived_error_still_says_why(store: Store) -> None:
    job = job_in(store, Phase.ERROR)
    assert moved(store, job, Move.ARCHIVE).error == REASON


def test_results_go_when_a_job_is_archived(store: Store) -> None:
    job = job_in(store, Phase.COMPLETED)
    assert job.results
    archived = moved(store, job, Move.ARCHIVE)
    assert (archived.results, archived.end_time) == ((), job.end_time)


# ---- the way to PostgreSQL


def test_a_store_that_cannot_be_reached_says_so_in_time() -> None:
    away = Store("host=/nowhere dbname=nothing", JobLimits(), wait=0.3)
    away.open()
    try:
        with pytest.raises(StoreAway):
            away.jobs([])
    finally:
        away.close()


def test_connections_that_were_cut_are_healed(store: Store, admin: psycopg.Connection) -> None:
    job = create(store)
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'armillary jobs' AND datname = current_database()"
    )
    assert store.job(job.job_id) == job


def test_a_pool_full_of_dead_connections_costs_no_request(
    make_store: Callable[..., Store], admin: psycopg.Connection
) -> None:
    """psycopg's own check would wait 1 + 2 + 4 seconds between them, and give up before."""
    store = make_store(connections=6)
    job = create(store)
    with ExitStack() as lent:
        for _ in range(6):
            lent.enter_context(store.connection())
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'armillary jobs' AND datname = current_database()"
    )
    assert store.job(job.job_id) == job
