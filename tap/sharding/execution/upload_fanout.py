"""Uploads on the shards that a query is asked on: each row on those that have the sky round it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from tap.engine.engine import Session
from tap.progress import QueryProgress
from tap.sharding.execution.upload_routing import AllShards, NearbyShards
from tap.sharding.planning import UPLOADED, Broadcast, ShardQuery
from tap.uploads.load import Allowance, Declared, create, fill
from tap.uploads.parts import Owners, Sorting, UploadPart, in_parts_for


@dataclass(frozen=True)
class UploadFanout:
    """What each shard's session is filled with.

    These are uploads that are there whole, and one of which it has its own rows, maybe in parts.
    """

    whole: list[tuple[Declared, list[bytes]]]
    divided: Declared | None
    parts: dict[str, list[UploadPart]]
    in_turn: bool
    progress: QueryProgress
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fill(self, session: Session, shard: str) -> Iterator[None]:
        """Put the uploads into a shard's session; yield each time that the query can run.

        Raises: LoadError, psycopg.Error.
        """
        for upload, pieces in self.whole:
            session.run_in_write_transaction(partial(create, upload=upload))
            session.run_in_write_transaction(partial(fill, upload=upload, rows=pieces))
        if self.divided is None:
            yield
            return
        session.run_in_write_transaction(partial(create, upload=self.divided))
        for part in self._parts_of(shard):
            session.run_in_write_transaction(partial(fill, upload=self.divided, rows=part.pieces))
            yield
            with self._lock:
                self.progress.add(matched=min(part.rows, self.progress.uploaded - self.progress.matched))

    def _parts_of(self, shard: str) -> list[UploadPart]:
        parts = self.parts[shard]
        if self.in_turn and parts:
            return parts
        return [UploadPart(sum(part.rows for part in parts), chain.from_iterable(part.pieces for part in parts))]


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """Within which limits uploads are taken, how they are sorted, and who hears of it."""

    allowance: Allowance
    sorting: Sorting
    progress: QueryProgress
    tell: Callable[[int], None]


@contextmanager
def fanned_out(
    query: ShardQuery, uploads: list[Declared], options: UploadOptions, in_turn: Declared | None
) -> Iterator[UploadFanout]:
    """Yield the uploads for each shard. Raises: LoadError.

    `in_turn`: the upload for whose parts the query may run one after the other; no other is divided then.
    """
    broadcasts = {broadcast.there: broadcast for broadcast in query.broadcasts if broadcast.parts[0] == UPLOADED}
    used = [upload for upload in uploads if upload.name in broadcasts]
    placed = next((upload for upload in used if broadcasts[upload.name].position), used[0] if used else None)
    divided = next((upload for upload in used if upload is in_turn), placed)
    for upload in uploads:
        if upload not in used:
            _read(upload, options.allowance)
    whole = [(upload, _encoded(upload, options.allowance)) for upload in used if upload is not divided]
    if divided is None:
        yield UploadFanout(whole, None, {}, in_turn=False, progress=options.progress)
        return
    owners = _owners(query, divided, broadcasts[divided.name])
    with in_parts_for(owners, divided, options.sorting, options.allowance, options.tell) as parts:
        by_shard = dict(zip(query.shards, parts, strict=True))
        yield UploadFanout(whole, divided, by_shard, in_turn=divided is in_turn, progress=options.progress)


def _read(upload: Declared, allowance: Allowance) -> None:
    """Read an upload that the query does not use: it must be right all the same."""
    for batch in upload.batches(allowance):
        upload.encode(batch)


def _encoded(upload: Declared, allowance: Allowance) -> list[bytes]:
    return [upload.encode(batch)[0] for batch in upload.batches(allowance)]


def _owners(query: ShardQuery, upload: Declared, broadcast: Broadcast) -> Owners:
    places = {column.stored: place for place, column in enumerate(upload.table.columns)}
    layouts = {table.partitioning.layout for table in query.partitioned}
    if broadcast.position is None or not set(broadcast.position) <= set(places):
        return AllShards(len(query.shards))
    position = places[broadcast.position[0]], places[broadcast.position[1]]
    if len(layouts) > 1:
        return AllShards(len(query.shards), position)
    table = query.partitioned[0]
    return NearbyShards(table.ranges, table.partitioning.order, query.shards, position, broadcast.radius)
