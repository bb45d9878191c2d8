"""A VOTable that a service answered with: its first rows, what it says beside them, or why there are none."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from lxml import etree

from schema.load.reader import FileColumn, LoadError
from schema.load.votable import VotableReader

_SAID = {"warning", "reason"}
_STATUS = "QUERY_STATUS"


class QueryRefused(Exception):
    """The service did not run the query; the message is its own."""


@dataclass(frozen=True, slots=True)
class AnswerTable:
    """`rows` have the columns in their order; `is_cut`: there are more, at the service or in the file."""

    columns: tuple[FileColumn, ...]
    rows: pa.Table
    remarks: tuple[str, ...] = ()
    is_cut: bool = False

    def records(self) -> list[dict[str, object]]:
        """Return the rows by the names of their columns, in lower case."""
        names = [column.name.lower() for column in self.columns]
        values = [self.rows.column(index).to_pylist() for index in range(len(names))]
        return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def read_answer(path: Path, most: int | None = None, *, is_whole: bool = True) -> AnswerTable:
    """Read a VOTable, or its first `most` rows; one that is not `is_whole` breaks off somewhere.

    Raises: QueryRefused, LoadError, OSError.
    """
    infos = list(_infos(path))
    statuses = [(value.upper(), text) for name, value, text in infos if name == _STATUS]
    failure = next((text for value, text in statuses if value == "ERROR"), None)
    if failure is not None:
        raise QueryRefused(failure or "the service does not say why")
    reader = VotableReader(path)
    rows, has_more = _rows(reader, most, is_whole=is_whole)
    remarks = tuple(value or text for name, value, text in infos if name in _SAID)
    return AnswerTable(reader.columns, rows, remarks, has_more or any(value == "OVERFLOW" for value, _ in statuses))


def _infos(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield name, value and text of each INFO, as far as the document goes."""
    options = {"resolve_entities": False, "no_network": True, "huge_tree": True}
    with suppress(etree.XMLSyntaxError):
        for _, element in etree.iterparse(str(path), tag="{*}INFO", **options):
            yield element.get("name", ""), element.get("value", ""), (element.text or "").strip()


def _rows(reader: VotableReader, most: int | None, *, is_whole: bool) -> tuple[pa.Table, bool]:
    batches, count = [], 0
    try:
        for batch in reader.batches():
            batches.append(batch)
            count += batch.num_rows
            if most is not None and count > most:
                break
    except LoadError:
        if is_whole:
            raise
    table = pa.Table.from_batches(batches) if batches else pa.table([[] for _ in reader.columns], names=_names(reader))
    return table if most is None else table.slice(0, most), not is_whole or (most is not None and count > most)


def _names(reader: VotableReader) -> list[str]:
    return [column.name for column in reader.columns]
