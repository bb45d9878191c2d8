"""What the author of a query is likely to have meant, as far as only the catalogue can tell."""

from adql.errors import NumberRunsOn
from schema.model import Catalogue
from schema.words import RESERVED


def likely_meant(error: NumberRunsOn, catalogue: Catalogue) -> str:
    """Return what to write instead of a number that runs into a word."""
    number, rest = error.number, error.rest
    columns = {column.name.lower(): column.name for table in catalogue.tables for column in table.columns}
    if whole := columns.get((number + rest).lower()):
        return f'A name that begins with a digit stands in double quotes: "{whole}".'
    if error.before in {"AS", "."}:
        return f'A name that begins with a digit stands in double quotes: "{number}{rest}".'
    if error.before in {"TOP", "OFFSET"}:
        if not number.isdecimal():
            return f"{error.before} takes a whole number."
        return f"Put a space between them: {error.before} {number} {rest}."
    if rest.upper() in RESERVED:
        return f"Put a space between them: {number} {rest}."
    if rest.lower() in columns:
        return f"Write {number}*{rest} for the product."
    return "Put a space or an operator between them; a name that begins with a digit stands in double quotes."
