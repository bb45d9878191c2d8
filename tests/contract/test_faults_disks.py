"""Disks that are full, each in its turn (docs/demands.md D8; docs/reliability.md).

Each is a small one of its own, which a test fills and empties again. tests/contract/test_jobs_faults.py has the results of a
job that fill it.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tap.config import Config
from tests.conftest import alone, serving
from tests.contract.client import get, request
from tests.contract.faults import (
    COUNT,
    ask,
    asks_to_come_back,
    cluster_of,
    complaints,
    completes,
    eventually,
    everything,
    full,
    job_of,
    phase,
    small_disk,
    stalled,
    submit,
)

ROWS = "SELECT TOP 150000 a.ra, a.dec, b.name FROM demo.ngc AS a, demo.ngc AS b"
SORT = "SELECT TOP 1 a.name || b.name AS x FROM demo.ngc AS a, demo.ngc AS b WHERE b.name < 'IC0500' ORDER BY x OFFSET 2000000"
JOIN = "SELECT COUNT(*) AS n FROM TAP_UPLOAD.mine AS m"
PLACES = ("uploads", "results", "log", "temp")


@dataclass(frozen=True)
class Place:
    """A service whose folders are small disks."""

    url: str
    disks: dict[str, Path]
    service: serving


@pytest.fixture(scope="module")
def place(sample: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("disks")
        disks = {name: stack.enter_context(small_disk(folder / name, 8)) for name in PLACES}
        config = alone(
            sample,
            processes=1,
            upload_folder=str(disks["uploads"]),
            results=str(disks["results"]),
            results_reserve=0,
            log_target=str(disks["log"] / "service.log"),
            spool_memory=100_000,
        )
        service = serving(config, TMPDIR=str(disks["temp"]))
        yield Place(stack.enter_context(service), disks, service)


def upload(url: str, path: str, query: str = JOIN, **form: str) -> tuple[int, str | None, str]:
    """Status, Retry-After and text of a query with a table of two megabytes."""
    table = "ra,dec\n" + "10.123456789,20.123456789\n" * 80_000
    fields = {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "csv", "UPLOAD": "mine,param:t"} | form
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    parts.append(
        f'--b\r\nContent-Disposition: form-data; name="t"; filename="t.csv"\r\nContent-Type: text/csv\r\n\r\n{table}\r\n--b--\r\n'
    )
    reply = request(
        "POST", f"{url}/{path}", "".join(parts).encode(), {"Content-Type": "multipart/form-data; boundary=b"}
    )
    return reply.status, reply.headers["Retry-After"], reply.text


def test_without_room_for_uploads_they_are_refused_and_all_else_goes_on(place: Place) -> None:
    with full(place.disks["uploads"]):
        assert upload(place.url, "sync")[:2] == (503, "300")
        assert upload(place.url, "async", PHASE="RUN")[:2] == (503, "300")
        assert ask(place.url).status == 200
        assert completes(job_of(place.url, submit(place.url)))
    assert upload(place.url, "sync")[::2] == (200, "n\n80000\n")
    assert complaints(place.service) == []


def test_without_room_for_files_of_jobs_nothing_is_acknowledged_that_is_not_kept(place: Place) -> None:
    with full(place.disks["results"]):
        assert upload(place.url, "async", PHASE="RUN")[:2] == (503, "300")
        assert ask(place.url).status == 200
        unlucky = job_of(place.url, submit(place.url))
        assert eventually(lambda: phase(unlucky) == "ERROR")
        assert "no room for results" in get(unlucky).text
    assert completes(job_of(place.url, submit(place.url)))
    status, _, document = upload(place.url, "async", PHASE="RUN")
    assert status == 200, document
    assert complaints(place.service) == []


def test_results_whose_disk_is_not_mounted_are_kept_and_nothing_is_written_in_their_place(place: Place) -> None:
    job = job_of(place.url, submit(place.url))
    assert completes(job)
    # As an empty mount point, while another disk lies over it.
    with small_disk(place.disks["results"], 8) as folder:
        assert asks_to_come_back(get(f"{job}/results/result"))
        assert phase(job) == "COMPLETED"
        assert asks_to_come_back(submit(place.url))
        assert list(folder.iterdir()) == []
    assert get(f"{job}/results/result").text == "n\n14033\n"
    assert completes(job_of(place.url, submit(place.url)))
    assert complaints(place.service) == []


def test_a_log_without_room_stops_nothing(place: Place) -> None:
    with full(place.disks["log"]):
        jobs = [job_of(place.url, submit(place.url)) for _ in range(3)]
        assert all(completes(job, 10) for job in jobs)
        assert ask(place.url).status == 200
        assert ask(place.url, "SELECT nothing FROM demo.ngc").status == 400
    size = (place.disks["log"] / "service.log").stat().st_size
    assert ask(place.url).status == 200
    # The line is written when the answer is sent.
    assert eventually(lambda: (place.disks["log"] / "service.log").stat().st_size > size, 10)
    assert complaints(place.service) == []


def test_a_result_for_a_slow_client_that_finds_no_room_is_cut_and_others_are_whole(place: Place) -> None:
    """Beyond spool_memory it waits in the folder for temporary files."""
    with full(place.disks["temp"]), stalled(place.url, ROWS, MAXREC="150000") as client:
        assert ask(place.url).text == "n\n14033\n"
        assert completes(job_of(place.url, submit(place.url, ROWS, MAXREC="150000")))
        assert not everything(client).endswith(b"0\r\n\r\n")
    assert ask(place.url, ROWS, MAXREC="150000").text.count("\n") == 150_001
    assert complaints(place.service) == []


def test_without_room_for_sorting_a_query_is_told_to_come_back(sample: Config, place: Place) -> None:
    """PostgreSQL's temporary files have a disk of their own for once."""
    data = cluster_of(sample).data
    owner = str(data.stat().st_uid)
    with small_disk(data / "base" / "pgsql_tmp", 1, owner):
        assert asks_to_come_back(ask(place.url, SORT))
        assert ask(place.url, COUNT).status == 200
        unlucky = job_of(place.url, submit(place.url, SORT))
        assert eventually(lambda: phase(unlucky) == "ERROR", 20)
        assert 'type="transient"' in get(unlucky).text
    assert ask(place.url, COUNT).status == 200
    assert complaints(place.service) == []
