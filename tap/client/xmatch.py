"""One's own list of positions against a catalogue of a TAP service: the query for it, and the whole job in one call."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from schema.load import open_file
from schema.load.reader import FileColumn, LoadError
from schema.model import quoted_if_needed
from tap.client.http import Http, Refused, parsed
from tap.client.job import Progress, RemoteJob, create, create_with, knows_no_parts, silent

UPLOAD = "mine"
FINDS = ("all", "best", "each")
"""All pairs; the nearest for each row of the list; the same, and the rows that have none."""

_UCDS = {"ra": "pos.eq.ra;meta.main", "dec": "pos.eq.dec;meta.main"}
_NAMES = {
    "ra": ("ra", "raj2000", "ra_icrs", "ra_deg", "_ra", "ra2000", "alpha", "lon"),
    "dec": ("dec", "decj2000", "dej2000", "de_icrs", "dec_deg", "_de", "dec2000", "de", "delta", "lat"),
}


@dataclass(frozen=True, slots=True)
class Position:
    """The columns of a position in degrees, as ADQL writes their names."""

    ra: str
    dec: str

    def of(self, alias: str) -> str:
        return f"{alias}.{self.ra}, {alias}.{self.dec}"


@dataclass(frozen=True, slots=True)
class Match:
    """What is asked of a service: pairs within `radius` arcseconds; `columns` of the catalogue, * for all."""

    service: str
    table: str
    radius: float
    mine: Position
    theirs: Position
    find: str = "all"
    columns: str = "*"

    @property
    def query(self) -> str:
        near = "DISTANCE({0}, {1}) < {2!r}"
        apart = f"DISTANCE({self.mine.of('u')}, {self.theirs.of('s')})"
        on = near.format(self.mine.of("u"), self.theirs.of("s"), self.radius / 3600)
        theirs = ", ".join(f"s.{each.strip()}" for each in self.columns.split(","))
        join = "LEFT JOIN" if self.find == "each" else "JOIN"
        query = (
            f"SELECT u.*, {theirs}, {apart} * 3600 AS separation\n"
            f"FROM TAP_UPLOAD.{UPLOAD} AS u {join} {self.table} AS s ON {on}"
        )
        if self.find == "all":
            return query
        nearer = near.format(self.mine.of("u"), self.theirs.of("t"), self.radius / 3600)
        closer = f"DISTANCE({self.mine.of('u')}, {self.theirs.of('t')}) < {apart}"
        return f"{query}\nWHERE NOT EXISTS (SELECT 1 FROM {self.table} AS t WHERE {nearer} AND {closer})"


def position_of_file(path: Path, ra: str | None = None, dec: str | None = None) -> Position:
    """As named, else by UCDs, else by the usual names. Raises: LoadError, OSError."""
    columns = open_file(path).columns
    return Position(*(quoted_if_needed(_of_file(columns, which, name)) for which, name in (("ra", ra), ("dec", dec))))


def _of_file(columns: tuple[FileColumn, ...], which: str, name: str | None) -> str:
    by_name = {column.name.lower(): column.name for column in columns}
    if name is not None:
        if name.lower() in by_name:
            return by_name[name.lower()]
        raise LoadError(f"the file has no column {name}; it has {', '.join(column.name for column in columns)}")
    by_ucd = [column.name for column in columns if column.ucd == _UCDS[which]]
    found = by_ucd or [by_name[each] for each in _NAMES[which] if each in by_name]
    if not found:
        has = ", ".join(column.name for column in columns)
        raise LoadError(f"which column is the {which} cannot be told; name it with --{which}. There are {has}")
    return found[0]


def position_of_table(service: str, table: str, http: Http) -> Position:
    """By the UCDs in TAP_SCHEMA, of any TAP service. Raises: Refused, Unreachable, LoadError where there are none."""
    found = []
    for which, ucd in _UCDS.items():
        name = table.replace("'", "''")
        query = f"SELECT column_name FROM TAP_SCHEMA.columns WHERE table_name = '{name}' AND ucd = '{ucd}'"
        form = {"REQUEST": "doQuery", "LANG": "ADQL", "QUERY": query, "FORMAT": "votable/td"}
        with http.send("POST", f"{service.rstrip('/')}/sync", urlencode(form).encode()) as answer:
            cells = [cell.text or "" for cell in parsed(answer.read()).iter("{*}TD")]
        if len(cells) != 1:
            raise LoadError(f"{service} has no table {table} with a position; see its tables, or name --table-{which}")
        found.append(cells[0])
    return Position(*found)


def cross_match(match: Match, path: Path, output: Path, progress: Progress = silent, *, keep: bool = False) -> str:
    """Uploads a file, matches it, fetches the result into `output` in the format of its suffix; gives the job's URL.

    The job is deleted afterwards unless it shall be kept. Raises: Refused, Unreachable, JobFailed, OSError.
    """
    job = begin(match, output, progress)
    progress("job " + job.url, 0, 0)
    try:
        job.upload(UPLOAD, path)
    except Refused as error:
        if not knows_no_parts(error):
            raise
        job.delete()
        job = create_with(match.service, _parameters(match, output), (UPLOAD, path), job)
    return finish(job, output, keep=keep)


def begin(match: Match, output: Path, progress: Progress = silent) -> RemoteJob:
    """A job that waits for the file. Raises: Refused, Unreachable, LoadError for an output of no known format."""
    return create(match.service, _parameters(match, output), Http(), progress)


def _parameters(match: Match, output: Path) -> dict[str, str]:
    return {
        "REQUEST": "doQuery",
        "LANG": "ADQL",
        "QUERY": match.query,
        "UPLOAD": f"{UPLOAD},param:{UPLOAD}",
        "RESPONSEFORMAT": _format(output),
        "MAXREC": "2000000000",
        "RUNID": "xmatch",
    }


def go_on(url: str, path: Path, output: Path, progress: Progress = silent, *, keep: bool = False) -> str:
    """With a job that was interrupted, wherever that was. Raises: as `cross_match`."""
    job = RemoteJob(url.rstrip("/"), Http(), progress)
    if job.state().phase == "PENDING":
        job.upload(UPLOAD, path)
    return finish(job, output, keep=keep)


def finish(job: RemoteJob, output: Path, *, keep: bool) -> str:
    job.run()
    job.fetch(output, job.wait())
    if not keep:
        job.delete()
    return job.url


_BINARY2 = "application/x-votable+xml;serialization=BINARY2"
_FORMATS = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".vot": _BINARY2,
    ".votable": _BINARY2,
    ".xml": "application/x-votable+xml;serialization=TABLEDATA",
}


def _format(output: Path) -> str:
    """What the suffix says. Raises: LoadError."""
    if output.suffix.lower() not in _FORMATS:
        raise LoadError(f"{output}: its suffix must be one of {', '.join(_FORMATS)}")
    return _FORMATS[output.suffix.lower()]
