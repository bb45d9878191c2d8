"""/tap/check as programs ask it."""

import json
from typing import Any

import pytest

from tests.contract.client import get


def checked(service: str, query: str) -> dict[str, Any]:
    reply = get(f"{service}/check", {"QUERY": query})
    assert (reply.status, reply.media_type) == (200, "application/json"), reply.text
    report: dict[str, Any] = json.loads(reply.body)
    return report


@pytest.mark.parametrize(
    ("query", "lane"),
    [
        ("SELECT TOP 5 name FROM demo.ngc", "short"),
        ("SELECT COUNT(*) AS n FROM demo.ngc AS a, demo.ngc AS b, demo.ngc AS c WHERE a.ra + b.ra < c.ra", "long"),
    ],
)
def test_the_lane_and_how_many_wait_in_it_are_told(service: str, query: str, lane: str) -> None:
    report = checked(service, query)
    assert report["queue"] == {"lane": lane, "ahead": 0}
    assert report["estimate"]["cost"] > 0


def test_a_wrong_query_has_no_place_in_the_queue(service: str) -> None:
    report = checked(service, "SELECT nothing FROM demo.ngc")
    assert (report["queue"], report["estimate"]) == (None, None)
    assert report["error"]["message"] == "There is no column nothing"
