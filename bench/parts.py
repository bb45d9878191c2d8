"""The parts of the measurement, by name: each a function of the stage and the number of rounds."""

import os
import random
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from statistics import median

from client import ask, connect, download, request
from cores import on_one_core
from load import Load, downloading, load
from peaks import BACKEND, WEB, WORKER, seconds_worked, worked_since
from report import Bar, Measured, ratio
from stage import Stage, format_of, formats, named
from tables import GAIA_ROWS, NARROW_ROWS, WIDE_ROWS
from trials import Trial, connected, executed, first_row, interleaved, pgbench, psql

MILLION = "SELECT TOP 1000000 * FROM bench.gaia"
ENDLESS = "SELECT a.* FROM bench.gaia AS a, (SELECT TOP 100 source_id FROM bench.gaia) AS b"
POINT = "SELECT * FROM bench.gaia WHERE source_id = {}"
CONE = "SELECT TOP 1000 source_id, ra, dec FROM bench.gaia WHERE DISTANCE(POINT(ra, dec), POINT({:.5f}, {:.5f})) < 1"
AGGREGATE = "SELECT COUNT(*) AS n, AVG(parallax) AS parallax, MAX(g) AS g FROM bench.gaia"
SMALL = {
    "TOP 1": ("SELECT TOP 1 * FROM bench.gaia", Bar(4)),
    "point lookup": (POINT.format(2147903360000), None),
    "cone of 1°": (CONE.format(120, 30), Bar(6)),
}
FORMAT_BARS = {
    "votable": 1.3,
    "votable/b": 1.3,
    "fits": 1.4,
    "arrow": 1.4,
    "parquet": 1.6,
    "csv": 2,
    "tsv": 2,
    "votable/td": 2,
    "json": 3,
}
SOME_FORMATS = ("votable", "fits", "arrow", "parquet", "csv", "json")
HEAVY_FORMATS = ("votable", "parquet", "csv")
BASELINE = "psql COPY BINARY"
CROWDS = (("TOP 1", 1), ("cone", 1), ("cone", 16), ("cone", 64))
SECONDS = 4.0
EVERY = 0.01
ALL_CORES = "all cores"
BESIDE = "beside: p95 of small queries"

NOTES = {
    "beside": "Small queries (point lookups and cones in turn) of 2 clients, each asks once in 10 ms. The bar is for a free core: the download's client,"
    f" its backend and its encoder are kept on one; `all cores` is without that, on this machine's {os.cpu_count()}, of which a download takes all.",
    "clients": "Cones of 1° at random places, connections kept alive, as fast as they are answered; `PostgreSQL itself` is what pgbench gets for the same"
    " SQL with as many clients, in the same run. `service` and `PostgreSQL` are the time of processors that a request takes of each, `generator` what the"
    " load itself took of one core.",
}


@dataclass(frozen=True, slots=True)
class _Result:
    """A large one: which formats it is fetched in, and whether there are bars for them."""

    title: str
    query: str
    formats: Sequence[str]
    has_bars: bool = False


def whole_formats(stage: Stage, rounds: int) -> list[Measured]:
    """Every format, and the ways of psql."""
    copies = {
        "psql COPY CSV": psql(stage.config, stage.copy(MILLION, "csv")),
        "psql with a cursor": psql(stage.config, stage.sql(MILLION), "-v", "FETCH_COUNT=10000"),
    }
    result = _Result("formats: 1,000,000 rows of 13 columns", MILLION, formats(), has_bars=True)
    return _against_copy(stage, result, copies, rounds)


def wide(stage: Stage, rounds: int) -> list[Measured]:
    title = f"wide: {WIDE_ROWS:,} rows of 152 columns"
    return _against_copy(stage, _Result(title, "SELECT * FROM bench.wide", formats(SOME_FORMATS)), {}, rounds)


def narrow(stage: Stage, rounds: int) -> list[Measured]:
    title = f"narrow: {NARROW_ROWS:,} rows of 3 columns"
    return _against_copy(stage, _Result(title, "SELECT * FROM bench.narrow", formats(SOME_FORMATS)), {}, rounds)


def _against_copy(stage: Stage, result: _Result, others: Mapping[str, Trial], rounds: int) -> list[Measured]:
    baseline = {BASELINE: psql(stage.config, stage.copy(result.query))}
    sizes: dict[str, int] = {}
    fetched = {name: stage.fetched(result.query, name, sizes) for name in result.formats}
    times = interleaved({**baseline, **others, **fetched}, rounds)
    return [
        Measured(
            result.title,
            name,
            {"s": median(found), "ratio": ratio(found, times[BASELINE])} | _megabytes(sizes.get(name)),
            _format_bars(name) if result.has_bars and name in fetched else {},
            found,
        )
        for name, found in times.items()
    ]


