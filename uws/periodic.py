"""A step that is taken again and again, in a thread of its own."""

import threading
from collections.abc import Callable


class Periodic:
    """Takes `step` every so many seconds, first after the first of them, until it is stopped."""

    def __init__(self, name: str, seconds: float, step: Callable[[], object]) -> None:
        self._seconds = seconds
        self._step = step
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            self._step()
