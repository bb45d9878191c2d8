"""What every part measures: a configuration whose service runs (as process `service`), and what is published there."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from client import download, request

from adql.translate import translate
from schema.model import Catalogue
from tap.config import Config
from tap.formats import FORMATS
from tap.formats.format import Format


@dataclass(frozen=True, slots=True)
class Stage:
    config: Config
    catalogue: Catalogue
    service: int = 0

    @property
    def port(self) -> int:
        return self.config.web.port

    def sql(self, query: str) -> str:
        return translate(query, self.catalogue).sql

    def copy(self, query: str, form: str = "binary") -> str:
        return f"COPY ({self.sql(query)}) TO STDOUT (FORMAT {form})"

    def fetched(self, query: str, name: str, sizes: dict[str, int]) -> Callable[[], float]:
        """Notes in `sizes` how many bytes came."""
        message = request(query, name, close=True)

        def run() -> float:
            done = download(self.port, message)
            sizes[name] = done.size
            return done.seconds

        return run


def formats(some: Collection[str] = ()) -> list[str]:
    """What the service can write today, by the first alias; only those that have one of the names, if there are any."""
    return [each.aliases[0] for each in FORMATS if not some or named(each, some)]


def named(each: Format, names: Collection[str]) -> str | None:
    return next((alias for alias in each.aliases if alias in names), None)


def format_of(name: str) -> Format:
    return next(each for each in FORMATS if each.aliases[0] == name)
