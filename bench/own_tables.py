"""What accounts and their tables cost everybody: a service with few of them beside one with many; and how fast own tables load.

    python bench/own_tables.py [--accounts 10000] [--tables 10] [--rounds 15] [--rows 10000000]

Two private clusters with a service each: one with an account, one with `--accounts` of `--tables` tables. Both are asked the
same in turn; printed are medians in milliseconds and the median of the ratios. Then rows are loaded as an own table
(PUT /tables/NAME) and by `armillary load`, in turn.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from results import private_cluster, tell
from service import ROOT, serving

from schema.description import Description
from schema.publish import publish_table
from tap.auth.accounts import AccountStore
from tap.auth.identity import TokenScope
from tap.config import Config
from tap.engine import database

_ACCOUNTS = """
INSERT INTO accounts.accounts (name) SELECT 'astronomer' || i FROM generate_series(1, {accounts}) AS i
"""
_SCHEMA = """
DO $$ DECLARE a text := 'astronomer{number}'; role text := armillary.grantee_role('user:astronomer{number}'); BEGIN
    INSERT INTO armillary.own_schemas VALUES (a, a);
    EXECUTE format('CREATE SCHEMA %I', a);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO armillary_reader', a);
    INSERT INTO tap_schema.schemas (schema_name) VALUES (a);
    FOR i IN 1..{tables} LOOP
        EXECUTE format('CREATE TABLE %I.%I (ra float8, dec float8, mag real)', a, 't' || i);
        EXECUTE format('GRANT SELECT ON %I.%I TO %I', a, 't' || i, role);
    END LOOP;
    INSERT INTO tap_schema.tables SELECT a, a || '.t' || i, 'table' FROM generate_series(1, {tables}) AS i;
    INSERT INTO tap_schema.columns (table_name, column_name, datatype, indexed, principal, std, column_index)
    SELECT a || '.t' || i, c, 'double', 0, 1, 0, n
    FROM generate_series(1, {tables}) AS i, unnest(ARRAY['ra', 'dec', 'mag']) WITH ORDINALITY AS u (c, n);
    INSERT INTO armillary.tables (table_name, loaded, nrows) SELECT a || '.t' || i, true, 0 FROM generate_series(1, {tables}) AS i;
    INSERT INTO armillary.access (name, is_public) SELECT a || '.t' || i, false FROM generate_series(1, {tables}) AS i;
    INSERT INTO armillary.readers SELECT a || '.t' || i, 'user:' || a, role FROM generate_series(1, {tables}) AS i;
    INSERT INTO armillary.audiences SELECT a || '.t' || i, a || '.t' || i FROM generate_series(1, {tables}) AS i;
    INSERT INTO armillary.own_tables (table_name, account, nrows, bytes) SELECT a || '.t' || i, a, 0, 8192 FROM generate_series(1, {tables}) AS i;
END $$
"""
_PUBLIC = 40
"""Tables that everybody reads."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--accounts", type=int, default=10_000)
    arguments.add_argument("--tables", type=int, default=10)
    arguments.add_argument("--rounds", type=int, default=15)
    arguments.add_argument("--rows", type=int, default=10_000_000)
    options = arguments.parse_args()
    with ExitStack() as stack:
        few, many = (stack.enter_context(private_cluster()) for _ in range(2))
        fill(few, 1, options.tables)
        fill(many, options.accounts, options.tables)
        for config in (few, many):
            stack.enter_context(serving(config))
        compare(few, many, options.rounds)
        if options.rows:
            load(few, options.rows)


def fill(config: Config, accounts: int, tables: int) -> None:
    tell(f"making {accounts} accounts with {tables} tables each")
    with psycopg.connect(database.accounts_conninfo(config), autocommit=True) as connection:
        connection.execute(_ACCOUNTS.format(accounts=accounts))
    with database.owner_connection(config) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("CREATE SCHEMA survey")
        for number in range(_PUBLIC):
            name = f"survey.t{number}"
            connection.execute(
                f"CREATE TABLE {name} AS SELECT i AS id, i::float8 AS x FROM generate_series(1, 100) AS i"
            )
            publish_table(connection, name, Description())
        for number in range(1, accounts + 1):
            connection.execute(_SCHEMA.format(number=number, tables=tables))
        connection.execute("ANALYZE")