def _megabytes(size: int | None) -> dict[str, float]:
    return {} if size is None else {"MB": size / 1e6}


def _format_bars(name: str) -> dict[str, Bar]:
    known = named(format_of(name), FORMAT_BARS)
    return {"ratio": Bar(FORMAT_BARS[known])} if known else {}


def first(stage: Stage, rounds: int) -> list[Measured]:
    """The first byte of a body, beside the first row that PostgreSQL gives."""
    messages = {name: request(MILLION, name, close=True) for name in formats(("votable", "csv"))}
    with connected(stage.config) as pgconn:
        trials = {"libpq COPY BINARY": first_row(pgconn, stage.copy(MILLION))}
        trials |= {name: partial(_first_byte, stage, message) for name, message in messages.items()}
        times = interleaved(trials, 3 * rounds)
    baseline = times["libpq COPY BINARY"]
    return [
        Measured("first", name, {"ms": 1000 * median(found), **_later(found, baseline)}, _later_bar(name), found)
        for name, found in times.items()
    ]


def _first_byte(stage: Stage, message: bytes) -> float:
    return download(stage.port, message).first


def _later(found: Sequence[float], baseline: Sequence[float]) -> dict[str, float]:
    if found is baseline:
        return {}
    return {"ms after PostgreSQL's first row": 1000 * median(t - b for t, b in zip(found, baseline, strict=True))}


def _later_bar(name: str) -> dict[str, Bar]:
    return {} if name.startswith("libpq") else {"ms after PostgreSQL's first row": Bar(50)}


def small(stage: Stage, rounds: int) -> list[Measured]:
    """One after the other on one connection that is kept, beside the same SQL on one of libpq."""
    with connected(stage.config) as pgconn, connect(stage.port) as connection:
        trials: dict[str, Trial] = {}
        for title, (query, _) in SMALL.items():
            trials[f"{title}, libpq"] = executed(pgconn, stage.sql(query))
            trials[f"{title}, HTTP"] = asked(connection, query)
        times = interleaved(trials, 60 * rounds)
    return [line for title, (_, bar) in SMALL.items() for line in _small(title, bar, times)]


def _small(title: str, bar: Bar | None, times: Mapping[str, Sequence[float]]) -> list[Measured]:
    raw, found = times[f"{title}, libpq"], times[f"{title}, HTTP"]
    return [
        Measured("small", f"{title}, libpq", {"ms": 1000 * median(raw), "ratio": 1}, rounds=raw),
        Measured(
            "small",
            f"{title}, HTTP",
            {"ms": 1000 * median(found), "ratio": ratio(found, raw)},
            {"ms": bar} if bar else {},
            found,
        ),
    ]


def clients(stage: Stage, rounds: int) -> list[Measured]:
    """As many as ask, beside as many that ask PostgreSQL itself."""
    messages = {"TOP 1": [request(SMALL["TOP 1"][0])], "cone": cones(2000)}
    scripts = {"TOP 1": stage.sql(SMALL["TOP 1"][0]), "cone": _random_cone(stage)}
    trials: dict[tuple[str, int, str], Callable[[], Crowd]] = {}
    for what, count in CROWDS:
        trials[what, count, "HTTP"] = partial(_asked_by, stage, messages[what], count)
        trials[what, count, "raw"] = partial(_raw, stage, scripts[what], count)
    found = interleaved(trials, rounds)
    return [_crowd(what, count, found[what, count, "HTTP"], found[what, count, "raw"]) for what, count in CROWDS]


@dataclass(frozen=True, slots=True)
class Crowd:
    """What clients saw, how many there were in a second, and the milliseconds of processors that one request took."""

    rate: float
    load: Load | None = None
    service: float = 0
    postgresql: float = 0


def _asked_by(stage: Stage, messages: Sequence[bytes], count: int) -> Crowd:
    before = seconds_worked(stage.config, stage.service)
    found = load(stage.port, messages, count, SECONDS)
    seconds = worked_since(before, seconds_worked(stage.config, stage.service))
    of_service, of_postgresql = seconds[WEB] + seconds[WORKER], seconds[BACKEND]
    return Crowd(found.rate, found, 1000 * of_service / len(found.times), 1000 * of_postgresql / len(found.times))


def _raw(stage: Stage, script: str, count: int) -> Crowd:
    return Crowd(pgbench(stage.config, script, count, SECONDS))


