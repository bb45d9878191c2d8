"""Tables whose rows lead somewhere: sources with numbers, their light curves and spectra; objects with names."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schema.description import parse_description
from schema.load import open_file
from schema.publish import load_table, unpublish_table
from tap.config import Config
from tap.engine import database

COUNT = 300
FIRST = 2**53 + 1
"""So large that no double holds them."""
IDS = [FIRST + 7 * number for number in range(COUNT)]
EPOCHS = 5
"""Of the light curve of each source with an even number; the others have none."""

_SOURCES: dict[str, Any] = {
    "schema": {"description": "Invented, for tests"},
    "table": {"primary_key": ["source_id"], "ra": "ra", "dec": "dec"},
    "columns": {"name": {"link": "https://example.org/names/{name}?id={source_id}"}},
    "links": [
        {
            "url": "https://example.org/chart?ra={ra}&dec={dec}",
            "semantics": "#preview-image",
            "description": "A chart & more",
            "content_type": "image/png",
        },
        {"url": "{page}", "semantics": "#documentation", "content_type": "text/html"},
        {
            "url": "https://example.org/scs",
            "semantics": "#counterpart",
            "description": "Others near it",
            "standard_id": "ivo://ivoa.net/std/ConeSearch",
            "content_type": "application/x-votable+xml",
            "local_semantics": "near",
            "parameters": {"RA": "{ra}", "DEC": "{dec}", "SR": "0.1", "VERB": ""},
        },
        {
            "url": "https://example.org/soda",
            "semantics": "#cutout",
            "standard_id": "ivo://ivoa.net/std/SODA#sync-1.0",
            "parameters": {"ID": "{name}", "CIRCLE": "{ra} {dec} 0.1"},
        },
    ],
    "products": [
        {
            "name": "LIGHT",
            "table": "sky.light",
            "id": "source_id",
            "semantics": "#auxiliary",
            "content_qualifier": "#light-curve",
            "valid": "good",
            "order_by": "time",
        },
        {"name": "SPECTRUM", "table": "sky.spectrum", "id": "source_id", "content_qualifier": "#spectrum"},
    ],
}
PRODUCTS = _SOURCES["products"]
_OBJECTS: dict[str, Any] = {
    "columns": {"name": {"ucd": "meta.id;meta.main"}},
    "links": [{"url": "https://example.org/object?name={name}", "semantics": "#documentation"}],
}


def sources() -> pa.Table:
    rng = np.random.default_rng(3)
    return pa.table({
        "source_id": IDS,
        "ra": rng.uniform(0, 360, COUNT),
        "dec": rng.uniform(-90, 90, COUNT),
        "name": [f"star {number}, 50% & <b>" for number in range(COUNT)],
        "page": [None if number % 3 else f"https://example.org/page/{number}" for number in range(COUNT)],
    })  # fmt: skip


def light() -> pa.Table:
    """Light curves, the epochs of each source from the last to the first, every other of them bad."""
    ids = [id_ for id_ in IDS[::2] for _ in range(EPOCHS)]
    rng = np.random.default_rng(4)
    return pa.table({
        "source_id": ids,
        "time": [float(EPOCHS - epoch) for _ in IDS[::2] for epoch in range(EPOCHS)],
        "mag": pa.array(rng.normal(12, 1, len(ids)), pa.float32()),
        "band": ['G, "wide"' if number % 2 else "Ω" for number in range(len(ids))],
        "good": [number % 2 == 0 for number in range(len(ids))],
    })  # fmt: skip


def spectra() -> pa.Table:
    flux = [[float(number), float(number) + 0.5, None] for number in range(COUNT)]
    return pa.table({"source_id": IDS, "flux": pa.array(flux, pa.list_(pa.float64()))})


OBJECTS = ["NGC 1", "a,b", "50%", "O'Neill & <co>", "Ω"]
_TABLES = {
    "sky.light": (light(), {"table": {"indexes": [["source_id"]]}}),
    "sky.spectrum": (spectra(), {"table": {"primary_key": ["source_id"]}}),
    "sky.sources": (sources(), _SOURCES),
    "sky.objects": (pa.table({"name": OBJECTS, "number": range(len(OBJECTS))}), _OBJECTS),
}


@pytest.fixture(scope="module")
def linked(sample: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """The configuration of a service with these tables."""
    folder: Path = tmp_path_factory.mktemp("linked")
    with database.owner_connection(sample) as connection:
        for name, (table, description) in _TABLES.items():
            pq.write_table(table, folder / f"{name}.parquet")
            load_table(connection, open_file(folder / f"{name}.parquet"), name, parse_description(description))
    yield sample
    with database.owner_connection(sample) as connection:
        for name in reversed(_TABLES):
            unpublish_table(connection, name, drop=True)
