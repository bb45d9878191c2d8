"""The links of IDs (DataLink 1.1 §3.2): the row itself, links made of its values, and products in other tables.

They are read in chunks, each with one statement for the rows and one for each product, so that any number of IDs needs little
memory. What is no identifier, or none of this table, has a row that says so.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import quote_plus, urlencode

from adql.sql_names import name, quote
from schema.links import Link, Product, url_of, value_of
from schema.model import Catalogue, Column, Table
from schema.templates import columns_of
from tap.datalink.identifiers import RequestedId
from tap.datalink.linked_table import LinkedTable
from tap.engine.engine import Session

VOTABLE_TYPE = "application/x-votable+xml"
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ServiceInput:
    """A parameter of a service, by the id of its descriptor, and the template of its values."""

    service: str
    parameter: str
    template: str


@dataclass(frozen=True, slots=True)
class LinkKind:
    """What the links of all rows have in common that one link, one product or one service of the table gives."""

    semantics: str
    description: str = ""
    content_type: str = ""
    content_qualifier: str = ""
    local_semantics: str = ""
    service_def: str = ""

    @classmethod
    def of(cls, link: Link, service_def: str = "") -> "LinkKind":
        return cls(
            link.semantics,
            link.description or "",
            link.content_type or "",
            link.content_qualifier or "",
            link.local_semantics or "",
            service_def,
        )


THIS = LinkKind("#this")


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A row of the answer; exactly one of `access_url`, `error_message` and its kind's `service_def` is there.

    `inputs` are what its service takes.
    """

    identifier: RequestedId
    kind: LinkKind
    access_url: str = ""
    error_message: str = ""
    inputs: Mapping[ServiceInput, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class LinkSource:
    """Gives the links of a table's rows; `products` are those whose tables the session may read, `tap_url` is the service's."""

    linked: LinkedTable
    products: Sequence[tuple[Product, Table]]
    tap_url: str

    @classmethod
    def of(cls, linked: LinkedTable, catalogue: Catalogue, tap_url: str) -> "LinkSource":
        return cls(linked, readable_products(linked, catalogue), tap_url)

    @cached_property
    def services(self) -> list[tuple[str, Link]]:
        """The links that are services, each with the id of its descriptor."""
        return [
            (f"service-{number}", link) for number, link in enumerate(self.linked.linking.links, 1) if link.is_service
        ]

    @cached_property
    def columns(self) -> list[Column]:
        """The columns of the table that are read, the identifier first."""
        links = self.linked.linking.links
        names = columns_of(template for link in links for template in link.templates)
        used = [column for column in self.linked.table.columns if column.name in names]
        return [self.linked.identifier, *(column for column in used if column.name != self.linked.identifier.name)]

    @cached_property
    def inputs(self) -> list[ServiceInput]:
        """The parameters of services whose values differ from row to row."""
        return [
            ServiceInput(id_, parameter, template)
            for id_, link in self.services
            for parameter, template in link.parameters
            if columns_of((template,))
        ]

    def of_chunk(self, session: Session, chunk: Sequence[RequestedId]) -> Iterator[list[LinkRow]]:
        """Yield the links of each ID. Raises: psycopg.Error."""
        keys = list({identifier.key: None for identifier in chunk if identifier.key is not None})
        rows = self._rows(session, keys) if keys else {}
        having = [(product, self._having(session, product, table, keys)) for product, table in self.products if keys]
        for identifier in chunk:
            if identifier.key not in rows:
                yield [self._fault(identifier)]
            else:
                products = [product for product, keys_there in having if identifier.key in keys_there]
                yield list(self._links(identifier, rows[identifier.key], products))

    def _rows(self, session: Session, keys: list[int | str]) -> dict[object, list[Row]]:
        names = [column.name for column in self.columns]
        outputs = ", ".join(_name(column.stored) for column in self.columns)
        statement = f"SELECT {outputs} FROM {_name(*self.linked.table.stored_parts)} WHERE {_name(self.linked.identifier.stored)} = ANY (%s)"
        rows: dict[object, list[Row]] = defaultdict(list)
        for record in session.records(statement, (keys,)):
            rows[record[0]].append(dict(zip(names, record, strict=True)))
        return rows

    def _having(self, session: Session, product: Product, table: Table, keys: list[int | str]) -> set[object]:
        """Return which of the keys have rows of a product."""
        column = next(column for column in table.columns if column.name == product.id)
        type_ = "bigint[]" if self.linked.takes_numbers else "text[]"
        there = f"SELECT FROM {_name(*table.stored_parts)} AS p WHERE p.{_name(column.stored)} = key"
        rows = session.records(f"SELECT key FROM unnest(%s::{type_}) AS key WHERE EXISTS ({there})", (keys,))
        return {key for (key,) in rows}

    def _fault(self, identifier: RequestedId) -> LinkRow:
        if identifier.problem:
            return LinkRow(identifier, THIS, error_message=f"UsageFault: {identifier.problem}")
        message = f"NotFoundFault: {identifier.text} is no {self.linked.identifier.column_name} of {self._table}"
        return LinkRow(identifier, THIS, error_message=message)

    def _links(self, identifier: RequestedId, rows: Sequence[Row], products: Sequence[Product]) -> Iterator[LinkRow]:
        yield self._itself(identifier)
        for link, kind in self._kinds:
            made = [self._link(identifier, link, kind, row) for row in rows]
            # Components that share an identifier may share a link.
            yield from {found.access_url or str(found.inputs): found for found in made if found}.values()
        for product in products:
            kind, url = self._kinds_of_products[product]
            yield LinkRow(identifier, kind, url + quote_plus(str(identifier.key)))

    def _link(self, identifier: RequestedId, link: Link, kind: LinkKind, row: Row) -> LinkRow | None:
        """Return a link of a row; None where a value that it is made of is missing."""
        if not link.is_service:
            url = url_of(link.url, row)
            return LinkRow(identifier, kind, url) if url else None
        values = {each: value_of(each.template, row) for each in self.inputs if each.service == kind.service_def}
        return None if None in values.values() else LinkRow(identifier, kind, inputs=values)

    @cached_property
    def _kinds(self) -> list[tuple[Link, LinkKind]]:
        services = {link: id_ for id_, link in self.services}
        return [(link, LinkKind.of(link, services.get(link, ""))) for link in self.linked.linking.links]

    @cached_property
    def _kinds_of_products(self) -> dict[Product, tuple[LinkKind, str]]:
        """The kind of each product, and the URL that gives it when an ID is put behind it."""
        return {
            product: (
                LinkKind(
                    product.semantics,
                    product.description or f"{product.name}, from {product.table}",
                    VOTABLE_TYPE,
                    product.content_qualifier or "",
                    product.name,
                ),
                f"{self.tap_url}/data?{urlencode({'TABLE': self._table, 'RETRIEVAL_TYPE': product.name, 'ID': ''})}",
            )
            for product, _ in self.products
        }

    def _itself(self, identifier: RequestedId) -> LinkRow:
        kind, url = self._row_itself
        value = str(identifier.key) if self.linked.takes_numbers else quote(str(identifier.key))
        return LinkRow(identifier, kind, url + quote_plus(value))

    @cached_property
    def _row_itself(self) -> tuple[LinkKind, str]:
        """The same of the query for a row, behind which its identifier is put."""
        query = f"SELECT * FROM {self._table} WHERE {self.linked.identifier.column_name} = "
        url = f"{self.tap_url}/sync?{urlencode({'LANG': 'ADQL', 'QUERY': query})}"
        return LinkKind("#this", f"What {self._table} has of it", VOTABLE_TYPE), url

    @property
    def _table(self) -> str:
        return self.linked.table.table_name


def readable_products(linked: LinkedTable, catalogue: Catalogue) -> list[tuple[Product, Table]]:
    """Return the products of a table whose own tables the catalogue has, with these; others may have gone, or be closed."""
    tables = {table.table_name: table for table in catalogue.tables}
    return [(product, tables[product.table]) for product in linked.linking.products if product.table in tables]


def _name(*parts: str) -> str:
    """Return a name in a statement with values, where a per cent sign begins the place of one."""
    return ".".join(map(name, parts)).replace("%", "%%")
