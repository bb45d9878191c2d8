"""Jobs: from creation to result, twenty at once, a list over a million of them, a thousand that wait.

    python bench/jobs.py [--jobs 1000000] [--waiters 1000]

Runs a private cluster and a service of its own. The ratio of a job is to the same query by /sync in the same run.
"""

import argparse
import asyncio
import http.client
import re
import resource
import shutil
import statistics
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

import psycopg
from service import free_port, start

from tap.auth.visitor import COOKIE
from tap.config import Config
from tap.engine import database
from uws.job import JobLimits, NewJob, Requester
from uws.store import Store

QUERY = "SELECT TOP 3 table_name FROM TAP_SCHEMA.tables"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
VISITOR = "a-visitor-with-a-million-jobs"
MILLION = """
INSERT INTO uws.jobs (job_id, session, share, phase, creation_time, start_time, end_time, queue_time,
                      execution_duration, destruction, parameters, error_message, error_type)
SELECT md5(i::text), encode(sha256(%(visitor)s::bytea), 'hex'), 'bench', phase, now() - i * interval '1 second',
       now(), now(), now(), 60, now() + interval '7 days', '[["QUERY", "SELECT 1 AS one FROM t"]]', error, type
FROM generate_series(1, %(count)s) AS i,
LATERAL (SELECT CASE WHEN i %% 10 = 0 THEN 'ERROR' ELSE 'COMPLETED' END AS phase,
                CASE WHEN i %% 10 = 0 THEN 'no' END AS error, CASE WHEN i %% 10 = 0 THEN 'fatal' END AS type) AS p
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--jobs", type=int, default=1_000_000)
    arguments.add_argument("--waiters", type=int, default=1_000)
    options = arguments.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
    folder = Path(tempfile.mkdtemp(prefix="armillary-bench-"))
    folder.chmod(0o755)
    config = Config().changed(base_url=f"http://localhost:{(port := free_port())}/tap", port=port, data_dir=str(folder))
    try:
        with database.running_database(config):
            database.prepare(config, print)
            measure(config, options.jobs, options.waiters)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(config: Config, jobs: int, waiters: int) -> None:
    service = start(config)
    try:
        client = http.client.HTTPConnection("127.0.0.1", config.web.port)
        sync, job = interleaved(client, 60)
        print(f"/sync                                    {sync:8.2f} ms")
        print(f"job, from creation to its result         {job:8.2f} ms  ratio {job / sync:.1f}")
        print(f"twenty at once                           {median_of(lambda: twenty(config), 7):8.2f} ms")
        fill(config, jobs)
        client = http.client.HTTPConnection("127.0.0.1", config.web.port)
        for title, query in (("", ""), (" in ERROR", "&PHASE=ERROR"), (" EXECUTING: none", "&PHASE=EXECUTING")):
            took = median_of(lambda query=query: listed(client, query), 25)  # type: ignore[misc]
            print(f"LAST=100{title:18} of {jobs:,} jobs {took:8.2f} ms")
    finally:
        service.terminate()
        service.wait()
    # Workers look after their queue all the time: without them the database is silent but for those who wait.
    config = config.changed(workers=0)
    service = start(config)
    try:
        asyncio.run(wait_together(config, waiters, 1))
        asyncio.run(wait_together(config, waiters, waiters))
    finally:
        service.terminate()
        service.wait()


def median_of(trial: object, rounds: int) -> float:
    """Milliseconds."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        trial()  # type: ignore[operator]
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def interleaved(client: http.client.HTTPConnection, rounds: int) -> tuple[float, float]:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for trial, found in zip((one_sync, one_job), times, strict=True):
            begun = time.perf_counter()
            trial(client)
            found.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times[0]), statistics.median(times[1])


def one_sync(client: http.client.HTTPConnection) -> None:
    client.request("POST", "/tap/sync", urllib.parse.urlencode({"LANG": "ADQL", "QUERY": QUERY}), FORM)
    client.getresponse().read()


def one_job(client: http.client.HTTPConnection) -> None:
    """As a client does that knows UWS 1.1: create and run, WAIT for each change, fetch."""
    form = urllib.parse.urlencode({"LANG": "ADQL", "QUERY": QUERY, "PHASE": "RUN"})
    client.request("POST", "/tap/async", form, FORM)
    answer = client.getresponse()
    answer.read()
    path = urllib.parse.urlsplit(answer.headers["Location"]).path
    phase = "QUEUED"
    while phase in {"QUEUED", "EXECUTING"}:
        client.request("GET", f"{path}?WAIT=-1&PHASE={phase}")
        phase = re.findall(rb"<uws:phase>(\w+)", client.getresponse().read())[0].decode()
    assert phase == "COMPLETED", phase
    client.request("GET", f"{path}/results/result")
    client.getresponse().read()


def twenty(config: Config) -> None:
    threads = [
        threading.Thread(target=lambda: one_job(http.client.HTTPConnection("127.0.0.1", config.web.port)))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def fill(config: Config, count: int) -> None:
    with psycopg.connect(database.jobs_conninfo(config), autocommit=True) as connection:
        connection.execute("ALTER TABLE uws.jobs DISABLE TRIGGER tell_created")
        connection.execute(MILLION, {"visitor": VISITOR, "count": count})
        connection.execute("ALTER TABLE uws.jobs ENABLE TRIGGER tell_created")
        connection.execute("VACUUM ANALYZE uws.jobs")


def listed(client: http.client.HTTPConnection, query: str) -> None:
    client.request("GET", f"/tap/async?LAST=100{query}", headers={"Cookie": f"{COOKIE}={VISITOR}"})
    answer = client.getresponse().read()
    assert answer.count(b"<uws:jobref") == (0 if "EXECUTING" in query else 100)


async def wait_together(config: Config, waiters: int, jobs: int) -> None:
    """How long after a change the waiters have their answers, and what the database did for them meanwhile."""
    store = Store(database.jobs_conninfo(config), JobLimits(waiting_per_owner=10**6), 1)
    store.open()
    asker = Requester(None, None, "bench")
    ids = [store.create(asker, NewJob((("QUERY", "x"),))) for _ in range(jobs)]
    tasks = [asyncio.create_task(waiter(config.web.port, ids[i % jobs])) for i in range(waiters)]
    await asyncio.sleep(max(5, waiters / 200))
    with psycopg.connect(database.jobs_conninfo(config), autocommit=True) as connection:
        await asyncio.sleep(5)
        queries = asked_lately(connection)
        begun = time.perf_counter()
        connection.execute("UPDATE uws.jobs SET phase = 'ABORTED', end_time = now() WHERE job_id = ANY (%s)", (ids,))
        woken = sorted((at - begun) * 1000 for at in await asyncio.gather(*tasks))
    store.close()
    title = f"{waiters:,} waiting for {jobs:,} jobs"
    print(f"{title:40} {statistics.median(woken):8.2f} ms to wake (median; last {woken[-1]:.0f})")
    print(f"{'':40} {queries:8} of the service's connections asked anything in the last 4 s")


def asked_lately(connection: psycopg.Connection) -> int:
    """On how many connections the service asked anything in the last seconds."""
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'armillary jobs'"
        " AND query_start > now() - interval '4 seconds'"
    ).fetchone()
    return int(row[0]) if row else 0


async def waiter(port: int, job_id: str) -> float:
    """When the answer was there."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /tap/async/{job_id}?WAIT=-1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read(1 << 20)
    at = time.perf_counter()
    assert b"ABORTED" in answer or b"ABORTED" in await reader.read(), answer[:300]
    writer.close()
    return at


if __name__ == "__main__":
    main()
