"""What a process of this service is made of, web process or worker: put together here, and nowhere else."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from schema.own_tables.quota import Quota
from tap.auth.accounts import AccountStore
from tap.auth.identity import Account
from tap.auth.limits import config_for
from tap.auth.rights import Rights
from tap.config import Config
from tap.datalink.result_links import links_url
from tap.engine.database import (
    accounts_conninfo,
    jobs_conninfo,
    member_conninfo,
    owner_connection,
    owner_conninfo,
    reader_conninfo,
)
from tap.engine.engine import Engine
from tap.jobs import QueryJobs, limits_of, tell_move
from tap.notifications import EMAIL, Notifier
from tap.observe import JobTold, Kept, observe
from tap.own_tables.destination import Destinations
from tap.own_tables.keeper import table_keeper
from tap.own_tables.own_tables import OwnTables
from tap.own_tables.table_updates import update_table
from tap.query.run import QueryService
from tap.registry.identifiers import service_id
from tap.sharding.execution.shard_pool import ShardPool
from tap.sharding.shards import known_shards
from tap.shares.readable_jobs import ReadableJobs
from tap.shares.shares import Shares
from tap.standing.keeper import StandingKeeper
from tap.standing.standing_query import StandingQueries
from tap.storage import Storage, storage_of
from tap.stored_results import StoredResults
from tap.temp_files import TempFiles
from tap.uploads.load import UploadLimits
from tap.uploads.parts import Sorting
from tap.uploads.remote import Remote
from tap.uploads.sources import Sources
from tap.uploads.upload import unpacking_of, uploads_of
from tap.version import VERSION
from uws.deliveries import Deliverer, Delivery
from uws.housekeeper import Housekeeper
from uws.store import Store
from uws.worker import Worker


class Opens(Protocol):
    """What has connections while it is open."""

    def open(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Parts:
    """The parts that both kinds of processes have."""

    config: Config
    engine: Engine
    accounts: AccountStore
    rights: Rights
    store: Store
    storage: Storage
    own_tables: OwnTables
    shares: Shares
    service: QueryService
    shards: ShardPool

    @property
    def _opening(self) -> Sequence[Opens]:
        return (self.shards, self.engine, self.store, self.accounts, self.rights, self.own_tables)

    def shard_states(self) -> dict[str, bool]:
        """Return whether each shard that has something published answers; the catalogue is read on the way.

        Raises: DatabaseAway, psycopg.Error.
        """
        with self.engine.session(limit=10) as session:
            _ = session.catalogue
            names = sorted({shard for placement in session.placements.values() for shard in placement.shards})
        away = self.engine.shards.away(names) if names else ()
        return {name: name not in away for name in names}

    def open(self) -> None:
        for part in self._opening:
            part.open()

    def close(self) -> None:
        for part in self._opening:
            part.close()


def parts_of(config: Config, sessions: int, job_connections: int, limit: float) -> Parts:
    """`sessions` of the database for queries, of which each may take `limit` seconds; connections to the job store."""
    shards = shards_of(config, sessions)
    engine = Engine(reader_conninfo(config), sessions, config.web.queue_limit, shards, member_conninfo(config))
    accounts = AccountStore(accounts_conninfo(config))
    own_tables = OwnTables(owner_conninfo(config), accounts, partial(quota_of, config))
    store = Store(jobs_conninfo(config), limits_of(config.jobs), job_connections, moved=tell_move)
    storage = storage_of(config, store.has_results)
    shares = Shares(accounts, own_tables, store, storage)
    rights = Rights(owner_conninfo(config), accounts, shares.end_what_is_over)
    service = service_of(config, engine, sources_of(config, ReadableJobs(shares, storage)), limit)
    return Parts(config, engine, accounts, rights, store, storage, own_tables, shares, service, shards)


def service_of(config: Config, engine: Engine, sources: Sources, limit: float) -> QueryService:
    """What every query needs, of /sync as of jobs."""
    about = {
        "server_software": f"Armillary/{VERSION}",
        "service_protocol": "ivo://ivoa.net/std/TAP",
        "publisher": config.web.publisher,
        "contact": config.web.contact,
    }
    if authority := config.registry.registry_authority:
        about["service_ivoid"] = service_id(authority)
    limits = UploadLimits(
        config.uploads.upload_rows,
        config.uploads.upload_columns,
        config.uploads.upload_cells,
        config.uploads.upload_unpacked_bytes,
        unpacking_of(config),
    )
    room = TempFiles(uploads_of(config), config.jobs.results_reserve)
    more_rows = (
        f"Without MAXREC a result has {config.limits.maxrec_default:,} rows; MAXREC gives up to {config.limits.maxrec_hard:,}."
        f" Long results are best fetched as jobs: {config.web.base_url}/async"
    )
    return QueryService(
        engine,
        limit,
        about,
        sources,
        limits,
        Sorting(config.uploads.upload_part_rows, room),
        room,
        more_rows,
        links_url(config),
        f"{config.web.base_url}/sync",
        authority,
    )


def shards_of(config: Config, sessions: int) -> ShardPool:
    """Where they are is looked up when one is first asked."""

    def find() -> dict[str, str]:
        with owner_connection(config) as connection:
            return {shard.name: shard.reader for shard in known_shards(connection)}

    return ShardPool(find, sessions)


def sources_of(config: Config, readable: ReadableJobs) -> Sources:
    hosts = tuple(each.strip().lower() for each in config.uploads.upload_hosts.split(",") if each.strip())
    remote = Remote(hosts, config.uploads.upload_bytes, config.uploads.upload_seconds)
    return Sources(readable, remote, f"{config.web.base_url}/async", uploads_of(config))


def quota_of(config: Config, account: Account) -> Quota:
    """Return what the tables of an account may use."""
    own = config_for(config, account).own_tables
    return Quota(own.own_tables, own.own_rows, own.own_bytes, own.own_days)


@contextmanager
def query_worker(config: Config) -> Iterator[Worker]:
    """A worker for the jobs of this service, and the keepers beside it."""
    slots = config.jobs.worker_slots
    # How long a job's query may take follows from whose it is.
    parts = parts_of(config, slots + 1, slots + 3, 0)
    destinations = Destinations(
        parts.own_tables,
        parts.service,
        uploads_of(config),
        config.web.base_url,
        config.limits.maxrec_hard,
    )
    update = partial(update_table, parts.own_tables)
    stored_results = StoredResults(parts.store, parts.storage)
    runner = QueryJobs(
        parts.service, config, parts.store, parts.storage, parts.rights, destinations, stored_results, update
    )
    keeper = Housekeeper(parts.store, parts.storage, lambda what, count: observe(Kept(what, count)))
    tables = table_keeper(parts.own_tables)
    deliverer = Deliverer(parts.store, Notifier(config, parts.store, parts.accounts).send, _told)
    standing = StandingKeeper(
        config, StandingQueries(parts.accounts), parts.store, parts.rights, parts.service
    ).thread()
    keepers = (keeper, tables, deliverer, standing)
    parts.open()
    for thread in keepers:
        thread.start()
    try:
        yield Worker(parts.store, runner, slots, config.jobs.long_slots)
    finally:
        for thread in keepers:
            thread.stop()
        parts.close()


def _told(delivery: Delivery, problem: str) -> None:
    how = EMAIL if delivery.target == EMAIL else "webhook"
    observe(JobTold(delivery.job_id, how, delivery.attempt, problem))
