"""What a query would do: its SQL, the strategy for tables on shards and why not another, and PostgreSQL's plan."""

from collections.abc import Iterator

import psycopg

from adql.errors import NOWHERE, place_of
from adql.translate import translate
from tap.engine.engine import Session
from tap.errors import describe
from tap.query.remarks import cost_of
from tap.sharding.execution.executor import plan_on_shard
from tap.sharding.planning import CitusPlan, QueryPlan, ShardQuery, plan_query


def explain(query: str, session: Session) -> tuple[str, list[str]]:
    """Return the SQL of a query and PostgreSQL's plan for it; of one on shards what each is asked, and the plan of one of them."""
    plan = plan_query(translate(query, session.catalogue), session.placements)
    refusals = _refusals(plan, query)
    if plan.distributed is None:
        return "\n".join([*refusals, plan.translation.sql]), session.explain(plan.translation.sql)
    distributed = plan.distributed
    if isinstance(distributed, CitusPlan):
        return "\n".join([*refusals, *_of_citus(distributed)]), _citus_plan(distributed, session)
    shard_queries = [line for shard_query in distributed.shard_queries for line in _of_shards(shard_query)]
    final = ["-- then here", distributed.final_sql] if distributed.final_sql else []
    lines = [*refusals, f"-- {distributed.name}", *shard_queries, *final]
    return "\n".join(lines), plan_on_shard(session, distributed.shard_queries[0])


def _refusals(plan: QueryPlan, query: str) -> list[str]:
    lines = []
    for strategy, refusal in plan.refusals:
        line, column = place_of(query, refusal.span)
        place = f" (line {line}, column {column})" if refusal.span != NOWHERE else ""
        lines.append(f"-- no {strategy}: {refusal.reason}{place}")
    return lines


def _of_shards(query: ShardQuery) -> tuple[str, ...]:
    broadcasts = [f"-- with {'.'.join(each.parts)} as {each.there}" for each in query.broadcasts]
    into = [f"-- into {query.table}"] if query.table else []
    return f"-- asked of {', '.join(query.shards)}", *broadcasts, *into, query.sql(query.shards[0])


def _of_citus(plan: CitusPlan) -> Iterator[str]:
    yield f"-- {plan.name}"
    for statement in plan.steps or (plan.statement,):
        for table in statement.placed:
            where = (
                f"by {table.key}" if table.key else f"within {table.radius:g} degrees of {', '.join(table.position)}"
            )
            yield f"-- with {'.'.join(table.parts)} as {table.name} in the cells {where}"
        if statement.table:
            yield f"-- into {statement.table}"
        yield statement.sql()
    if plan.final_sql:
        yield from ("-- then here", plan.final_sql)


def _citus_plan(plan: CitusPlan, session: Session) -> list[str]:
    """Return Citus's plan; none where it needs tables that only a query brings."""
    if plan.steps or plan.statement.placed:
        return []
    try:
        return session.explain(plan.statement.sql())
    except psycopg.errors.FeatureNotSupported as error:
        return [f"-- Citus refuses it: {describe(error).message}"]


def planned_cost(query: str, session: Session) -> float:
    """Return what PostgreSQL's planner thinks a query costs, in its own unit."""
    return cost_of(plan_query(translate(query, session.catalogue), session.placements), session)
