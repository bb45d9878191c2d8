"""THE STRAIGHT LINE: a request becomes the bytes of its result. The same for /sync and for jobs."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass

import psycopg

from adql import Translation, translate
from adql.spread import Gather
from schema.model import Origin
from tap.engine.engine import DatabaseAway, Engine, Session, ShardAway
from tap.engine.interrupt import Interrupt
from tap.engine.rows import Interrupted, Rows
from tap.errors import describe
from tap.formats.format import Ending, Header, Writer
from tap.request import TapRequest
from tap.room import Room
from tap.sharding.execution.executor import Missing, plan_on_shard
from tap.sharding.execution.gather import Merged
from tap.tally import Tally
from tap.uploads.load import Declared, Limits, declare, schema_of
from tap.uploads.matching import Query, RowsOfParts, rows_of
from tap.uploads.parts import Sorting
from tap.uploads.sources import Sources


@dataclass(frozen=True, slots=True)
class Service:
    """What a query needs beside itself: where it runs, how long it may, and what results say of us.

    `more_rows` tells users how to get what MAXREC left out. `streams`: the beginning of a result is gone before its end is there, so that the document must tell a late error.
    """

    engine: Engine
    limit: float
    about: dict[str, str]
    sources: Sources
    upload_limits: Limits
    sorting: Sorting
    room: Room
    more_rows: str = ""
    streams: bool = True


def execute(request: TapRequest, service: Service, interrupt: Interrupt, tally: Tally) -> Generator[bytes, None, None]:
    """The result, piece by piece. What fails before the first piece raises; later the document tells it, if it streams.

    Raises: AdqlError, LoadError, DatabaseAway, Interrupted, psycopg.Error.
    """
    with (
        service.sources.opened(request.uploads) as files,
        service.engine.session(service.limit, interrupt, uploads=bool(files)) as session,
    ):
        uploads = session.write(lambda connection: declare(connection, files, service.upload_limits)) if files else []
        session.add(schema_of(uploads))
        translation = translate(request.query, session.catalogue)
        missing = Missing() if request.partial else None
        tally.warnings = _warnings(uploads, translation, session)
        query = Query(session, translation, request.format.wire, request.maxrec, missing)
        with rows_of(query, uploads, service.upload_limits, service.sorting, tally) as rows:
            tells = service.streams and request.format.can_tell_errors
            header = _header(request, translation, service, missing, tally.warnings)
            with closing(request.format.writer(header)) as writer:
                tally.warnings = _few([*tally.warnings, *writer.warnings])
                pieces = _pieces(writer, rows, tally, tells=tells, end=_end_of(translation, request))
                yield from filter(None, pieces)


def _pieces(
    writer: Writer, rows: Rows | RowsOfParts | Merged, tally: Tally, *, tells: bool, end: "_End"
) -> Iterator[bytes]:
    """Header, rows and footer. Where the document cannot tell an error it breaks off instead."""
    yield writer.header()
    try:
        for block in rows:
            tally.add(rows=len(block.lengths))
            yield writer.rows(block)
    except (psycopg.Error, Interrupted, DatabaseAway, ShardAway) as error:
        if not tells:
            raise
        yield from writer.footer(Ending(error=describe(error).message))
        return
    yield from writer.footer(end(tally.rows, rows.overflow))


_End = Callable[[int, bool], Ending]
"""Tells how a result of so many rows ended, and whether MAXREC cut it."""


def _end_of(translation: Translation, request: TapRequest) -> _End:
    cut = [str(lint) for lint in translation.lints if lint.when_cut]

    def end(rows: int, overflow: bool) -> Ending:
        warnings = cut if translation.top is not None and rows == translation.top else []
        return Ending(overflow or request.maxrec == 0, warnings=tuple(warnings))

    return end


def _warnings(uploads: list[Declared], translation: Translation, session: Session) -> tuple[str, ...]:
    """What is to be said of a query before its rows, the first of it; what matters only in dear ones if the planner thinks so."""
    lints = [lint for lint in translation.lints if not lint.when_cut]
    if any(lint.when_costly for lint in lints) and session.cost(translation) <= _DEAR:
        lints = [lint for lint in lints if not lint.when_costly]
    return _few([*(reason for upload in uploads for reason in upload.left_out), *map(str, lints)])


_MOST_WARNINGS = 20
_DEAR = 1e8
"""In the planner's unit: some hours."""


def _few(warnings: list[str]) -> tuple[str, ...]:
    more = [f"There are {len(warnings) - _MOST_WARNINGS} more warnings."] if len(warnings) > _MOST_WARNINGS else []
    return (*warnings[:_MOST_WARNINGS], *more)


def _header(
    request: TapRequest,
    translation: Translation,
    service: Service,
    missing: Missing | None,
    warnings: tuple[str, ...],
) -> Header:
    """With whose data the query reads, each once, and what of the sky is missing."""
    origins = dict.fromkeys(table.origin for table in translation.tables if table.origin != Origin())
    version = request.format.versions[0]
    return Header(
        translation.outputs,
        request.query,
        tuple(origins),
        service.about | _told(missing),
        service.room,
        version,
        warnings,
        service.more_rows,
        request.comments,
    )


def _told(missing: Missing | None) -> dict[str, str]:
    if missing is None:
        return {}
    told = {"missing_shards": ", ".join(missing.shards), "missing_sky": missing.sky}
    return {"partial": "true", **told} if missing.shards else {"partial": "false"}


def explain(query: str, session: Session) -> tuple[str, list[str]]:
    """The SQL of a query and PostgreSQL's plan for it; of one on shards what each is asked, and the plan of one of them."""
    translation = translate(query, session.catalogue)
    if translation.spread is None:
        return translation.sql, session.explain(translation.sql)
    asked = [line for gather in translation.spread.gathers for line in _asked(gather)]
    final = ["-- then here", translation.spread.final] if translation.spread.final else []
    return "\n".join([*asked, *final]), plan_on_shard(session, translation.spread.gathers[0])


def _asked(gather: Gather) -> tuple[str, ...]:
    travels = [f"-- with {'.'.join(each.parts)} as {each.there}" for each in gather.travels]
    into = [f"-- into {gather.table}"] if gather.table else []
    return f"-- asked of {', '.join(gather.shards)}", *travels, *into, gather.asked(gather.shards[0])


def planned_cost(query: str, session: Session) -> float:
    """What PostgreSQL's planner thinks a query costs, in its own unit."""
    return session.cost(translate(query, session.catalogue))
