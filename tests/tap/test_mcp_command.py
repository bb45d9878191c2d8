"""`armillary mcp`: how it is told who asks, and what it refuses before it begins."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tap.cli import main

SECRET = "arm_secret"  # noqa: S105


def refused(*arguments: str, code: int = 1, **environment: str) -> str:
    """What is said of a start that is refused."""
    done = CliRunner(env=environment).invoke(main, ["mcp", *arguments])
    assert done.exit_code == code, done.output
    assert SECRET not in done.output
    assert "Traceback" not in done.output
    return done.output


def test_a_token_is_no_argument() -> None:
    assert "No such option" in refused("--token", SECRET, code=2)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_file_with_a_token_is_for_its_owner_only(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET)
    file.chmod(mode)
    assert f"chmod 600 {file}" in refused("--token-file", str(file))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "cannot be read" in refused("--token-file", str(tmp_path / "none"))


def test_a_token_goes_over_https_only_or_stays_on_the_machine() -> None:
    assert "https only" in refused("--url", "http://tap.example.org/tap", ARMILLARY_TOKEN=SECRET)


@pytest.mark.parametrize("token", [f"{SECRET}\rX: y", f"{SECRET} x", f"{SECRET}\u20ac"])
def test_a_token_with_other_letters_is_none(token: str) -> None:
    assert "no token has" in refused(ARMILLARY_TOKEN=token)


def test_a_folder_must_be_there(tmp_path: Path) -> None:
    assert "does not exist" in refused("--folder", str(tmp_path / "none"), code=2)


def test_a_password_is_no_part_of_the_url() -> None:
    assert "--token-file" in refused("--url", f"https://ada:{SECRET}@tap.example.org/tap")


def test_what_must_be_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tap.client.assistant.server", raising=False)
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    assert "mcp is not installed: pip install 'armillary[mcp]'" in refused()
