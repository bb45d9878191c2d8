"""How tables are cited, as BibTeX."""

import re
from collections.abc import Iterable

from schema.model import Table


def bibliography(tables: Iterable[Table]) -> str:
    """Return how to cite tables, each once; empty where nobody says."""
    return "\n".join(dict.fromkeys(filter(None, map(bibtex, tables))))


def bibtex(table: Table) -> str:
    """Return how to cite a table; empty where nobody says."""
    origin = table.origin
    fields = {
        "title": origin.title or table.description or table.table_name,
        "author": origin.creator,
        "publisher": origin.publisher,
        "howpublished": origin.reference_url,
        "edition": ", ".join(filter(None, (origin.release, origin.version and f"version {origin.version}"))) or None,
        "note": ". ".join(filter(None, (origin.citation, origin.licence and f"Licence: {origin.licence}"))) or None,
    }
    if not (origin.citation or origin.creator or origin.reference_url):
        return ""
    key = re.sub(r"\W+", "_", table.table_name)
    lines = [f"  {field} = {{{_for_tex(value)}}}" for field, value in fields.items() if value]
    return f"@misc{{{key},\n" + ",\n".join(lines) + "\n}\n"


def _for_tex(text: str) -> str:
    return re.sub(r"([&%$#_])", r"\\\1", " ".join(text.split()).replace("{", "(").replace("}", ")"))
