"""`armillary xmatch` and its Python call: a list against the catalogue, whatever happens to the connection on the way."""

import csv
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from astropy.io.votable import parse_single_table
from click.testing import CliRunner

from tap.cli import main
from tap.client import xmatch
from tap.client.http import Refused, Unreachable
from tap.client.job import JobFailed, RemoteJob
from tap.client.xmatch import Match, Position, cross_match, go_on
from tap.config import Config
from tests.conftest import alone, free_port, serving
from tests.tap.uploads.test_cross_match import MINE as POSITIONS
from tests.tap.uploads.test_cross_match import nearest, within

PART = 20_000


class Wire:
    """A line between clients and the service, which can break: after `up` bytes of one request or `down` of one answer,

    `breaks` times; or on which nothing but GET, POST, HEAD and DELETE is understood (`old`).
    """

    def __init__(self, port: int, target: int) -> None:
        self.up = self.down = self.breaks = self.sent = 0
        self.old = False
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        head = client.recv(65536)
        if self.old and head.startswith(b"PATCH"):
            client.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            client.close()
            return
        try:
            server = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            client.close()
            return
        threading.Thread(target=self._pump, args=(server, client, b"", "down"), daemon=True).start()
        self._pump(client, server, head, "up")

    def _pump(self, source: socket.socket, target: socket.socket, first: bytes, way: str) -> None:
        passed, piece = 0, first or source.recv(65536)
        try:
            while piece:
                passed += len(piece)
                limit = getattr(self, way)
                if limit and self.breaks and passed > limit:
                    self.breaks -= 1
                    break
                target.sendall(piece)
                self.sent += len(piece) if way == "up" else 0
                piece = source.recv(65536)
        except OSError:
            pass
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def behind(sample: Config) -> Iterator[tuple[str, Wire]]:
    """A service whose clients reach it through a wire."""
    outside = free_port()
    config = alone(sample, base_url=f"http://localhost:{outside}/tap", upload_part_rows=20)
    wire = Wire(outside, config.web.port)
    with serving(config) as url:
        yield url, wire
    wire.close()


