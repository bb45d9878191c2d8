"""HATS catalogues as the library hats writes them, and plain servers of files."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def stars(rows: int, seed: int = 1) -> pd.DataFrame:
    """Rows spread over the sky, half of them within ten degrees of (266, -29)."""
    rng = np.random.default_rng(seed)
    half = rows // 2
    ra = np.concatenate([rng.uniform(0, 360, rows - half), 266 + rng.uniform(-10, 10, half)])
    dec = np.concatenate([np.degrees(np.arcsin(rng.uniform(-1, 1, rows - half))), -29 + rng.uniform(-10, 10, half)])
    mag = np.where(np.arange(rows) % 10 == 0, np.nan, rng.normal(15, 2, rows)).astype(np.float32)
    names = [f"star {number}" for number in range(rows)]
    return pd.DataFrame({"id": np.arange(rows), "ra": ra, "dec": dec, "mag": mag, "name": names})


def hats_modules() -> Any:
    """The library, whose imports warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import hats
        import hats.io.parquet_metadata
        from hats.catalog import PartitionInfo, TableProperties
    return hats, PartitionInfo, TableProperties


def write_hats(folder: Path, frame: pd.DataFrame, most_rows: int, **properties: str) -> list[Path]:
    """Write a catalogue by the parts of hats; return its partitions."""
    hats, partition_info, table_properties = hats_modules()
    from hats.pixel_math import partition_stats, spatial_index
    from hats.pixel_math.healpix_pixel import HealpixPixel

    index = spatial_index.compute_spatial_index(frame["ra"].to_numpy(), frame["dec"].to_numpy())
    table = pa.Table.from_pandas(frame, preserve_index=False).add_column(0, "_healpix_29", pa.array(index))
    histogram = partition_stats.generate_histogram(frame, highest_order=6)
    alignment = partition_stats.generate_alignment(histogram, highest_order=6, threshold=most_rows)
    tiles = sorted({(int(tile[0]), int(tile[1])) for tile in alignment if tile is not None})
    paths = []
    for order, pixel in tiles:
        path = Path(str(hats.io.paths.pixel_catalog_file(folder, HealpixPixel(order, pixel))))
        path.parent.mkdir(parents=True, exist_ok=True)
        own = table.filter(pa.array(index >> 2 * (29 - order) == pixel)).sort_by("_healpix_29")
        pq.write_table(own, path)
        paths.append(path)
    values = {"obs_collection": "stars", "dataproduct_type": "object", "hats_nrows": len(frame)}
    columns = {"hats_col_ra": "ra", "hats_col_dec": "dec", "hats_col_healpix": "_healpix_29"}
    table_properties(**values, **columns, **properties).to_properties_file(folder)
    partition_info.from_healpix([HealpixPixel(*tile) for tile in tiles]).write_to_file(catalog_path=folder)
    hats.io.parquet_metadata.write_parquet_metadata(folder)
    return paths


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A plain web server of a folder; gives its URL."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
