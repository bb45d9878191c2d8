"""The records that the registry has now, and had: made of what everybody may read, and compared with what was told before.

Whoever asks first after a change finds it, and from then on the record has a new datestamp. So nothing that publishes needs to know
of the registry, and a harvester that asks for what is new since its last visit misses nothing.
"""

import threading
import zlib
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256

import psycopg
from lxml import etree

from schema.coverage import coverages
from schema.model import Catalogue, stored_name
from schema.own_tables.names import SHARED, own_schemas
from schema.registry_records import RegistryRecord, keep_records, lock_records, registry_records
from schema.statistics.store import sky_of_tables, sparse_cells
from tap.config import Config
from tap.engine.database import owner_connection
from tap.engine.engine import DatabaseAway, Engine
from tap.registry.coverages import cone_round
from tap.registry.identifiers import authority_id
from tap.registry.records import PublishedTables, Records
from tap.registry.voresource import Element

_SECONDS = 10.0
"""That a statement may take which reads what is published."""
DATESTAMP = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Listing:
    """All records by the time of their last change, and what those that are there say, packed."""

    records: tuple[RegistryRecord, ...]
    contents: Mapping[str, bytes]

    def find(self, identifier: str) -> RegistryRecord | None:
        """Return a record by its identifier, in any case (IVOA Identifiers 2.0 §2.6)."""
        lower = identifier.lower()
        return next((record for record in self.records if record.identifier.lower() == lower), None)

    def resource(self, record: RegistryRecord) -> Element:
        """Return what a record that is there says, with its dates."""
        root: Element = etree.fromstring(zlib.decompress(self.contents[record.identifier]))
        root.set("created", record.created.strftime(DATESTAMP))
        root.set("updated", record.changed.strftime(DATESTAMP))
        return root


class RegistryListing:
    """Keeps the records of one service up to date, one request after the other. Blocks, and may raise DatabaseAway."""

    def __init__(self, config: Config, engine: Engine) -> None:
        self._config = config
        self._engine = engine
        self._lock = threading.Lock()
        self._catalogue: Catalogue | None = None
        self._contents: dict[str, bytes] = {}

    def now(self) -> Listing:
        try:
            with self._lock, owner_connection(self._config) as connection:
                return self._listing(connection)
        except psycopg.OperationalError as error:
            raise DatabaseAway from error

    @property
    def _authority(self) -> str:
        return authority_id(self._config.registry.registry_authority)

    def _listing(self, connection: psycopg.Connection) -> Listing:
        with self._engine.session(_SECONDS) as session:
            is_known = session.catalogue is self._catalogue
        if not is_known:
            self._synchronise(connection)
        records = registry_records(connection, self._authority)
        # What another process has found just now this one finds next time.
        return Listing(tuple(r for r in records if r.is_deleted or r.identifier in self._contents), self._contents)

    def _synchronise(self, connection: psycopg.Connection) -> None:
        """Make all records anew. What is published is read under the lock, so that nobody goes back behind another."""
        with connection.transaction():
            lock_records(connection)
            catalogue, published = self._published(own_schemas(connection) | {SHARED})
            contents, digests = {}, {}
            for element in Records(self._config, published).all():
                identifier, content = element.findtext("identifier"), etree.tostring(element)
                contents[identifier], digests[identifier] = zlib.compress(content, 1), sha256(content).hexdigest()
            keep_records(connection, self._authority, digests)
        self._catalogue, self._contents = catalogue, contents

    def _published(self, of_accounts: Container[str]) -> tuple[Catalogue, PublishedTables]:
        """Return the catalogue of a stranger, and what of it the operator publishes."""
        with self._engine.session(_SECONDS) as session:
            catalogue = session.catalogue
            schemas = (s for s in catalogue.schemas if s.tables and stored_name(s.schema_name) not in of_accounts)
            shown = replace(catalogue, schemas=tuple(schemas))
            names = [table.table_name for table in shown.tables]
            told, sky = session.run(coverages), session.run(partial(sky_of_tables, table_names=names))
            examples = {name: cone_round(*cell) for name, cell in session.run(sparse_cells).items()}
        return catalogue, PublishedTables(shown, sky, told, examples)