@pytest.fixture
def line(behind: tuple[str, Wire], monkeypatch: pytest.MonkeyPatch) -> tuple[str, Wire]:
    """The same, whole, with small parts."""
    wire = behind[1]
    wire.up = wire.down = wire.breaks = wire.sent = 0
    wire.old = False
    monkeypatch.setattr("tap.client.job.PART", PART)
    return behind


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Positions with a long remark each, so that the file has several parts."""
    path = tmp_path / "mine.csv"
    lines = [f"{i},{float(a)!r},{float(d)!r},{'x' * 2000}" for i, (a, d) in enumerate(zip(*POSITIONS, strict=True))]
    path.write_text("\n".join(["id,RAJ2000,DEJ2000,remark", *lines]))
    assert path.stat().st_size > 5 * PART
    return path


def match(url: str, radius: float = 2.0, find: str = "all") -> Match:
    return Match(url, "demo.stars", radius, Position("RAJ2000", "DEJ2000"), Position("ra", "dec"), find, "tyc_id")


def pairs(path: Path) -> set[tuple[int, str]]:
    with path.open() as file:
        return {(int(row["id"]), row["tyc_id"]) for row in csv.DictReader(file)}


def command(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["xmatch", *arguments])
    return done.exit_code, done.output


# ---- the command


def test_one_command_gives_all_pairs(line: tuple[str, Wire], mine: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    code, said = command(str(mine), "--url", line[0], "--table", "demo.stars", "--radius", "2", "-o", str(out))
    assert code == 0, said
    assert pairs(out) == within(2)


@pytest.mark.parametrize(("find", "lonely"), [pytest.param("best", 0, marks=pytest.mark.long), ("each", 1)])
def test_the_nearest_for_each_row_and_the_rows_that_have_none(
    line: tuple[str, Wire], mine: Path, tmp_path: Path, find: str, lonely: int
) -> None:
    with mine.open("a") as file:
        file.write("\n1000,0.05,89.9,alone")
    out = tmp_path / "out.vot"
    arguments = (
        "--url",
        line[0],
        "--table",
        "demo.stars",
        "--radius",
        "30",
        "--find",
        find,
        "--columns",
        "tyc_id,vmag",
    )
    code, said = command(str(mine), *arguments, "-o", str(out))
    assert code == 0, said
    table = parse_single_table(out).to_table()
    assert table.colnames == ["id", "RAJ2000", "DEJ2000", "remark", "tyc_id", "vmag", "separation"]
    found = {(int(row["id"]), str(row["tyc_id"])) for row in table if row["id"] < 1000}
    assert found == nearest(30, 1)
    assert list(table["id"]).count(1000) == lonely
    assert np.nanmax(table["separation"][table["id"] < 1000]) < 30
    assert not out.with_name("out.vot.part").exists()


@pytest.mark.parametrize(("arguments", "expected"), [
    (("--table", "demo.starz"), "has no table demo.starz with a position"),
    (("--ra", "foo"), "the file has no column foo; it has id, RAJ2000, DEJ2000, remark"),
    (("--columns", "nothing"), "s has no column nothing"),
    (("-o", "x.png"), "its suffix must be one of .vot"),
    (("--radius", "-1"), "not in the range"),
    (("--url", "http://localhost:1/tap"), "Connection refused"),
    (("--url", "file:///etc/passwd"), "is no http or https URL"),
])  # fmt: skip
def test_what_is_wrong_is_said(
    line: tuple[str, Wire], mine: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], expected: str
) -> None:
    monkeypatch.setattr("tap.xmatch_command._PATIENCE", 1.0)
    out = mine.with_name("out.csv")
    usual = ("--url", line[0], "--table", "demo.stars", "--radius", "2", "-o", str(out))
    code, said = command(str(mine), *usual, *arguments)
    assert code != 0
    assert expected in " ".join(said.split())
    assert "Traceback" not in said


def test_positions_that_cannot_be_told_are_asked_for(line: tuple[str, Wire], tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("x,y\n1,2\n")
    code, said = command(str(path), "--url", line[0], "--table", "demo.stars", "--radius", "2")
    assert code != 0
    assert "name them with --ra and --dec" in said


# ---- a connection that breaks


def test_an_upload_goes_on_after_the_connection_broke(line: tuple[str, Wire], mine: Path, tmp_path: Path) -> None:
    url, wire = line
    wire.up, wire.breaks = PART // 2, 3
    out = tmp_path / "out.csv"
    cross_match(match(url), mine, out)
    assert pairs(out) == within(2)
    assert wire.breaks == 0
    assert wire.sent < mine.stat().st_size + 3 * PART + 20_000


def test_an_upload_goes_on_after_its_answer_was_lost(line: tuple[str, Wire], mine: Path, tmp_path: Path) -> None:
    """The part is there, the client does not know: it is not stored twice."""
    url, wire = line
    seen: list[int] = []

    def progress(what: str, done: int, _: int) -> None:
        seen.append(done)
        if what == "upload" and done == 2 * PART:
            wire.down, wire.breaks = 1, 1

    out = tmp_path / "out.csv"
    cross_match(match(url), mine, out, progress)
    assert wire.breaks == 0
    assert pairs(out) == within(2)


def test_a_download_goes_on_after_the_connection_broke(line: tuple[str, Wire], mine: Path, tmp_path: Path) -> None:
    url, wire = line

    def progress(what: str, _: int, __: int) -> None:
        if what == "result" and wire.down == 0:
            wire.down, wire.breaks = 30_000, 2

    wire.down, wire.breaks = 0, 0
    out = tmp_path / "out.csv"
    job_url = cross_match(match(url, 300), mine, out, progress, keep=True)
    wire.breaks = 0
    with urllib.request.urlopen(f"{job_url}/results/result") as answer:
        assert answer.read() == out.read_bytes()
    RemoteJob(job_url).delete()


def test_who_was_interrupted_goes_on_with_the_job(line: tuple[str, Wire], mine: Path, tmp_path: Path) -> None:
    url, wire = line
    told: list[str] = []

    def interrupt(what: str, done: int, _: int) -> None:
        told.append(what)
        if done >= 3 * PART:
            raise KeyboardInterrupt

    out = tmp_path / "out.csv"
    job = xmatch.begin(match(url), out, interrupt)
    with pytest.raises(KeyboardInterrupt):
        job.upload(xmatch.UPLOAD, mine)
    before = wire.sent
    go_on(job.url, mine, out)
    assert pairs(out) == within(2)
    assert wire.sent - before < mine.stat().st_size - 3 * PART + 20_000


def test_the_command_goes_on_with_a_job(line: tuple[str, Wire], mine: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    job = xmatch.begin(match(line[0]), out)
    code, said = command(str(mine), "--job", job.url, "-o", str(out))
    assert code == 0, said
    assert pairs(out) == within(2)
    with pytest.raises(Refused, match="no such job"):
        job.state()


def test_a_service_that_knows_no_parts_gets_one_form(line: tuple[str, Wire], mine: Path, tmp_path: Path) -> None:
    url, wire = line
    wire.old = True
    out = tmp_path / "out.csv"
    cross_match(match(url), mine, out)
    assert pairs(out) == within(2)


def test_a_job_that_fails_is_told_in_the_services_words(line: tuple[str, Wire], tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("id,RAJ2000,DEJ2000\n1,2,3\n2,here,3\n")
    with pytest.raises(JobFailed, match="RAJ2000"):
        cross_match(match(line[0]), path, tmp_path / "out.csv")


def test_who_is_no_tap_service_is_told_so(line: tuple[str, Wire], mine: Path, tmp_path: Path) -> None:
    with pytest.raises((Refused, Unreachable)):
        cross_match(match(line[0] + "/capabilities"), mine, tmp_path / "out.csv")


def test_the_job_shows_its_progress(line: tuple[str, Wire], mine: Path, tmp_path: Path) -> None:
    job_url = cross_match(match(line[0]), mine, tmp_path / "out.csv", keep=True)
    info = RemoteJob(job_url).state().info
    assert info["uploadedRows"] == info["uploadedRowsDone"] == str(len(POSITIONS[0]))
    RemoteJob(job_url).delete()
