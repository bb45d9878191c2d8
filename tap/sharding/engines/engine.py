"""What an engine does for tables on shards: it makes shards ready, loads, looks after rows and moves them. How queries run is planned elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from schema.copy_rows import Progress
from schema.description import Description
from schema.load.reader import Reader
from schema.publish import Loaded
from schema.statistics.measure import Measurable, TableMeasure
from tap.config import Config
from tap.engine.database import Say
from tap.sharding.shards import ShardsFile


@dataclass(frozen=True, slots=True)
class ShardState:
    """What `armillary shards list` tells of a shard; `problem` None where there is none.

    `tables`: name, pieces and rows of each table that it has some of, rows None where they are not counted. A piece is
    what moves at once, and is called what the engine calls it.
    """

    name: str
    problem: str | None
    tables: tuple[tuple[str, int, int | None], ...]
    piece: str

    @property
    def pieces(self) -> int:
        return sum(pieces for _, pieces, _ in self.tables)

    @property
    def rows(self) -> int | None:
        counted = [rows for _, _, rows in self.tables if rows is not None]
        return sum(counted) if len(counted) == len(self.tables) else None


class ShardingEngine(Protocol):
    """Is made with the owner's connection to the coordinator."""

    def init(self, config: Config, shards: ShardsFile, say: Say) -> None:
        """Make shards ready and known; may be repeated. Raises: ShardError, PgSphereMissing, psycopg.Error."""

    def load(
        self,
        open_reader: Callable[[], Reader],
        table_name: str,
        description: Description,
        progress: Progress,
    ) -> Loaded:
        """Load a table as `load_table` does, on all shards. Raises: LoadError, DescriptionError."""

    def measure(self, table: Measurable) -> TableMeasure:
        """Analyze a table where its rows are, and return what is known of them. Raises: ShardUnreachable, psycopg.Error."""

    def states(self) -> list[ShardState]: ...

    def problems(self) -> list[str]:
        """Return in words where rows are not as they were loaded."""

    def unused(self) -> list[str]:
        """Return in words what lies on shards for nobody, and loads that have not ended."""

    def drop_unused(self, *, unfinished: bool) -> list[str]:
        """Drop what lies there for nobody, `unfinished` loads too; return in words what was dropped."""

    def move(
        self,
        table_name: str,
        pieces: tuple[str, ...],
        target: str,
        patience: float,
        say: Say,
    ) -> None:
        """Move pieces of a table, and of those divided with it, to another shard. Raises: ShardError, psycopg.Error."""

    def rebalance(self, table_name: str | None, patience: float, say: Say, *, dry_run: bool) -> None:
        """Move until the shards hold about as much, of a table or of all. Raises: ShardError, psycopg.Error."""
