"""Parameters → TapRequest (TAP 1.1 §2.7): what /sync, and later a job, shall do."""

from dataclasses import dataclass

from tap.config import Config
from tap.config_sections import LimitsConfig
from tap.form import FormFile
from tap.formats import FORMATS, find_format
from tap.formats.format import Format
from tap.formats.moc_cells import HIGHEST_ORDER
from tap.uploads.upload import Upload, read_uploads
from uws.parameters import ParameterError, Parameters

LANGUAGES = ("ADQL", "ADQL-2.1", "ADQL-2.0")
"""All mean ADQL 2.1, which takes what 2.0 took."""


@dataclass(frozen=True, slots=True)
class TapRequest:
    """What a request asks for.

    `partial`: whether the rows of those shards will do that can be reached; `comments`: whether CSV and TSV may end in
    some; `reuse`: whether the stored result of an earlier job will do that asked for the same; `moc_order`: the order of the
    cells of a result that is a MOC; `receipt`: whether /sync waits for its end, to tell what it took. These are parameters
    of our own. `owner` is the account that asks, if
    it is one, `role` the database's role for what it may read, if that is more than everybody may.
    """

    query: str
    maxrec: int
    format: Format
    media_type: str
    uploads: tuple[Upload, ...] = ()
    partial: bool = False
    comments: bool = False
    reuse: bool = True
    moc_order: int | None = None
    receipt: bool = False
    owner: str | None = None
    role: str | None = None


def read_request(parameters: Parameters, config: Config, files: list[FormFile] | None = None) -> TapRequest:
    """Read what a stranger asks; `files` are those that UPLOAD may name. Raises: ParameterError."""
    request = parameters.one("REQUEST")
    if request is not None and request.lower() != "doquery":
        raise ParameterError(f"REQUEST can only be doQuery, not {request[:40]!r}")
    language = parameters.required("LANG")
    if language.upper() not in LANGUAGES:
        raise ParameterError(f"LANG {language[:40]!r} is not spoken here; known are {', '.join(LANGUAGES)}")
    query = parameters.required("QUERY")
    if len(query) > config.limits.query_length:
        raise ParameterError(
            f"The query has {len(query):,} characters; this service takes {config.limits.query_length:,}."
            " Upload a long list as a table (UPLOAD) and join it as TAP_UPLOAD.name."
        )
    format_, media_type = format_of(parameters)
    uploads = read_uploads(parameters, files or [])
    partial = _partial(parameters, format_)
    comments, reuse = _allowed(parameters, "COMMENTS"), _allowed(parameters, "REUSE", "allow")
    maxrec = min(_maxrec(parameters, format_, config.limits), format_.most_rows or config.limits.maxrec_hard)
    order, receipt = _moc_order(parameters), _allowed(parameters, "RECEIPT")
    return TapRequest(query, maxrec, format_, media_type, uploads, partial, comments, reuse, order, receipt)


def _partial(parameters: Parameters, format_: Format) -> bool:
    allowed = _allowed(parameters, "PARTIAL")
    if allowed and not format_.speaks:
        known = ", ".join(candidate.aliases[0] for candidate in FORMATS if candidate.speaks)
        raise ParameterError(f"PARTIAL=allow needs a format that can say what is missing: {known}")
    return allowed


def _allowed(parameters: Parameters, name: str, default: str = "refuse") -> bool:
    value = (parameters.one(name) or default).lower()
    if value not in {"allow", "refuse"}:
        raise ParameterError(f"{name} can be allow or refuse, not {value[:40]!r}")
    return value == "allow"


def _maxrec(parameters: Parameters, format_: Format, limits: LimitsConfig) -> int:
    maxrec = parameters.whole_number("MAXREC")
    if maxrec is None:
        return limits.maxrec_hard if format_.sums_up else limits.maxrec_default
    return min(maxrec, limits.maxrec_hard)


def _moc_order(parameters: Parameters) -> int | None:
    order = parameters.whole_number("MOC_ORDER")
    if order is not None and order > HIGHEST_ORDER:
        raise ParameterError(f"MOC_ORDER is from 0 to {HIGHEST_ORDER}, not {order}")
    return order


_OF_GAIA_CLASS = ("votable_gzip", "votable")


def _old_format(parameters: Parameters) -> str | None:
    """Return FORMAT; astroquery's Gaia class gives that of the upload behind its own."""
    return _OF_GAIA_CLASS[0] if parameters.all("FORMAT") == _OF_GAIA_CLASS else parameters.one("FORMAT")


def format_of(parameters: Parameters) -> tuple[Format, str]:
    """Return the format of RESPONSEFORMAT, or FORMAT of older clients, and its media type (TAP 1.1 §2.7.3)."""
    name = parameters.one("RESPONSEFORMAT") or _old_format(parameters)
    if name is None:
        return FORMATS[0], FORMATS[0].media_types[0]
    match = find_format(name)
    if match is None:
        known = ", ".join(format_.aliases[0] for format_ in FORMATS)
        raise ParameterError(f"RESPONSEFORMAT {name[:80]!r} is not available; known are {known}")
    return match
