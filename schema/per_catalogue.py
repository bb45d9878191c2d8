"""What is made of a catalogue and is dear to make: kept for those that were used last."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from schema.model import Catalogue

_MOST = 8

T = TypeVar("T")


class PerCatalogue(Generic[T]):
    """Makes a thing once for each catalogue, which is known by being the same object."""

    def __init__(self, make: Callable[[Catalogue], T]) -> None:
        self._make = make
        self._made: OrderedDict[int, tuple[Catalogue, T]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, catalogue: Catalogue) -> T:
        with self._lock:
            kept = self._made.get(id(catalogue))
            if kept is None or kept[0] is not catalogue:
                kept = self._made[id(catalogue)] = catalogue, self._make(catalogue)
            self._made.move_to_end(id(catalogue))
            if len(self._made) > _MOST:
                self._made.popitem(last=False)
            return kept[1]
