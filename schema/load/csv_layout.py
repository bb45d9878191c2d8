"""How a CSV or TSV file is laid out, and the types of its columns, by its first lines."""

import csv
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from schema.load.reader import MOST_COLUMNS, LoadError

_BLOCK = 3_000_000

_WHOLE = pacsv.ReadOptions(block_size=1 << 30, use_threads=False)

LONGEST_HEADER = 250_000
_LONGEST_COMMENTS = 4 * LONGEST_HEADER

_NULLS = ["", "NULL", "null", "NaN", "nan", "--"]

_ZEROS = r"^\s*0\d{2,}\s*$"
"""What begins with zeros is a name, not a number; hours and minutes of two digits are numbers."""

_DIGITS = r"^\s*[+-]?\d+\s*$"

_TIME = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:[0-5]\d(\.\d{1,6})?$"


@dataclass(frozen=True, slots=True)
class CsvLayout:
    """`skip` lines come before the names, or before the rows where `names` are given.

    `is_list`: there is one column, in which an empty line is a missing value; `is_padded`: blanks follow the delimiters;
    `is_typed`: a header tells the types, and that a value is missing is said by an empty cell only.
    """

    delimiter: str
    skip: int = 0
    names: tuple[str, ...] = ()
    is_list: bool = False
    is_padded: bool = False
    is_typed: bool = False


def open_rows(file: pa.NativeFile, layout: CsvLayout, types: dict[str, pa.DataType]) -> pacsv.CSVStreamingReader:
    return pacsv.open_csv(
        file,
        pacsv.ReadOptions(
            block_size=_BLOCK, skip_rows=layout.skip, column_names=layout.names or None, use_threads=False
        ),
        pacsv.ParseOptions(
            delimiter=layout.delimiter,
            newlines_in_values=True,
            ignore_empty_lines=not layout.is_list,
            invalid_row_handler=lambda row: "skip" if row.text.startswith("#") else "error",
        ),
        pacsv.ConvertOptions(
            column_types=types,
            null_values=[""] if layout.is_typed else _NULLS,
            strings_can_be_null=True,
            quoted_strings_can_be_null=layout.is_typed or layout.is_list,
        ),
    )


def guessed_types(path: Path, layout: CsvLayout) -> dict[str, pa.DataType]:
    """Return the types of all columns, by their first rows.

    Raises: LoadError where two have one name, or one is not in UTF-8.
    """
    with source(path) as file:
        schema = open_rows(file, layout, {}).schema
    if binary := [field.name for field in schema if pa.types.is_binary(field.type)]:
        raise LoadError(f"column {binary[0]}: its texts are not in UTF-8")
    names = schema.names
    if repeated := next((name for name, count in Counter(names).items() if count > 1), None):
        raise LoadError(f"two columns are called {repeated}; give them different names")
    with source(path) as file:
        first_batch = next(open_rows(file, layout, dict.fromkeys(names, pa.string())), None)
    if first_batch is None:
        return dict.fromkeys(names, pa.string())
    texts = [trimmed(column) if layout.is_padded else column for column in first_batch.columns]
    buffer = pa.BufferOutputStream()
    pacsv.write_csv(pa.RecordBatch.from_arrays(texts, names=names), buffer)
    guesses = pacsv.open_csv(pa.BufferReader(buffer.getvalue()), _WHOLE, pacsv.ParseOptions(newlines_in_values=True))
    return {
        name: _guessed_type(guess, column)
        for name, guess, column in zip(names, guesses.schema.types, texts, strict=True)
    }


def _guessed_type(guess: pa.DataType, texts: pa.Array) -> pa.DataType:
    """Return what Arrow guesses, but for what looks like numbers and times and is none, or is none that fits."""
    if pa.types.is_null(guess) or pa.types.is_time(guess):
        # 05:35:17 may as well be a right ascension.
        return pa.string()
    if pa.types.is_integer(guess) and pc.any(pc.match_substring_regex(texts, _ZEROS)).as_py():
        return pa.string()
    if pa.types.is_floating(guess) and pc.all(pc.match_substring_regex(texts, _DIGITS)).as_py():
        # Whole numbers beyond 64 bits, of which doubles would keep 15 digits.
        return pa.string()
    if not (pa.types.is_string(guess) or pa.types.is_timestamp(guess)):
        return guess
    # Arrow guesses times with fractions as nanoseconds, which go from 1677 to 2262 only.
    return pa.timestamp("us") if pc.all(pc.match_substring_regex(texts, _TIME)).as_py() else guess


def trimmed(texts: pa.Array) -> pa.Array:
    """Return the texts without blanks round them; what is nothing then is NULL."""
    stripped = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.is_in(stripped, pa.array(_NULLS)), pa.scalar(None, pa.string()), stripped)


def source(path: Path) -> pa.NativeFile:
    """Open the file; a short one ends its last line, without which Arrow finds no column in a line of names alone."""
    if path.stat().st_size > LONGEST_HEADER:
        return pa.OSFile(str(path))
    content = path.read_bytes()
    return pa.BufferReader(content if content.endswith(b"\n") else content + b"\n")


def first_lines(path: Path) -> list[str]:
    """Return the lines that begin with #, and two more. Raises: LoadError for a line that is no line of names."""
    lines: list[str] = []
    size = 0
    with path.open("rb") as file:
        while len(lines) < 2 or lines[-2].startswith("#"):
            line = file.readline(LONGEST_HEADER)
            if len(line) == LONGEST_HEADER:
                length = f"longer than {LONGEST_HEADER} bytes"
                raise LoadError(f"{path}: its first line, which names the columns, is {length}")
            if not line and lines:
                break
            size += len(line)
            if size > _LONGEST_COMMENTS:
                raise LoadError(f"{path}: the comments at its beginning are longer than {_LONGEST_COMMENTS} bytes")
            lines.append(line.decode("utf-8", "replace").rstrip("\r\n").removeprefix("\ufeff"))
    return lines


def layout_of(lines: list[str]) -> CsvLayout:
    """Return the layout of a file that begins so.

    Comments are passed over, unless the last of them names the columns of what follows. Raises: LoadError.
    """
    comments = sum(line.startswith("#") for line in lines[:-1])
    head = lines[min(comments, len(lines) - 1)]
    delimiter = max((",", "\t", ";", "|"), key=head.count)
    if head.count(delimiter) >= MOST_COLUMNS:
        raise LoadError(f"the file has more than {MOST_COLUMNS:,} columns")
    cells, is_padded = _names(head, delimiter)
    layout = CsvLayout(delimiter, comments, is_list=delimiter not in head, is_padded=is_padded)
    if comments and all(map(_is_number, cells)):
        commented_names, _ = _names(lines[comments - 1].lstrip("# "), delimiter)
        return replace(layout, names=commented_names) if len(commented_names) == len(cells) else layout
    if head.startswith("#"):
        cells, _ = _names(head.lstrip("# "), delimiter)
    return replace(layout, skip=comments + 1, names=cells) if is_padded or head.startswith("#") else layout


def _names(line: str, delimiter: str) -> tuple[tuple[str, ...], bool]:
    """Return what stands between delimiters, and whether blanks do so too."""
    raw_names = next(csv.reader([line], delimiter=delimiter), [""])
    stripped_names = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [""])
    return tuple(name.strip() for name in stripped_names), raw_names != stripped_names


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
