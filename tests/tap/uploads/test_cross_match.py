"""The recipes of docs/cross-match.md, run as they stand there, against brute force on the real stars."""

import csv
import io
import re
from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

from tests.adql.brute_force import separation
from tests.conftest import ROOT, SAMPLE
from tests.tap.uploads.test_uploads import send

PAGE = (ROOT / "docs" / "cross-match.md").read_text()
RECIPES = {
    title.strip(): query
    for title, query in re.findall(r"^## (.*?)\n.*?```sql\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
}
STARS = pq.read_table(SAMPLE / "stars.parquet", columns=["tyc_id", "ra_degrees", "dec_degrees"])
TYC, RA, DEC = (STARS[name].to_numpy(zero_copy_only=False) for name in STARS.column_names)
SOME = np.random.default_rng(31).choice(len(TYC), 60, replace=False)
MINE = (RA[SOME] + 0.0001, np.clip(DEC[SOME] + 0.0002, -90, 90))
UPLOAD = "\n".join(
    ["id,ra,dec", *(f"{i},{float(a)!r},{float(d)!r}" for i, (a, d) in enumerate(zip(*MINE, strict=True)))]
)
Expected = Callable[[], set[tuple[int, str]]]


@cache
def apart() -> npt.NDArray[np.float64]:
    """Arcseconds between each of mine and each star; infinite where the declinations alone are too far apart for any recipe."""
    arcseconds = np.full((len(SOME), len(TYC)), np.inf)
    for row, ra, dec in zip(arcseconds, *MINE, strict=True):
        near = np.abs(DEC - dec) < 0.1
        row[near] = separation(ra, dec, RA[near], DEC[near]) * 3600
    return arcseconds


def within(arcsec: float) -> set[tuple[int, str]]:
    return {(int(u), str(TYC[s])) for u, s in np.argwhere(arcsec > apart())}


def nearest(arcsec: float, count: int) -> set[tuple[int, str]]:
    order = np.argpartition(apart(), count, axis=1)[:, :count]
    return {(u, str(TYC[s])) for u in range(len(order)) for s in order[u] if apart()[u, s] < arcsec}


def recipe(service: str, title: str) -> list[dict[str, str]]:
    reply = send(f"{service}/sync", RECIPES[title], UPLOAD.encode(), file_name="mine.csv")
    assert reply.status == 200, reply.text
    return list(csv.DictReader(io.StringIO(reply.text)))


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("All pairs within a radius", lambda: within(2)),
        ("The nearest", lambda: nearest(30, 1)),
        ("The three nearest", lambda: nearest(300, 3)),
    ],
)
def test_a_recipe_gives_the_pairs_of_brute_force(service: str, title: str, expected: Expected) -> None:
    found = recipe(service, title)
    assert {(int(row["id"]), row["tyc_id"]) for row in found} == expected()
    assert len(expected()) >= len(SOME)


def test_a_recipe_gives_what_has_no_counterpart(service: str) -> None:
    lonely = UPLOAD + "\n1000,0.05,89.9\n1001,,5\n"
    reply = send(f"{service}/sync", RECIPES["What has no counterpart"], lonely.encode(), file_name="mine.csv")
    assert [line.split(",")[0] for line in reply.lines[1:]] == ["1000", "1001"]


def test_the_recipe_for_other_epochs_runs(service: str) -> None:
    assert isinstance(recipe(service, "Positions of another epoch"), list)


def test_every_recipe_is_tested() -> None:
    assert len(RECIPES) == 5
