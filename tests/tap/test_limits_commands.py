"""`armillary groups limit` as an operator types it, what of several groups counts, and what accounts may have of own tables."""

import json
import re
from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
from astropy.table import Table
from click.testing import CliRunner

from tap.auth.accounts import AccountStore
from tap.auth.identity import TokenScope
from tap.auth.limits import NAMES
from tap.cli import main
from tap.config import SETTINGS, Config
from tap.engine import database
from tap.own_tables.own_tables import OwnTables
from tap.parts import quota_of
from tests.command import Give, armillary
from tests.conftest import alone, serving
from tests.contract.own_tables import CSV, XML, Asker, column, csv, description

pytestmark = pytest.mark.long

OWN = {"own_tables": 2, "own_rows": 50, "own_bytes": 200_000, "own_days": 10}
ONE = description(column("x", "int"))


@pytest.fixture(scope="module")
def frugal(sample: Config) -> Config:
    return alone(sample, processes=1, workers=0, **OWN)


@pytest.fixture(scope="module")
def service(frugal: Config) -> Iterator[str]:
    with serving(frugal) as url:
        yield url


def limits(who: Asker) -> dict[str, float]:
    return dict(json.loads(who.call("GET", "whoami").body)["limits"])


def rows(count: int) -> bytes:
    return csv(Table({"x": np.arange(count)}))


# ---- what the command says


def test_limits_are_shown_set_changed_and_taken_away(give: Give) -> None:
    group = give()
    assert armillary("groups", "limit", group) == f"{group}: no limits of its own\n"
    assert (
        armillary("groups", "limit", group, "own_rows=5", "maxrec_hard=10") == f"{group}: maxrec_hard=10, own_rows=5\n"
    )
    assert armillary("groups", "limit", group.upper(), "own_rows=7") == f"{group}: maxrec_hard=10, own_rows=7\n"
    assert (
        armillary("groups", "limit", group, "maxrec_hard=", "sync_limit=1.5")
        == f"{group}: own_rows=7, sync_limit=1.5\n"
    )
    assert armillary("groups", "limit", group) == f"{group}: own_rows=7, sync_limit=1.5\n"
    assert armillary("groups", "limit", group, "own_rows=", "sync_limit=") == f"{group}: no limits of its own\n"


@pytest.mark.parametrize("wrong", ["rows=5", "own_row=5", "OWN ROWS=5", "upload_bytes=5", "nonsense", "=5", "port="])
def test_a_name_that_is_no_limit_is_refused_with_those_that_are(give: Give, wrong: str) -> None:
    group = give("own_rows=5")
    said = armillary("groups", "limit", group, "own_rows=9", wrong, fails=True)
    assert said.startswith("Error: There is no limit ")
    assert all(name in said for name in NAMES)
    assert armillary("groups", "limit", group) == f"{group}: own_rows=5\n"


@pytest.mark.parametrize(
    "wrong",
    [
        "own_rows=many",
        "own_rows=1.5",
        "own_rows=-1",
        "own_days=-0.5",
        "own_bytes=5GB",
        "maxrec_hard=0",
        "maxrec_hard=-5",
        "sync_limit=0",
        "sync_limit=-1",
        "sync_limit=soon",
        "sync_limit=nan",
        "sync_limit=inf",
        "queries_per_owner=0",
        "jobs_waiting_per_owner=0",
        "job_duration_limit=-1",
        "results_per_owner=-1",
    ],
)
def test_a_value_that_cannot_be_is_refused_and_said_of_which_limit(give: Give, wrong: str) -> None:
    group = give("own_rows=5")
    said = armillary("groups", "limit", group, wrong, fails=True)
    assert re.match(rf"Error: {wrong.partition('=')[0]} (cannot be|must)", said)
    assert armillary("groups", "limit", group) == f"{group}: own_rows=5\n"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["1", "1000000"])
def test_every_limit_can_be_smaller_and_larger_than_the_configurations(give: Give, name: str, value: str) -> None:
    assert re.fullmatch(rf"limits-\S+: {name}={value}(\.0)?\n", armillary("groups", "limit", give(), f"{name}={value}"))


def test_no_limit_at_all_is_typed_as_0_where_that_is_meant(give: Give) -> None:
    for name in ("job_duration_limit", "jobs_running_per_owner", "results_per_owner", *OWN):
        assert armillary("groups", "limit", give(), f"{name}=0").endswith(f": {name}=0\n")


