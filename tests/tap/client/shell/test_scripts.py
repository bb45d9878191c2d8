"""`tapsh` in scripts: queries of the command line and of the standard input, results to pipes and files."""

import csv
import io
import os
import re
import secrets
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from astropy.table import Table
from click.testing import CliRunner, Result

from tap.client.shell import command
from tests.conftest import ROOT, free_port
from tests.tap.client.shell.other_service import OtherService

_PROGRAM = [sys.executable, "-m", "tap.client.shell.command"]


def tapsh(*arguments: str, stdin: str = "", **environment: str) -> Result:
    return CliRunner().invoke(command.tapsh, arguments, stdin, env={"HOME": "/nowhere"} | environment)


def rows(output: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(output)))


def test_a_query_of_the_command_line_gives_all_rows_as_csv(service: str) -> None:
    done = tapsh(service, "-c", "SELECT name, ra FROM demo.ngc")
    assert (done.exit_code, len(rows(done.stdout))) == (0, 14033)
    assert "job http" in done.stderr


def test_queries_of_the_standard_input_go_to_files_of_other_formats(other: OtherService, tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("mine")
    script = f"SELECT plate_id FROM old.plates; > {tmp_path}/a.vot\nSELECT 1 AS one; > {tmp_path}/there.csv\nSELECT 2 AS two;"
    done = tapsh(stdin=script, TAPSH_URL=other.url)
    assert done.exit_code == 1
    assert len(Table.read(tmp_path / "a.vot", format="votable")) == 2500
    assert (tmp_path / "there.csv").read_text() == "mine"
    assert "stays as it is" in done.stderr
    assert done.stdout == ""
    done = tapsh("--overwrite", stdin=script, TAPSH_URL=other.url)
    assert (done.exit_code, done.stdout.split()) == (0, ["two", "2"])
    assert (tmp_path / "there.csv").read_text().split() == ["one", "1"]


def test_nothing_is_left_at_the_service(other: OtherService) -> None:
    assert tapsh(other.url, "-c", "SELECT 1 AS one").exit_code == 0
    assert not other.jobs


def test_a_script_sees_how_it_ended(service: str, other: OtherService) -> None:
    done = tapsh(service, "-c", "SELECT vmagg FROM demo.stars", "-c", "SELECT 1")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "Did you mean vmag?" in done.stderr
    assert (
        tapsh(
            f"http://127.0.0.1:{free_port()}/tap",
            "-c",
            "describe",
        ).exit_code
        != 0
    )
    assert tapsh("nobody", "-c", "SELECT 1").exit_code == 2
    assert tapsh(other.url, "--format", "parquet", "-c", "SELECT 1").exit_code == 1


def test_what_is_asked_for_is_on_the_standard_output(other: OtherService) -> None:
    done = tapsh(other.url, "-c", "describe old.plates")
    assert done.exit_code == 0
    assert "UNHEARD" not in done.stdout
    assert {"plate_id", "deg", "pos.eq.ra"} <= set(done.stdout.split())


def test_a_token_goes_to_the_service_and_not_into_what_is_printed(other: OtherService) -> None:
    token = secrets.token_hex(8)
    done = tapsh(other.url, "-c", "SELECT 1 AS one", TAPSH_TOKEN=token)
    assert (f"127.0.0.1:{other.server_port}", f"Bearer {token}") in other.asked.authorizations
    assert token not in done.stdout + done.stderr


def test_a_token_does_not_go_to_another_server_where_the_jobs_are(
    other: OtherService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other, "jobs_at", "localhost")
    token = secrets.token_hex(8)
    assert tapsh(other.url, "-c", "SELECT 1 AS one", TAPSH_TOKEN=token).exit_code == 0
    hosts = {host for host, authorization in other.asked.authorizations if token in authorization}
    assert hosts == {f"127.0.0.1:{other.server_port}"}
    assert (f"localhost:{other.server_port}", "") in other.asked.authorizations


def test_an_interrupted_script_aborts_its_job(other: OtherService) -> None:
    program = [*_PROGRAM, other.url, "-c", "SELECT TOP 1 sleep(20) AS slept FROM old.plates"]
    process = subprocess.Popen(program, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE)
    while not any(job.phase == "EXECUTING" for job in other.jobs.values()):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert [job.phase for job in other.jobs.values()] == ["ABORTED"]


def test_a_reader_that_has_enough_is_no_failure(other: OtherService) -> None:
    query = "SELECT a.* FROM old.plates AS a, old.plates AS b"
    line = shlex.join([*_PROGRAM, other.url, "-c", query])
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    script = f"set -o pipefail; {line} | head -n 1"
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "plate_id,ra,observer,emulsion")
    assert re.fullmatch(r"job http://\S+\n", done.stderr)


def test_a_folder_that_is_not_there_is_told_before_anything_is_computed(other: OtherService, tmp_path: Path) -> None:
    asked = len(other.asked.forms)
    done = tapsh(other.url, "-c", f"SELECT 1 AS one > {tmp_path}/none/one.csv")
    assert (done.exit_code, len(other.asked.forms)) == (1, asked)
    assert "There is no folder" in done.stderr


def test_what_a_service_says_cannot_steer_the_terminal(other: OtherService) -> None:
    control = "\x9b"
    done = tapsh(other.url, "--format", "", "-c", f"check SELECT '{control}2J' FROM old.plates WHERE \x1b[31m")
    assert "2J" in done.output
    assert not {control, "\x1b"} & set(done.output)


def test_whom_a_service_does_not_know_is_told_how_to_say_who_one_is(service: str) -> None:
    done = tapsh(service, "-c", "SELECT TOP 1 * FROM demo.ngc", TAPSH_TOKEN=secrets.token_hex(8))
    assert done.exit_code == 1
    assert "Say who you are: --user NAME, or $TAPSH_TOKEN" in done.stderr


def test_a_file_goes_with_a_job_as_it_is(service: str, tmp_path: Path) -> None:
    written = ["id,mag,name,seen", "1,1.5,Ελληνικά & co,2026-01-02T03:04:05", "2,,,", "3,-2.25,c,2026-01-03T00:00:00"]
    (tmp_path / "mine.csv").write_text("\n".join(written))
    done = tapsh(service, stdin=f"load '{tmp_path}/mine.csv'\nSELECT * FROM TAP_UPLOAD.mine ORDER BY id")
    assert done.exit_code == 0, done.stderr
    found = rows(done.stdout)
    assert [row["id"] for row in found] == ["1", "2", "3"]
    assert [row["mag"] for row in found] == ["1.5", "", "-2.25"]
    assert [row["name"] for row in found] == ["Ελληνικά & co", "", "c"]
    assert [row["seen"][:19] for row in found] == ["2026-01-02T03:04:05", "", "2026-01-03T00:00:00"]
