"""What the service needs beside PostgreSQL alone, in one run: times, ratios, and how they stand to their bars.

    python bench/results.py [--rounds 5] [--only formats first …] [--out result.json] [--picture result.svg]

Runs a private cluster and a service of its own, with synthetic tables. The trials of each part are interleaved,
medians are over rounds, and a ratio is the median of the ratios within the rounds.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from memory import memory
from parts import NOTES, PARTS
from picture import picture
from report import Measured, as_json, markdown
from service import ROOT, free_port, serving
from stage import Stage
from tables import make

from tap.config import Config
from tap.engine import database

MEMORY = "memory"
TABLES = {"wide": ("wide",), "narrow": ("narrow",), MEMORY: ("many",)}


def main() -> None:
    options = parse()
    with private_cluster() as config:
        versions = database.versions(config)
        found = measure(config, options.only, options.rounds)
    about = {**versions, **machine(), "rounds": options.rounds}
    conclude(
        found, about, options, NOTES, lambda title: picture(found, f"Time as a ratio to PostgreSQL's own; {title}")
    )


SHOWN = ("PostgreSQL", "pgSphere", "cores", "commit", "rounds", "workers")


def conclude(
    found: Sequence[Measured],
    about: Mapping[str, Any],
    options: argparse.Namespace,
    notes: Mapping[str, str],
    draw: Callable[[str], str],
) -> None:
    """Prints what was found, and writes it where `options` want it; `draw` makes the picture, from its title."""
    title = ", ".join(f"{name} {value}" for name, value in about.items() if name in SHOWN)
    print(f"\n{title}\n{markdown(found, notes)}\n\n{summary(found)}")
    if options.out:
        options.out.write_text(json.dumps(as_json(found, about), indent=2, ensure_ascii=False))
    if options.picture:
        options.picture.write_text(draw(title))


def parse() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--only", nargs="+", choices=[*PARTS, MEMORY], metavar="PART", help=" ".join(PARTS))
    arguments.add_argument("--memory", action="store_true", help="measure memory too, with 10,000,000 rows")
    arguments.add_argument("--out", type=Path, help="the results as JSON")
    arguments.add_argument("--picture", type=Path, help="the ratios as SVG")
    options = arguments.parse_args()
    options.only = options.only or list(PARTS)
    if options.memory and MEMORY not in options.only:
        options.only.append(MEMORY)
    return options


@contextmanager
def private_cluster(of_postgresql: Mapping[str, str] | None = None, **settings: Any) -> Iterator[Config]:
    """Running, prepared, and gone afterwards; `settings` are those of the configuration that differ."""
    folder = Path(tempfile.mkdtemp(prefix="armillary-bench-"))
    folder.chmod(0o755)
    port = free_port()
    own: dict[str, Any] = {
        "base_url": f"http://localhost:{port}/tap",
        "port": port,
        "data_dir": str(folder),
        "maxrec_default": 100_000_000,
        "sync_limit": 900,
    }
    config = Config().changed(**own | settings)
    try:
        cluster = replace(database.cluster_of(config.database), settings=of_postgresql or {})
        with cluster.running():
            database.prepare(config, tell)
            yield config
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(config: Config, names: Sequence[str], rounds: int) -> list[Measured]:
    tell("making the tables")
    tables = dict.fromkeys(table for name in names for table in TABLES.get(name, ("gaia",)))
    stage = Stage(config, make(config, tables))
    found: list[Measured] = []
    timed = [name for name in PARTS if name in names]
    if timed:
        with serving(config) as service:
            for name in timed:
                tell(name)
                found += PARTS[name](replace(stage, service=service), rounds)
    if MEMORY in names:
        tell(MEMORY)
        found += memory(stage)
    return found


def tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def machine() -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "cores": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "Python": platform.python_version(),
        "commit": commit.stdout.strip(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def summary(found: Sequence[Measured]) -> str:
    bars = sum(len(each.bars) for each in found)
    missed = [f"{each.part}, {each.what}: {name}" for each in found for name in each.missed]
    return "\n".join([f"{bars - len(missed)} of {bars} bars are met.", *(f"Missed: {each}" for each in missed)])


if __name__ == "__main__":
    main()
