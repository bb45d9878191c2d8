"""Kills workers and web processes and restarts PostgreSQL while jobs run; counts what was lost, wrong, doubled or cut.

    python bench/kill.py [--jobs 1000] [--kills 200] [--restarts 50] [--pace 1.2] [--seed 1] [--out figures.json]

Jobs come one in `pace` seconds: results of ten to half a million rows, errors of their own, and rows that are added to tables
of an account. Runs a private cluster with the sample (build/sample) and a service of its own, and takes about `jobs` times
`pace` seconds. tests/contract/test_jobs_survive.py is the short form. Leaves with 1 where a job was lost, wrong or doubled.
"""

import argparse
import json
import os
import random
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

sys.path[:0] = [str(Path(__file__).parent.parent)]

from bench.orders import Orders, Verdict  # noqa: E402
from bench.patient import Patient, Watch  # noqa: E402
from schema.description import read_description  # noqa: E402
from schema.load import open_file  # noqa: E402
from schema.publish import load_table  # noqa: E402
from tap.auth.accounts import AccountStore  # noqa: E402
from tap.auth.passwords import hashed  # noqa: E402
from tap.config import Config  # noqa: E402
from tap.engine import database  # noqa: E402
from tap.engine.private import NoPostgres, PrivateCluster  # noqa: E402

ROOT = Path(__file__).parent.parent
ACCOUNT = "besieged"
MANNERS = ("fast", "immediate", "postmaster killed", "backend killed")
"""How PostgreSQL is restarted: by pg_ctl, as after a crash, or by itself because one of its processes died."""


@dataclass
class Figures:
    """What was done to the service; `retries` are attempts beyond the first, `crashes` those whose worker died."""

    jobs: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    restarts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0
    retries: int = 0
    crashes: int = 0
    kinds: Counter[str] = field(default_factory=Counter)


class Siege:
    """Of a running service."""

    def __init__(self, config: Config, seed: int, *, durable: bool = True) -> None:
        self._config = config
        self._random = random.Random(seed)
        self._cluster = PrivateCluster(
            database.cluster_of(config.database).folder, config.database.shared_buffers, durable=durable
        )
        password = secrets.token_urlsafe(12)
        self._account = f"{ACCOUNT}-{config.web.port}"
        self.client = Patient(config.web.port, (self._account, password))
        self.orders = Orders(self.client, seed, account=self._account)
        self.figures = Figures()
        _add_account(config, self._account, password)

    def lay(self, jobs: int, kills: int, restarts: int, pace: float = 0.4) -> None:
        """Place jobs, on the average one in `pace` seconds, and do harm in between."""
        self.orders.learn()
        harm = [self._kill] * kills + [self._restart] * restarts
        self._random.shuffle(harm)
        places = sorted(self._random.choices(range(jobs), k=len(harm)))
        for number in range(jobs):
            self.orders.place()
            while places and places[0] == number:
                places.pop(0)
                time.sleep(self._random.random() * pace)
                harm.pop()()
            time.sleep(self._random.random() * pace * 2)

    def _kill(self) -> None:
        """Kill one process of one kind; where there is none just now, another is about to come."""
        kind = self._random.choice(["worker", "web process"])
        while not (pids := processes_of(self._config, WORKER if kind == "worker" else WEB_PROCESS)):
            time.sleep(0.05)
        with suppress(ProcessLookupError):
            os.kill(self._random.choice(pids), signal.SIGKILL)
            self.figures.kills[kind] += 1

    def _restart(self) -> None:
        manner = self._random.choice(MANNERS)
        self.figures.restarts[manner] += 1
        if manner == "backend killed":
            self._kill_backend()
        elif manner == "postmaster killed":
            kill_postmaster(self._cluster)
            start_again(self._cluster)
        else:
            self._cluster.stop(mode=manner)
            start_again(self._cluster)

    def _kill_backend(self) -> None:
        """Kill a process that works for the service, upon which PostgreSQL ends all others and recovers by itself."""
        query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        with suppress(psycopg.OperationalError), psycopg.connect(database.admin_conninfo(self._config)) as admin:
            pids = [pid for (pid,) in admin.execute(query).fetchall()]
            os.kill(self._random.choice(pids), signal.SIGKILL)

    def end(self, within: float) -> Verdict:
        """Judge when all have ended, or after so many seconds."""
        begun = time.monotonic()
        while not self.orders.follow() and time.monotonic() - begun < within:
            time.sleep(0.5)
        self._count()
        return self.orders.judge()

    def _count(self) -> None:
        self.figures.jobs = len(self.orders.all)
        self.figures.kinds = Counter(f"{order.kind}: {order.phase}" for order in self.orders.all)
        with psycopg.connect(database.jobs_conninfo(self._config)) as jobs:
            row = jobs.execute("SELECT sum(greatest(attempt - 1, 0)), sum(crashes) FROM uws.jobs").fetchone()
        self.figures.retries, self.figures.crashes = (int(number or 0) for number in row or (0, 0))

    def leftovers(self) -> list[str]:
        """Unfinished files that stay."""
        folder = Path(self._config.jobs.results or Path(self._config.database.data_dir) / "results")
        for _ in range(100):
            left = [path.name for path in folder.glob("*/*/*.part")]
            if not left:
                break
            time.sleep(0.2)
        return left


