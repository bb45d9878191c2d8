"""What UPLOAD asks for (TAP 1.1 §2.7.6): tables by name, each a file of the same request."""

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from schema.load.compressed import Unpacking
from tap.config import Config
from tap.form import FormFile
from tap.uploads.remote import split_url
from uws.parameters import ParameterError, Parameters

SCHEMA = "TAP_UPLOAD"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_JOB = re.compile(r"[0-9a-f]{32}")
_MOST = 32
_OLD = 6 * 3600
_SUFFIXES = {
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/x-votable+xml": ".vot",
    "application/fits": ".fits",
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.apache.arrow.file": ".arrow",
    "application/vnd.apache.arrow.stream": ".arrow",
}


@dataclass(frozen=True, slots=True)
class Upload:
    """A table of TAP_UPLOAD: its name, and the file that holds it, or else where it is: a job's id or a URL."""

    table_name: str
    file: FormFile | None
    source: str = ""

    @property
    def says(self) -> str:
        """A file name that tells what kind of file it is, as far as its client said."""
        if self.file is None:
            return ""
        return self.file.file_name if "." in self.file.file_name else file_name_of(self.file.media_type)


def file_name_of(media_type: str) -> str:
    """Return a name by which a file of this kind is known."""
    kind = media_type.partition(";")[0].strip().lower()
    return f"upload{_SUFFIXES.get(kind, '')}"


def uploads_of(config: Config) -> Path:
    """Return the folder where uploads wait for their query, made if need be."""
    folder = Path(config.uploads.upload_folder or Path(config.database.data_dir) / "uploads").absolute()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def unpacking_of(config: Config) -> Unpacking:
    """Return how files from strangers are unpacked."""
    limits = config.uploads
    return Unpacking(
        uploads_of(config), limits.upload_unpacked_bytes, config.jobs.results_reserve, limits.upload_unpacked_at_once
    )


def sweep_uploads(folder: Path) -> None:
    """Remove what a process that was killed left; nothing waits as long as that for its query."""
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - _OLD:
                path.unlink()


def read_uploads(parameters: Parameters, files: list[FormFile] | None) -> tuple[Upload, ...]:
    """Read `name,param:part`, `name,URL` or `name,ID of a job`, several joined by semicolons or repeated.

    Without `files` it is not looked whether the parts are there: a job may get them later. Raises: ParameterError.
    """
    uploads = [_upload(text, files) for value in parameters.all("UPLOAD") for text in value.split(";") if text.strip()]
    names = [upload.table_name.lower() for upload in uploads]
    for name in names:
        if names.count(name) > 1:
            raise ParameterError(f"UPLOAD names the table {name[:40]} twice")
    if len(uploads) > _MOST:
        raise ParameterError(f"UPLOAD takes at most {_MOST} tables")
    return tuple(uploads)


def _upload(text: str, files: list[FormFile] | None) -> Upload:
    name, comma, source = text.strip().partition(",")
    if not comma:
        raise ParameterError(f"UPLOAD is 'name,param:part', not {text[:80]!r}")
    if not _NAME.fullmatch(name.strip()) or len(name) > 60:
        raise ParameterError(f"UPLOAD: {name[:40]!r} is no table name; it takes letters, digits and _, a letter first")
    source = source.strip()
    if _JOB.fullmatch(source):
        return Upload(name.strip(), None, source)
    if source.lower().startswith(("http://", "https://")):
        split_url(source)
        return Upload(name.strip(), None, source)
    scheme, _, part = source.partition(":")
    if not part or scheme.lower() != "param":
        raise ParameterError(f"UPLOAD of {name}: {source[:80]!r} is neither param:part, nor a job's id, nor a http URL")
    if files is None:
        return Upload(name.strip(), None)
    file = next((file for file in files if file.name == part), None)
    if file is None:
        names = ", ".join(file.name[:40] for file in files) or "none"
        raise ParameterError(f"UPLOAD of {name}: the request has no file part {part[:40]!r}; its file parts: {names}")
    return Upload(name.strip(), file)
