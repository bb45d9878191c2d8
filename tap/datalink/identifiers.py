"""The IDs of a request: values of the parameter, and of a column of tables that come with it, one chunk after the other."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from itertools import islice

import psycopg
from psycopg import sql

from schema.load.reader import FileColumn, LoadError
from schema.model import is_name, unquoted_parts
from tap.datalink.linked_table import LinkedTable, is_release
from tap.engine.engine import Session
from tap.uploads.load import Allowance, UploadLimits, reader_of
from tap.uploads.sources import Opened
from uws.parameters import ParameterError, Parameters

CHUNK = 1000
MOST_UNIQUE = 200_000
_LONGEST = 4096
_MAIN = "meta.id;meta.main"
_LARGEST = 2**63


class BadIdentifier(ValueError):
    """A text cannot be an identifier of a table; the message says what would be."""


@dataclass(frozen=True, slots=True)
class RequestedId:
    """An ID as it was sent, and the value of the table's identifier that it means, None with the `problem` where there is none."""

    text: str
    key: int | str | None
    problem: str = ""


def ids_of(parameters: Parameters, linked: LinkedTable, *, always_split: bool = False) -> Iterator[str]:
    """Yield what ID asks for: whole numbers may stand there in a list with commas, texts only if they are `always_split`."""
    for value in parameters.all("ID"):
        texts = value.split(",") if linked.takes_numbers or always_split else [value]
        yield from (text.strip() for text in texts if text.strip())


def uploaded_ids(files: Iterable[Opened], linked: LinkedTable, limits: UploadLimits) -> Iterator[str]:
    """Yield those of uploads, in whose tables they are the column of the identifier's name, or the main one, or the only one.

    Raises: LoadError.
    """
    allowance = Allowance(limits)
    for opened in files:
        reader = reader_of(opened.upload, opened.path, limits.unpacking)
        place = _place(reader.columns, linked, f"The upload {opened.upload.table_name}")
        for batch in reader.batches():
            allowance.take(batch)
            yield from (str(value) for value in batch.column(place).to_pylist() if value is not None)


def ids_of_table(parameters: Parameters, linked: LinkedTable, session: Session) -> Iterator[str]:
    """Yield those in the table IDS_FROM, which who asks may read, of the column that an upload would have them in.

    Raises: ParameterError, LoadError.
    """
    if (name := parameters.one("IDS_FROM")) is None:
        return
    parts = unquoted_parts(name) if is_name(name) else ()
    tables = session.catalogue.find(parts)
    if len(tables) != 1 or len(parts) != 2:
        raise ParameterError(f"IDS_FROM {name[:100]!r} is no table that you may read")
    (table,) = tables
    columns = tuple(FileColumn(column.name, column.type, ucd=column.ucd) for column in table.columns)
    column = table.columns[_place(columns, linked, name[:100])]
    query = sql.SQL("SELECT {}::text FROM {}").format(
        sql.Identifier(column.stored), sql.Identifier(*table.stored_parts)
    )
    yield from session.run(partial(_texts, query))


def _texts(query: sql.Composed, connection: psycopg.Connection) -> Iterator[str]:
    """Yield the first column of rows, some at a time, while other statements are sent between them."""
    with connection.cursor("ids_from") as cursor:
        cursor.itersize = CHUNK
        yield from (text for (text,) in cursor.execute(query) if text is not None)


def _place(columns: Sequence[FileColumn], linked: LinkedTable, upload: str) -> int:
    name = linked.identifier.name
    by_name = [place for place, column in enumerate(columns) if column.name.lower() == name.lower()]
    by_ucd = [place for place, column in enumerate(columns) if (column.ucd or "").lower() == _MAIN]
    only = [0] if len(columns) == 1 else []
    for places in (by_name, by_ucd, only):
        if len(places) == 1:
            return places[0]
    names = ", ".join(column.name[:40] for column in columns[:10])
    raise LoadError(f"{upload} has no column {name} with IDs, and several others: {names}")


def unique(ids: Iterable[str]) -> Iterator[str]:
    """Yield each ID once. Raises: ParameterError for more than may come in one request, since all must be remembered."""
    seen: set[bytes] = set()
    for id_ in ids:
        digest = blake2b(id_.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if digest not in seen:
            if len(seen) == MOST_UNIQUE:
                raise ParameterError(f"Products are given for {MOST_UNIQUE:,} IDs at most in one request")
            seen.add(digest)
            yield id_


def chunks(ids: Iterable[str], linked: LinkedTable) -> Iterator[list[RequestedId]]:
    """Yield the IDs in their order, so many at once."""
    identifiers = (requested_id(text, linked) for text in ids)
    while chunk := list(islice(identifiers, CHUNK)):
        yield chunk


def requested_id(text: str, linked: LinkedTable) -> RequestedId:
    try:
        return RequestedId(text, _number(text, linked) if linked.takes_numbers else _text(text))
    except BadIdentifier as error:
        return RequestedId(text, None, str(error))


def _number(text: str, linked: LinkedTable) -> int:
    """Return a whole number, before which the release that it is of may stand: Gaia DR3 4295806720. Raises: BadIdentifier."""
    release, _, digits = text.strip().rpartition(" ")
    plain = digits.removeprefix("-")
    if not (plain.isascii() and plain.isdigit() and len(plain) < 20 and int(plain) < _LARGEST):
        raise BadIdentifier(f"{text[:60]!r} is no whole number, as those in {linked.identifier.column_name} are")
    if release and not is_release(release, linked.table):
        raise BadIdentifier(f"{release[:60]!r} is not the release {linked.table.schema_name}")
    return int(digits)


def _text(text: str) -> str:
    if len(text) > _LONGEST:
        raise BadIdentifier(f"an identifier has {_LONGEST:,} characters at most")
    return text
