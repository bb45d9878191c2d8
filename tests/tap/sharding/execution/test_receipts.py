"""What the receipt of a job says of shards."""

import json

from tap.config import Config
from tests.contract.client import get
from tests.contract.own_tables import Asker
from tests.tap.sharding.execution.conftest import COUNT


def test_the_receipt_tells_what_each_shard_did(service: str, sharded: Config) -> None:
    job = Asker(service).run("SELECT source_id, vmag FROM far.source WHERE vmag < 6", REUSE="refuse")
    manifest = json.loads(get(f"{job}/results/manifest").body)
    receipt = manifest["receipt"]
    assert receipt["strategy"]
    if receipt["strategy"].endswith("by Citus"):
        return
    assert len({work["shard"] for work in receipt["shards"]}) == len(receipt["shards"]) == COUNT
    assert sum(work["rows"] for work in receipt["shards"]) == manifest["result"]["rows"] > 0
    assert all(0 < work["first_row"] <= work["seconds"] <= receipt["total"] for work in receipt["shards"])


def test_of_tables_on_one_server_no_shard_is_told(service: str) -> None:
    job = Asker(service).run("SELECT TOP 3 source_id FROM near.source", REUSE="refuse")
    receipt = json.loads(get(f"{job}/results/manifest").body)["receipt"]
    assert (receipt["strategy"], receipt["shards"]) == (None, [])
