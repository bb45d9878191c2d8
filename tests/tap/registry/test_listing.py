"""Records of several services on the same catalogues, and of tables that somebody broke."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from schema.description import parse_description
from schema.load import open_file
from schema.publish import load_table, unpublish_table
from tap.config import Config
from tap.engine import database
from tap.engine.engine import DatabaseAway, Engine
from tap.registry.listing import Listing, RegistryListing


@pytest.fixture
def engine(sample: Config) -> Iterator[Engine]:
    engine = Engine(database.reader_conninfo(sample), 4, member_conninfo=database.member_conninfo(sample))
    engine.open()
    yield engine
    engine.close()


@pytest.fixture
def authority() -> str:
    return f"listing.{secrets.token_hex(4)}"


def listing_of(sample: Config, engine: Engine, authority: str, **changes: Any) -> RegistryListing:
    return RegistryListing(sample.changed(registry_authority=authority, **changes), engine)


def there(listing: Listing) -> set[str]:
    return {record.identifier for record in listing.records if not record.is_deleted}


def test_services_with_authorities_of_their_own_leave_each_others_records_alone(sample: Config, engine: Engine) -> None:
    first, second = (f"listing.{secrets.token_hex(4)}" for _ in range(2))
    one, other = (listing_of(sample, engine, authority) for authority in (first, f"{second}.more"))
    before = one.now()
    assert all(identifier.startswith(f"ivo://{second}.more") for identifier in there(other.now()))
    assert one.now().records == before.records
    # Whose name only begins alike.
    assert listing_of(sample, engine, second).now().find(f"ivo://{second}.more/tap") is None


def test_another_configuration_changes_the_records_that_tell_of_it(
    sample: Config, engine: Engine, authority: str
) -> None:
    before = {r.identifier: r for r in listing_of(sample, engine, authority).now().records}
    again = {r.identifier: r for r in listing_of(sample, engine, authority).now().records}
    assert again == before
    known = f"ivo://{secrets.token_hex(4)}/us"
    after = listing_of(sample, engine, authority, registry_publisher_id=known).now()
    organisation = after.find(f"ivo://{authority}/organisation")
    assert organisation
    assert organisation.is_deleted
    record = after.find(f"ivo://{authority}/TAP")
    assert record
    assert record.created == before[record.identifier].created
    assert after.resource(record).find("curation/publisher").get("ivo-id") == known


def test_processes_that_find_a_change_at_once_agree_on_it(sample: Config, engine: Engine, authority: str) -> None:
    listings = [listing_of(sample, engine, authority) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda listing: listing.now().records, listings))
    assert found[0]
    assert all(records == found[0] for records in found)


def test_a_table_that_somebody_dropped_keeps_no_record_from_being_told(
    sample: Config, engine: Engine, authority: str, owner: psycopg.Connection, tmp_path: Path
) -> None:
    name, path = f"registry.t{secrets.token_hex(4)}", tmp_path / "stars.csv"
    path.write_text("ra,dec\n10,20\n")
    loaded = load_table(owner, open_file(path), name, parse_description({}))
    try:
        owner.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier(*loaded.table.stored_parts)))
        listing = listing_of(sample, engine, authority).now()
        record = listing.find(f"ivo://{authority}/{name.replace('.', '/')}")
        assert record
        assert listing.resource(record).findtext("title") == name
        assert f"ivo://{authority}/demo/stars" in there(listing)
    finally:
        unpublish_table(owner, name, drop=True)


def test_without_the_database_nothing_is_told_as_gone(sample: Config, engine: Engine, authority: str) -> None:
    away = listing_of(sample, engine, authority, owner_database="host=/nowhere dbname=none user=nobody")
    with pytest.raises(DatabaseAway):
        away.now()
