"""TOP without ORDER BY: which rows come is left to chance."""

import re
from collections.abc import Iterator, Sequence

from adql.errors import Span
from adql.grouping import aggregate_in
from adql.lints.lint import Lint
from adql.nodes import Node, Query, Select

_TOP = re.compile(r"\bTOP\s+\d+", re.IGNORECASE)


def _is_one_row(select: Select) -> bool:
    """Return whether all rows become one."""
    return not select.group_by and any(aggregate_in(item) for item in select.items)


def top_without_order(nodes: Sequence[Node], text: str) -> Iterator[Lint]:
    query = nodes[0]
    body = query.body if isinstance(query, Query) else None
    if isinstance(body, Select) and body.top is not None and not body.order_by and not _is_one_row(body):
        message = f"TOP {body.top} without ORDER BY gives any {body.top} of the rows, and others the next time"
        match = _TOP.search(text, body.span.start)
        yield Lint(message, Span(*match.span()) if match else body.span, when_cut=True)
