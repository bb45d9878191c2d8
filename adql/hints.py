"""What the author of a query is likely to have meant, as far as only the catalogue can tell."""

from adql.errors import NumberRunsOn
from schema.model import Catalogue
from schema.words import RESERVED

UNITS = {
    **dict.fromkeys(("d", "deg"), "angles are in degrees as they are."),
    **dict.fromkeys(("h", "hr", "hours"), "angles are in degrees: multiply hours by 15."),
    **dict.fromkeys(("m", "min", "arcmin"), "angles are in degrees: divide arcminutes by 60."),
    **dict.fromkeys(("s", "sec", "arcsec", "as"), "angles are in degrees: divide arcseconds by 3600."),
    "mas": "angles are in degrees: divide milliarcseconds by 3600000.",
}


def likely_meant(error: NumberRunsOn, catalogue: Catalogue) -> str:
    """Return what to write instead of a number that runs into a word."""
    number, rest = error.number, error.rest
    columns = {column.name.lower(): column.name for table in catalogue.tables for column in table.columns}
    if name := columns.get((number + rest).lower()):
        return f'A name that begins with a digit stands in double quotes: "{name}".'
    if error.before in {"AS", "."}:
        return f'A name that begins with a digit stands in double quotes: "{number}{rest}".'
    if error.before in {"TOP", "OFFSET"}:
        if not number.isdecimal():
            return f"{error.before} takes a whole number."
        return f"Put a space between them: {error.before} {number} {rest}."
    if rest.startswith("_") and rest[1:].isdecimal():
        return f"Write the digits without a gap: {number}{rest[1:]}."
    if rest.lower() in UNITS and rest.lower() not in columns:
        return f"Numbers have no unit; {UNITS[rest.lower()]}"
    if rest.upper() in RESERVED:
        return f"Put a space between them: {number} {rest}."
    if rest.lower() in columns:
        return f"Write {number}*{rest} for the product."
    return "Put a space or an operator between them; a name that begins with a digit stands in double quotes."
