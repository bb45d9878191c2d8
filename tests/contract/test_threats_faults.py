"""Time, memory, slow and vanishing clients, a restarted database (docs/demands.md A13, B11-B15, D2)."""

import contextlib
import http.client
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import pytest
from lxml import etree

from tap.config import Config
from tap.engine import database
from tap.engine.private import ADMIN, PrivateCluster
from tests.conftest import free_port, serving
from tests.contract.test_threats_language import ask

pytestmark = pytest.mark.long

ENDLESS = "SELECT COUNT(*) AS n FROM demo.ngc AS a, demo.ngc AS b, demo.ngc AS c WHERE a.ra + b.ra < c.ra"
FORMATS = ("votable", "votable/b", "votable/td", "csv", "tsv")
LIMIT = 2.0


def _sibling(config: Config, **changes: Any) -> Config:
    port = free_port()
    return config.changed(port=port, base_url=f"http://localhost:{port}/tap", processes=1, **changes)


@contextlib.contextmanager
def _serving(config: Config, **changes: Any) -> Iterator[str]:
    """A service with a changed configuration; afterwards the role has the settings of `config` again."""
    try:
        with serving(_sibling(config, **changes)) as url:
            yield url
    finally:
        database.prepare(config, lambda _: None)


@pytest.fixture(scope="module")
def hasty(sample: Config) -> Iterator[str]:
    """A service with a short time limit, few places and one web process."""
    with _serving(sample, sync_limit=LIMIT, concurrent_queries=3, queue_limit=1.0) as url:
        yield url


@pytest.fixture
def admin(sample: Config) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.cluster_of(sample.database).conninfo(ADMIN), autocommit=True) as connection:
        yield connection


def busy(admin: psycopg.Connection) -> int:
    """Sessions of strangers that are not idle."""
    row = admin.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'armillary_reader' AND state <> 'idle'"
    ).fetchone()
    return int(row[0]) if row else -1


