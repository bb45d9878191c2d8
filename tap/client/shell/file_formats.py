"""The suffixes of files, and the formats that a service may offer for them (TAPRegExt 1.0 §2.5)."""

from pathlib import PurePath

from tap.client.shell.capabilities import Capabilities

_VOTABLE = ("application/x-votable+xml", "votable", "text/xml")
_NAMES = {
    ".vot": ("application/x-votable+xml;serialization=binary2", "votable/b2", *_VOTABLE),
    ".xml": ("application/x-votable+xml;serialization=tabledata", "votable/td", *_VOTABLE),
    ".csv": ("text/csv", "csv"),
    ".tsv": ("text/tab-separated-values", "tsv"),
    ".ecsv": ("application/x-ecsv", "ecsv"),
    ".fits": ("application/fits", "fits"),
    ".parquet": ("application/vnd.apache.parquet", "application/x-parquet", "parquet"),
    ".arrow": ("application/vnd.apache.arrow.stream", "arrow"),
    ".hdf5": ("application/x-hdf5", "hdf5"),
    ".json": ("application/json", "json"),
    ".html": ("text/html", "html"),
    ".txt": ("text/plain", "text"),
}
_ALIKE = {".votable": ".vot", ".fit": ".fits", ".arrows": ".arrow", ".h5": ".hdf5"}


class NoSuchFormat(Exception):
    """The service does not offer the format; the message says which it does."""


def is_known_suffix(name: str) -> bool:
    suffix = PurePath(name).suffix.lower()
    return suffix in _NAMES or suffix in _ALIKE


def format_for(suffix: str, capabilities: Capabilities) -> str:
    """Return what to ask a service for to get a file of a suffix. Raises: NoSuchFormat."""
    suffix = suffix.lower()
    for name in _NAMES.get(_ALIKE.get(suffix, suffix), ()):
        if name in capabilities.formats:
            return capabilities.formats[name]
    offered = [known for known, names in _NAMES.items() if any(name in capabilities.formats for name in names)]
    raise NoSuchFormat(f"the service makes no {suffix or 'files without a suffix'}; it makes {', '.join(offered)}")


def is_of_suffix(content_type: str, suffix: str) -> bool:
    """Return whether what comes as a media type belongs into a file of a suffix."""
    suffix = suffix.lower()
    names = {name.partition(";")[0] for name in _NAMES.get(_ALIKE.get(suffix, suffix), ())}
    return content_type.partition(";")[0].strip().lower() in names