def _add_account(config: Config, name: str, password: str) -> None:
    accounts = AccountStore(database.accounts_conninfo(config))
    accounts.open()
    accounts.add_account(name, hashed(password))
    accounts.close()


def kill_postmaster(cluster: PrivateCluster) -> None:
    """Kill the first process of PostgreSQL, as the kernel does that runs out of memory; the others see it and end."""
    os.kill(int((cluster.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)


def start_again(cluster: PrivateCluster) -> None:
    """Start PostgreSQL as soon as nothing of the one before is left. Raises: NoPostgres after half a minute."""
    end = time.monotonic() + 30
    while True:
        try:
            cluster.start()
        except NoPostgres:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
        else:
            return


WORKER, WEB_PROCESS = "armillary-work", "armillary-web"
"""Names of processes, as the machine's tools show them."""


def processes_of(config: Config, name: str) -> list[int]:
    """Return the processes of this service, whatever else runs on the machine, that have a name."""
    own, pids = f"ARMILLARY_PORT={config.web.port}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            comm, environment = (folder / "comm").read_text().strip(), (folder / "environ").read_bytes()
        except OSError:
            continue
        if comm == name and own in environment.split(b"\0"):
            pids.append(int(folder.name))
    return pids


def completed_twice(log: Path) -> list[str]:
    """The jobs of which a log says more than once that they were completed."""
    told = re.findall(r'"job": "(\w+)", "phase": "COMPLETED"', log.read_text("utf-8", "replace"))
    return [job for job, times in Counter(told).items() if times > 1]


def main() -> None:
    from jobs import free_port

    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("jobs", 1000), ("kills", 200), ("restarts", 50), ("seed", 1)):
        arguments.add_argument(f"--{name}", type=int, default=default)
    arguments.add_argument("--pace", type=float, default=1.2)
    arguments.add_argument("--out", type=Path)
    options = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="armillary-kill-"))
    folder.chmod(0o755)
    config = Config().changed(
        base_url=f"http://localhost:{(port := free_port())}/tap",
        port=port,
        data_dir=str(folder),
        workers=2,
        jobs_running_per_owner=0,
        log_target=str(folder / "service.log"),
        log_format="json",
        shared_buffers="256MB",
        probe_seconds=0.0,
    )
    try:
        with database.running_database(config):
            outcome = besieged(config, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = json.dumps(outcome, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text)
    sys.exit(any(outcome["verdict"][wrong] for wrong in ("lost", "wrong", "not_final", "doubled")))


def besieged(config: Config, options: argparse.Namespace) -> dict[str, Any]:
    """Return figures, verdict and what clients saw."""
    from service import start

    database.prepare(config, print)
    with database.owner_connection(config) as connection:
        description = read_description(ROOT / "deploy" / "sample" / "ngc.toml")
        load_table(connection, open_file(ROOT / "build" / "sample" / "ngc.parquet"), "demo.ngc", description)
    service: subprocess.Popen[bytes] = start(config)
    try:
        siege, begun = Siege(config, options.seed), time.monotonic()
        with Watch(config.web.port) as watch:
            siege.lay(options.jobs, options.kills, options.restarts, options.pace)
            siege.figures.seconds = time.monotonic() - begun
        verdict = siege.end(within=300)
        leftovers = siege.leftovers()
    finally:
        service.terminate()
        service.wait()
    verdict.doubled += completed_twice(Path(config.log.log_target))
    log = Path(config.log.log_target).read_text("utf-8", "replace")
    return {
        "figures": vars(siege.figures),
        "verdict": vars(verdict),
        "leftovers": leftovers,
        "longest unavailability": watch.longest,
        "small queries": watch.statuses,
        "unexpected statuses": siege.client.unexpected,
        "faults in the log": re.findall(r'.*"event": "fault".*', log)[:20],
    }


if __name__ == "__main__":
    main()
