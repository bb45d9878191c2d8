"""The commands of the shell beside queries: one function each, called by its name, whose docstring is its help."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.table import Table as Grid
from rich.text import Text

from schema.model import Catalogue
from schema.search import TableIndex
from tap.client.shell.advice import advise, explain_query
from tap.client.shell.loaded_files import load_file, name_of
from tap.client.shell.printable import on_one_line
from tap.client.shell.published import table_named
from tap.client.shell.published_view import print_hit, print_table
from tap.client.shell.queries import fetch_job, show_page
from tap.client.shell.shell import Complaint, Shell
from tap.client.shell.statements import Statement

_MOST_HITS, _SHORT = 50, 100
_OF_QUERIES = (
    ("SELECT …;", "a query ends with ; or an empty line; the first rows are shown"),
    ("SELECT …; > FILE", "all rows into a file whose suffix says the format: .fits .vot .csv .parquet …"),
    ("> FILE", "the same for the query before"),
    ("Tab, ↑, Ctrl-C", "complete what is written, bring back what was typed before, stop a query"),
)
_LOAD = re.compile(
    r"""(?P<file>"[^"]+"|'[^']+'|\S+)(?:\s+as\s+(?P<name>\w+))?(?:\s+into\s+(?P<table>\S+))?\s*\Z""", re.IGNORECASE
)


class Leave(Exception):
    """Somebody wants to leave the shell."""


def find(shell: Shell, statement: Statement) -> None:
    """find WORDS: tables and columns that have all the words in their names, descriptions, units or UCDs"""
    catalogue = _known(shell)
    found = TableIndex(catalogue).search(statement.argument, 0, _MOST_HITS)
    for hit in found.hits:
        print_hit(shell, hit)
    if not shell.published.has_all_columns and statement.argument:
        _find_columns(shell, statement.argument.split())
    elif not found.hits:
        shell.say(f"Nothing has {' and '.join(statement.argument.split()) or 'a name'}")
    if found.total > len(found.hits):
        shell.say(f"… and {found.total - len(found.hits):,} more tables; give more words", "dim")


def _known(shell: Shell) -> Catalogue:
    """Return what is published, once it is known. Raises: Complaint."""
    with shell.waiting("reading TAP_SCHEMA"):
        shell.published.wait()
    if not shell.published.catalogue.schemas and shell.published.problem:
        raise Complaint(f"What the service publishes could not be read: {shell.published.problem}")
    return shell.catalogue


def _find_columns(shell: Shell, words: Sequence[str]) -> None:
    """Ask the service for columns, where it has too many to be known here."""
    fields = ("column_name", "description", "ucd")
    conditions = [
        "("
        + " OR ".join(f"LOWER({field}) LIKE '%{word.lower().replace(chr(39), chr(39) * 2)}%'" for field in fields)
        + ")"
        for word in words
    ]
    query = (
        f"SELECT table_name, column_name, unit, description FROM TAP_SCHEMA.columns WHERE {' AND '.join(conditions)}"
    )
    with shell.waiting("searching"):
        answer = shell.service.ask(query, _MOST_HITS, 60.0)
    for record in answer.records():
        about = "  ".join(str(value) for value in list(record.values())[1:3] if value)
        shell.say(f"{record['table_name']}  {about}  {on_one_line(str(record['description'] or ''), _SHORT)}")
    if answer.is_cut:
        shell.say("… and more columns; give more words", "dim")


def describe(shell: Shell, statement: Statement) -> None:
    """describe TABLE: its columns with types, units and UCDs; without a name all tables"""
    catalogue = _known(shell)
    name = statement.argument
    if not name:
        find(shell, statement)
        return
    shell.published.learn_columns(name)
    tables = table_named(name, shell.catalogue)
    if not tables:
        raise Complaint(f"There is no table {name}; `find WORDS` searches those that there are")
    print_table(shell, tables[0])
    if len(tables) > 1:
        shell.say("There are more of this name: " + ", ".join(table.table_name for table in tables[1:]), "yellow")
    for key in catalogue.keys_from(tables[0]):
        pairs = ", ".join(f"{a} = {b}" for a, b in key.columns)
        shell.say(f"joins {key.target_table} on {pairs}")


def check(shell: Shell, statement: Statement) -> None:
    """check QUERY: what is wrong with a query, or seldom meant so, without running it"""
    advise(shell, _query_of(statement))


