"""A query from text to SQL: the main line of the package."""

from dataclasses import dataclass

from adql import postgres
from adql.constants import walk
from adql.errors import AdqlError, NumberRunsOn, TooComplex
from adql.functions import function_of
from adql.hints import likely_meant
from adql.lints import Lint, lints
from adql.nodes import Call, Output, Query, Select
from adql.parse import parse
from adql.resolve import resolve
from adql.rewrite import rewrite
from adql.row_independence import SplittableTable, tables_apart
from schema.model import Catalogue, Table


@dataclass(frozen=True, slots=True)
class Translation:
    """SQL for PostgreSQL, the columns it gives, in their order, and the published tables it reads.

    `query` is the tree that the SQL was printed from, for planners that divide it. `lints` are remarks on what is legal
    and seldom meant so, `top` is how many rows the query asks for at most.
    """

    sql: str
    outputs: tuple[Output, ...]
    tables: tuple[Table, ...]
    query: Query | None = None
    lints: tuple[Lint, ...] = ()
    top: int | None = None

    @property
    def is_repeatable(self) -> bool:
        """Return whether it gives the same rows again as long as its tables are as they are."""
        calls = [node for node in walk(self.query) if isinstance(node, Call)] if self.query else []
        return self.query is not None and not any(function_of(call).is_volatile for call in calls)

    @property
    def apart(self) -> tuple[SplittableTable, ...]:
        """Return the tables whose rows may come in parts, the SQL being run for each."""
        return tables_apart(self.query) if self.query else ()


def translate(text: str, catalogue: Catalogue) -> Translation:
    """Translate a query. Raises: AdqlError, which knows where in the text."""
    try:
        query, tables = resolve(parse(text), catalogue)
        rewritten = rewrite(query)
        return Translation(
            postgres.query(rewritten),
            query.outputs,
            tables,
            rewritten,
            lints(query, text),
            query.body.top if isinstance(query.body, Select) else None,
        )
    except NumberRunsOn as error:
        error.hint = likely_meant(error, catalogue)
        raise error.within(text) from None
    except AdqlError as error:
        raise error.within(text) from None
    except RecursionError:
        raise TooComplex("The query is nested too deeply") from None
