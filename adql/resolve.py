"""Names → columns, in all of a query; with what is known of every value and of the output columns.

The result has no name of the query left: tables are t1, t2, ... in the SQL, output columns c1,
c2, ..., WITH queries w1, w2, .... So nothing that a user called something can collide, be
folded or be cut, and PostgreSQL never reads a name that the user wrote.
"""

from dataclasses import dataclass, field, replace
from itertools import count

from adql import nodes
from adql.errors import (
    AmbiguousName,
    ClosedTable,
    Suggestion,
    UnknownName,
    UnknownTable,
    WithdrawnTable,
    nearest,
)
from adql.grouping import check_grouping, window_in
from adql.joins import Joined, join_scopes
from adql.nodes import Output, Query, QueryBody
from adql.outputs import aliases, select_outputs, unified
from adql.resolve_clauses import group_term, order_term, select_list, set_order_term
from adql.resolve_values import Expressions, no_aggregate
from adql.scope import Scope, Source, Visible, output_columns, table_columns
from adql.unnest import element_columns
from schema.model import Catalogue, Table, delimited


@dataclass(frozen=True)
class Resolver:
    """Resolves a query against a catalogue, and gathers the published tables that it reads (`used`, by name).

    Holds the WITH queries in reach (`common`) and the numbers for aliases.
    """

    catalogue: Catalogue
    common: tuple[tuple[nodes.Identifier, str, tuple[Output, ...]], ...] = ()
    numbers: "count[int]" = field(default_factory=lambda: count(1))
    used: dict[str, Table] = field(default_factory=dict)

    def query(self, query: Query, parent: Scope | None = None) -> Query:
        resolver, common_tables = self, []
        for number, common in enumerate(query.common_tables, 1):
            resolver._check_new_name(common.name)
            body = resolver.body(common.body, parent)
            name = f"w{number}"
            common_tables.append(replace(common, body=body, sql_name=name))
            resolver = replace(resolver, common=(*resolver.common, (common.name, name, body.outputs)))
        body = resolver.body(query.body, parent)
        return replace(query, body=body, common_tables=tuple(common_tables))

    def _check_new_name(self, name: nodes.Identifier) -> None:
        if any(name.matches(earlier_name.name) for earlier_name, _, _ in self.common):
            raise AmbiguousName(f"Two queries after WITH are called {name.name}", name.span)

    def body(self, body: QueryBody, parent: Scope | None) -> QueryBody:
        if isinstance(body, nodes.Select):
            return self.select(body, parent)
        return self.set_operation(body, parent)

    # ---- SELECT

    def select(self, select: nodes.Select, parent: Scope | None) -> nodes.Select:
        joined = self.from_clause(select.tables, parent)
        scope = Scope(joined.sources, joined.visible, parent)
        expressions = Expressions(self.query, scope)
        items = select_list(expressions, select.items)
        outputs = select_outputs(items)
        scope_with_aliases = replace(scope, aliases=aliases(items))
        with_aliases = Expressions(self.query, scope_with_aliases)
        without_aliases = Expressions(self.query, replace(scope, later=scope_with_aliases.aliases))
        where = without_aliases.optional(select.where, "WHERE")
        group_by = tuple(group_term(with_aliases, term, items) for term in select.group_by)
        having = with_aliases.optional(select.having, None)
        if having is not None and window_in(having):
            no_aggregate(having, "HAVING")
        order_by = tuple(order_term(with_aliases, term, items) for term in select.order_by)
        resolved = replace(
            select,
            items=items,
            tables=joined.references,
            where=where,
            group_by=group_by,
            having=having,
            order_by=order_by,
            outputs=outputs,
        )
        check_grouping(resolved)
        return resolved

    def from_clause(self, references: tuple[nodes.TableReference, ...], parent: Scope | None) -> Joined:
        joined = Joined()
        for reference in references:
            joined = joined.beside(self.table(reference, parent, joined))
        _check_aliases(joined.sources)
        return joined

    def table(self, reference: nodes.TableReference, parent: Scope | None, preceding: Joined) -> Joined:
        match reference:
            case nodes.TableName():
                return self._named_table(reference)
            case nodes.DerivedTable():
                alias = f"t{next(self.numbers)}"
                query = self.query(reference.query, parent)
                source = Source((reference.alias,), output_columns(query.outputs, alias))
                return Joined.of(replace(reference, query=query, sql_alias=alias), source)
            case nodes.Join():
                return self._join(reference, parent, preceding)
            case nodes.Unnest():
                return self._unnest(reference, Scope(preceding.sources, preceding.visible, parent))
        raise AssertionError(reference)

    def _join(self, join: nodes.Join, parent: Scope | None, preceding: Joined) -> Joined:
        left = self.table(join.left, parent, preceding)
        # The elements of an array can be those of tables left of it, unless its rows are kept without them.
        reach = preceding.beside(left) if join.kind in {"INNER", "LEFT"} else preceding
        right = self.table(join.right, parent, reach)
        joined = join_scopes(join, left, right)
        if join.condition is None:
            return joined
        scope = Scope(joined.sources, joined.visible, parent, out_of_reach=preceding.sources)
        condition = Expressions(self.query, scope).condition(join.condition)
        no_aggregate(condition, "ON")
        return joined.on(condition)

    def _unnest(self, unnest: nodes.Unnest, scope: Scope) -> Joined:
        expressions = Expressions(self.query, scope)
        try:
            arrays = tuple(expressions.value(array) for array in unnest.arrays)
        except UnknownName as error:
            error.hint = error.hint or "UNNEST sees the tables before it, but in a RIGHT or FULL JOIN not the left one."
            raise
        for array in arrays:
            no_aggregate(array, "UNNEST")
        resolved = replace(unnest, arrays=arrays, sql_alias=f"t{next(self.numbers)}")
        return Joined.of(resolved, Source((unnest.alias,), element_columns(resolved)))

    def _named_table(self, name: nodes.TableName) -> Joined:
        alias = f"t{next(self.numbers)}"
        if len(name.parts) == 1:
            for identifier, sql_name, outputs in self.common:
                if name.parts[0].matches(identifier.name):
                    relation = nodes.Relation((sql_name,), alias, span=name.span)
                    source = Source((name.alias or name.parts[0],), output_columns(outputs, alias))
                    return Joined.of(relation, source)
        table = self._find(name)
        self.used[table.table_name] = table
        names = (name.alias,) if name.alias else tuple(nodes.Identifier(p) for p in table.parts)
        relation = nodes.Relation(table.stored_parts, alias, span=name.span)
        return Joined.of(relation, Source(names, table_columns(table, alias)))

    def _find(self, name: nodes.TableName) -> Table:
        matches = [
            table
            for table in self.catalogue.find(tuple(part.name for part in name.parts))
            if all(
                part.matches(table_part) for part, table_part in zip(name.parts[::-1], table.parts[::-1], strict=False)
            )
        ]
        if len(matches) == 1:
            return matches[0]
        shown = ".".join(part.name for part in name.parts)
        if matches:
            choices = " or ".join(".".join(map(delimited, table.parts)) for table in matches)
            raise AmbiguousName(f"{shown} may mean several tables", name.span, f"Write {choices}.")
        if self.catalogue.is_announced(tuple(part.name for part in name.parts)):
            raise ClosedTable(f"Only some accounts may read {shown}", name.span, "Log in as one of them.")
        reason = self.catalogue.why_withdrawn(tuple(part.name for part in name.parts))
        if reason is not None:
            raise WithdrawnTable(f"{shown} has been withdrawn: {reason}", name.span, self._table_hint(shown))
        raise UnknownTable(f"There is no table {shown}", name.span, self._table_hint(shown))

    def _table_hint(self, name: str) -> str:
        names = [table.table_name for table in self.catalogue.tables]
        by_bare_name = {full_name.rsplit(".", 1)[-1]: full_name for full_name in names}
        if name in names:
            hint = f"Quotes go round each part of a name, not round the whole: write {name}."
            return Suggestion.of(hint, name, (name,))
        close = nearest(name, names) or nearest(name.rsplit(".", 1)[-1], list(by_bare_name))
        return close or "All tables: SELECT table_name FROM tap_schema.tables"

    # ---- UNION, EXCEPT, INTERSECT

    def set_operation(self, operation: nodes.SetOperation, parent: Scope | None) -> nodes.SetOperation:
        operands = tuple(self.body(operand, parent) for operand in operation.operands)
        outputs = operands[0].outputs
        for operand in operands[1:]:
            outputs = unified(outputs, operand)
        named = tuple(Visible(o.name, o.delimited, nodes.Field("", o.sql_name, info=o.info)) for o in outputs)
        expressions = Expressions(self.query, Scope(visible=named))
        order_by = tuple(set_order_term(expressions, term, outputs) for term in operation.order_by)
        return replace(operation, operands=operands, order_by=order_by, outputs=outputs)


def _check_aliases(sources: tuple[Source, ...]) -> None:
    seen: dict[str, Source] = {}
    for source in sources:
        if source.name.lower() in seen:
            name = source.names[-1]
            raise AmbiguousName(
                f"Two tables of this query are called {source.name}",
                name.span,
                "Give them aliases: FROM t AS a, t AS b.",
            )
        seen[source.name.lower()] = source


def resolve(query: Query, catalogue: Catalogue) -> tuple[Query, tuple[Table, ...]]:
    """Return the query with its names resolved against the catalogue, and the tables that it reads.

    Raises: AdqlError, or one of its subclasses.
    """
    resolver = Resolver(catalogue)
    return resolver.query(query), tuple(resolver.used.values())
