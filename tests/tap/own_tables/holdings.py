"""What an account holds, as the database and the service see it."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.contract.own_tables import Asker


@dataclass(frozen=True)
class Holdings:
    """Names in TAP_SCHEMA, tables of the account's schema in pg_class with their bytes, and what whoami says is used."""

    published: tuple[str, ...]
    relations: tuple[tuple[str, int], ...]
    tables: int
    rows: int
    bytes: int

    @property
    def agrees(self) -> bool:
        """Whether as many tables are published as are stored, and as are counted."""
        return len(self.published) == len(self.relations) == self.tables


Limit = Callable[..., None]
Stored = Callable[[Asker], Holdings]
