"""FITS: a binary table, and before it the VOTable of its columns as bytes, which STIL and TOPCAT read ("fits-plus").

Nothing leaves before the last row is there, as the header tells their number; so a result is whole or
there is none. Texts are UTF-8, long ones ASCII.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tap.engine.row_encoding import RowEncoding
from tap.engine.rows import Block
from tap.formats.binary_rows import null_number
from tap.formats.fits_rows import FitsRows
from tap.formats.format import Ending, Format, Header, Writer
from tap.formats.metadata import FieldMetadata, fields, numbered
from tap.formats.votable_document import without_data
from uws.parameters import ParameterError

_MOST_COLUMNS = 999
_LONGEST_NAME = 60
_UNIT = 2880


class FitsWriter(Writer):
    def __init__(self, header: Header) -> None:
        if len(header.outputs) > _MOST_COLUMNS:
            raise ParameterError(f"FITS holds {_MOST_COLUMNS} columns at most; this result has {len(header.outputs)}")
        self._header = header
        self._fields = fields(header.outputs)
        self._names = list(numbered([_short(_ascii(field.name).rstrip()) for field in self._fields], fold=True))
        self.warnings = tuple(
            f"The column {field.name} is called {name} here: names in FITS are of ASCII, of {_LONGEST_NAME} characters"
            " at most, and do not tell upper from lower case"
            for field, name in zip(self._fields, self._names, strict=True)
            if name != field.name
        )
        self._rows = FitsRows(self._fields, header.room)

    def rows(self, block: Block) -> bytes:
        self._rows.add(block)
        return b""

    def footer(self, end: Ending) -> Iterator[bytes]:
        header = replace(self._header, warnings=(*self._header.warnings, *end.warnings, *self.warnings))
        votable = without_data(header, self._fields, overflow=end.overflow).encode()
        yield _primary(votable) + padded(votable)
        yield self._extension(overflow=end.overflow)
        size = 0
        for piece in self._rows.read():
            size += len(piece)
            yield piece
        yield bytes(-size % _UNIT)

    def close(self) -> None:
        self._rows.close()

    def _extension(self, *, overflow: bool) -> bytes:
        rows = self._rows
        cards: list[tuple[str, Any, str]] = [
            ("XTENSION", "BINTABLE", "binary table"),
            ("BITPIX", 8, ""),
            ("NAXIS", 2, ""),
            ("NAXIS1", rows.width, "bytes of a row"),
            ("NAXIS2", rows.count, "rows"),
            ("PCOUNT", rows.heap_size, "bytes of the heap"),
            ("GCOUNT", 1, ""),
            ("TFIELDS", len(self._fields), "columns"),
            ("QUERYST", "OVERFLOW" if overflow else "OK", "QUERY_STATUS: OVERFLOW if there are more rows"),
        ]
        for number, (field, name) in enumerate(zip(self._fields, self._names, strict=True), 1):
            cards += _cards(field, name, number, rows.form(number - 1))
        return header_bytes(cards)


def _cards(field: FieldMetadata, name: str, number: int, form: str) -> Iterator[tuple[str, Any, str]]:
    """Yield the cards of a column, with STIL's keywords for what FITS has none for."""
    # astropy's Table cannot read a column in the heap that has TNULL; the VOTable before it tells the number instead.
    is_in_heap = "Q" in form or "P" in form
    keywords = (
        ("TTYPE", name),
        ("TFORM", form),
        ("TDIM", f"({str(field.arraysize).replace('x', ',')})" if _has_shape(field, form) else None),
        ("TUNIT", field.unit),
        ("TNULL", None if is_in_heap else null_number(field.type)),
        ("TUCD", field.ucd),
        ("TUTYP", field.utype),
        ("TXTYP", field.xtype),
        ("TCOMM", field.description),
    )
    for keyword, value in keywords:
        if value is not None:
            yield f"{keyword}{number}", _ascii(value) if isinstance(value, str) else value, ""


def _has_shape(field: FieldMetadata, form: str) -> bool:
    """Return whether a column can have TDIM.

    Texts side by side only where each character is a byte and none is in the heap: readers count bytes.
    """
    return len(field.shape) > 1 and (not field.type.is_text or form == f"{field.count}A")


def _ascii(text: str) -> str:
    """Put question marks for what headers of FITS do not know (FITS 4.0 §4.1.2); the VOTable before it holds all."""
    return "".join(c if " " <= c <= "~" else "?" for c in text)


def _short(name: str) -> str:
    """Shorten a name until it fits into one card, with its quotes doubled and a number behind it."""
    while len(name.replace("'", "''")) > _LONGEST_NAME:
        name = name[:-1]
    return name


def _primary(votable: bytes) -> bytes:
    """Return the primary header; STIL knows its own files by the first five cards."""
    return header_bytes(
        [
            ("SIMPLE", True, ""),
            ("BITPIX", 8, ""),
            ("NAXIS", 1, ""),
            ("NAXIS1", len(votable), "bytes of the VOTable"),
            ("VOTMETA", True, "this VOTable describes the table's columns"),
            ("EXTEND", True, ""),
            ("NTABLE", 1, "tables that follow"),
        ]
    )


def header_bytes(cards: list[tuple[str, Any, str]]) -> bytes:
    from astropy.io import fits

    return bytes(fits.Header([fits.Card(*card) for card in cards]).tostring(), "ascii")


def padded(data: bytes) -> bytes:
    """Return data filled up to whole units of FITS."""
    return data + bytes(-len(data) % _UNIT)


FITS = Format(
    name="FITS",
    media_types=("application/fits", "application/x-fits", "image/fits"),
    aliases=("fits",),
    extension="fits",
    encoding=RowEncoding.BINARY,
    writer=FitsWriter,
)
