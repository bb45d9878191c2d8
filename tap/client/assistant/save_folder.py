"""The one folder in which an assistant may make files, under plain names, and never in place of others."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tap.client.assistant.asked_service import TooMuch

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", re.ASCII)
MEDIA_TYPE = "application/x-votable+xml"
SUFFIXES = {
    ".vot": ("votable", "xml"),
    ".fits": ("fits", "fits"),
    ".csv": ("csv", "/csv"),
    ".tsv": ("tsv", "tab-separated"),
    ".ecsv": ("ecsv", "ecsv"),
    ".parquet": ("parquet", "parquet"),
    ".arrow": ("arrow", "arrow"),
    ".h5": ("hdf5", "hdf5"),
    ".json": ("json", "json"),
    ".txt": ("text", "text/plain"),
}
"""What a file may be called, none of which a machine would run: the format's name, and a word of its media type."""


class NotSaved(Exception):
    """A file that an assistant may not make."""


@dataclass(frozen=True)
class SaveFolder:
    """The folder, or None where the user named none."""

    path: Path | None

    def destination(self, name: str) -> Path:
        """Return where a new file of that name shall be. Raises: NotSaved."""
        if self.path is None:
            raise NotSaved("No folder was named in which files may be made: `armillary mcp --folder FOLDER`")
        if not _NAME.fullmatch(name) or ".." in name:
            raise NotSaved(f"{name[:100]!r} is no plain file name: letters, digits, . _ and -, and no folders")
        path = self.path / name
        if path.suffix.lower() not in SUFFIXES:
            raise NotSaved(f"{name} must end in {', '.join(SUFFIXES)}, which says the format")
        if path.is_symlink() or path.exists():
            raise NotSaved(f"{name} is there already, and nothing is overwritten; choose another name")
        return path

    def save(self, name: str, key: str, fetch: Callable[[Path], None]) -> Path:
        """Make a file: `fetch` writes it beside its place, to which it is moved when it is whole.

        What `fetch` left unfinished is found again under the same key. Raises: NotSaved, OSError, and what `fetch` raises.
        """
        path = self.destination(name)
        beside = path.with_name(f".armillary-{key}{path.suffix.lower()}")
        try:
            fetch(beside)
        except TooMuch:
            beside.with_name(f"{beside.name}.part").unlink(missing_ok=True)
            raise
        try:
            # Makes it or fails, whoever else writes here.
            path.open("xb").close()
        except FileExistsError as error:
            raise NotSaved(f"{name} has come meanwhile, and nothing is overwritten; choose another name") from error
        beside.replace(path)
        return path
