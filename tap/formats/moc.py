"""MOC (IVOA MOC 2.0): not the rows of a result but where on the sky they are, as FITS, JSON or text.

Nothing leaves before the last row is there. JSON and texts cannot say that rows are missing; so they are refused then.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tap.engine.row_encoding import RowEncoding
from tap.engine.rows import Block
from tap.formats.fits import header_bytes, padded
from tap.formats.format import Ending, Format, Header, Writer
from tap.formats.moc_cells import CoveredCells, Numbers
from uws.parameters import ParameterError

_PIECE = 100_000
"""Cells, or runs of them, that are written at once."""


class MocWriter(Writer):
    """Gathers the cells of all rows; who writes them has a `footer`."""

    def __init__(self, header: Header) -> None:
        self.covered = CoveredCells(header.outputs, header.moc_order)

    def rows(self, block: Block) -> bytes:
        self.covered.add(block)
        return b""


class MocFitsWriter(MocWriter):
    """A table of one column: order and number of each cell as one number, `4 * 4^order + cell` (MOC 2.0 §4.3.1).

    Not as ranges: MOC 2.0 recommends these numbers, and programs that know MOC 1.1 read them only, STILTS 3.4 among them.
    """

    def footer(self, end: Ending) -> Iterator[bytes]:
        uniqs = np.concatenate([cells + (4 << 2 * order) for order, cells in self.covered.by_order().items()])
        cards: list[tuple[str, Any, str]] = [
            ("XTENSION", "BINTABLE", "binary table"),
            ("BITPIX", 8, ""),
            ("NAXIS", 2, ""),
            ("NAXIS1", 8, "bytes of a row"),
            ("NAXIS2", len(uniqs), "rows, one for each cell"),
            ("PCOUNT", 0, ""),
            ("GCOUNT", 1, ""),
            ("TFIELDS", 1, "columns"),
            ("TTYPE1", "UNIQ", "order and number of a cell"),
            ("TFORM1", "1K", ""),
            ("MOCVERS", "2.0", "version of IVOA's MOC"),
            ("MOCDIM", "SPACE", ""),
            ("ORDERING", "NUNIQ", ""),
            ("COORDSYS", "C", "ICRS"),
            ("MOCORD_S", self.covered.order, "order of the smallest cells"),
            ("MOCORDER", self.covered.order, "the same, for MOC 1.1"),
            ("MOCTOOL", "Armillary", ""),
            ("QUERYST", "OVERFLOW" if end.overflow else "OK", "QUERY_STATUS: OVERFLOW if rows are missing"),
        ]
        yield header_bytes([("SIMPLE", True, ""), ("BITPIX", 8, ""), ("NAXIS", 0, ""), ("EXTEND", True, "")])
        yield header_bytes(cards)
        yield padded(uniqs.astype(">i8").tobytes())


class MocJsonWriter(MocWriter):
    def footer(self, end: Ending) -> Iterator[bytes]:
        _refuse_to_be_cut(end)
        before = "{"
        for order, cells in self.covered.by_order().items():
            yield f'{before}"{order}": ['.encode()
            yield from _listed(cells.tolist(), ", ")
            before = "], "
        yield b"]}\n"


class MocAsciiWriter(MocWriter):
    def footer(self, end: Ending) -> Iterator[bytes]:
        _refuse_to_be_cut(end)
        before = ""
        for order, cells in self.covered.by_order().items():
            yield f"{before}{order}/".encode()
            yield from _listed(_runs(cells), " ")
            before = " "
        yield b"\n"


def _runs(cells: Numbers) -> list[str]:
    """Return numbers, in order, as a MOC lists them: `1-3`, `7`."""
    ends = np.flatnonzero(np.diff(cells, append=-1) != 1)
    lasts = cells[ends].tolist()
    firsts = cells[np.concatenate(([0], ends[:-1] + 1))].tolist() if lasts else []
    return [f"{first}-{last}" if last > first else str(first) for first, last in zip(firsts, lasts, strict=True)]


def _listed(words: Sequence[object], between: str) -> Iterator[bytes]:
    """Yield words with something between them, many at a time."""
    for place in range(0, len(words), _PIECE):
        yield (between * bool(place) + between.join(map(str, words[place : place + _PIECE]))).encode()


def _refuse_to_be_cut(end: Ending) -> None:
    """Raise ParameterError for a MOC of some of the rows only, where the format could not tell."""
    if end.overflow:
        raise ParameterError(
            "There are more rows than MAXREC, and this format cannot say that some are missing: leave MAXREC out, or ask"
            " for RESPONSEFORMAT=moc"
        )


MOC_FITS = Format(
    name="MOC",
    media_types=("application/fits;content=moc",),
    aliases=("moc", "moc-fits"),
    extension="moc.fits",
    encoding=RowEncoding.BINARY,
    writer=MocFitsWriter,
    speaks=False,
    sums_up=True,
)
MOC_JSON = Format(
    name="MOC as JSON",
    media_types=("application/json;content=moc",),
    aliases=("moc-json",),
    extension="moc.json",
    encoding=RowEncoding.BINARY,
    writer=MocJsonWriter,
    speaks=False,
    sums_up=True,
)
MOC_ASCII = Format(
    name="MOC as text",
    media_types=("text/plain;content=moc",),
    aliases=("moc-ascii",),
    extension="moc.txt",
    encoding=RowEncoding.BINARY,
    writer=MocAsciiWriter,
    speaks=False,
    sums_up=True,
)
