"""Telling whoever asked for it that a job has ended: each time until it has been taken, or given up after days.

A delivery is made in the transaction that ends the job, so that none is lost; it may come twice, under one id.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from uws.errors import StoreAway
from uws.periodic import Periodic
from uws.store import Store

_EVERY = 1.0
_AT_ONCE, _OF_OWNER = 8, 2
"""Deliveries at once, in all and of one owner, whose slow receivers hold up nobody else's."""
_LEASE = 120.0
"""Seconds that one delivery may take at most."""
DELAYS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000)
"""Seconds from one attempt to the next, as the scheme of Standard Webhooks recommends."""


class NotDelivered(Exception):
    """Somebody could not be told; the message says why, without a secret."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A phase that a job ended in, for one target of its owner; the attempt counts from 1."""

    delivery_id: int
    job_id: str
    owner_id: str
    target: str
    phase: str
    attempt: int

    @property
    def message_id(self) -> str:
        """Return what is the same in each attempt, by which a receiver knows what it has seen."""
        return f"{self.job_id}.{self.phase}"


class Deliverer:
    """Delivers what is due by `send`, which raises NotDelivered; `observe` is told of each attempt, with '' if it was taken."""

    def __init__(
        self, store: Store, send: Callable[[Delivery], None], observe: Callable[[Delivery, str], object]
    ) -> None:
        self._store = store
        self._send = send
        self._observe = observe
        self._periodic = Periodic("deliveries", _EVERY, self.step)

    def start(self) -> None:
        self._periodic.start()

    def stop(self) -> None:
        self._periodic.stop()

    def step(self) -> None:
        with suppress(StoreAway):
            rows = self._store.rows("claim_deliveries", {"lease": _LEASE, "most": _AT_ONCE, "most_of_owner": _OF_OWNER})
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                list(threads.map(self._deliver, [Delivery(**row) for row in rows]))

    def _deliver(self, delivery: Delivery) -> None:
        problem = ""
        try:
            self._send(delivery)
        except NotDelivered as error:
            problem = str(error)
        with suppress(StoreAway):
            if problem and delivery.attempt <= len(DELAYS):
                seconds = DELAYS[delivery.attempt - 1]
                self._store.execute("delay_delivery", {"delivery_id": delivery.delivery_id, "seconds": seconds})
            else:
                self._store.execute("end_delivery", {"delivery_id": delivery.delivery_id})
        self._observe(delivery, problem)