def test_a_group_that_is_not_there_is_named(give: Give) -> None:
    assert "There is no group nobody-at-all" in armillary("groups", "limit", "nobody-at-all", "own_rows=5", fails=True)


# ---- whoami


def test_whoami_tells_what_one_may_use_and_what_one_does(ada: Asker, bo: Asker, frugal: Config, give: Give) -> None:
    of_all = {setting.name: setting.value(frugal) for setting in SETTINGS if setting.name in NAMES}
    assert limits(bo) == limits(Asker(ada.service)) == of_all
    give("own_rows=70", "sync_limit=3", "maxrec_hard=9", to=(ada,))
    assert limits(ada) == of_all | {"own_rows": 70, "sync_limit": 3, "maxrec_hard": 9}
    ada.put("t", rows(4), CSV)
    used = json.loads(ada.call("GET", "whoami").body)["used"]
    assert (used["tables"], used["rows"]) == (1, 4)
    assert used["bytes"] > 0
    assert limits(bo) == of_all


def test_who_leaves_a_group_has_its_limits_no_more(ada: Asker, give: Give) -> None:
    group = give("own_rows=70", to=(ada,))
    assert limits(ada)["own_rows"] == 70
    armillary("groups", "remove", group, ada.name)
    assert limits(ada)["own_rows"] == 50
    armillary("groups", "add", group, ada.name)
    armillary("groups", "remove", group)
    assert limits(ada)["own_rows"] == 50


def test_a_token_has_the_limits_of_its_account(ada: Asker, give: Give, accounts: AccountStore) -> None:
    assert ada.person
    give("own_rows=3", to=(ada,))
    secret = accounts.add_token(ada.person.account, "script", [TokenScope.READ, TokenScope.TABLES], 60)
    script = Asker(ada.service, ada.person, secret)
    assert limits(script)["own_rows"] == 3
    assert [script.put("t", rows(n), CSV).status for n in (4, 3)] == [507, 201]


# ---- of several groups


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ((["own_rows=5"], ["own_rows=7"]), {"own_rows": 7}),
        ((["own_rows=7"], ["own_rows=5"], []), {"own_rows": 7}),
        ((["own_rows=7"], ["own_rows=0"], ["own_rows=900"]), {"own_rows": 0}),
        ((["own_rows=5"], ["own_tables=9"]), {"own_rows": 5, "own_tables": 9}),
        ((["maxrec_hard=5"], ["maxrec_hard=10"]), {"maxrec_hard": 10}),
        ((["sync_limit=1.5"], ["sync_limit=0.5"]), {"sync_limit": 1.5}),
        ((["results_per_owner=5"], ["results_per_owner=0"]), {"results_per_owner": 0}),
        ((["own_days=3"], ["own_days=0"]), {"own_days": 0}),
        ((["jobs_running_per_owner=0"], ["jobs_running_per_owner=1"]), {"jobs_running_per_owner": 0}),
    ],
)
def test_of_several_groups_the_one_that_gives_most_counts(
    ada: Asker, give: Give, groups: tuple[list[str], ...], expected: dict[str, float]
) -> None:
    for group in groups:
        give(*group, to=(ada,))
    found = limits(ada)
    assert {name: found[name] for name in expected} == expected


def test_no_limit_is_more_than_any(ada: Asker, give: Give) -> None:
    give("own_rows=5", "own_tables=1", "own_bytes=20000", to=(ada,))
    assert ada.put("t", rows(6), CSV).status == 507
    give("own_rows=0", "own_tables=0", "own_bytes=0", to=(ada,))
    assert [ada.put(f"t{n}", rows(2_000), CSV).status for n in range(4)] == [201] * 4


# ---- own tables


def test_another_number_of_rows_counts_from_the_next_request_on(ada: Asker, bo: Asker, give: Give) -> None:
    group = give("own_rows=5", to=(ada,))
    assert ada.put("t", rows(6), CSV).status == 507
    assert [bo.put("t", rows(n), CSV).status for n in (51, 50)] == [507, 201]
    armillary("groups", "limit", group, "own_rows=60")
    assert [ada.put("t", rows(n), CSV).status for n in (61, 60)] == [507, 201]
    armillary("groups", "limit", group, "own_rows=5")
    assert ada.post("t", rows(1), CSV).status == 507
    assert ada.count(ada.own("t")) == 60


