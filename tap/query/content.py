"""What a result holds, told before it is made: requests that must get the same rows, said in the same way, share a digest."""

import hashlib

from adql.errors import AdqlError
from adql.translate import Translation, translate
from tap.engine.engine import Engine, Session
from tap.formats.metadata import fields
from tap.request import TapRequest
from tap.version import VERSION

_LIMIT = 10.0


def content_of(request: TapRequest, engine: Engine) -> str:
    """Return the digest of what a request is answered with; empty where that cannot be known beforehand.

    That holds for uploads, random numbers, and tables whose changes we do not hear of. Of tables that are not for
    everybody the digest is the asker's own, so that nobody learns what others asked of them.

    Raises: DatabaseAway, Interrupted, psycopg.Error.
    """
    if request.uploads or request.partial:
        return ""
    with engine.session(_LIMIT, role=request.role) as session:
        try:
            translation = translate(request.query, session.catalogue)
        except AdqlError:
            return ""
    versions = [(table.table_name, table.data_version) for table in translation.tables]
    if not translation.is_repeatable or any(number is None for _, number in versions):
        return ""
    reader = None if request.role is None or _are_public(translation, engine) else request.owner
    said = [str(lint) for lint in translation.lints]
    how = (request.media_type, request.format.versions[0], request.maxrec, request.comments, request.moc_order)
    content = (VERSION, translation.sql, fields(translation.outputs), versions, reader, said, how)
    return hashlib.sha256(repr(content).encode()).hexdigest()


def _are_public(translation: Translation, engine: Engine) -> bool:
    with engine.session(_LIMIT) as session:
        return all(_has(session, table.parts, table.data_version) for table in translation.tables)


def _has(session: Session, parts: tuple[str, ...], data_version: int | None) -> bool:
    return data_version in {table.data_version for table in session.catalogue.find(parts)}
