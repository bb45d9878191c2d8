"""What Tab offers: commands, tables, files, and within queries what may stand there (adql.completion)."""

import re
from collections.abc import Iterable, Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, PathCompleter
from prompt_toolkit.completion import Completion as Offered
from prompt_toolkit.document import Document

from adql.completion import Option, complete
from adql.functions import FUNCTIONS, Feature
from tap.client.shell.shell import Shell
from tap.client.shell.statements import ABOUT_QUERIES, first_word, is_query, unfinished
from tap.client.shell.verbs import VERBS

_UDFS = frozenset(function.name.lower() for function in FUNCTIONS if function.feature is Feature.UDF)
_PATH = re.compile(r"\A\s*load\s+(?P<load>\S*)\Z|>\s*(?P<file>[^\s<>=']+)\Z", re.IGNORECASE)
_TABLE_COMES = re.compile(r"\b(?:FROM|JOIN)\s+\Z", re.IGNORECASE)
_WORD = re.compile(r"[\w.\"]*\Z")
_BEGINNINGS = ("SELECT", "WITH", *VERBS)
_ABOUT = 60


class ShellCompleter(Completer):
    """Completes what is written last of a text."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Offered]:
        text = unfinished(document.text_before_cursor)
        if path := _PATH.search(text):
            yield from self._paths.get_completions(Document(path["load"] or path["file"] or ""), complete_event)
        word, query = first_word(text), _query_of(text)
        if query is not None:
            yield from self._in_query(query, document.text_after_cursor, asked=complete_event.completion_requested)
        elif word in VERBS and text.lstrip().lower() != word:
            yield from self._names(text, word)
        else:
            yield from _matching(_BEGINNINGS, text.lstrip())

    def _in_query(self, before: str, after: str, *, asked: bool) -> Iterator[Offered]:
        """Yield what may stand at the end of a text that goes on behind the cursor.

        Where no word is begun, all that may stand there is shown to those only who have `asked`, but for tables.
        """
        self._shell.published.learn_columns(before + after)
        completion = complete(before + after.partition(";")[0], len(before), self._shell.catalogue)
        written = before[completion.start :]
        if not (asked or written or before.endswith(".") or _TABLE_COMES.search(before)):
            return
        for option in (*completion.options, *self._udfs(written)):
            if self._is_there(option):
                yield _offered(option, -len(written))

    def _is_there(self, option: Option) -> bool:
        """Return whether the service knows it: of functions beyond the language it tells which."""
        name = option.label.lower()
        return option.kind != "function" or name not in _UDFS or name in self._declared()

    def _declared(self) -> dict[str, str]:
        return {name.lower(): form for name, form in self._shell.published.udfs.items()}

    def _udfs(self, written: str) -> Iterator[Option]:
        """Yield functions that only this service has."""
        for name, form in self._declared().items():
            if written and name.startswith(written.lower()) and name not in _UDFS:
                yield Option(form[: len(name)], "function", form[len(name) :], "of this service")

    def _names(self, text: str, word: str) -> Iterator[Offered]:
        match = _WORD.search(text)
        written = match[0] if match else ""
        if word == "describe":
            yield from _matching([table.table_name for table in self._shell.catalogue.tables], written)
        elif word == "fetch":
            yield from _matching([url.rsplit("/", 1)[-1] for url in reversed(self._shell.jobs)], written)


def _query_of(text: str) -> str | None:
    """Return the query that is being written, None where there is none, or its first word is not whole yet."""
    word = first_word(text)
    if text.lstrip().lower() == word or not (is_query(text) or word in ABOUT_QUERIES):
        return None
    return text if is_query(text) else text[text.lower().index(word) + len(word) :]


def _matching(names: Iterable[str], written: str) -> Iterator[Offered]:
    for name in names:
        if name.lower().startswith(written.lower()) or (len(written) > 2 and written.lower() in name.lower()):
            yield Offered(name, -len(written))


def _offered(option: Option, place: int) -> Offered:
    about = "  ".join(filter(None, (option.detail, option.about)))
    return Offered(option.label, place, display_meta=f"{option.kind}  {about}"[:_ABOUT].strip())