def test_another_number_of_tables_counts_from_the_next_request_on(ada: Asker, bo: Asker, give: Give) -> None:
    group = give("own_tables=1", to=(ada,))
    assert [ada.put(f"t{n}", ONE, XML).status for n in range(2)] == [201, 507]
    armillary("groups", "limit", group, "own_tables=3")
    assert [ada.put(f"t{n}", ONE, XML).status for n in range(1, 4)] == [201, 201, 507]
    assert [bo.put(f"t{n}", ONE, XML).status for n in range(3)] == [201, 201, 507]


def test_another_number_of_bytes_counts_from_the_next_request_on(ada: Asker, bo: Asker, give: Give) -> None:
    group = give("own_bytes=8192", "own_rows=0", to=(ada,))
    assert ada.put("t", rows(2_000), CSV).status == 507
    armillary("groups", "limit", group, "own_bytes=400000")
    assert ada.put("t", rows(2_000), CSV).status == 201
    assert 8192 < json.loads(ada.call("GET", "whoami").body)["used"]["bytes"] < 400_000
    assert ada.put("t2", rows(20_000), CSV).status == 507


def days_left(owner: psycopg.Connection, name: str) -> float | None:
    row = owner.execute(
        "SELECT extract(epoch FROM expires - now()) / 86400 FROM armillary.own_tables WHERE table_name = %s", (name,)
    ).fetchone()
    return None if row is None or row[0] is None else float(row[0])


@pytest.mark.parametrize(
    ("limit", "asked", "left"),
    [("2", "", 2), ("2", "1", 1), ("2", "0", 2), ("2", "100", 2), ("50", "40", 40), ("50", "", 50), (None, "40", 10), (None, "", 10)],
)  # fmt: skip
def test_a_table_is_kept_for_as_long_as_its_owner_may_keep_it(
    ada: Asker, give: Give, owner: psycopg.Connection, limit: str | None, *, asked: str, left: float
) -> None:
    if limit:
        give(f"own_days={limit}", to=(ada,))
    query = f"?DAYS={asked}" if asked else ""
    assert ada.call("PUT", f"tables/t{query}", ONE, Content_Type=XML).status == 201
    assert days_left(owner, ada.own("t")) == pytest.approx(left, abs=0.01)
    if asked:
        assert ada.put("u", ONE, XML).status == 201
        assert ada.change("u", DAYS=asked).status == 204
        assert days_left(owner, ada.own("u")) == pytest.approx(left, abs=0.01)


def test_without_a_limit_of_days_a_table_is_kept(ada: Asker, give: Give, owner: psycopg.Connection) -> None:
    give("own_days=0", to=(ada,))
    ada.put("t", ONE, XML)
    assert days_left(owner, ada.own("t")) is None
    ada.change("t", DAYS="3")
    assert days_left(owner, ada.own("t")) == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize("name", ["own_days", "own_rows", "own_bytes", "own_tables"])
def test_a_limit_beyond_all_numbers_hinders_nobody(ada: Asker, give: Give, name: str) -> None:
    """It is refused, or is as good as none."""
    group = give(to=(ada,))
    done = CliRunner().invoke(main, ["groups", "limit", group, f"{name}={10**20}"])
    assert "Traceback" not in done.output
    assert ada.put("t", rows(3), CSV).status == 201


def test_a_table_whose_time_is_over_is_dropped_and_counts_no_more(
    ada: Asker, frugal: Config, owner: psycopg.Connection, accounts: AccountStore
) -> None:
    ada.put("t", rows(50), CSV)
    ada.put("u", ONE, XML)
    owner.execute(
        "UPDATE armillary.own_tables SET expires = now() - interval '1 minute' WHERE table_name = %s", (ada.own("t"),)
    )
    tables = OwnTables(database.owner_conninfo(frugal), accounts, lambda account: quota_of(frugal, account))
    tables.open()
    try:
        tables.tidy()
    finally:
        tables.close()
    assert (ada.get("t").status, ada.get("u").status) == (404, 200)
    assert ada.put("v", rows(50), CSV).status == 201
