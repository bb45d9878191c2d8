"""Ranges move from shard to shard while queries run, and no answer ever differs; what interrupts a move breaks nothing."""

import random
import re
import threading
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import psycopg
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from tap.cli import main
from tap.config import ENVIRONMENT, Config
from tap.engine import database
from tap.engine.private import ADMIN
from tap.sharding.loading.load import SourceFile, load_sharded
from tap.sharding.model import CellRange
from tap.sharding.placements import read_placements
from tap.sharding.rebalancing import drain, move
from tap.sharding.rebalancing.balance import RangeLocation, balancing, placed
from tap.sharding.rebalancing.drain import wait_for_old_queries
from tap.sharding.rebalancing.move import move_range, sweep
from tap.sharding.rebalancing.orphans import drop_orphans, orphans
from tap.sharding.rebalancing.verify import check_ranges
from tap.sharding.setup import init_shards
from tap.sharding.shards import ShardError
from tests.conftest import SAMPLE, alone, serving
from tests.tap.sharding.databases import coordinator_sql, ngc, shard, sharded_service, stars, tables_on

pytestmark = pytest.mark.long

SHARDS = ["moving0", "moving1"]
QUERIES = [
    "SELECT COUNT(*) AS n, SUM(hip) AS h, COUNT(DISTINCT epoch) AS e FROM moved.stars",
    "SELECT COUNT(*) AS n, MIN(vmag) AS v FROM moved.stars WHERE vmag < 8",
    "SELECT tyc_id, ra, dec FROM moved.stars WHERE DISTANCE(ra, dec, 56.75, 24.1) < 3",
    "SELECT tyc_id, vmag FROM moved.stars WHERE DISTANCE(ra, dec, 45, 2) < 4 AND vmag < 9",
    "SELECT COUNT(*) AS n FROM moved.ngc",
    "SELECT n.name, s.tyc_id FROM moved.ngc AS n JOIN moved.stars AS s ON DISTANCE(n.ra, n.dec, s.ra, s.dec) < 0.05 WHERE n.name LIKE 'IC000%'",
]
Answers = dict[str, Counter[tuple[Any, ...]]]


def silent(_: str) -> None:
    """Says nothing."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queries of these tests are on the shards at once."""
    monkeypatch.setattr(drain, "SETTLE", 0.0)


