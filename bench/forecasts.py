"""Whether the seconds that a check foretells hold: of a log of queries of many kinds, the last part is held out.

    python bench/forecasts.py [--url http://localhost:8080/tap] [--known 150] [--held-out 150]

Asks a service that runs (./deploy/demo). Each query of the log is a job; the first ones let the service learn, and of each
of the others `/tap/check` is asked before it runs. Four of five should take as long as was said.
"""

import argparse
import json
import random
import time
import urllib.parse
import urllib.request
from datetime import datetime

SHARE = 0.8


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", default="http://localhost:8080/tap")
    arguments.add_argument("--known", type=int, default=150)
    arguments.add_argument("--held-out", type=int, default=150)
    options = arguments.parse_args()
    log = queries(random.Random(5), options.known + options.held_out)
    for query in log[: options.known]:
        seconds_of(options.url, query)
    ranges = []
    for query in log[options.known :]:
        expected = check(options.url, query)["estimate"]["seconds"]
        seconds = seconds_of(options.url, query)
        if expected:
            ranges.append(expected[0] <= seconds <= expected[1])
    print(
        f"{len(ranges)} of {options.held_out} had a range; {sum(ranges) / len(ranges):.1%} lay in theirs, of {SHARE:.0%}"
    )


def queries(chance: random.Random, count: int) -> list[str]:
    """Cones, counts, averages and joins, each another one."""
    return [chance.choice((_cone, _count, _average, _join))(chance) for _ in range(count)]


def _cone(chance: random.Random) -> str:
    ra, dec, radius = chance.uniform(0, 360), chance.uniform(-80, 80), chance.choice((0.1, 1, 5))
    return f"SELECT tyc_id, ra, dec, vmag FROM demo.stars WHERE DISTANCE(ra, dec, {ra:.4f}, {dec:.4f}) < {radius}"


def _count(chance: random.Random) -> str:
    return f"SELECT COUNT(*) AS n FROM demo.stars WHERE bv > {chance.uniform(0, 2):.3f} AND vmag < {chance.uniform(8, 12):.2f}"


def _average(chance: random.Random) -> str:
    order = chance.randint(2, 5)
    return (
        f"SELECT ivo_healpix_index({order}, ra, dec) AS cell, AVG(parallax) AS p FROM demo.stars"
        f" WHERE vmag < {chance.uniform(9, 12):.2f} GROUP BY ivo_healpix_index({order}, ra, dec)"
    )


def _join(chance: random.Random) -> str:
    low = chance.randint(0, 350)
    return (
        "SELECT n.name, COUNT(*) AS stars FROM demo.ngc AS n JOIN demo.stars AS s"
        f" ON DISTANCE(n.ra, n.dec, s.ra, s.dec) < 0.2 WHERE n.ra BETWEEN {low} AND {low + 10} GROUP BY n.name"
    )


def check(url: str, query: str) -> dict[str, dict[str, list[float] | None]]:
    body = urllib.parse.urlencode({"QUERY": query}).encode()
    with urllib.request.urlopen(f"{url}/check", body, timeout=60) as answer:
        content: dict[str, dict[str, list[float] | None]] = json.load(answer)
    return content


def seconds_of(url: str, query: str) -> float:
    """Run a job, and return how long it ran."""
    form = {"LANG": "ADQL", "QUERY": query, "PHASE": "RUN", "REUSE": "refuse"}
    request = urllib.request.Request(
        f"{url}/async", urllib.parse.urlencode(form).encode(), {"Accept": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        location, job = answer.url, json.load(answer)
    while job["phase"] in {"QUEUED", "EXECUTING"}:
        time.sleep(0.02)
        again = urllib.request.Request(f"{location}?WAIT=10", headers={"Accept": "application/json"})
        with urllib.request.urlopen(again, timeout=60) as answer:
            job = json.load(answer)
    begin, end = (datetime.fromisoformat(job[name]) for name in ("startTime", "endTime"))
    return (end - begin).total_seconds()


if __name__ == "__main__":
    main()
