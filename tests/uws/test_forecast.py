"""Quotes are made from how long jobs of the same cost took here, and there is none where nobody knows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.uws.conftest import RESULT, Sql, attempt_of, claimed, create
from uws.forecast import outlook
from uws.job import Job, JobLimits
from uws.phases import FINAL, Phase
from uws.queue import Queue
from uws.store import Store

LIMITS = JobLimits()


def ran(store: Store, sql: Sql, cost: float, seconds: float) -> None:
    """Lets a job run from beginning to end that takes so long by the database's clock."""
    create(store, run=True, cost=cost)
    job = claimed(store)
    sql(
        "UPDATE uws.jobs SET start_time = now() - %(s)s * interval '1 s' WHERE job_id = %(id)s",
        s=seconds,
        id=job.job_id,
    )
    assert Queue(store).complete(attempt_of(job), (RESULT,), {})


def seconds_left(job: Job) -> float | None:
    quote = outlook(job, LIMITS).quote
    return None if quote is None else (quote - datetime.now(UTC)).total_seconds()


def test_there_is_no_quote_before_five_like_jobs_have_run(store: Store, sql: Sql) -> None:
    for count in range(6):
        job = create(store, cost=100.0)
        assert (seconds_left(job) is not None) == (count >= 5), f"after {count}"
        ran(store, sql, cost=100.0, seconds=30)


def test_a_quote_is_near_what_jobs_of_this_cost_took(store: Store, sql: Sql) -> None:
    for _ in range(5):
        ran(store, sql, cost=100.0, seconds=30)
        ran(store, sql, cost=100_000.0, seconds=600)
    assert seconds_left(create(store, cost=100.0)) == pytest.approx(30, abs=3)
    assert seconds_left(create(store, cost=140.0)) == pytest.approx(30, abs=3)
    assert seconds_left(create(store, cost=90_000.0)) == pytest.approx(600, abs=3)
    assert seconds_left(create(store, cost=3_000.0)) is None
    assert seconds_left(create(store, cost=None)) is None


def test_four_of_five_jobs_are_done_by_their_quote(store: Store, sql: Sql) -> None:
    for seconds in (10, 20, 30, 40, 50):
        ran(store, sql, cost=7.0, seconds=seconds)
    assert seconds_left(create(store, cost=7.0)) == pytest.approx(42, abs=3)


def test_what_jobs_took_puts_them_into_their_lane(make_store: Callable[..., Store], sql: Sql) -> None:
    store = make_store(short_lane=10)
    assert create(store, cost=100.0).lane == "short"
    for _ in range(5):
        ran(store, sql, cost=100.0, seconds=30)
    assert create(store, cost=100.0).lane == "long"


@pytest.fixture
def running(store: Store) -> Job:
    create(store, run=True)
    return replace(claimed(store), expected=30.0)


def test_a_running_job_is_quoted_from_its_beginning(running: Job) -> None:
    begun = replace(running, start_time=datetime.now(UTC) - timedelta(seconds=20))
    assert seconds_left(begun) == pytest.approx(10, abs=2)


def test_a_job_that_is_late_has_no_quote(running: Job) -> None:
    assert seconds_left(replace(running, start_time=datetime.now(UTC) - timedelta(seconds=40))) is None


def test_a_job_behind_others_has_no_quote(running: Job) -> None:
    queued = replace(running, phase=Phase.QUEUED, start_time=None, ahead=1)
    assert seconds_left(queued) is None
    assert seconds_left(replace(queued, ahead=0)) == pytest.approx(30, abs=2)


@pytest.mark.parametrize("phase", sorted(FINAL))
def test_what_has_ended_has_no_quote(running: Job, phase: Phase) -> None:
    assert seconds_left(replace(running, phase=phase)) is None


@pytest.mark.parametrize(
    ("phase", "words"), [(Phase.PENDING, "PHASE=RUN"), (Phase.HELD, "operator"), (Phase.SUSPENDED, "operator")]
)
def test_what_does_not_run_says_what_it_waits_for(running: Job, phase: Phase, words: str) -> None:
    assert words in (outlook(replace(running, phase=phase), LIMITS).waits_for or "")


def test_a_queued_job_says_whose_jobs_it_waits_for(running: Job) -> None:
    queued = replace(running, phase=Phase.QUEUED, lane="long")
    assert "long lane" in (outlook(replace(queued, running=2), LIMITS).waits_for or "")
    assert "3 running jobs of the same owner" in (outlook(replace(queued, running=3), LIMITS).waits_for or "")
    assert "long lane" in (outlook(replace(queued, running=9), JobLimits(running_per_owner=0)).waits_for or "")


def test_what_runs_or_has_ended_waits_for_nothing(running: Job) -> None:
    for phase in {Phase.EXECUTING} | FINAL:
        assert outlook(replace(running, phase=phase), LIMITS).waits_for is None


# ---- between which seconds jobs of like cost took


def took(sql: Sql, cost: float, *seconds: float) -> None:
    for each in seconds:
        sql("INSERT INTO uws.runs (cost, seconds) VALUES (%(cost)s, %(seconds)s)", cost=cost, seconds=each)


def test_before_nine_like_jobs_have_run_nothing_is_said_of_their_seconds(store: Store, sql: Sql) -> None:
    assert store.durations(100.0) is None
    took(sql, 100.0, *range(8))
    took(sql, 1000.0, *range(9))
    assert store.durations(100.0) is None
    took(sql, 100.0, 8.0)
    assert store.durations(100.0) == (0, 8)


def test_jobs_are_alike_from_half_to_twice_the_cost(store: Store, sql: Sql) -> None:
    took(sql, 49.9, *[1.0] * 5)
    took(sql, 50.0, 2.0)
    took(sql, 100.0, *range(3, 10))
    took(sql, 200.0, 10.0)
    took(sql, 200.1, *[70.0] * 5)
    assert store.durations(100.0) == (2, 10)


def test_the_latest_five_hundred_count(store: Store, sql: Sql) -> None:
    took(sql, 100.0, *[1000.0] * 9)
    sql("UPDATE uws.runs SET finished = finished - interval '1 day'")
    took(sql, 100.0, *[1.0] * 500)
    assert store.durations(100.0) == (1, 1)


def test_a_job_that_ended_counts(store: Store, sql: Sql) -> None:
    for seconds in range(10, 100, 10):
        ran(store, sql, cost=7.0, seconds=seconds)
    assert store.durations(7.0) == pytest.approx((10, 90), abs=3)


@pytest.mark.parametrize("known", [9, 25, 100])
def test_four_of_five_jobs_to_come_lie_between_them(store: Store, sql: Sql, known: int) -> None:
    """Of a log whose times differ as much as those of queries do, the last part is held out; the first is known."""
    random, inside = np.random.default_rng(known), []
    for _ in range(150):
        log = random.lognormal(0, 1.2, known + 100)
        sql("DELETE FROM uws.runs")
        sql("INSERT INTO uws.runs (cost, seconds) SELECT 5, unnest(%(seconds)s)", seconds=log[:known].tolist())
        least, most = store.durations(5.0) or (0, 0)
        inside.append(np.mean((least <= log[known:]) & (log[known:] <= most)))
    assert np.mean(inside) == pytest.approx(0.8 if known == 9 else 0.82, abs=0.03)