def explain(shell: Shell, statement: Statement) -> None:
    """explain QUERY: what the service would do, and how long it may take, where it tells that"""
    explain_query(shell, _query_of(statement))


def _query_of(statement: Statement) -> str:
    if not statement.argument:
        raise Complaint(f"Give the query: {statement.verb} SELECT …;")
    return statement.argument


def load(shell: Shell, statement: Statement) -> None:
    """load FILE [as NAME]: a file as the table TAP_UPLOAD.NAME of queries; load FILE into TABLE: as a table of your own at the service"""
    match = _LOAD.match(statement.argument)
    if not match:
        raise Complaint("Write: load FILE as NAME, or: load FILE into TABLE")
    path = Path(match["file"].strip("\"'")).expanduser()
    if not path.is_file():
        raise Complaint(f"There is no file {path}")
    if match["table"]:
        shell.note(shell.service.tables.load(match["table"], path) or f"{match['table']} is made", "")
        if shell.published.is_known:
            shell.published.begin()
        return
    name = match["name"] or name_of(path)
    loaded = load_file(path, name, shell.folder)
    shell.files[name] = loaded
    columns = ", ".join(column.column_name for column in loaded.table.columns)
    shell.note(f"{path} is {loaded.table.table_name} in your queries, with {columns}", "")
    if not shell.service.capabilities.takes_uploads:
        shell.note("Remark: the service does not say that it takes uploads", "yellow")


def mytables(shell: Shell, statement: Statement) -> None:
    """mytables: the files of this session, and the tables of your own at the service"""
    for file in shell.files.values():
        shell.say(f"{file.table.table_name}  {file.path}")
    own = shell.service.tables.schema()
    names = shell.service.tables.names() if own else []
    for name in names:
        shell.say(name)
    if not shell.files and not names:
        why = "" if own else "; the service has no tables of your own, or does not know who you are (--user)"
        shell.say(f"There are none{why}")


def jobs(shell: Shell, statement: Statement) -> None:
    """jobs: your jobs at the service, those of this session marked with *"""
    lines = shell.service.job_list()
    listed = {line.url for line in lines}
    for line in lines:
        mark = "*" if line.url in shell.jobs else " "
        shell.say(f"{mark} {shell.service.name_of(line):40} {line.phase:10} {line.created}")
    for url in shell.jobs:
        if url not in listed:
            # Services list no jobs of strangers.
            job = shell.service.job(url)
            shell.say(f"* {shell.service.name_of(job):40} {job.state().phase}")
    if not lines and not shell.jobs:
        shell.say("There are none")


def fetch(shell: Shell, statement: Statement) -> None:
    """fetch JOB [> FILE]: the result of a job, by its name or URL"""
    name = statement.argument or (shell.jobs[-1] if shell.jobs else "")
    if not name:
        raise Complaint("Give the job, as `jobs` shows it")
    fetch_job(shell, name, statement.file)


def more(shell: Shell, statement: Statement) -> None:
    """more: the next rows of the last result"""
    show_page(shell)


def help_(shell: Shell, statement: Statement) -> None:
    """help: this list"""
    docs = (verb.__doc__ or "" for verb in dict.fromkeys(VERBS.values()))
    grid = Grid.grid(padding=(0, 2, 0, 0))
    for usage, about in (*_OF_QUERIES, *(text.split(": ", 1) for text in docs)):
        grid.add_row(Text(usage, "bold", no_wrap=True), Text(about))
    shell.console.print(grid)


def quit_(shell: Shell, statement: Statement) -> None:
    """quit: leave; jobs go on"""
    raise Leave


Verb = Callable[[Shell, Statement], None]
VERBS: dict[str, Verb] = {
    "find": find,
    "describe": describe,
    "check": check,
    "explain": explain,
    "load": load,
    "mytables": mytables,
    "jobs": jobs,
    "fetch": fetch,
    "more": more,
    "help": help_,
    "quit": quit_,
    "exit": quit_,
}
"""By the words that they begin with."""


def verb_of(statement: Statement) -> Verb:
    """Return what a statement that is no query asks for. Raises: Complaint."""
    verb = VERBS.get(statement.verb)
    if verb is None:
        shown = statement.text.split(maxsplit=1)[0][:40] if statement.text.split() else ""
        raise Complaint(f"There is no command {shown}; queries begin with SELECT or WITH, `help` has the commands")
    return verb
