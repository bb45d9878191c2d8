"""What an export has written: each file with its size, SHA-256 and rows, in manifest.json; and SHA256SUMS for people.

It is written again and again while the export goes on, so that an interrupted one knows what is there.
"""

import base64
import json
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from schema.load.reader import LoadError
from tap.bulk.folder import Folder, whole

MANIFEST, CHECKSUMS = "manifest.json", "SHA256SUMS"
_EVERY = 20.0
"""Seconds after which what was done is written down; a kill loses no more than that."""


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file that is there, whole; `sha256` in hexadecimal, `rows` None for what has none."""

    size: int
    sha256: str
    rows: int | None = None

    @property
    def digest(self) -> str:
        """Return the SHA-256 in Base64, as HTTP has it."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode()


@dataclass(frozen=True, slots=True)
class ExportedSlice:
    """Rows that were read together: the files that have them, and how many have no place on the sky and so none in HATS."""

    files: tuple[str, ...]
    without_position: int = 0


@dataclass
class ExportManifest:
    """An export of `table` in `format`, of what `identity` tells; `complete` when all is there."""

    table: str
    format: str
    identity: str
    data_version: int | None = None
    complete: bool = False
    made: str = ""
    slices: dict[str, ExportedSlice] = field(default_factory=dict)
    files: dict[str, ExportedFile] = field(default_factory=dict)
    _saved: float = field(default_factory=time.monotonic)

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files.values())

    @property
    def rows(self) -> int:
        return sum(file.rows or 0 for file in self.files.values())

    @property
    def without_position(self) -> int:
        return sum(part.without_position for part in self.slices.values())

    def save(self, folder: Folder, *, soon: bool = False) -> None:
        """Write it; with `soon` only if that was not done for a while."""
        if soon and time.monotonic() - self._saved < _EVERY:
            return
        content = {name: value for name, value in asdict(self).items() if not name.startswith("_")}
        _put(folder, MANIFEST, json.dumps(content, indent=1).encode() + b"\n")
        self._saved = time.monotonic()

    def save_checksums(self, folder: Folder) -> None:
        """Write what `sha256sum -c` reads."""
        lines = [f"{file.sha256}  {name}\n" for name, file in sorted(self.files.items())]
        _put(folder, CHECKSUMS, "".join(lines).encode())


def _put(folder: Folder, name: str, content: bytes) -> None:
    with folder.sink(name) as sink:
        sink.write(content)


def read_manifest(folder: Folder) -> ExportManifest | None:
    """Return the manifest of a folder, None where there is none. Raises: LoadError where it is something else."""
    content = whole(folder, MANIFEST)
    if content is None:
        return None
    try:
        return parse_manifest(content)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise LoadError(f"{folder.url}/{MANIFEST} is not that of an export: {error}") from error


def parse_manifest(content: bytes) -> ExportManifest:
    """Return the manifest that is written so. Raises: ValueError, TypeError, KeyError, AttributeError."""
    document: dict[str, Any] = json.loads(content)
    files = {name: ExportedFile(**about) for name, about in document.pop("files").items()}
    slices = {
        name: ExportedSlice(tuple(part["files"]), part["without_position"])
        for name, part in document.pop("slices").items()
    }
    return ExportManifest(files=files, slices=slices, **document)
