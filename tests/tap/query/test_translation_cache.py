"""A query that comes again is translated once for each state of the catalogue."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from adql.errors import AdqlError
from adql.translate import translate
from schema.model import Catalogue, Column, Schema
from tap.query import translation_cache
from tap.query.translation_cache import TranslationCache
from tests.adql.tables import CATALOGUE, STARS

QUERY = "SELECT TOP 3 ra, vmag FROM t.stars WHERE DISTANCE(ra, dec, 10, 20) < 1"


def test_what_comes_again_is_what_was_translated() -> None:
    cache = TranslationCache()
    first = cache.translation(QUERY, CATALOGUE, None)
    assert first == translate(QUERY, CATALOGUE)
    assert cache.translation(QUERY, CATALOGUE, None) is first


def test_what_was_published_since_is_seen() -> None:
    cache = TranslationCache()
    cache.translation(QUERY, CATALOGUE, None)
    with pytest.raises(AdqlError):
        cache.translation("SELECT new FROM t.stars", CATALOGUE, None)
    table = replace(STARS, columns=(*STARS.columns, Column("new", "double")))
    later = Catalogue((Schema("t", (table,)),), version=CATALOGUE.version + 1)
    assert cache.translation("SELECT new FROM t.stars", later, None).outputs[0].name == "new"
    assert cache.translation(QUERY, later, None) is not cache.translation(QUERY, CATALOGUE, None)


def test_it_keeps_so_many_and_no_long_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation_cache, "_MOST", 10)
    cache = TranslationCache()
    queries = [f"SELECT TOP {n} ra FROM t.stars" for n in range(1, 40)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda query: cache.translation(query, CATALOGUE, None), queries))
    assert len(cache._translations) == 10
    long = QUERY + " " * 5000
    assert cache.translation(long, CATALOGUE, None) is not cache.translation(long, CATALOGUE, None)
