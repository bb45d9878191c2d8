"""A real terminal: tmux, in which somebody types and reads."""

import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from tests.conftest import ROOT

_SECONDS = 40.0


_OF_TESTS = ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "COLUMNS", "LINES")
"""Variables of whoever runs the tests, which are not those of this terminal."""


class Terminal:
    """A program in a window of 110 columns and 34 lines, with a home of its own."""

    def __init__(self, home: Path, *arguments: str, **environment: str) -> None:
        self.home = home
        self.program = [sys.executable, "-m", "tap.client.shell.command", *arguments]
        self.environment = {
            "HOME": str(home),
            "PYTHONPATH": str(ROOT),
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
        } | environment
        self._socket = home / "tmux"

    def __enter__(self) -> Self:
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        others = [part for name in _OF_TESTS for part in ("-u", name)]
        program = ["env", *others, *variables, *self.program]
        command = f"cd {shlex.quote(str(self.home))}; {shlex.join(program)}; echo ended with $?; sleep 60"
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", "110", "-y", "34", "bash", "-c", command)
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server")

    def _tmux(self, *arguments: str) -> str:
        environment = os.environ | {"LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            ["tmux", "-u", "-S", str(self._socket), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def type(self, text: str) -> None:
        # A semicolon at the end would end the command of tmux.
        self._tmux("send-keys", "-l", re.sub(r";\Z", r"\;", text))

    def press(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def enter(self, text: str) -> None:
        self.type(text)
        self.press("Enter")

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def clear(self) -> None:
        """Have an empty screen, so that what is read next came after it."""
        self.press("C-l")

    def reads(self, *texts: str) -> str:
        """Return the screen as soon as it has all texts."""
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            screen = self.screen()
            if all(text in screen for text in texts):
                return screen
            time.sleep(0.05)
        raise AssertionError(f"{texts} did not come:\n{self.screen()}")
