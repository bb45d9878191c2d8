"""THE MAIN LINE: a request becomes the bytes of its result. The same for /sync and for jobs."""

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace

import psycopg

from adql.translate import Translation, translate
from tap.datalink.result_links import result_links
from tap.engine.cancellation import Cancellation
from tap.engine.engine import Access, DatabaseAway, Engine, Session, ShardAway
from tap.engine.rows import Interrupted, RowStream
from tap.errors import describe
from tap.formats.format import Ending, Header, Writer
from tap.progress import QueryProgress, Stage
from tap.query.manifest import QueryFacts, uploaded_files
from tap.query.reading import ReadMeter
from tap.query.remarks import End, asked_again, end_of, few, header_of, identifiers_of, warnings_of
from tap.query.row_streams import QueryRun, rows_of
from tap.query.translation_cache import TranslationCache
from tap.request import TapRequest
from tap.sharding.execution.executor import UnsearchedSky
from tap.sharding.planning import plan_query
from tap.temp_files import TempFiles
from tap.uploads.load import Declared, UploadLimits, declare, schema_of
from tap.uploads.parts import Sorting
from tap.uploads.sources import Opened, Sources


@dataclass(frozen=True, slots=True)
class QueryService:
    """What a query needs beside itself: where it runs, how long it may, and what results say of us.

    `more_rows` tells users how to get what MAXREC left out; `links_url` is that of {links}, where rows lead, `sync_url`
    that of /sync; `authority` is that of the identifiers of its tables in the registry. `streams`: the beginning of a
    result is gone before its end is there, so that the document must tell a late error.
    """

    engine: Engine
    limit: float
    about: dict[str, str]
    sources: Sources
    upload_limits: UploadLimits
    sorting: Sorting
    room: TempFiles
    more_rows: str = ""
    links_url: str = ""
    sync_url: str = ""
    authority: str = ""
    streams: bool = True
    translations: TranslationCache = field(default_factory=TranslationCache, compare=False)


def execute(
    request: TapRequest, service: QueryService, cancellation: Cancellation, progress: QueryProgress
) -> Generator[bytes, None, None]:
    """Yield the result, piece by piece. What fails before the first piece raises; later the document tells it, if it streams.

    Raises: AdqlError, LoadError, DatabaseAway, Interrupted, psycopg.Error.
    """
    progress.enter(Stage.OPEN)
    with (
        service.sources.opened(request.uploads, request.owner) as files,
        service.engine.session(service.limit, cancellation, _access(files), request.role) as session,
    ):
        progress.enter(Stage.TRANSLATE)
        uploads = _declared(session, files, service.upload_limits)
        translation = _translated(request.query, session, service, uploads)
        progress.enter(Stage.PLAN)
        plan = plan_query(translation, session.placements)
        # A result that is kept tells what it was made of.
        of_uploads = () if service.streams else uploaded_files(files)
        facts = QueryFacts(request, plan, session.run(_version), session.shard_work, of_uploads)
        progress.facts = facts
        progress.enter(Stage.FIRST_ROW)
        progress.warnings = warnings_of(uploads, plan, session)
        unsearched = UnsearchedSky() if request.partial else None
        run = QueryRun(session, plan, request.format.encoding, request.maxrec, unsearched)
        meter = ReadMeter(run, facts.tables) if request.receipt or not service.streams else None
        with rows_of(run, uploads, service.upload_limits, service.sorting, progress) as rows:
            header = header_of(request, translation, unsearched, progress.warnings)
            header = replace(
                header,
                service=header.service | asked_again(request, service.sync_url),
                data_ivoids=identifiers_of(translation, service.authority),
                links=result_links(translation.outputs, translation.tables, service.links_url),
            )
            with closing(request.format.writer(of_service(header, service))) as writer:
                progress.warnings = few([*progress.warnings, *writer.warnings])
                tells = service.streams and request.format.can_tell_errors
                pieces = _pieces(writer, rows, progress, tells=tells, end=end_of(translation, request))
                yield from filter(None, pieces)
        if meter:
            progress.facts = replace(facts, read=meter.reading())


def _version(connection: psycopg.Connection) -> str:
    """Return PostgreSQL's version, such as 15.18."""
    return "{}.{}".format(*divmod(connection.info.server_version, 10_000))


def _translated(query: str, session: Session, service: QueryService, uploads: list[Declared]) -> Translation:
    if uploads:
        return translate(query, session.catalogue)
    return service.translations.translation(query, session.catalogue, session.role)


def of_service(header: Header, service: QueryService) -> Header:
    """Return a header with what the service says of itself."""
    about = service.about | header.service
    return replace(header, service=about, room=service.room, more_rows=service.more_rows)


def _access(files: list[Opened]) -> Access:
    return Access.READ_WRITE if files else Access.READ_ONLY


def _declared(session: Session, files: list[Opened], limits: UploadLimits) -> list[Declared]:
    """Make the tables of uploads, still empty, and put them into the session's catalogue. Raises: LoadError, psycopg.Error."""
    if not files:
        return []
    uploads = session.run_in_write_transaction(lambda connection: declare(connection, files, limits))
    session.add(schema_of(uploads))
    return uploads


class WholeResult(bytes):
    """A piece that is all of the result."""


def _pieces(writer: Writer, rows: RowStream, progress: QueryProgress, *, tells: bool, end: End) -> Iterator[bytes]:
    """Yield the result as it comes; in one piece if all of its rows are here already."""
    pieces = _streamed(writer, rows, progress, tells=tells, end=end)
    if rows.is_whole:
        yield WholeResult(b"".join(pieces))
    else:
        yield from pieces


def _streamed(writer: Writer, rows: RowStream, progress: QueryProgress, *, tells: bool, end: End) -> Iterator[bytes]:
    """Yield header, rows and footer. Where the document cannot tell an error it breaks off instead."""
    progress.enter(Stage.ENCODE)
    yield writer.header()
    progress.enter(Stage.ROWS)
    try:
        for block in rows:
            progress.add(rows=len(block.lengths))
            progress.enter(Stage.ENCODE)
            yield writer.rows(block)
            progress.enter(Stage.ROWS)
    except (psycopg.Error, Interrupted, DatabaseAway, ShardAway) as error:
        if not tells:
            raise
        yield from writer.footer(Ending(error=describe(error).message))
        return
    progress.overflow = rows.overflow
    progress.enter(Stage.ENCODE)
    yield from writer.footer(end(progress.rows, rows.overflow))