def eventually(check: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def memory(pid: int, what: str = "RssAnon") -> int:
    """Of a process, in MB; 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith(what)), 0)


class PeakOfBackends:
    """The most memory of its own that one backend of the reader had, looked at ten times a second."""

    def __init__(self, config: Config) -> None:
        self.megabytes = 0
        self._conninfo = database.cluster_of(config.database).conninfo(ADMIN)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            while not self._done.wait(0.1):
                pids = connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE usename = 'armillary_reader'"
                ).fetchall()
                self.megabytes = max([self.megabytes, *(memory(pid) for (pid,) in pids)])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()


def _open(
    service: str, query: str, response_format: str = "csv", *, receive_buffer: int = 0, **parameters: str
) -> socket.socket:
    """A request, sent; its answer is not read yet."""
    address = urllib.parse.urlsplit(service)
    body = urllib.parse.urlencode({"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": response_format, **parameters})
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", address.port or 80))
    head = f"POST /tap/sync HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body.encode())
    return connection


def _rest(connection: socket.socket) -> bytes:
    found = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(1 << 16):
            found += data
    return bytes(found)


# ---- G14, A13: the time limit


@pytest.mark.long
@pytest.mark.parametrize("response_format", FORMATS)
def test_a_query_without_end_is_ended_in_each_format(
    hasty: str, admin: psycopg.Connection, response_format: str
) -> None:
    told = ask(hasty, ENDLESS, response_format)
    assert told.status == 504
    assert "longer than this service allows" in told.message
    assert LIMIT - 0.5 < told.seconds < LIMIT + 2
    assert eventually(lambda: busy(admin) == 0, 2)


SLOW = {
    "sort": "SELECT TOP 1 a.ra FROM demo.stars AS a, demo.ngc AS b ORDER BY a.ra * b.ra",
    "group": "SELECT TOP 1 COUNT(*) AS n FROM demo.stars AS a, demo.ngc AS b GROUP BY a.ra * b.ra",
    "distinct": "SELECT DISTINCT a.ra * b.ra AS x FROM demo.stars AS a, demo.ngc AS b",
    "string_agg": "SELECT ivo_string_agg(a.name, b.name) AS x FROM demo.ngc AS a, demo.ngc AS b",
    "histogram": "SELECT ivo_histogram(a.ra, 0, 360, 100000) AS x FROM demo.stars AS a, demo.ngc AS b",
    "polygon": "SELECT COUNT(*) AS n FROM demo.stars AS a, demo.ngc AS b WHERE 1 = CONTAINS(POINT(a.ra, a.dec), POLYGON(b.ra, b.dec, b.ra + 1, b.dec, b.ra, b.dec + 1))",
    "pattern": f"SELECT COUNT(*) AS n FROM demo.stars AS a, demo.ngc AS b WHERE a.tyc_id || b.name ILIKE '{'%1_' * 4}x'",
}


@pytest.mark.parametrize("kind", SLOW)
def test_each_kind_of_heavy_work_ends_with_the_limit(hasty: str, admin: psycopg.Connection, kind: str) -> None:
    told = ask(hasty, SLOW[kind])
    assert told.status == 504
    assert told.seconds < LIMIT + 2.5
    assert eventually(lambda: busy(admin) == 0, 3)


def test_the_limit_in_the_middle_of_a_result_is_told_by_a_votable(hasty: str, admin: psycopg.Connection) -> None:
    """Rows at once, then none for ever."""
    query = f"SELECT ra FROM demo.ngc UNION ALL {ENDLESS.replace('COUNT(*) AS n', 'a.ra').replace('< c.ra', '< c.ra - 9999')}"
    told = ask(hasty, query, "votable/td", MAXREC="20000000")
    assert told.status == 200
    assert told.seconds < LIMIT + 2
    infos = [info.get("value") for info in etree.fromstring(told.body).iterfind(".//{*}INFO[@name='QUERY_STATUS']")]
    assert infos == ["OK", "ERROR"]
    assert eventually(lambda: busy(admin) == 0, 2)


# ---- B14, B15: errors amid a streamed answer


def late_fault(service: str, response_format: str, *, gzip: bool = False) -> tuple[int, bytes, bool]:
    """Status, body and whether the answer was whole, of a query that divides by zero after many rows."""
    query = (
        "SELECT q.x, 1 / (q.x - 700) AS y FROM (SELECT a.position_angle AS x FROM demo.ngc AS a WHERE a.position_angle IS NOT NULL"
        " UNION ALL SELECT a.position_angle AS x FROM demo.ngc AS a, demo.ngc AS b WHERE a.position_angle IS NOT NULL AND b.name < 'IC0100'"
        " UNION ALL SELECT 700 AS x FROM demo.ngc AS a WHERE a.name = 'NGC0224') AS q"
    )
    address = urllib.parse.urlsplit(service)
    connection = http.client.HTTPConnection("127.0.0.1", address.port or 80, timeout=60)
    form = urllib.parse.urlencode(
        {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": response_format, "MAXREC": "20000000"}
    )
    headers = {"Content-Type": "application/x-www-form-urlencoded"} | ({"Accept-Encoding": "gzip"} if gzip else {})
    connection.request("POST", "/tap/sync", form, headers)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read(), True
    except (http.client.IncompleteRead, ConnectionResetError) as error:
        return answer.status, getattr(error, "partial", b""), False
    finally:
        connection.close()


@pytest.mark.parametrize("response_format", ["votable", "votable/b", "votable/td"])
def test_a_late_error_ends_a_votable_that_is_well_formed(service: str, response_format: str) -> None:
    status, body, whole = late_fault(service, response_format)
    assert (status, whole) == (200, True)
    root = etree.fromstring(body, etree.XMLParser(huge_tree=True))
    infos = list(root.iterfind(".//{*}INFO[@name='QUERY_STATUS']"))
    assert [info.get("value") for info in infos] == ["OK", "ERROR"]
    assert "division by zero" in str(infos[-1].text)
    assert len(body) > 500_000


@pytest.mark.parametrize("response_format", ["csv", "tsv"])
@pytest.mark.parametrize("gzip", [False, True])
def test_a_late_error_breaks_a_csv_off(service: str, response_format: str, gzip: bool) -> None:
    status, _, whole = late_fault(service, response_format, gzip=gzip)
    assert status == 200
    assert not whole


# ---- B12: slow readers


def test_a_client_that_does_not_read_holds_no_session(service: str, admin: psycopg.Connection) -> None:
    query = "SELECT TOP 300000 tyc_id, ra, dec FROM demo.stars"
    clients = [_open(service, query, receive_buffer=4096, MAXREC="300000") for _ in range(4)]
    try:
        time.sleep(0.3)
        assert eventually(lambda: busy(admin) == 0, 10)
        assert ask(service, "SELECT COUNT(*) AS n FROM demo.ngc").status == 200
        whole = _rest(clients[0])
        assert whole.endswith(b"0\r\n\r\n")
        assert whole.count(b"\n") > 300_000
    finally:
        for client in clients:
            client.close()


@pytest.mark.long
def test_a_client_that_takes_nothing_is_left(sample: Config) -> None:
    """stall_limit: the answer is broken off, not cut as if it were whole."""
    with (
        _serving(sample, stall_limit=1.0) as url,
        _open(url, "SELECT * FROM demo.stars", receive_buffer=4096, MAXREC="500000") as client,
    ):
        time.sleep(3)
        assert not _rest(client).endswith(b"0\r\n\r\n")


# ---- B13, G8: clients that leave


@pytest.mark.parametrize("response_format", ["csv", "votable"])
def test_a_query_whose_client_left_before_the_answer_ends(
    service: str, admin: psycopg.Connection, response_format: str
) -> None:
    client = _open(service, ENDLESS, response_format)
    assert eventually(lambda: busy(admin) == 1, 3)
    client.close()
    assert eventually(lambda: busy(admin) == 0, 3)


def test_a_query_whose_client_left_amid_the_answer_ends(service: str, admin: psycopg.Connection) -> None:
    client = _open(service, "SELECT a.ra, b.ra FROM demo.ngc AS a, demo.ngc AS b", MAXREC="20000000")
    assert client.recv(1000).startswith(b"HTTP/1.1 200")
    client.close()
    assert eventually(lambda: busy(admin) == 0, 3)


@pytest.mark.parametrize("response_format", ["csv", "votable", "parquet", "fits"])
def test_clients_that_leave_are_no_fault_of_the_service(
    sample: Config, admin: psycopg.Connection, response_format: str
) -> None:
    service = serving(_sibling(sample))
    with service as url:
        query = "SELECT a.ra, b.ra FROM demo.ngc AS a, demo.ngc AS b"
        client = _open(url, query, response_format, MAXREC="20000000")
        assert eventually(lambda: busy(admin) == 1, 3)
        time.sleep(0.3)
        client.close()
        assert eventually(lambda: busy(admin) == 0, 3)
    log = service.log.read_text()
    assert '"path": "/tap/sync", "status": 499' in log
    assert '"path": "/tap/sync", "status": 200' not in log
    assert "Traceback" not in log


def test_a_query_of_a_client_that_hung_up_by_force_ends(service: str, admin: psycopg.Connection) -> None:
    client = _open(service, ENDLESS)
    assert eventually(lambda: busy(admin) == 1, 3)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    assert eventually(lambda: busy(admin) == 0, 3)


def test_clients_that_left_while_they_waited_start_nothing(hasty: str, admin: psycopg.Connection) -> None:
    holders = [_open(hasty, ENDLESS) for _ in range(3)]
    assert eventually(lambda: busy(admin) == 3, 3)
    waiting = [_open(hasty, ENDLESS) for _ in range(5)]
    for client in (*waiting, *holders):
        client.close()
    assert eventually(lambda: busy(admin) == 0, 3)
    time.sleep(0.3)
    assert busy(admin) == 0
    assert ask(hasty, "SELECT COUNT(*) AS n FROM demo.ngc").rows == ["14033"]


# ---- D21, B11: too many at once


def test_too_many_queries_get_503_with_retry_after(hasty: str, admin: psycopg.Connection) -> None:
    holders = [_open(hasty, ENDLESS) for _ in range(3)]
    try:
        assert eventually(lambda: busy(admin) == 3, 3)
        told = ask(hasty, "SELECT COUNT(*) AS n FROM demo.ngc")
        assert told.status == 503
        assert int(told.retry_after or 0) > 0
        assert "Too many queries" in told.message
        assert told.seconds < 2
        with urllib.request.urlopen(f"{hasty}/availability", timeout=5) as answer:
            assert b">true<" in answer.read()
    finally:
        for client in holders:
            client.close()
    assert eventually(lambda: ask(hasty, "SELECT COUNT(*) AS n FROM demo.ngc").status == 200, 5)


def test_idle_and_dribbling_connections_hinder_nobody(service: str) -> None:
    address = ("127.0.0.1", urllib.parse.urlsplit(service).port or 80)
    clients = [socket.create_connection(address) for _ in range(100)]
    try:
        for client in clients[:50]:
            client.sendall(
                b"POST /tap/sync HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nLANG="
            )
        for client in clients[50:75]:
            client.sendall(b"GET /tap/sy")
        told = ask(service, "SELECT COUNT(*) AS n FROM demo.ngc")
        assert (told.status, told.rows) == (200, ["14033"])
        assert told.seconds < 1
    finally:
        for client in clients:
            client.close()


@pytest.mark.long
def test_a_body_that_never_comes_ends_by_a_deadline(sample: Config) -> None:
    """docs/demands.md R15: a deadline for headers (10 s) and for the body; the connection is closed."""
    with (
        _serving(sample) as url,
        socket.create_connection(("127.0.0.1", urllib.parse.urlsplit(url).port or 80)) as client,
    ):
        client.settimeout(12)
        client.sendall(
            b"POST /tap/sync HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nLANG="
        )
        try:
            answer = client.recv(100)
        except TimeoutError:
            pytest.fail("after 12 s the service still waits for the body")
        assert answer == b"" or answer.split()[1] in (b"400", b"408")


# ---- D2: the database goes away


def test_a_restart_of_postgresql_is_503_and_heals_by_itself(sample: Config, admin: psycopg.Connection) -> None:
    count = "SELECT COUNT(*) AS n FROM demo.ngc"
    cluster = PrivateCluster(database.cluster_of(sample.database).folder, sample.database.shared_buffers, durable=False)
    with _serving(sample, queue_limit=1.0) as url:
        assert ask(url, count).status == 200
        running = _open(url, ENDLESS)
        assert eventually(lambda: busy(admin) == 1, 3)
        admin.close()
        cluster.stop()
        try:
            assert b" 503 " in _rest(running).split(b"\r\n")[0]
            for _ in range(3):
                told = ask(url, count)
                assert told.status == 503
                assert int(told.retry_after or 0) > 0
                assert told.seconds < 5
            with urllib.request.urlopen(f"{url}/availability", timeout=15) as answer:
                assert b">false<" in answer.read()
            with pytest.raises(urllib.error.HTTPError, match="503"):
                urllib.request.urlopen(f"{url}/tables", timeout=15)
        finally:
            cluster.start()
        assert eventually(lambda: ask(url, count).status == 200, 10)
        assert [ask(url, count).status for _ in range(10)] == [200] * 10


def test_a_restart_that_nobody_noticed_costs_no_query(sample: Config) -> None:
    """The connections in the pool are dead, PostgreSQL is there again: the first query gets a new one."""
    count = "SELECT COUNT(*) AS n FROM demo.ngc"
    cluster = PrivateCluster(database.cluster_of(sample.database).folder, sample.database.shared_buffers, durable=False)
    with _serving(sample) as url:
        assert ask(url, count).status == 200
        cluster.stop()
        cluster.start()
        assert [ask(url, count).status for _ in range(3)] == [200] * 3


# ---- G10, A14: memory


@pytest.mark.long
def test_a_result_of_five_million_rows_takes_no_memory(sample: Config) -> None:
    query = "SELECT TOP {} a.ra, b.dec FROM demo.ngc AS a, demo.ngc AS b"
    server = serving(_sibling(sample))
    with server as url:
        ask(url, query.format(50_000), "votable")
        before = memory(server.process.pid)
        with _open(url, query.format(5_000_000), "votable", MAXREC="20000000") as client:
            size = peak = 0
            while data := client.recv(1 << 20):
                size += len(data)
                peak = max(peak, memory(server.process.pid))
    assert before > 0
    assert size > 5_000_000 * 17 * 4 / 3
    assert peak < before + 80


@pytest.mark.long
def test_a_result_that_nobody_reads_takes_no_memory(sample: Config) -> None:
    """Beyond spool_memory it waits in a file."""
    server = serving(_sibling(sample))
    with server as url:
        ask(url, "SELECT TOP 50000 a.ra, b.dec FROM demo.ngc AS a, demo.ngc AS b", "votable")
        before = memory(server.process.pid)
        with _open(
            url,
            "SELECT TOP 3000000 a.ra, b.dec FROM demo.ngc AS a, demo.ngc AS b",
            "votable",
            receive_buffer=4096,
            MAXREC="20000000",
        ):
            time.sleep(4)
            peak = memory(server.process.pid)
    assert before > 0
    assert peak < before + 80


def test_hostile_queries_leave_the_web_process_small(sample: Config) -> None:
    """Whatever a stranger writes is translated in bounded memory: stars that make 20000 columns, deep and long texts."""
    server = serving(_sibling(sample, sync_limit=LIMIT))
    try:
        with server as url:
            before = memory(server.process.pid, "VmHWM")
            ask(url, f"SELECT TOP 1 {', '.join(['*'] * 1000)} FROM {', '.join(f'demo.ngc AS a{i}' for i in range(20))}")
            ask(url, "SELECT " + "1, " * 60_000 + "1 FROM demo.ngc")
            peak = memory(server.process.pid, "VmHWM")
    finally:
        database.prepare(sample, lambda _: None)
    assert 0 < before <= peak < before + 100
