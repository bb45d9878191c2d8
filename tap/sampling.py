"""What a web process holds, told every few seconds: queries by stage, connections, translations."""

from collections import Counter

from tap.engine.engine import Engine
from tap.observe import ProcessState, observe
from tap.query.translation_cache import TranslationCache
from tap.running_queries import RunningQueries
from uws.periodic import Periodic

_SECONDS = 2.0


class Sampler:
    """Tells the state of one process."""

    def __init__(self, engine: Engine, running: RunningQueries, translations: TranslationCache) -> None:
        self._engine = engine
        self._running = running
        self._translations = translations
        self._periodic = Periodic("sampler", _SECONDS, self._sample)

    def open(self) -> None:
        self._periodic.start()

    def close(self) -> None:
        self._periodic.stop()

    def _sample(self) -> None:
        observe(ProcessState(Counter(self._running.stages()), self._engine.connections(), self._translations.counted()))
