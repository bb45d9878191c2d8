"""docs/ten-minutes-astronomer.md and docs/citing.md, word for word: what they say that commands print is what they print."""

import doctest
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGES = ("ten-minutes-astronomer", "citing")
_URL = "http://localhost:8080/tap"


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("astronomer")


def commands(block: str) -> list[tuple[str, str]]:
    """Return each command of a block with what it prints."""
    pairs = []
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        end = next((n for n, line in enumerate(lines) if _is_whole("\n".join(lines[: n + 1]))), len(lines) - 1)
        pairs.append(("\n".join(lines[: end + 1]), "\n".join(lines[end + 1 :])))
    return pairs


def _is_whole(command: str) -> bool:
    """Return whether bash has read the end of a command: no quote or document is open."""
    done = subprocess.run(["bash", "-n"], input=command, capture_output=True, text=True, check=False)
    return done.returncode == 0 and "here-document" not in done.stderr


def prints(said: str) -> re.Pattern[str]:
    """Return a pattern of what a page says is printed; a line … stands for any lines, blanks for blanks."""
    lines = [r"\S.*?" if line == "…" else r"\s+".join(map(re.escape, line.split())) for line in said.splitlines()]
    return re.compile(r"\s+".join(line for line in lines if line), re.DOTALL)


@pytest.mark.parametrize("block", blocks("ten-minutes-astronomer", "console"))
def test_a_command_prints_what_the_page_says(block: str, service: str, folder: Path) -> None:
    environment = os.environ | {"LC_ALL": "C.UTF-8"}
    for command, said in commands(block):
        done = subprocess.run(
            ["bash", "-c", command.replace(_URL, service)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert prints(said).fullmatch(done.stdout.strip()), done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_python_says_what_the_page_says(page: str, service: str) -> None:
    text = "\n".join(blocks(page, "pycon")).replace(_URL, service).replace("…", "...")
    test = doctest.DocTestParser().get_doctest(text, {}, page, None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    report: list[str] = []
    runner.run(test, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)
