"""What a result says beside its rows: whose data they are, warnings, what of the sky is missing, how it ended."""

from collections.abc import Callable
from urllib.parse import urlencode

from adql.translate import Translation
from schema.model import Origin
from tap.engine.engine import Session
from tap.formats.format import Ending, Header
from tap.registry.identifiers import table_id
from tap.request import TapRequest
from tap.sharding.execution.executor import UnsearchedSky
from tap.sharding.planning import CitusPlan, QueryPlan
from tap.uploads.load import Declared

End = Callable[[int, bool], Ending]
"""Tells how a result of so many rows ended, and whether MAXREC cut it."""

_MOST_WARNINGS = 20
_LONGEST_URL = 2_000
_DEAR = 1e8
"""In the planner's unit: some hours."""


def header_of(
    request: TapRequest, translation: Translation, unsearched: UnsearchedSky | None, warnings: tuple[str, ...]
) -> Header:
    """Return what a result says of itself before its rows: with whose data the query reads, each once."""
    origins = dict.fromkeys(table.origin for table in translation.tables if table.origin != Origin())
    return Header(
        translation.outputs,
        request.query,
        tuple(origins),
        _of_unsearched(unsearched),
        version=request.format.versions[0],
        warnings=warnings,
        comments=request.comments,
        moc_order=request.moc_order,
    )


def asked_again(request: TapRequest, sync_url: str) -> dict[str, str]:
    """Return the URL that asks the same again, as DataOrigin has it, where there is one of reasonable length."""
    if request.uploads or not sync_url:
        return {}
    parameters = {"LANG": "ADQL", "QUERY": request.query, "MAXREC": request.maxrec}
    url = f"{sync_url}?{urlencode(parameters)}"
    return {"request": url} if len(url) <= _LONGEST_URL else {}


def identifiers_of(translation: Translation, authority: str) -> tuple[str, ...]:
    """Return the identifiers in the registry of the tables that a query reads, and of which something is said; each once."""
    if not authority:
        return ()
    return tuple(dict.fromkeys(table_id(authority, table) for table in translation.tables if table.origin != Origin()))


def _of_unsearched(unsearched: UnsearchedSky | None) -> dict[str, str]:
    if unsearched is None:
        return {}
    if not unsearched.shards:
        return {"partial": "false"}
    return {"partial": "true", "missing_shards": ", ".join(unsearched.shards), "missing_sky": unsearched.sky}


def warnings_of(uploads: list[Declared], plan: QueryPlan, session: Session) -> tuple[str, ...]:
    """Return the remarks that come before the rows; those that matter in dear queries only if the planner thinks that it is one.

    Raises: psycopg.Error.
    """
    lints = [lint for lint in plan.translation.lints if not lint.when_cut]
    if any(lint.when_costly for lint in lints) and cost_of(plan, session) <= _DEAR:
        lints = [lint for lint in lints if not lint.when_costly]
    return few([*(reason for upload in uploads for reason in upload.left_out), *map(str, lints)])


def cost_of(plan: QueryPlan, session: Session) -> float:
    """Return what PostgreSQL's planner thinks a query costs, in its own unit; 0 where Citus plans it, which does not say. Raises: psycopg.Error."""
    return 0.0 if isinstance(plan.distributed, CitusPlan) else session.cost(plan.translation)


def few(warnings: list[str]) -> tuple[str, ...]:
    """Return the first of them, and how many more there are."""
    more = [f"There are {len(warnings) - _MOST_WARNINGS} more warnings."] if len(warnings) > _MOST_WARNINGS else []
    return (*warnings[:_MOST_WARNINGS], *more)


def end_of(translation: Translation, request: TapRequest) -> End:
    cut = [str(lint) for lint in translation.lints if lint.when_cut]

    def end(rows: int, overflow: bool) -> Ending:
        warnings = cut if translation.top is not None and rows == translation.top else []
        return Ending(overflow or request.maxrec == 0, warnings=tuple(warnings))

    return end
