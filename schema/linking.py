"""What a description says of links and products, checked against the tables that they are about."""

from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches

import psycopg
from psycopg import sql

from schema.description import Description, DescriptionError
from schema.links import CORE, PRODUCT_TYPES, WEB, Link, Linking, Product
from schema.model import Column, Table, quoted_if_needed, unquoted_parts
from schema.statements import statement
from schema.tap_schema import read_catalogue
from schema.templates import columns_of, lone_column
from schema.types import BOOLEAN, TIMESTAMP, Type

_MAIN = "meta.id;meta.main"
_IDENTIFIERS = {"smallint", "integer", "bigint", "text", "character varying"}
"""Types of PostgreSQL by whose indexes whole numbers and texts are found."""


def described_linking(linking: Linking | None, description: Description) -> Linking | None:
    """Apply a description to where rows led before: it changes what it names."""
    identifier, links, products = description.table.identifier, description.links, description.products
    before = linking or Linking()
    after = Linking(
        before.identifier if identifier is None else identifier,
        before.links if links is None else links,
        before.products if products is None else products,
    )
    return after if after != Linking() else None


def checked_linking(connection: psycopg.Connection, table: Table) -> Linking | None:
    """Return where the rows of a table lead, its identifier found. Raises: DescriptionError; `table` is as it shall be published."""
    for column in table.columns:
        if column.link:
            _check_template(column.link, table, f"[columns.{column.name}] link")
    if table.linking is None:
        return None
    linking = replace(table.linking, identifier=table.linking.identifier or _found_identifier(connection, table))
    identifier = _column(table, linking.identifier, "[table] identifier")
    _check_identifier(connection, table, identifier)
    links = tuple(_checked_link(link, table) for link in linking.links)
    names = [product.name for product in linking.products]
    if len(names) > len(set(map(str.upper, names))):
        raise DescriptionError(f"[[products]] of {table.table_name}: two of them have one name")
    products = tuple(_checked_product(connection, product, table, identifier) for product in linking.products)
    return replace(linking, links=links, products=products)


def _found_identifier(connection: psycopg.Connection, table: Table) -> str:
    """Return the column with the UCD of the main identifier, or else the one that is the primary key."""
    main = [column.name for column in table.columns if (column.ucd or "").replace(" ", "").lower() == _MAIN]
    if len(main) == 1:
        return main[0]
    stored = sql.Identifier(*table.stored_parts).as_string(connection)
    key = [str(name) for (name,) in connection.execute(statement("primary_key"), (stored,)).fetchall()]
    if len(key) == 1 and any(column.name == key[0] for column in table.columns):
        return key[0]
    raise DescriptionError(
        f"{table.table_name} has links, but neither one column with the UCD {_MAIN} nor a primary key of one column;"
        ' [table] identifier = "..." says which column tells a row from others'
    )


def _column(table: Table, name: str, place: str) -> Column:
    column = next((column for column in table.columns if column.name == name), None)
    if column is None:
        names = [column.name for column in table.columns]
        raise DescriptionError(f"{place}: {table.table_name} has no column {name}{_nearest(name, names)}")
    return column


def _nearest(name: str, names: list[str]) -> str:
    close = get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]}?" if close else f"; it has {', '.join(names)}"


def _check_identifier(connection: psycopg.Connection, table: Table, column: Column) -> None:
    rows = connection.execute(statement("existing_columns"), table.stored_parts).fetchall()
    type_ = next((str(type_) for name, type_, *_ in rows if name == column.name), "")
    if type_ not in _IDENTIFIERS:
        raise DescriptionError(
            f"[table] identifier: {column.name} of {table.table_name} is {type_}; an identifier is a whole number or a text"
        )


