"""TOP without ORDER BY: which rows come is left to chance."""

from collections.abc import Iterator

from adql.errors import Span
from adql.lints.lint import Lint
from adql.nodes import Query, Select


def top_without_order(query: Query, text: str) -> Iterator[Lint]:
    body = query.body
    if isinstance(body, Select) and body.top is not None and not body.order_by:
        message = f"TOP {body.top} without ORDER BY gives any {body.top} of the rows, and others the next time"
        yield Lint(message, Span(body.span.start, body.span.start + len("SELECT")), when_cut=True)
