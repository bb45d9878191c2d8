"""What an output format is: a name, media types, and how the parts of a result become bytes."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import gettempdir

from adql.nodes import Output
from schema.model import Origin
from tap.engine.row_encoding import RowEncoding
from tap.engine.rows import Block
from tap.formats.service_descriptor import ResultLinks
from tap.temp_files import TempFiles


@dataclass(frozen=True, slots=True)
class Header:
    """What a result says before its rows.

    `room` is for what has to wait, `version` that of the format, where there are several; `warnings` are remarks on the
    query, `more_rows` is how to get those that MAXREC left out; `comments`: whether formats that have none may end in
    some; `moc_order` is the order of the cells of a MOC; `data_ivoids` are the identifiers of the tables in the registry. `time` is when it was asked for, None where that does not matter.
    """

    outputs: tuple[Output, ...]
    query: str
    origins: tuple[Origin, ...] = ()
    service: dict[str, str] = field(default_factory=dict)
    room: TempFiles = field(default_factory=lambda: TempFiles(Path(gettempdir()), 0))
    version: str = ""
    warnings: tuple[str, ...] = ()
    more_rows: str = ""
    comments: bool = False
    links: ResultLinks = field(default_factory=ResultLinks)
    moc_order: int | None = None
    data_ivoids: tuple[str, ...] = ()
    time: datetime | None = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Ending:
    """How a result ended: cut by MAXREC, broken off by an error, or whole.

    `warnings` are those that only the end could tell.
    """

    overflow: bool = False
    error: str | None = None
    warnings: tuple[str, ...] = ()


class Writer(ABC):
    """Writes one result; each part is called once, but `rows` for every block. Pieces may be empty.

    `warnings` are what the format cannot keep of the columns.
    """

    warnings: tuple[str, ...] = ()

    def header(self) -> bytes:
        return b""

    @abstractmethod
    def rows(self, block: Block) -> bytes: ...

    def footer(self, end: Ending) -> Iterator[bytes]:
        """Yield the end of the result, or all of it.

        Only formats that `can_tell_errors` are asked for one with `error`.
        """
        return iter(())

    def close(self) -> None:  # noqa: B027
        """Give back what the writer holds besides memory."""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of output. `media_types[0]` is its own; what is asked for by another of them is answered with that one.

    `ivo_id` is TAPRegExt's name of the format, `versions` what `;version=` may ask for, the first being the default;
    `packs`: whether a content coding makes it smaller; `speaks`: whether it says anything of the result as a whole;
    `most_rows` are as many as make sense in it, whatever MAXREC is; one that `sums_up` says the same of any number of rows
    in little room, so that all of them are asked for where MAXREC is not given.
    """

    name: str
    media_types: tuple[str, ...]
    aliases: tuple[str, ...]
    extension: str
    encoding: RowEncoding
    writer: Callable[[Header], Writer]
    ivo_id: str | None = None
    versions: tuple[str, ...] = ("",)
    can_tell_errors: bool = False
    packs: bool = True
    speaks: bool = True
    most_rows: int | None = None
    sums_up: bool = False
