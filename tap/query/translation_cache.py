"""Translations of queries that come again and again, as those of clients that open a service do."""

import threading
from collections import Counter, OrderedDict

from adql.translate import Translation, translate
from schema.model import Catalogue

_MOST = 512
_LONGEST = 4_000
"""Characters of a query that is kept."""
_Key = tuple[int, str | None, str]


class TranslationCache:
    """Keeps the latest translations of one database's catalogue, whatever its version and whoever reads it. Used by many threads."""

    def __init__(self) -> None:
        self._translations: OrderedDict[_Key, Translation] = OrderedDict()
        self._lock = threading.Lock()
        self._counts = Counter[str]()

    def counted(self) -> Counter[str]:
        """Return how many translations were made, and how many were kept, since this was last asked."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return counts

    def translation(self, query: str, catalogue: Catalogue, role: str | None) -> Translation:
        """Translate, or return what was kept; `catalogue` must be what is published for this role, without uploads.

        Raises: AdqlError.
        """
        key = catalogue.version, role, query
        with self._lock:
            if key in self._translations:
                self._translations.move_to_end(key)
                self._counts["kept"] += 1
                return self._translations[key]
            self._counts["made"] += 1
        translation = translate(query, catalogue)
        if len(query) <= _LONGEST:
            self._keep(key, translation)
        return translation

    def _keep(self, key: _Key, translation: Translation) -> None:
        with self._lock:
            self._translations[key] = translation
            if len(self._translations) > _MOST:
                self._translations.popitem(last=False)
