"""Kills workers and web processes and restarts PostgreSQL while jobs run; counts what was lost, wrong or cut.

    python bench/kill.py [--jobs 200] [--kills 50] [--restarts 10] [--seed 1]

Runs a private cluster with the sample (build/sample) and a service of its own. tests/contract/test_jobs_survive.py is the short form.
"""

import argparse
import http.client
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent)]

from schema.description import read_description  # noqa: E402
from schema.load import open_file  # noqa: E402
from schema.publish import load_table  # noqa: E402
from tap.config import Config  # noqa: E402
from tap.engine import database  # noqa: E402

ROOT = Path(__file__).parent.parent
FINAL = {"COMPLETED", "ERROR", "ABORTED"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Outcome:
    """Jobs by what went wrong with them; `honest` ended in ERROR after three crashes and say so."""

    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    honest: list[str] = field(default_factory=list)
    not_final: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    kills: int = 0
    seconds: float = 0


class Siege:
    """Of a running service."""

    def __init__(self, config: Config, seed: int) -> None:
        self._config = config
        self._random = random.Random(seed)
        self._jobs: dict[str, int] = {}
        self._kills = 0

    def lay(self, jobs: int, kills: int, restarts: int) -> None:
        """Submits jobs, and kills in between."""
        kill_at = sorted(self._random.sample(range(jobs), min(kills, jobs)))
        restart_at = [round((n + 0.5) * jobs / restarts) for n in range(restarts)]
        for number in range(jobs):
            self._submit()
            if number in kill_at:
                self._kill()
            if number in restart_at:
                self._restart()
            time.sleep(self._random.random() * 0.4)

    def _submit(self) -> None:
        rows = self._random.choice([10, 1_000, 20_000, 200_000, 600_000])
        query = f"SELECT TOP {rows} a.ra, b.dec, b.name FROM demo.ngc AS a, demo.ngc AS b"
        form = {"LANG": "ADQL", "QUERY": query, "PHASE": "RUN", "RESPONSEFORMAT": "csv", "MAXREC": str(rows)}
        status, location, body = self._ask("POST", "/tap/async", urllib.parse.urlencode(form))
        if status != http.client.SEE_OTHER:
            raise RuntimeError(f"{status}: {body[:500]!r}")
        self._jobs[location.rpartition("/")[2]] = rows

    def _kill(self) -> None:
        mine = processes_of(self._config, b"tap\0work", b"spawn_main")
        if mine:
            os.kill(self._random.choice(mine), signal.SIGKILL)
            self._kills += 1

    def _restart(self) -> None:
        cluster = database.cluster_of(self._config.database)
        cluster.stop(mode="immediate")
        cluster.start()

    def outcome(self, within: float) -> Outcome:
        """When all have ended, or after so many seconds."""
        found, begun, ended = Outcome(kills=self._kills), time.monotonic(), dict[str, str]()
        while len(ended) < len(self._jobs) and time.monotonic() - begun < within:
            for job_id in self._jobs.keys() - ended.keys():
                status, _, body = self._ask("GET", f"/tap/async/{job_id}")
                phase = re.findall(rb"<uws:phase>(\w+)", body) if status == http.client.OK else [b"LOST"]
                if phase[0].decode() in FINAL | {"LOST"}:
                    ended[job_id] = phase[0].decode()
            time.sleep(0.2)
        found.seconds = time.monotonic() - begun
        for job_id in self._jobs:
            self._judge(job_id, ended.get(job_id, ""), found)
        found.leftovers = self._leftovers()
        return found

    def _judge(self, job_id: str, phase: str, found: Outcome) -> None:
        if not phase:
            found.not_final.append(job_id)
        elif phase == "LOST":
            found.lost.append(job_id)
        elif phase == "COMPLETED":
            status, _, body = self._ask("GET", f"/tap/async/{job_id}/results/result")
            if status != http.client.OK or body.count(b"\n") != self._jobs[job_id] + 1:
                found.wrong.append(job_id)
        elif b"times in a row" in self._ask("GET", f"/tap/async/{job_id}")[2]:
            found.honest.append(job_id)
        else:
            found.wrong.append(job_id)

    def _leftovers(self) -> list[str]:
        """Unfinished files that stay."""
        folder = Path(self._config.jobs.results or Path(self._config.database.data_dir) / "results")
        for _ in range(100):
            left = [path.name for path in folder.glob("*/*/*.part")]
            if not left:
                break
            time.sleep(0.2)
        return left

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str, bytes]:
        """As a patient client does: what breaks or is 503 is asked again."""
        for _ in range(300):
            try:
                client = http.client.HTTPConnection("127.0.0.1", self._config.web.port, timeout=30)
                client.request(method, path, body, FORM if body else {})
                answer = client.getresponse()
                content = answer.read()
                client.close()
            except (OSError, http.client.HTTPException):
                time.sleep(0.2)
                continue
            if answer.status != http.client.SERVICE_UNAVAILABLE:
                return answer.status, answer.getheader("location") or "", content
            time.sleep(0.2)
        raise RuntimeError(f"{path}: no answer")


def processes_of(config: Config, *words: bytes) -> list[int]:
    """The processes of this service, whatever else runs on the machine, whose command has one of the words."""
    own, found = f"ARMILLARY_PORT={config.web.port}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:
            continue
        if own in environment.split(b"\0") and any(word in command for word in words):
            found.append(int(folder.name))
    return found


def main() -> None:
    from jobs import free_port
    from service import start

    arguments = argparse.ArgumentParser(description=__doc__)
    for name, default in (("jobs", 200), ("kills", 50), ("restarts", 10), ("seed", 1)):
        arguments.add_argument(f"--{name}", type=int, default=default)
    options = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="armillary-kill-"))
    folder.chmod(0o755)
    config = Config().changed(
        base_url=f"http://localhost:{(port := free_port())}/tap", port=port, data_dir=str(folder), workers=2
    )
    try:
        with database.running_database(config):
            database.prepare(config, print)
            with database.owner_connection(config) as connection:
                description = read_description(ROOT / "deploy" / "sample" / "ngc.toml")
                load_table(connection, open_file(ROOT / "build" / "sample" / "ngc.parquet"), "demo.ngc", description)
            service = start(config)
            siege = Siege(config, options.seed)
            siege.lay(options.jobs, options.kills, options.restarts)
            print(siege.outcome(within=60))
            service.terminate()
            service.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
