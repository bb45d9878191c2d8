"""The repair of pg_sphere 1.2.0's script, on a piece of it, and that it was enough on the server of these tests."""

from pathlib import Path

import psycopg
import pytest

from tap.engine.pgsphere import ensure_pgsphere, repair, without_claims

OLD = """
CREATE OPERATOR <@ (
   LEFTARG    = bigint,
   RIGHTARG   = smoc,
   PROCEDURE  = healpix_subset_smoc,
   COMMUTATOR = '@>',
   NEGATOR    = '!<@',
   RESTRICT   = contsel,
   JOIN       = contjoinsel
);
CREATE OPERATOR @ (
   LEFTARG    = bigint,
   RIGHTARG   = smoc,
   PROCEDURE  = healpix_subset_smoc,
   COMMUTATOR = '@>',
   NEGATOR    = '!<@',
   RESTRICT   = contsel,
   JOIN       = contjoinsel
);
CREATE OPERATOR @ (
   LEFTARG    = spoint,
   RIGHTARG   = scircle,
   PROCEDURE  = spoint_contained_by_circle,
   COMMUTATOR = '~',
   RESTRICT   = contsel
);
CREATE OPERATOR @ ( LEFTARG = spoint, RIGHTARG = smoc, PROCEDURE = spoint_subset_smoc, COMMUTATOR = '@>', NEGATOR = '!<@' );
"""


def test_only_the_two_refused_operators_lose_their_claims() -> None:
    mended = without_claims(OLD)
    statements = [each for each in mended.split(";") if each.strip()]
    claims = [("COMMUTATOR" in each, "NEGATOR" in each) for each in statements]
    assert claims == [(True, True), (False, False), (True, False), (False, False)]
    assert "JOIN       = contjoinsel" in statements[1]
    assert "PROCEDURE = spoint_subset_smoc" in statements[3]


def test_a_script_that_needs_nothing_is_left_alone() -> None:
    mended = without_claims(OLD)
    assert without_claims(mended) == mended


def test_the_original_is_kept_and_a_second_repair_changes_nothing(tmp_path: Path) -> None:
    script = tmp_path / "pg_sphere--1.2.0.sql"
    script.write_text(OLD)
    assert repair(script)
    assert script.with_name(script.name + ".orig").read_text() == OLD
    assert not repair(script)
    assert script.with_name(script.name + ".orig").read_text() == OLD


def test_an_extension_that_is_there_is_only_named(owner: psycopg.Connection) -> None:
    said: list[str] = []
    assert ensure_pgsphere(owner, said.append)[0].isdigit()
    assert not said


@pytest.mark.parametrize("operator", ["<@", "@>", "&&"])
def test_the_operators_that_we_use_are_there(reader: psycopg.Connection, operator: str) -> None:
    row = reader.execute(
        "SELECT count(*) FROM pg_operator WHERE oprname = %s AND oprleft = 'scircle'::regtype", (operator,)
    )
    assert row.fetchone() != (0,)