def token(config: Config) -> str:
    store = AccountStore(database.accounts_conninfo(config), 1)
    store.open()
    record = store.record("astronomer1")
    assert record
    secret = store.add_token(record.account, f"bench{time.monotonic_ns()}", tuple(TokenScope), None)
    store.close()
    return secret


class Asker:
    """Sends requests to one service, as a stranger or as an account, and tells how many milliseconds they took."""

    def __init__(self, config: Config) -> None:
        self._base = config.web.base_url
        self._headers = {"Authorization": f"Bearer {token(config)}"}

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, *, known: bool = False) -> float:
        request = urllib.request.Request(f"{self._base}/{path}", body, self._headers if known else {}, method=method)
        start = time.perf_counter()
        with urllib.request.urlopen(request, timeout=600) as answer:
            answer.read()
        return 1000 * (time.perf_counter() - start)

    def query(self, query: str, *, known: bool = False) -> float:
        return self.ask(f"sync?LANG=ADQL&RESPONSEFORMAT=csv&QUERY={query.replace(' ', '+')}", known=known)


def own_table(asker: Asker) -> float:
    milliseconds = asker.ask("tables/mine", "PUT", b"ra,dec,mag\n10,20,5\n11,21,6\n", known=True)
    asker.ask("tables/mine", "DELETE", known=True)
    return milliseconds


TRIALS: dict[str, Callable[[Asker], float]] = {
    "a stranger's query": lambda asker: asker.query("SELECT TOP 1 id FROM survey.t1"),
    "a stranger's /tables": lambda asker: asker.ask("tables"),
    "a stranger's TAP_SCHEMA.columns": lambda asker: asker.query("SELECT * FROM tap_schema.columns"),
    "an account's query": lambda asker: asker.query("SELECT TOP 1 ra FROM astronomer1.t1", known=True),
    "an account's /tables": lambda asker: asker.ask("tables", known=True),
    "whoami": lambda asker: asker.ask("whoami", known=True),
    "PUT of a small table": own_table,
    "a stranger's query after it": lambda asker: asker.query("SELECT TOP 1 id FROM survey.t1"),
    "the account's query after it": lambda asker: asker.query("SELECT TOP 1 ra FROM astronomer1.t1", known=True),
}


def compare(few: Config, many: Config, rounds: int) -> None:
    askers = Asker(few), Asker(many)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in TRIALS}
    for number in range(rounds + 1):
        for name, trial in TRIALS.items():
            pair = trial(askers[0]), trial(askers[1])
            if number:
                times[name].append(pair)
    print("\n| | few, ms | many, ms | ratio |\n| --- | --- | --- | --- |")
    for name, pairs in times.items():
        one, other = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(b / a for a, b in pairs)
        print(f"| {name} | {one:.2f} | {other:.2f} | {ratio:.2f} |")


def load(config: Config, rows: int) -> None:
    """Load the same file as an own table and by the operator's command, in turn."""
    rng = np.random.default_rng(1)
    columns = {
        "id": np.arange(rows),
        "ra": rng.uniform(0, 360, rows),
        "dec": np.degrees(np.arcsin(rng.uniform(-1, 1, rows))),
    }
    columns["mag"] = rng.normal(15, 3, rows).astype("f4")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stars.parquet"
        pq.write_table(pa.table(columns), path)
        own, operators = [], []
        for _ in range(2):
            own.append(put(config, path))
            start = time.perf_counter()
            command = [sys.executable, "-m", "tap", "load", str(path), "--table", "survey.big"]
            subprocess.run(command, cwd=ROOT, env=os.environ | config.as_environment(), check=True, capture_output=True)
            operators.append(time.perf_counter() - start)
    print(
        f"\n{rows:,} rows: own table {min(own):.1f} s, armillary load {min(operators):.1f} s, speed {min(operators) / min(own):.2f} of it"
    )


def put(config: Config, path: Path) -> float:
    command = ["curl", "-sf", "-H", f"Authorization: Bearer {token(config)}", "-T", str(path)]
    start = time.perf_counter()
    subprocess.run([*command, f"{config.web.base_url}/tables/big?REPLACE=true"], check=True, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
