"""From what was asked to the bytes of the answer: a table of links, or products as files. Run in a thread, as queries are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from adql.errors import ClosedTable
from schema.links import Product
from schema.model import Table
from tap.datalink.archive import archive
from tap.datalink.document import LinksDocument
from tap.datalink.identifiers import RequestedId, chunks, ids_of, ids_of_table, unique, uploaded_ids
from tap.datalink.linked_table import LinkedTable, TableChoice
from tap.datalink.links import LinkSource, readable_products
from tap.datalink.products import ProductRequest, ProductRows, make_ids_table
from tap.datalink.result_links import IDS_ARE, TEXTS
from tap.engine.cancellation import Cancellation
from tap.engine.engine import Access, Session
from tap.formats.format import Header
from tap.progress import QueryProgress, Stage
from tap.query.run import QueryService
from tap.request import TapRequest
from tap.uploads.sources import Opened
from uws.parameters import ParameterError, Parameters


class DatalinkAnswer(Protocol):
    """Something that is asked about IDs."""

    def pieces(
        self, request: TapRequest, service: QueryService, cancellation: Cancellation, progress: QueryProgress
    ) -> Iterator[bytes]:
        """Yield the answer. Raises: as tap.query.run.execute; ParameterError."""
        ...


@contextmanager
def _opened(
    request: TapRequest, service: QueryService, cancellation: Cancellation, access: Access
) -> Iterator[tuple[list[Opened], Session]]:
    """Yield the uploads, and a session with the rights of who asks."""
    with (
        service.sources.opened(request.uploads, request.owner) as files,
        service.engine.session(service.limit, cancellation, access, request.role) as session,
    ):
        yield files, session


@dataclass(frozen=True)
class LinksAnswer:
    """The table of links of the IDs in `parameters`, and in the request's uploads."""

    parameters: Parameters
    choice: TableChoice
    tap_url: str

    def pieces(
        self, request: TapRequest, service: QueryService, cancellation: Cancellation, progress: QueryProgress
    ) -> Iterator[bytes]:
        progress.enter(Stage.OPEN)
        with _opened(request, service, cancellation, Access.READ_ONLY) as (files, session):
            progress.enter(Stage.FIRST_ROW)
            linked = self._linked(session, with_tables=bool(files or self.parameters.one("IDS_FROM")))
            source = LinkSource.of(linked, session.catalogue, self.tap_url) if linked else None
            ids = self._ids(linked, files, service, session) if linked else iter(())
            links = (list(source.of_chunk(session, chunk)) for chunk in ids) if source else iter(())
            are_texts = self.parameters.one(IDS_ARE) == TEXTS
            document = LinksDocument(source, service.links_url, service.about, are_texts)
            yield from document.pieces(links, request.maxrec, progress)

    def _linked(self, session: Session, *, with_tables: bool) -> LinkedTable | None:
        """Return the table; None where it cannot be told and does not matter, as there are no IDs (DataLink 1.1 §2.1.1)."""
        try:
            return self.choice.among(session.catalogue)
        except (ParameterError, ClosedTable):
            if self.choice.is_open and not with_tables and not any(map(str.strip, self.parameters.all("ID"))):
                return None
            raise

    def _ids(
        self, linked: LinkedTable, files: list[Opened], service: QueryService, session: Session
    ) -> Iterator[list[RequestedId]]:
        ids = chain(
            ids_of(self.parameters, linked),
            uploaded_ids(files, linked, service.upload_limits),
            ids_of_table(self.parameters, linked, session),
        )
        return chunks(ids, linked)


@dataclass(frozen=True)
class ProductsAnswer:
    """Products of IDs: `names` are those of the kinds, none for all; as one file where that is enough, else as a zip."""

    parameters: Parameters
    choice: TableChoice
    names: tuple[str, ...]
    wanted: ProductRequest
    is_zip: bool

    def pieces(
        self, request: TapRequest, service: QueryService, cancellation: Cancellation, progress: QueryProgress
    ) -> Iterator[bytes]:
        progress.enter(Stage.OPEN)
        with _opened(request, service, cancellation, Access.READ_WRITE) as (files, session):
            progress.enter(Stage.FIRST_ROW)
            linked = self.choice.among(session.catalogue, with_products=True)
            products = self._products(linked, session)
            session.run_in_write_transaction(
                lambda connection: make_ids_table(connection, of_numbers=linked.takes_numbers)
            )

            def ids() -> Iterator[list[RequestedId]]:
                texts = chain(
                    ids_of(self.parameters, linked, always_split=True),
                    uploaded_ids(files, linked, service.upload_limits),
                    ids_of_table(self.parameters, linked, session),
                )
                return chunks(unique(texts), linked)

            about = {name: value for name, value in service.about.items() if name != "service_protocol"}
            header = Header((), "", service=about, room=service.room)
            rows = [ProductRows(product, table, self.wanted, session, header, progress) for product, table in products]
            progress.enter(Stage.ROWS)
            yield from self._written(rows, ids, service)

    def _written(
        self, rows: list[ProductRows], ids: Callable[[], Iterator[list[RequestedId]]], service: QueryService
    ) -> Iterator[bytes]:
        if self.is_zip:
            yield from archive((file for product in rows for file in product.files(ids())), service.room)
        else:
            yield from rows[0].one_file(ids())

    def _products(self, linked: LinkedTable, session: Session) -> list[tuple[Product, Table]]:
        known = readable_products(linked, session.catalogue)
        by_name = {product.name.upper(): (product, table) for product, table in known}
        names = self.names or tuple(by_name)
        missing = next((name for name in names if name.upper() not in by_name), None)
        if missing or not names:
            kinds = ", ".join(by_name) or "none"
            said = f"RETRIEVAL_TYPE {missing[:60]!r} is none of those" if missing else "There are no products"
            raise ParameterError(f"{said} of {linked.table.table_name}: {kinds}")
        return [by_name[name.upper()] for name in names]