def _check_template(template: str, table: Table, place: str, *, is_url: bool = True) -> None:
    try:
        columns = [_column(table, name, place) for name in columns_of((template,))]
    except ValueError as error:
        raise DescriptionError(f"{place}: {template!r} is no template: {error}") from error
    if wrong := next((column for column in columns if not _stands_in_urls(column.type)), None):
        raise DescriptionError(f"{place}: values of {wrong.name}, which is {wrong.type.adql}, cannot stand in a link")
    if is_url and not template.startswith(WEB) and lone_column(template) is None:
        raise DescriptionError(f"{place}: {template!r} begins neither with https:// nor http://, nor is it one column")


def _stands_in_urls(type_: Type) -> bool:
    return type_.is_numeric or type_.is_text or type_ in (BOOLEAN, TIMESTAMP)


def _checked_link(link: Link, table: Table) -> Link:
    place = f"[[links]] of {table.table_name}"
    if link.is_service and columns_of((link.url,)):
        raise DescriptionError(f"{place}: columns of a service stand in its parameters, not in the url {link.url!r}")
    _check_template(link.url, table, place)
    for _, template in link.parameters:
        _check_template(template, table, place, is_url=False)
    qualifier = link.content_qualifier and _term(link.content_qualifier, PRODUCT_TYPES, place)
    return replace(link, semantics=_term(link.semantics, CORE, place), content_qualifier=qualifier)


def _term(term: str, vocabulary: list[str], place: str) -> str:
    """Return a term of a vocabulary as it stands in documents, or a URI of another vocabulary (DataLink 1.1 §3.2.6)."""
    if "://" in term:
        return term
    if (word := term.removeprefix("#")) not in vocabulary:
        raise DescriptionError(f"{place}: there is no term #{word}{_nearest(word, vocabulary)}")
    return f"#{word}"


def _checked_product(connection: psycopg.Connection, product: Product, table: Table, identifier: Column) -> Product:
    place = f"[[products]] {product.name} of {table.table_name}"
    if not product.name.replace("_", "").replace("-", "").isalnum() or not product.name.isascii():
        raise DescriptionError(f"{place}: a product's name, which names files, is of ASCII letters, digits, _ and -")
    holder = _published(connection, product, table, place)
    id_ = _column(holder, product.id, f"{place}: id")
    if (id_.type.is_text, id_.type.is_integer) != (identifier.type.is_text, identifier.type.is_integer):
        raise DescriptionError(f"{place}: {id_.name} is {id_.type.adql}, and {identifier.name} {identifier.type.adql}")
    if product.valid:
        valid = _column(holder, product.valid, f"{place}: valid")
        if not (valid.type is BOOLEAN or valid.type.is_integer):
            raise DescriptionError(f"{place}: valid is a flag or a whole number, not {valid.type.adql}")
    if product.order_by:
        _column(holder, product.order_by, f"{place}: order_by")
    qualifier = product.content_qualifier and _term(product.content_qualifier, PRODUCT_TYPES, place)
    semantics = _term(product.semantics, CORE, place)
    return replace(product, table=holder.table_name, semantics=semantics, content_qualifier=qualifier)


def slow_links(connection: psycopg.Connection, table_name: str) -> Iterator[str]:
    """Yield a note on each column by which the rows of a published table, or of its products, are found without an index."""
    table = next(iter(read_catalogue(connection, table_name).tables), None)
    if table is None or table.linking is None:
        return
    searched = [(table, table.linking.identifier)]
    for product in table.linking.products:
        searched += [(other, product.id) for other in read_catalogue(connection, product.table).tables]
    for holder, name in searched:
        column = next(column for column in holder.columns if column.name == name)
        if holder.table_type != "view" and not column.indexed:
            yield f"no index begins with {name} of {holder.table_name}, so links and products are slow to find"


def _published(connection: psycopg.Connection, product: Product, table: Table, place: str) -> Table:
    name = ".".join(map(quoted_if_needed, unquoted_parts(product.table)))
    if name == table.table_name:
        return table
    tables = list(read_catalogue(connection, name).tables)
    if not tables:
        raise DescriptionError(f"{place}: there is no published table {product.table}; publish it first")
    return tables[0]
