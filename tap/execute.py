"""THE STRAIGHT LINE: a request becomes the bytes of its result. The same for /sync and for jobs."""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from adql import Translation, translate
from schema.model import Origin
from tap.engine.engine import Engine, Session
from tap.engine.interrupt import Interrupt
from tap.engine.rows import Interrupted, Rows
from tap.errors import describe
from tap.formats.format import Header, Writer
from tap.request import TapRequest


@dataclass(frozen=True, slots=True)
class Service:
    """What a query needs beside itself: where it runs, how long it may, and what results say of us."""

    engine: Engine
    limit: float
    about: dict[str, str]


def execute(request: TapRequest, service: Service, interrupt: Interrupt) -> Iterator[bytes]:
    """The result, piece by piece. What fails before the first piece raises; later the document tells it.

    Raises: AdqlError, DatabaseAway, Interrupted, psycopg.Error.
    """
    with service.engine.session(service.limit, interrupt) as session:
        translation = translate(request.query, session.catalogue)
        rows = session.rows(translation, request.format.wire, request.maxrec)
        writer = request.format.writer(_header(request, translation, service))
        yield writer.header()
        yield from _body(writer, rows, request)


def _body(writer: Writer, rows: Rows, request: TapRequest) -> Iterator[bytes]:
    """Rows and footer. Formats that cannot tell an error break off instead."""
    try:
        for block in rows:
            yield writer.rows(block)
    except (psycopg.Error, Interrupted) as error:
        if not request.format.can_tell_errors:
            raise
        yield writer.footer(overflow=False, error=describe(error).message)
        return
    yield writer.footer(overflow=rows.overflow or request.maxrec == 0)


def _header(request: TapRequest, translation: Translation, service: Service) -> Header:
    """With whose data the query reads, each once."""
    origins = dict.fromkeys(table.origin for table in translation.tables if table.origin != Origin())
    return Header(translation.outputs, request.query, tuple(origins), service.about)


def explain(query: str, session: Session) -> tuple[str, list[str]]:
    """The SQL of a query and PostgreSQL's plan for it."""
    translation = translate(query, session.catalogue)
    return translation.sql, session.explain(translation)
