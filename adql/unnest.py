"""The columns of UNNEST: one for each of its arrays, and one for the ordinality, the index of the element."""

from adql.arrays import element, is_array
from adql.errors import TypeMismatch, WrongColumns
from adql.info import Info
from adql.literals import with_article
from adql.nodes import Field, Identifier, Unnest
from adql.scope import Visible
from schema import types

_INDEX = Info(types.BIGINT, ucd="meta.number", description="Index of the element, from 1")


def element_columns(unnest: Unnest) -> tuple[Visible, ...]:
    """Return the columns of a resolved UNNEST. Raises: TypeMismatch, or AdqlError where there are not as many names."""
    for array in unnest.arrays:
        if not is_array(array):
            what = with_article(array.type) if array.type else "NULL"
            raise TypeMismatch(f"UNNEST needs arrays, not {what}", array.span)
    infos = [element(array.info) for array in unnest.arrays]
    if unnest.with_ordinality:
        infos.append(_INDEX)
    return tuple(
        Visible(name.name, name.delimited, Field(unnest.sql_alias, f"c{number}", name.name, info=info))
        for number, (name, info) in enumerate(zip(_names(unnest, len(infos)), infos, strict=True), 1)
    )


def _names(unnest: Unnest, count: int) -> tuple[Identifier, ...]:
    if len(unnest.names) == count:
        return unnest.names
    if unnest.names:
        raise WrongColumns(
            f"UNNEST gives {count} columns here, and there are names for {len(unnest.names)}", unnest.names[0].span
        )
    names = [
        Identifier(array.label if isinstance(array, Field) and array.label else f"col_{number}")
        for number, array in enumerate(unnest.arrays, 1)
    ]
    return (*names, Identifier("ordinality")) if unnest.with_ordinality else tuple(names)
