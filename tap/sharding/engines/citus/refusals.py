"""What Citus's planner refuses, in words for the person who wrote the query."""

import psycopg

_ASIDE = "search for each of them in a WITH of its own, as small a part of the sky as will do, and join these"
_REFUSED = {
    "complex joins are only supported when": f"Sharded tables are joined by something else than ids and places; {_ASIDE}.",
    "Cartesian products are currently unsupported": f"Sharded tables are joined without a condition; {_ASIDE}.",
    "correlated subqueries are not supported": "A sub-query refers to the query round it; write it as a JOIN.",
    "Subqueries in HAVING cannot refer to outer query": "A sub-query in HAVING refers to the query round it; compute it in a query in FROM.",
    "direct joins between distributed and local tables": "A sharded table and another one are joined by something else than ids and places;"
    " search for the rows of each in a WITH of its own, and join these.",
    "requires repartitioning": "Sharded tables are joined by something else than ids and places in a sub-query; join them in a WITH first.",
    "pseudoconstant quals": "A condition that names no column stands beside a join of sharded tables; leave it out, or put it into a WITH.",
    "the intermediate result size exceeds": "A WITH or a sub-query has too many rows to be brought together; search in a smaller part of the sky.",
}
_OTHER = "This cannot be run on sharded tables as it is; search for the rows of each table in a WITH of its own, and join these."
_OF_CITUS = ("distributed", "Citus", "shard", "repartition", "subquer", "reference table", "set operation")


def refusal(error: Exception) -> str | None:
    """Return what to tell the user of an error of Citus's planner; None where it is another error."""
    diagnosis = getattr(error, "diag", None)
    text = " ".join(
        filter(None, (str(error), getattr(diagnosis, "message_detail", ""), getattr(diagnosis, "message_hint", "")))
    )
    known = next((ours for theirs, ours in _REFUSED.items() if theirs in text), None)
    is_of_planner = isinstance(error, psycopg.errors.FeatureNotSupported) and any(word in text for word in _OF_CITUS)
    return known or (_OTHER if is_of_planner else None)
