"""IVOA identifiers of the records (IVOA Identifiers 2.0): of the service's own parts, and of tables by their names."""

import re

from schema.model import Table

AUTHORITY = re.compile(r"[A-Za-z0-9][\w\-.!~*'()+=]{2,}", re.ASCII)
"""What can be an authority (IVOA Identifiers 2.0 §2.3.1)."""
_ENCODED = re.compile("[^a-z0-9_.~-]")


def authority_id(authority: str) -> str:
    return f"ivo://{authority}"


def service_id(authority: str) -> str:
    """Return the identifier of the TAP service."""
    return f"ivo://{authority}/tap"


def registry_id(authority: str) -> str:
    return f"ivo://{authority}/registry"


def organisation_id(authority: str) -> str:
    return f"ivo://{authority}/organisation"


def table_id(authority: str, table: Table) -> str:
    """Return the identifier of a table, which all of its versions (name@version) have.

    No two tables have the same, though identifiers are compared without regard to case.
    """
    schema_name, name = table.parts
    return "/".join((authority_id(authority), _segment(schema_name), _segment(name.partition("@")[0])))


def _segment(name: str) -> str:
    """Return a name as a part of an identifier, which cannot have all characters: others are `=` and their UTF-8 bytes."""
    return _ENCODED.sub(lambda match: "".join(f"={byte:02x}" for byte in match[0].encode()), name)
