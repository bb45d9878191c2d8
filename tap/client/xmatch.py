"""A user's list of positions against a catalogue of a TAP service: the query for it, and the whole job in one call."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from schema.load import open_file
from schema.load.reader import FileColumn, LoadError
from schema.model import Column, adql_names, delimited, string_literal
from schema.positions import find_position
from tap.client.http import Http, Refused, parsed
from tap.client.job import Progress, RemoteJob, create, create_with_files, knows_no_parts, silent

UPLOAD = "mine"
FINDS = ("all", "best", "each")
"""All pairs; the nearest for each row of the list; the same, and the rows that have none."""

_UCDS = {"ra": "pos.eq.ra;meta.main", "dec": "pos.eq.dec;meta.main"}


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
        theirs = ", ".join(f"s.{name.strip()}" for name in self.columns.split(","))
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
    """Find the position's columns: as named, else by UCDs, else by the usual names. Raises: LoadError, OSError."""
    columns = open_file(path).columns
    search = find_position([_column(column) for column in columns if not column.problem])
    guessed = [column.name for column in search.position] if search.position else [None, None]
    names = [_named(columns, given) if given else guess for given, guess in zip((ra, dec), guessed, strict=True)]
    if None in names:
        has = ", ".join(column.name for column in columns)
        raise LoadError(
            f"which columns are the position cannot be told; name them with --ra and --dec. There are {has}"
        )
    written = dict(zip((c.name for c in columns), adql_names([c.name for c in columns]), strict=True))
    return Position(*(written[str(name)] for name in names))


def _column(column: FileColumn) -> Column:
    type_ = column.type
    return Column(delimited(column.name), type_.datatype, type_.arraysize, type_.xtype, column.unit, column.ucd)


def _named(columns: tuple[FileColumn, ...], name: str) -> str:
    names = [column.name for column in columns]
    match = (
        name if name in names else next((candidate for candidate in names if candidate.lower() == name.lower()), None)
    )
    if match is None:
        raise LoadError(f"the file has no column {name}; it has {', '.join(names)}")
    return match


def position_of_table(service: str, table: str, http: Http) -> Position:
    """Find the position's columns by the UCDs in TAP_SCHEMA, of any TAP service.

    Raises: Refused, Unreachable, LoadError where there are none.
    """
    columns = []
    for axis, ucd in _UCDS.items():
        name = string_literal(table)
        query = f"SELECT column_name FROM TAP_SCHEMA.columns WHERE table_name = {name} AND ucd = '{ucd}'"
        form = {"REQUEST": "doQuery", "LANG": "ADQL", "QUERY": query, "FORMAT": "votable/td"}
        with http.send("POST", f"{service.rstrip('/')}/sync", urlencode(form).encode()) as answer:
            cells = [cell.text or "" for cell in parsed(answer.read()).iter("{*}TD")]
        if len(cells) != 1:
            raise LoadError(f"{service} has no table {table} with a position; see its tables, or name --table-{axis}")
        columns.append(cells[0])
    return Position(*columns)


def cross_match(match: Match, path: Path, output: Path, progress: Progress = silent, *, keep: bool = False) -> str:
    """Upload a file, match it, fetch the result into `output` in the format of its suffix; return the job's URL.

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
        job = create_with_files(match.service, _parameters(match, output), {UPLOAD: path}, job)
    return finish(job, output, keep=keep)


def begin(match: Match, output: Path, progress: Progress = silent) -> RemoteJob:
    """Make a job that waits for the file. Raises: Refused, Unreachable, LoadError for an output of no known format."""
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
    """Go on with a job that was interrupted, wherever that was. Raises: as `cross_match`."""
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
FORMATS = {
    ".vot": _BINARY2,
    ".votable": _BINARY2,
    ".xml": "application/x-votable+xml;serialization=TABLEDATA",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".ecsv": "application/x-ecsv",
    ".fits": "application/fits",
    ".parquet": "application/vnd.apache.parquet",
    ".arrow": "application/vnd.apache.arrow.stream",
    ".arrows": "application/vnd.apache.arrow.stream",
    ".hdf5": "application/x-hdf5",
    ".h5": "application/x-hdf5",
    ".json": "application/json",
    ".html": "text/html",
    ".txt": "text/plain",
}
"""By the suffix of the output; whether another service has one, it says itself."""


def _format(output: Path) -> str:
    """Return the media type that the suffix says. Raises: LoadError."""
    if output.suffix.lower() not in FORMATS:
        raise LoadError(f"{output}: its suffix must be one of {', '.join(FORMATS)}")
    return FORMATS[output.suffix.lower()]