@pytest.fixture(scope="module")
def service(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """A fifth of the stars and moved.ngc, divided alike on two shards; moving2 is a database that is no shard yet."""
    fifth = tmp_path_factory.mktemp("moves") / "stars.parquet"
    pq.write_table(pq.read_table(SAMPLE / "stars.parquet").take(list(range(0, 981_852, 5))), fifth)
    with sharded_service(config, "moving", SHARDS) as service:
        with database.owner_connection(service) as owner:
            load_sharded(owner, SourceFile(fifth), "moved.stars", stars())
            alike = replace(ngc(), table=replace(ngc().table, sharded_with="moved.stars", primary_key=("name",)))
            load_sharded(owner, SourceFile(SAMPLE / "ngc.parquet"), "moved.ngc", alike)
        with psycopg.connect(database.cluster_of(config.database).conninfo(ADMIN), autocommit=True) as admin:
            admin.execute("CREATE DATABASE moving2")
        yield service


@pytest.fixture
def owner(service: Config) -> Iterator[psycopg.Connection]:
    with database.owner_connection(service) as connection:
        yield connection


def reader(service: Config) -> psycopg.Connection:
    connection = psycopg.connect(database.reader_conninfo(service), autocommit=True)
    connection.execute("SET search_path = pg_catalog, public")
    return connection


def answers(connection: psycopg.Connection) -> Answers:
    return {q: Counter(rows(connection, q)) for q in QUERIES}


def rows(connection: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    with connection.transaction():
        return connection.execute(coordinator_sql(connection, query).encode()).fetchall()


def straight(shard_connection: psycopg.Connection, ranges: list[CellRange]) -> Counter[Any]:
    """Rows of each magnitude in these ranges."""
    condition = " OR ".join(f"hpx6 >= {r.first} AND hpx6 < {r.stop}" for r in ranges)
    query = f"SELECT round(vmag)::text, count(*) FROM moved.stars WHERE {condition or 'false'} GROUP BY 1"
    return Counter(dict(shard_connection.execute(query.encode())))


def where(owner: psycopg.Connection) -> dict[str, dict[int, str]]:
    """Table → first cell of each range → shard."""
    found: dict[str, dict[int, str]] = {}
    for each in placed(owner, "moved.stars"):
        found.setdefault(each.table_name, {})[each.range.first] = each.range.shard
    return found


class Load:
    """Queries of several threads, each answer compared."""

    def __init__(self, service: Config, expected: Answers) -> None:
        self.service, self.expected = service, expected
        self.stop = threading.Event()
        self.wrong: list[str] = []
        self.done = 0
        self.threads = [threading.Thread(target=self._run, args=(n,)) for n in range(3)]
        self.threads.append(threading.Thread(target=self._straight))

    def _run(self, seed: int) -> None:
        choose = random.Random(seed)
        with reader(self.service) as connection:
            while not self.stop.is_set():
                query = choose.choice(QUERIES)
                try:
                    if Counter(rows(connection, query)) != self.expected[query]:
                        self.wrong.append(query)
                except psycopg.Error as error:
                    self.wrong.append(f"{query}: {error}")
                self.done += 1

    def _straight(self) -> None:
        """As a service that asks the shards itself, each for the ranges that the catalogue says it has,

        now within its transaction on the coordinator, now after it.
        """
        with ExitStack() as stack:
            connection = stack.enter_context(reader(self.service))
            there = {n: stack.enter_context(psycopg.connect(shard(self.service, n).reader)) for n in SHARDS}
            for each in there.values():
                each.autocommit = True
            while not self.stop.is_set():
                stays = self.done % 2
                with connection.transaction():
                    ranges = read_placements(connection)["moved", "stars"].ranges
                    found = self._asked(there, ranges) if stays else Counter()
                found = found if stays else self._asked(there, ranges)
                if found != self.expected["straight"]:
                    self.wrong.append(f"straight {found}")
                self.done += 1

    def _asked(self, there: dict[str, psycopg.Connection], ranges: tuple[CellRange, ...]) -> Counter[Any]:
        time.sleep(0.3)
        return sum((straight(there[n], [r for r in ranges if r.shard == n]) for n in SHARDS), Counter())

    def __enter__(self) -> Self:
        for each in self.threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for each in self.threads:
            each.join()


@pytest.mark.long
def test_no_answer_differs_and_none_fails_while_ranges_move_back_and_forth(
    service: Config, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "SETTLE", 1.0)
    before = where(owner)
    firsts = sorted(before["moved.stars"])
    with reader(service) as connection:
        expected = answers(connection)
        whole = connection.execute("SELECT round(vmag)::text, count(*) FROM moved.stars GROUP BY 1").fetchall()
    expected["straight"] = Counter(dict(whole))
    with Load(service, expected) as load:
        for first, target in [(firsts[0], 1), (firsts[-1], 0), (firsts[0], 0)]:
            move_range(owner, "moved.stars", first, SHARDS[target], silent)
            sweep(owner, "moved.stars", 60, silent)
            for table in ("moved.stars", "moved.ngc"):
                assert where(owner)[table][first] == SHARDS[target]
        move_range(owner, "moved.stars", firsts[-1], SHARDS[1], silent)
        sweep(owner, "moved.stars", 60, silent)
    assert load.wrong == []
    assert load.done > 30
    assert where(owner) == before
    assert check_ranges(owner) == []
    assert orphans(owner) == []


class Asked(Load):
    """The same, of a service, over HTTP."""

    def __init__(self, service: Config, url: str) -> None:
        self.url = url
        super().__init__(service, {})
        self.answers = {query: self._answer(query) for query in QUERIES}
        self.threads = self.threads[:3]

    def _answer(self, query: str) -> list[str]:
        form = {"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "csv", "MAXREC": "1000000"}
        with urllib.request.urlopen(f"{self.url}/sync", urllib.parse.urlencode(form).encode(), timeout=60) as answer:
            return sorted(answer.read().decode().splitlines())

    def _run(self, seed: int) -> None:
        choose = random.Random(seed)
        while not self.stop.is_set():
            query = choose.choice(QUERIES)
            try:
                if self._answer(query) != self.answers[query]:
                    self.wrong.append(query)
            except OSError as error:
                self.wrong.append(f"{query}: {error}")
            self.done += 1


@pytest.mark.long
def test_users_of_a_service_notice_nothing_of_moves(
    service: Config, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "SETTLE", 1.0)
    firsts = sorted(where(owner)["moved.stars"])
    with serving(alone(service, processes=1, workers=0)) as url, Asked(service, url) as asked:
        for target in (SHARDS[1], SHARDS[0]):
            move_range(owner, "moved.stars", firsts[0], target, silent)
            sweep(owner, "moved.stars", 60, silent)
    assert asked.wrong == []
    assert asked.done > 20
    assert orphans(owner) == []


def test_the_part_has_its_keys_indexes_and_rights_on_the_new_shard(service: Config, owner: psycopg.Connection) -> None:
    first = min(where(owner)["moved.ngc"])
    before = [properties(service, SHARDS[0], f"moved.{name}_p0") for name in ("stars", "ngc")]
    move_range(owner, "moved.stars", first, SHARDS[1], silent)
    sweep(owner, "moved.stars", 60, silent)
    assert [properties(service, SHARDS[1], f"moved.{name}_p0") for name in ("stars", "ngc")] == before
    assert any("gist" in each for each in before[0])
    assert any("PRIMARY KEY" in each for each in before[1])
    assert not {"stars_p0", "ngc_p0"} & tables_on(service, SHARDS[0])
    move_range(owner, "moved.stars", first, SHARDS[0], silent)
    sweep(owner, "moved.stars", 60, silent)


def properties(service: Config, on: str, part: str) -> list[str]:
    with psycopg.connect(shard(service, on).database) as there:
        return [
            str(each)
            for (each,) in there.execute(
                "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %(p)s::regclass"
                " UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %(p)s::regclass"
                " UNION ALL SELECT attname || ' ' || format_type(atttypid, NULL) || attnotnull FROM pg_attribute"
                " WHERE attrelid = %(p)s::regclass AND attnum > 0"
                " UNION ALL SELECT relacl::text || relispartition FROM pg_class WHERE oid = %(p)s::regclass"
                " UNION ALL SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = %(p)s::regclass ORDER BY 1",
                {"p": part},
            )
        ]


class Stopped(Exception):
    """What interrupts a move in these tests."""


def stopping(*_: object) -> None:
    raise Stopped


@pytest.mark.parametrize("step", ["copy_partition", "count_change", "sweep"])
def test_a_move_that_is_interrupted_leaves_the_answers_right_and_can_be_repeated(
    service: Config, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    first = sorted(where(owner)["moved.stars"])[2]
    with reader(service) as connection:
        expected = answers(connection)
        with monkeypatch.context() as patch, pytest.raises(Stopped):
            interrupt(patch, step)
            move_range(owner, "moved.stars", first, SHARDS[1], silent)
            stopping()
        assert answers(connection) == expected
        assert orphans(owner)
        move_range(owner, "moved.stars", first, SHARDS[1], silent)
        sweep(owner, "moved.stars", 60, silent)
        assert answers(connection) == expected
        assert where(owner)["moved.ngc"][first] == SHARDS[1]
        assert orphans(owner) == []
        move_range(owner, "moved.stars", first, SHARDS[0], silent)
        sweep(owner, "moved.stars", 60, silent)
        assert answers(connection) == expected


def interrupt(patch: pytest.MonkeyPatch, step: str) -> None:
    """Before the last step, or, with the sweep, not at all."""
    if step == "copy_partition":
        copy, copied = move.copy_partition, []

        def once(*arguments: Any) -> Any:
            if copied:
                stopping()
            copied.append(1)
            return copy(*arguments)

        patch.setattr(move, "copy_partition", once)
    elif step == "count_change":
        patch.setattr(move, "count_change", stopping)


def test_the_old_part_stays_while_a_query_of_before_runs(service: Config, owner: psycopg.Connection) -> None:
    first = sorted(where(owner)["moved.stars"])[1]
    said: list[str] = []
    # A transaction that has read the catalogue, and has asked no shard yet.
    with reader(service) as old:
        old.execute("BEGIN")
        of_before = read_placements(old)["moved", "stars"]
        move_range(owner, "moved.stars", first, SHARDS[1], silent)
        sweep(owner, "moved.stars", 0.3, said.append)
        assert any("stays on moving0" in each for each in said)
        assert "stars_p1" in tables_on(service, SHARDS[0])
        assert next(r.shard for r in of_before.ranges if r.first == first) == SHARDS[0]
        old.execute("COMMIT")
    assert {each.partition.partition for each in drop_orphans(owner)} == {"stars_p1", "ngc_p1"}
    assert "stars_p1" not in tables_on(service, SHARDS[0])
    move_range(owner, "moved.stars", first, SHARDS[0], silent)
    sweep(owner, "moved.stars", 60, silent)


def test_the_old_part_stays_while_a_query_is_on_the_shard_or_between_the_two(
    service: Config, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(shard(service, SHARDS[0]).reader) as there:
        there.execute("SELECT")
        assert not wait_for_old_queries(owner, [shard(service, SHARDS[0])], 0.3)
        assert wait_for_old_queries(owner, [shard(service, SHARDS[1])], 0.3)
    assert wait_for_old_queries(owner, [shard(service, SHARDS[0])], 0.3)
    monkeypatch.setattr(drain, "SETTLE", 1.0)
    with reader(service) as late:
        begins = threading.Timer(0.5, late.execute, ("BEGIN; SELECT",))
        begins.start()
        assert not wait_for_old_queries(owner, [], 0.3)
        begins.join()


def test_a_move_does_not_make_queries_wait_behind_it(service: Config, owner: psycopg.Connection) -> None:
    first = sorted(where(owner)["moved.stars"])[1]
    with reader(service) as busy, reader(service) as other:
        busy.execute("BEGIN")
        busy.execute("SELECT count(*) FROM moved.ngc")
        thread = threading.Thread(target=move_range, args=(owner, "moved.stars", first, SHARDS[1], silent))
        thread.start()
        # Those that come while the switch is waited for all get their answers within the reader's lock_timeout.
        for _ in range(20):
            assert rows(other, "SELECT COUNT(*) AS n FROM moved.ngc") == [(14_033,)]
            time.sleep(0.05)
        busy.execute("COMMIT")
        thread.join()
    sweep(owner, "moved.stars", 60, silent)
    move_range(owner, "moved.stars", first, SHARDS[0], silent)
    sweep(owner, "moved.stars", 60, silent)


def test_a_damaged_part_is_not_moved(service: Config, owner: psycopg.Connection) -> None:
    first = min(where(owner)["moved.stars"])
    with psycopg.connect(shard(service, SHARDS[0]).database, autocommit=True) as there:
        there.execute("UPDATE moved.stars_p0 SET vmag = vmag + 1 WHERE hip = (SELECT min(hip) FROM moved.stars_p0)")
        with pytest.raises(ShardError, match="as it was loaded"):
            move_range(owner, "moved.stars", first, SHARDS[1], silent)
        there.execute("UPDATE moved.stars_p0 SET vmag = vmag - 1 WHERE hip = (SELECT min(hip) FROM moved.stars_p0)")
    with pytest.raises(ShardError, match="no shard nowhere"):
        move_range(owner, "moved.stars", first, "nowhere", silent)
    drop_orphans(owner)


def of(first: int, shard_name: str, count: int) -> RangeLocation:
    return RangeLocation("t", "t", CellRange(first, first + 1, shard_name, f"t_p{first}"), count, None)


@pytest.mark.parametrize(
    ("found", "shards", "moves"),
    [
        ([of(i, "ab"[i // 4], 100) for i in range(8)], "abc", {"c": 2}),
        ([of(i, "a", 100) for i in range(8)], "abcd", {"b": 2, "c": 2, "d": 2}),
        ([of(0, "a", 100), of(1, "b", 60)], "ab", {}),
        ([of(0, "a", 100)], "ab", {}),
        ([of(0, "a", 0), of(1, "a", 90), of(2, "a", 10)], "ab", {"b": 1}),
        ([], "ab", {}),
    ],
)
def test_ranges_go_from_the_fullest_shard_to_the_emptiest_until_it_helps_no_more(
    found: list[RangeLocation], shards: str, moves: dict[str, int]
) -> None:
    assert Counter(each.target for each in balancing(found, shards)) == moves


def test_explain_names_the_strategy_and_why_no_other_serves(service: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("data_dir", "database", "owner_database", "admin_database"):
        monkeypatch.setenv(f"{ENVIRONMENT}{name.upper()}", str(getattr(service.database, name)))
    told = CliRunner().invoke(main, ["explain", "SELECT COUNT(*) AS n FROM moved.stars"])
    assert told.exit_code == 0, told.output
    lines = told.output.splitlines()
    assert lines[0] == "-- no router: its cells lie on 2 shards (line 1, column 1)"
    assert lines[1] == "-- push-down in two phases"
    assert lines[2] == "-- asked of moving0, moving1"
    assert "-- then here" in lines
    # Nothing may be told of what no strategy was sought for.
    assert "-- no" not in CliRunner().invoke(main, ["explain", "SELECT TOP 1 table_name FROM tap_schema.tables"]).output


def test_the_commands_add_move_and_rebalance_say_what_they_do(
    service: Config, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("data_dir", "database", "owner_database", "admin_database"):
        monkeypatch.setenv(f"{ENVIRONMENT}{name.upper()}", str(getattr(service.database, name)))
    run: Callable[..., Any] = CliRunner().invoke
    new = shard(service, "moving2")
    path = tmp_path / "more.toml"
    path.write_text(f"[shards.moving2]\ndatabase = '{new.database}'\nadmin = '{new.admin}'\n")
    added = run(main, ["shards", "add", str(path)])
    assert (added.exit_code, "added: moving2" in added.output) == (0, True), added.output
    assert "were known" in run(main, ["shards", "add", str(path)]).output
    before = where(owner)
    dry = run(main, ["shards", "rebalance", "moved.ngc", "--dry-run"])
    assert (dry.exit_code, dry.output.count("to moving2")) == (0, 2), dry.output
    assert where(owner) == before
    with reader(service) as connection:
        expected = answers(connection)
        done = run(main, ["shards", "rebalance", "--wait", "60"])
        assert done.exit_code == 0, done.output
        assert "dropped on moving0" in done.output
        assert Counter(where(owner)["moved.stars"].values()) == {"moving0": 3, "moving1": 3, "moving2": 2}
        assert answers(connection) == expected
        assert "nothing to move" in run(main, ["shards", "rebalance"]).output
        listed = re.sub(" +", " ", run(main, ["shards", "list"]).output)
        assert "moving2 4 ranges" in listed
        assert " moved.ngc 3 ranges" in listed
        gone = sorted(first for first, name in where(owner)["moved.stars"].items() if name == "moving2")
        ranges = [word for first in gone for word in ("--range", str(first + 1))]
        back = run(main, ["shards", "move", "moved.stars", *ranges, "--to", "moving0"])
        assert back.exit_code == 0, back.output
        assert tables_on(service, "moving2") == set()
        assert answers(connection) == expected
    wrong = run(main, ["shards", "move", "moved.stars", "--range", "stars_p77", "--to", "moving0"])
    assert (wrong.exit_code, "stars_p77" in wrong.output) == (1, True)
    assert run(main, ["shards", "check"]).output == "All parts are as they were loaded.\n"
    init_shards(service, (new,), silent)
