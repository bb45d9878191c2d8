"""What Citus's planner refuses is said in our words; the texts are those of Citus 13.2."""

import psycopg
import pytest

from tap.errors import describe
from tap.sharding.engines.citus.refusals import refusal

TEXTS = {
    "complex joins are only supported when all distributed tables are co-located and joined on their distribution columns": "in a WITH of its own",
    "cannot perform distributed planning on this query because parameterized queries for SQL functions referencing distributed tables are not supported": "as it is",
    "Cartesian products are currently unsupported": "without a condition",
    "direct joins between distributed and local tables are not supported": "another one",
    "the query contains a join that requires repartitioning": "WITH first",
    "Join types other than inner/outer joins and pseudoconstant quals are currently unsupported": "names no column",
    "Subqueries in HAVING cannot refer to outer query": "a query in FROM",
    "correlated subqueries are not supported when the FROM clause contains a subquery without FROM": "as a JOIN",
    "the intermediate result size exceeds citus.max_intermediate_result_size (currently 4 kB)": "too many rows",
}


@pytest.mark.parametrize(("theirs", "ours"), TEXTS.items())
def test_what_citus_refuses_is_said_in_our_words(theirs: str, ours: str) -> None:
    answer = describe(psycopg.errors.FeatureNotSupported(theirs))
    assert answer.status == 400
    assert ours in answer.message
    assert "Citus" not in answer.message


def test_what_citus_says_only_when_a_query_runs_is_said_in_our_words_too() -> None:
    theirs = "the intermediate result size exceeds citus.max_intermediate_result_size (currently 4 kB)"
    assert "too many rows" in describe(psycopg.errors.InternalError_(theirs)).message
    assert describe(psycopg.errors.InternalError_("cache lookup failed for shard 12")).status == 500


def test_other_errors_are_not_ours() -> None:
    assert refusal(psycopg.errors.UndefinedColumn('column "x" does not exist')) is None


def test_a_full_join_without_an_equality_is_told_as_before() -> None:
    theirs = "FULL JOIN is only supported with merge-joinable or hash-joinable join conditions"
    assert "FULL JOIN" in describe(psycopg.errors.FeatureNotSupported(theirs)).message
