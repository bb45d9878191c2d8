"""A list that somebody wants to upload: what columns it has, and the table that a query will see of it, before it is sent."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from schema.load import open_file
from schema.load.compressed import Unpacking
from schema.load.reader import FileColumn, LoadError
from schema.model import Column, Schema, Table, adql_names
from schema.positions import find_position
from tap.auth.private import private_json
from tap.config import Config
from tap.form import FormFile, read_form
from tap.temp_files import without_path
from tap.uploads.upload import SCHEMA, unpacking_of, uploads_of
from uws.parameters import ParameterError

_FIELDS = ("column_name", "datatype", "arraysize", "xtype", "unit", "ucd")
_LONGEST, _MOST_COLUMNS, _LONGEST_NAME = 200_000, 1_000, 100


@dataclass(frozen=True)
class Lists:
    """The handler."""

    config: Config

    async def read(self, request: Request) -> Response:
        """Tell the columns of the file in a form, and which of them are its position; nothing of it is kept."""
        form = await read_form(request, self.config, uploads_of(self.config))
        try:
            if not form.files:
                raise ParameterError("The form has no file")
            columns = await run_in_threadpool(_columns, form.files[0], unpacking_of(self.config))
        except (LoadError, ParameterError) as error:
            return private_json({"error": {"message": str(error)}}, 400)
        finally:
            form.close()
        position = find_position(list(columns)).position
        values = [{name: getattr(column, name) for name in _FIELDS} | {"name": column.name} for column in columns]
        names = [column.column_name for column in position] if position else None
        return private_json({"columns": values, "position": names})


def _columns(file: FormFile, unpacking: Unpacking) -> list[Column]:
    name = Path(file.file_name[-_LONGEST_NAME:].replace("/", "_") or "list")
    with without_path(file.path):
        reader = open_file(file.path, name=name, unpacking=unpacking)
    readable = [column for column in reader.columns if not column.problem]
    if len(readable) > _MOST_COLUMNS:
        raise LoadError(f"the file has {len(readable):,} columns; {_MOST_COLUMNS:,} are shown here")
    names = adql_names([column.name for column in readable])
    return [_column(name, column) for name, column in zip(names, readable, strict=True)]


def _column(name: str, column: FileColumn) -> Column:
    type_ = column.type
    return Column(name, type_.datatype, type_.arraysize, type_.xtype, column.unit, column.ucd)


def schema_of_list(text: str | None) -> Schema | None:
    """Return the schema that a list with these columns makes, as `read` told them; None for none. Raises: ParameterError."""
    if not text:
        return None
    try:
        columns = tuple(_declared(values) for values in json.loads(text[:_LONGEST])[:_MOST_COLUMNS])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ParameterError("UPLOADED is not what /-/list told of a file") from error
    return Schema(SCHEMA, (Table(SCHEMA, f"{SCHEMA}.list", columns),))


def _declared(values: dict[str, Any]) -> Column:
    name, datatype, *others = (values.get(field) for field in _FIELDS)
    arraysize, xtype, unit, ucd = (None if value is None else str(value)[:200] for value in others)
    "".join(text for text in (str(name), arraysize, xtype, unit, ucd) if text).encode()  # half a character is none
    column = Column(str(name)[:200], str(datatype)[:40], arraysize, xtype, unit, ucd)
    column.type  # noqa: B018  raises ValueError where there is none
    return column
