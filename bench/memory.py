"""Memory while a large result is written, in each format, by a service that has done nothing before."""

from dataclasses import replace

from client import download, request
from peaks import BACKEND, WEB, Peak, Peaks
from report import Bar, Measured
from service import serving
from stage import Stage, formats
from tables import MANY_ROWS

PART = "memory"
ROWS = (1_000_000, MANY_ROWS)
LIMIT = Bar(300)
QUERY = "SELECT TOP {} * FROM bench.many"


def memory(stage: Stage) -> list[Measured]:
    return [line for name in formats() for line in _of_format(stage, name)]


def _of_format(stage: Stage, name: str) -> list[Measured]:
    """First the smaller result, then the larger one by the same process: it may not need more."""
    config = replace(stage.config, processes=1, workers=0)
    with serving(config) as service:
        download(config.web.port, request("SELECT TOP 1 * FROM bench.many", name, close=True))
        return [_of_rows(stage, name, rows, service) for rows in ROWS]


def _of_rows(stage: Stage, name: str, rows: int, service: int) -> Measured:
    peaks = Peaks(stage.config, service)
    try:
        took = download(stage.port, request(QUERY.format(rows), name, close=True))
    finally:
        found = peaks.stop()
    web, backend = found[WEB], found.get(BACKEND, Peak())
    figures = {
        "s": took.seconds,
        "MB sent": took.size / 1e6,
        "web process, MB": web.resident,
        "of it anonymous": web.anonymous,
        "PostgreSQL's backend, MB": backend.anonymous,
        "with shared buffers": backend.resident,
    }
    names = ("web process, MB", "PostgreSQL's backend, MB")
    return Measured(PART, f"{rows:,} rows, {name}", figures, dict.fromkeys(names, LIMIT))
