"""Queries: the first rows at once, all rows as a job; what takes long goes on as a job by itself."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tap.client.http import Refused
from tap.client.job import RemoteJob, State
from tap.client.shell.answer import AnswerTable
from tap.client.shell.file_formats import format_for, is_of_suffix
from tap.client.shell.loaded_files import named_in
from tap.client.shell.remote_service import TookTooLong
from tap.client.shell.shell import Complaint, LeftAlone, Shell
from tap.client.shell.statements import Statement
from tap.client.shell.table_view import page_size, show_rows

MOST_SHOWN = 2_000
"""Rows that are fetched to be looked at."""
_PIECE = 1 << 20


def run_query(shell: Shell, statement: Statement) -> None:
    """Run a query, or the one before once more, for a file. Raises: Complaint, LeftAlone, and what asking a service raises."""
    query = statement.text or shell.query
    if not query:
        raise Complaint("There is no query before, whose result could go to a file")
    shell.query = query
    if statement.file:
        save(shell, query, Path(statement.file).expanduser())
    elif shell.habits.format_:
        write_out(shell, query)
    else:
        show(shell, query)


# ---- to look at


def show(shell: Shell, query: str) -> None:
    """Show the first rows of a query."""
    files = named_in(query, shell.files)
    try:
        with shell.waiting("running"):
            answer = shell.service.ask(query, MOST_SHOWN, shell.habits.seconds, files)
    except KeyboardInterrupt:
        raise LeftAlone("Stopped") from None
    except TookTooLong:
        seconds = f"{shell.habits.seconds:g} s"
        shell.note(f"It takes longer than {seconds}, and goes on as a job")
        job, state = _ended_job(shell, query, shell.service.votable)
        answer = shell.service.first_rows(job, MOST_SHOWN)
        show_answer(shell, answer, _count(state.info.get("rows")))
        return
    show_answer(shell, answer, None)


def show_answer(shell: Shell, answer: AnswerTable, total: int | None) -> None:
    """Show the first page of an answer; `total` rows are at the service, where it says so."""
    shell.shown, shell.rows_seen = answer, 0
    show_page(shell, total)
    for remark in answer.remarks:
        shell.say(f"Remark: {remark}", "yellow")


def show_page(shell: Shell, total: int | None = None) -> None:
    """Show the rows that come next. Raises: Complaint where there are none."""
    answer, seen = shell.shown, shell.rows_seen
    if answer is None or (seen and seen >= answer.rows.num_rows):
        raise Complaint("There are no more rows here" + (_keep_all(answer) if answer else ""))
    count = page_size(shell.console) if shell.habits.is_interactive else answer.rows.num_rows
    show_rows(shell.console, answer, seen, count)
    shell.rows_seen = min(answer.rows.num_rows, seen + count)
    shell.say(_counted(shell, answer, total), "dim")


def _counted(shell: Shell, answer: AnswerTable, total: int | None) -> str:
    """Return how many rows there are, and how to get those that are not on the screen."""
    count = answer.rows.num_rows
    known = f"{total or count:,}" if total or not answer.is_cut else f"more than {count:,}"
    rows = f"{known} row{'' if known == '1' else 's'}"
    if shell.rows_seen < count:
        return f"… of {rows}; `more` shows the next, `> file.fits` keeps them all"
    return rows + _keep_all(answer)


def _keep_all(answer: AnswerTable) -> str:
    return "; `> file.fits` keeps them all" if answer.is_cut else ""


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


# ---- to keep


def save(shell: Shell, query: str, path: Path) -> None:
    """Write all rows of a query to a file, in the format of its suffix."""
    format_ = format_for(path.suffix, shell.service.capabilities)
    _ask_before_writing(shell, path)
    job, state = _ended_job(shell, query, format_)
    _fetch(shell, job, state, path)
    _delete(shell, job)


def write_out(shell: Shell, query: str) -> None:
    """Write all rows of a query to the standard output."""
    format_ = format_for(shell.habits.format_, shell.service.capabilities)
    job, state = _ended_job(shell, query, format_)
    path = shell.folder / "result"
    _unfinished(path).unlink(missing_ok=True)
    job.fetch(path, state)
    _delete(shell, job)
    try:
        _copy_out(path)
    except BrokenPipeError:
        # Whoever reads has enough. What Python writes to a closed pipe at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    path.unlink()


def _copy_out(path: Path) -> None:
    sys.stdout.flush()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def fetch_job(shell: Shell, name: str, file: str) -> None:
    """Show the result of a job, or write it to a file; wait for it before."""
    job = shell.service.job(name)
    state = wait_for(shell, job)
    if not file:
        show_answer(shell, shell.service.first_rows(job, MOST_SHOWN), _count(state.info.get("rows")))
        return
    path = Path(file).expanduser()
    with job.http.send("GET", f"{job.url}/results/result") as answer:
        content_type = answer.headers.get("Content-Type", "")
    if not is_of_suffix(content_type, path.suffix):
        raise Complaint(f"the result of this job is {content_type}; give the file a suffix that fits, such as .vot")
    _ask_before_writing(shell, path)
    _fetch(shell, job, state, path)


def _ask_before_writing(shell: Shell, path: Path) -> None:
    if not path.absolute().parent.is_dir():
        raise Complaint(f"There is no folder {path.parent} for {path.name}")
    if not path.exists() or shell.habits.may_overwrite:
        return
    if shell.ask(f"{path} is there; overwrite it? [y/N] ") not in {"y", "yes"}:
        raise Complaint(f"{path} is there, and stays as it is")


def _fetch(shell: Shell, job: RemoteJob, state: State, path: Path) -> None:
    # What an earlier job left must not become a part of this one's.
    _unfinished(path).unlink(missing_ok=True)
    with shell.waiting("fetching") as tell:
        telling = RemoteJob(job.url, job.http, lambda action, done, total: tell(_progress("fetching", done, total)))
        telling.fetch(path, state)
    rows = f"{int(state.info['rows']):,} rows, " if "rows" in state.info else ""
    shell.note(f"{path}: {rows}{_size(path.stat().st_size)}")


def _unfinished(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _delete(shell: Shell, job: RemoteJob) -> None:
    shell.jobs.remove(job.url)
    with suppress(Refused):
        job.delete()


# ---- jobs


def _ended_job(shell: Shell, query: str, format_: str) -> tuple[RemoteJob, State]:
    """Run a query as a job; return it when it has its result."""
    with shell.waiting("sending"):
        job = shell.service.new_job(query, format_, named_in(query, shell.files))
    shell.jobs.append(job.url)
    return job, wait_for(shell, job, is_new=True)


def wait_for(shell: Shell, job: RemoteJob, *, is_new: bool = False) -> State:
    """Wait until a job has ended; Ctrl-C asks what shall become of it. Raises: LeftAlone, JobFailed."""
    shell.note(f"job {job.url}")
    while True:
        try:
            return _run(shell, job, is_new=is_new)
        except KeyboardInterrupt:
            _ask_what_becomes_of(shell, job)


def _run(shell: Shell, job: RemoteJob, *, is_new: bool) -> State:
    with shell.waiting("waiting") as tell:
        if is_new:
            job.run()
        return RemoteJob(job.url, job.http, _telling(tell)).wait()


def _telling(tell: Callable[[str], None]) -> Callable[[str, int, int], None]:
    return lambda action, done, total: tell(_progress(action, done, total))


def _progress(action: str, done: int, total: int) -> str:
    return f"{action} {done / total:.0%}" if total else action


def _ask_what_becomes_of(shell: Shell, job: RemoteJob) -> None:
    """Return where somebody goes on waiting. Raises: LeftAlone."""
    interactive = shell.habits.is_interactive
    answer = shell.ask("[a]bort the job, [l]eave it running, [w]ait on? ") if interactive else "a"
    if answer.startswith("a"):
        with suppress(Refused):
            job.abort()
        raise LeftAlone("The job is aborted")
    if not answer.startswith("w"):
        raise LeftAlone(f"The job goes on; `fetch {shell.service.name_of(job)}` shows its result, `jobs` how it stands")


def _size(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} GB"
