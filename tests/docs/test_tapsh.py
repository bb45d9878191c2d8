"""docs/tapsh.md: what its sessions show is what one sees."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from tap.client.http import Http
from tap.client.shell.published import Published
from tap.client.shell.remote_service import RemoteService
from tap.client.shell.run import run_all
from tap.client.shell.shell import Shell
from tests.conftest import ROOT
from tests.docs.test_ten_minutes import prints

_TEXT = (ROOT / "docs" / "tapsh.md").read_text("utf-8")
SESSIONS = re.findall(r"^```text\n(.*?)^```", _TEXT, re.DOTALL | re.MULTILINE)
_CLUSTERS = "name,ra,dec\nPleiades,56.6,24.1\nHyades,66.73,15.87\n"


def turns(session: str) -> list[tuple[str, str]]:
    """Return what is typed with what is shown after it."""
    pairs = []
    for part in re.split(r"^tapsh> ", session, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        typed = 1 + sum(1 for line in lines if line.startswith("  ...> "))
        text = "\n".join(line.removeprefix("  ...> ") for line in lines[:typed])
        pairs.append((text, "\n".join(lines[typed:])))
    return pairs


@pytest.mark.parametrize("session", SESSIONS)
def test_a_session_shows_what_the_page_says(
    session: str, service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clusters.csv").write_text(_CLUSTERS)
    remote, output = RemoteService(service, Http(5.0)), io.StringIO()
    console = Console(file=output, width=100, height=40, highlight=False)
    shell = Shell(remote, Published(remote), console, console, folder=tmp_path)
    for typed, shown in turns(session):
        output.seek(output.truncate(0))
        run_all(shell, typed)
        seen = re.sub(r"/async/\w+", "/async/…", output.getvalue().replace(service, "http://localhost:8080/tap"))
        assert prints(shown).fullmatch(seen.strip()), (typed, seen)


def test_both_sessions_are_tried() -> None:
    assert [len(turns(session)) for session in SESSIONS] == [4, 3]