def _random_cone(stage: Stage) -> str:
    """As cones() asks, with places that pgbench makes up."""
    sql = stage.sql(CONE.format(123.45678, 12.34567)).replace("123.45678", ":ra").replace("12.34567", ":dec")
    return f"\\set ra random(0, 35999999) / 100000.0\n\\set dec random(-8000000, 8000000) / 100000.0\n{sql};"


def _crowd(what: str, count: int, asked: Sequence[Crowd], raw: Sequence[Crowd]) -> Measured:
    loads = [crowd.load for crowd in asked if crowd.load]
    rates = [crowd.rate for crowd in asked]
    figures = {
        "requests/s": median(rates),
        "PostgreSQL itself": median(crowd.rate for crowd in raw),
        "ratio": median(one.rate / other.rate for one, other in zip(raw, asked, strict=True)),
        "p50 ms": median(load.milliseconds(50) for load in loads),
        "p95 ms": median(load.milliseconds(95) for load in loads),
        "service, ms": median(crowd.service for crowd in asked),
        "PostgreSQL, ms": median(crowd.postgresql for crowd in asked),
        "errors": sum(load.errors for load in loads),
        "generator": median(load.generator for load in loads),
    }
    bars = {"p95 ms": Bar(250), "errors": Bar(0)}
    if count > 1:
        bars["requests/s"] = Bar(400, at_least=True)
    return Measured("clients", f"{what}, {count} client{'s' if count > 1 else ''}", figures, bars, rates)


def beside(stage: Stage, rounds: int) -> list[Measured]:
    """Small queries while a large result is downloaded."""
    messages = [message for pair in zip(cones(1000), points(1000), strict=True) for message in pair]

    def alone() -> Load:
        return load(stage.port, messages, 2, SECONDS, EVERY)

    def with_download(name: str, *, apart: bool) -> Load:
        with ExitStack() as stack:
            client = stack.enter_context(downloading(stage.port, request(ENDLESS, name, close=True)))
            if apart:
                stack.enter_context(on_one_core(stage.config, stage.service, client))
            return alone()

    trials = {"alone": alone}
    for name in formats(HEAVY_FORMATS):
        trials[f"beside a download of {name}"] = partial(with_download, name, apart=True)
        trials[f"beside a download of {name}, {ALL_CORES}"] = partial(with_download, name, apart=False)
    loads = interleaved(trials, rounds)
    return [_beside(title, found, loads["alone"]) for title, found in loads.items()]


def _beside(title: str, found: Sequence[Load], alone: Sequence[Load]) -> Measured:
    slowest = [each.milliseconds(95) for each in found]
    figures = {f"p{p} ms": median(each.milliseconds(p) for each in found) for p in (50, 95, 99)}
    figures |= {
        "ratio": ratio(slowest, [each.milliseconds(95) for each in alone]),
        "errors": sum(each.errors for each in found),
        "cores idle": median(each.free_cores for each in found),
    }
    return Measured(BESIDE, title, figures, {} if found is alone or ALL_CORES in title else {"ratio": Bar(2)}, slowest)


def aggregate(stage: Stage, rounds: int) -> list[Measured]:
    """A query that PostgreSQL works for, with one row of result."""
    with connected(stage.config) as pgconn, connect(stage.port) as connection:
        trials = {"libpq": executed(pgconn, stage.sql(AGGREGATE)), "HTTP": asked(connection, AGGREGATE)}
        times = interleaved(trials, 10 * rounds)
    return [
        Measured(
            f"aggregate: over {GAIA_ROWS:,} rows",
            name,
            {"ms": 1000 * median(found), "ratio": ratio(found, times["libpq"])},
            {"ratio": Bar(1.05)} if name == "HTTP" else {},
            found,
        )
        for name, found in times.items()
    ]


def asked(connection: socket.socket, query: str) -> Trial:
    return partial(ask, connection, request(query))


def cones(count: int) -> list[bytes]:
    """The same ones at every run."""
    places = random.Random(1)
    return [request(CONE.format(places.uniform(0, 360), places.uniform(-80, 80))) for _ in range(count)]


def points(count: int) -> list[bytes]:
    numbers = random.Random(2)
    return [request(POINT.format(numbers.randint(1, GAIA_ROWS) * 4295806720)) for _ in range(count)]


PARTS: dict[str, Callable[[Stage, int], list[Measured]]] = {
    "formats": whole_formats,
    "wide": wide,
    "narrow": narrow,
    "first": first,
    "small": small,
    "clients": clients,
    "beside": beside,
    "aggregate": aggregate,
}
