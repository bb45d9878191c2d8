"""Whether queries after WITH may be written out where they are named."""

from adql.constants import walk
from adql.functions import function_of
from adql.nodes import Call, Query, QueryBody, Relation

_MAX_INLINED = 64


def may_be_inlined(query: Query) -> bool:
    """Return whether the query reads few tables when its WITH queries are written out, and none gives another value each time."""
    sizes: dict[str, int] = {}
    for common in query.common_tables:
        sizes[common.sql_name] = _size(common.body, sizes)
    return _size(query.body, sizes) <= _MAX_INLINED and not _is_volatile(query)


def _size(body: QueryBody, sizes: dict[str, int]) -> int:
    relations = [node for node in walk(body) if isinstance(node, Relation)]
    return sum(sizes.get(relation.parts[0], 1) if len(relation.parts) == 1 else 1 for relation in relations)


def _is_volatile(query: Query) -> bool:
    return any(isinstance(node, Call) and function_of(node).is_volatile for node in walk(query))
