"""Messages that jobs have ended: those of one owner, however many and however slow their receivers, hold up nobody else's."""

from collections.abc import Callable

from tests.uws.conftest import Sql
from uws.deliveries import Deliverer, Delivery
from uws.store import Store


def test_an_owner_with_many_messages_leaves_room_for_others(store: Store, sql: Sql) -> None:
    add = (
        "INSERT INTO uws.deliveries (job_id, owner_id, target, phase, due)"
        " SELECT 'ffff', %(owner)s, 'x', 'COMPLETED', now() - %(ago)s * interval '1 second' FROM generate_series(1, %(count)s)"
    )
    sql(add, owner="busy", ago=3600, count=50)
    sql(add, owner="quiet", ago=60, count=1)
    told: list[str] = []
    keep: Callable[[Delivery, str], object] = lambda delivery, _: told.append(delivery.owner_id)  # noqa: E731
    deliverer = Deliverer(store, lambda _: None, keep)
    deliverer.step()
    assert sorted(told) == ["busy", "busy", "quiet"]
    for _ in range(24):
        deliverer.step()
    assert told.count("busy") == 50
