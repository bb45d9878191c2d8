"""The prompt: lines that are edited, completed and remembered (prompt-toolkit)."""

import os
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.filters import completion_is_selected, has_focus
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.sql import SqlLexer

from tap.client.shell.completer import ShellCompleter
from tap.client.shell.run import run_all
from tap.client.shell.shell import Shell
from tap.client.shell.statements import is_whole
from tap.client.shell.verbs import Leave

_PROMPT = "tapsh> "


def converse(shell: Shell) -> None:
    """Read and run statements until somebody leaves."""
    session: PromptSession[str] = PromptSession(
        _PROMPT,
        multiline=True,
        prompt_continuation=lambda width, _line, _wraps: "...> ".rjust(width),
        completer=ShellCompleter(shell),
        complete_in_thread=True,
        complete_while_typing=True,
        auto_suggest=AutoSuggestFromHistory(),
        history=FileHistory(str(history_file())),
        key_bindings=_keys(),
        lexer=PygmentsLexer(SqlLexer),
        bottom_toolbar=lambda: _state(shell),
        refresh_interval=0.5,
        reserve_space_for_menu=6,
    )
    while True:
        try:
            run_all(shell, session.prompt())
        except KeyboardInterrupt:
            continue
        except (EOFError, Leave):
            return


def history_file() -> Path:
    """Return where the history is, which nobody else may read, as queries may say what somebody works on."""
    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "tapsh"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "history"
    path.touch(mode=0o600)
    path.chmod(0o600)
    return path


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter", filter=has_focus("DEFAULT_BUFFER") & ~completion_is_selected)
    def _run_or_go_on(event: KeyPressEvent) -> None:
        """Run what is whole; begin a new line of what is not."""
        if is_whole(event.current_buffer.text):
            event.current_buffer.validate_and_handle()
        else:
            event.current_buffer.insert_text("\n")

    @keys.add("enter", filter=has_focus("DEFAULT_BUFFER") & completion_is_selected)
    def _take(event: KeyPressEvent) -> None:
        """Take the completion that is selected."""
        event.current_buffer.complete_state = None

    return keys


def _state(shell: Shell) -> str:
    """Return the line at the bottom."""
    published, files = shell.published, len(shell.files)
    tables = sum(1 for _ in published.catalogue.tables)
    known = "reading TAP_SCHEMA …" if published.is_learning else published.problem or f"{tables:,} tables"
    loaded = f"   {files} file{'s' * (files > 1)} loaded" if files else ""
    return f" {shell.service.url}   {known[:80]}{loaded}   help  quit"
