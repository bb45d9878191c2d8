"""What Prometheus is told, compared with what was asked of the service."""

import os
import signal
import struct
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bench.kill import WEB_PROCESS
from bench.processes import descendants
from tap.config import Config
from tap.metrics import client_of, kind_of
from tap.metrics_server import ProcessCounts
from tests.conftest import alone, free_port, serving
from tests.contract.client import get
from tests.contract.own_tables import Asker
from tests.contract.test_threats_faults import eventually
from tests.people import MakePerson
from tests.tap.test_running_queries import Endless

NGC = "SELECT TOP 7 name, ra FROM demo.ngc"


@dataclass(frozen=True)
class Counted:
    """A service of one's own with metrics."""

    service: str
    port: int
    pid: int

    def all(self) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
        """The samples of each name by their labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=20) as answer:
            text = answer.read().decode()
        samples: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                samples.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
        return samples

    def value(self, name: str, **labels: str) -> float:
        return self.all().get(name, {}).get(frozenset(labels.items()), 0.0)

    def becomes(self, expected: float, name: str, **labels: str) -> bool:
        return eventually(lambda: self.value(name, **labels) == expected, 10)


@pytest.fixture(scope="module")
def counted(sample: Config) -> Iterator[Counted]:
    port = free_port()
    server = serving(alone(sample, processes=2, workers=1, metrics_port=port))
    with server as url:
        yield Counted(url, port, server.process.pid)


def query(service: str, text: str = NGC, **parameters: str) -> Any:
    return get(f"{service}/sync", {"LANG": "ADQL", "QUERY": text, "FORMAT": "csv", **parameters})


def test_requests_rows_and_bytes_are_those_that_were_asked_and_sent(counted: Counted) -> None:
    before = counted.all()

    def more(name: str, **labels: str) -> float:
        return counted.value(name, **labels) - before.get(name, {}).get(frozenset(labels.items()), 0.0)

    sent = sum(len(query(counted.service).body) for _ in range(20))
    # A request is counted when its answer has left.
    assert eventually(lambda: more("armillary_requests_total", kind="sync", status="200") == 20, 10)
    assert more("armillary_request_seconds_count", kind="sync") == 20
    assert more("armillary_rows_out_total") == 140
    assert more("armillary_bytes_out_total", kind="sync") == sent
    assert more("armillary_query_stage_seconds_total", stage="translate") > 0
    query(counted.service, "SELECT nothing FROM demo.ngc")
    assert eventually(lambda: more("armillary_errors_total", kind="sync", cause="UnknownColumn") == 1, 10)


def test_bytes_that_came_in_are_counted(counted: Counted, person: MakePerson) -> None:
    before = counted.value("armillary_bytes_in_total", kind="sync")
    body = b"LANG=ADQL&QUERY=SELECT+1+AS+one&FORMAT=csv"
    Asker(counted.service).call("POST", "sync", body, Content_Type="application/x-www-form-urlencoded")
    assert counted.becomes(before + len(body), "armillary_bytes_in_total", kind="sync")


def test_jobs_are_counted_by_the_process_that_runs_them(counted: Counted, person: MakePerson) -> None:
    ada = Asker(counted.service, person())
    ada.run(NGC)
    ada.run("SELECT 1/0 AS x FROM demo.ngc")

    def moved(phase: str) -> float:
        return sum(
            n for labels, n in counted.all().get("armillary_job_moves_total", {}).items() if ("phase", phase) in labels
        )

    # A worker counts a job after everybody can see that it has ended.
    assert eventually(lambda: moved("ERROR") == moved("COMPLETED") == 1, 10)
    assert eventually(lambda: sum(counted.all().get("armillary_job_seconds_count", {}).values()) == 2, 10)


def test_what_runs_now_is_told_and_forgotten_when_its_process_is_gone(counted: Counted, person: MakePerson) -> None:
    endless = Endless(Asker(counted.service, person()))
    assert counted.becomes(1, "armillary_queries", stage="first row")
    before = counted.value("armillary_requests_total", kind="sync", status="200")
    for child in _web_processes(counted.pid):
        os.kill(child, signal.SIGKILL)
    endless.abandon()
    assert counted.becomes(0, "armillary_queries", stage="first row")
    assert counted.value("armillary_requests_total", kind="sync", status="200") == before
    assert eventually(lambda: _answers(counted.service), 20)


def _web_processes(parent: int) -> list[int]:
    """Return the processes of `armillary serve` that answer requests."""
    return [pid for pid in descendants(parent) if Path(f"/proc/{pid}/comm").read_text().strip() == WEB_PROCESS]


def _answers(service: str) -> bool:
    try:
        return bool(query(service).status == 200)
    except OSError:
        return False


def test_what_the_database_and_the_disks_say_is_there(counted: Counted) -> None:
    samples = counted.all()
    assert samples["armillary_up"] == {
        frozenset({("part", "database")}): 1.0,
        frozenset({("part", "job store")}): 1.0,
        frozenset({("part", "results")}): 1.0,
    }
    assert set(samples["armillary_jobs"].values()) == {0.0}
    for place in ("data", "uploads", "results"):
        free, size = (
            samples[name][frozenset({("place", place)})]
            for name in ("armillary_disk_free_bytes", "armillary_disk_bytes")
        )
        assert 0 < free < size


def test_nothing_that_strangers_send_makes_a_label(counted: Counted) -> None:
    root = counted.service.removesuffix("/tap")

    def ask(number: int) -> None:
        """Ask for what there is not, in many places, by names that nobody has."""
        agent = f'agent-{number}"}} {number}'
        for path in (
            f"a{number}{{b}}",
            f"tap/%22{number}%22",
            f"tap/sync/{number}",
            f"tap/async/{number}",
            f"%0A{number}",
        ):
            get(f"{root}/{path}", User_Agent=agent)
        query(counted.service, f"SELECT c{number} FROM demo.ngc", RUNID=agent)
        query(counted.service, f"SELECT name FROM no.table{number}")

    ask(0)
    before = labels(counted)
    for number in range(1, 20):
        ask(number)
    assert labels(counted) == before


def labels(counted: Counted) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    return {(name, key) for name, samples in counted.all().items() for key in samples}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/tap/sync", "sync"), ("/tap/async/1/phase", "async"), ("/tap/tables/demo.ngc", "tables"), ("/", "page"), ("/tap", "page"),
        ("/-/list", "page"), ("/scs/demo.ngc", "scs"), ("/sia/query", "sia"), ("/oai", "oai"), ("/tap/standing/1", "standing"), ("/{x}", "other"), ("/login", "login"), ("/tap/nothing", "other"), ("/wp-admin/x.php", "other"), ("//", "page"),
    ],
)  # fmt: skip
def test_a_path_is_of_a_kind(path: str, kind: str) -> None:
    assert kind_of(path) == kind


@pytest.mark.parametrize(
    ("agent", "client"),
    [
        ("TOPCAT/4.10-2 STIL/4.3-2 (IVOA-copy) Java/17.0.8", "topcat"),
        ("STILTS/3.5-2 STIL/4.3-2 Java/17.0.8", "stilts"),
        ("pyVO/1.7 Python/3.11.7 (Linux) (IVOA-copy)", "pyvo"),
        ("astroquery/0.4.8 pyVO/1.7 Python/3.11", "astroquery"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36", "browser"),
        ("curl/7.88.1", "curl"), ("python-requests/2.32", "python"), ("Python-urllib/3.11", "python"), ("Java/17", "java"),
        ("", "other"), ("x", "other"),
    ],
)  # fmt: skip
def test_software_is_known_by_how_it_calls_itself(agent: str, client: str) -> None:
    assert client_of(agent) == client


def test_no_port_is_opened_unless_it_is_wanted() -> None:
    assert Config().log.metrics_port == 0


def test_a_file_that_a_process_is_just_making_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "counter_1.db"
    file.touch()
    made = threading.Timer(0.1, file.unlink)
    made.start()
    assert list(ProcessCounts(str(tmp_path)).collect()) == []
    file.touch()
    with pytest.raises(struct.error):
        list(ProcessCounts(str(tmp_path)).collect())
