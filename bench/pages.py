"""What somebody at a browser waits for, and what a tab takes, beside a plain /sync of the same rows.

    python bench/pages.py [http://localhost:8080] [--rounds 5]

Medians in milliseconds, of a service with the sample (deploy/demo); each round has a browser of its own. Needs playwright and Chromium.
"""

import argparse
import statistics
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlencode

from playwright.sync_api import Page, sync_playwright

MILLION = "SELECT TOP 1000000 tyc_id, ra, dec, vmag, bv, parallax FROM demo.stars"
SMALL = "SELECT TOP 1 tyc_id, ra, dec, vmag FROM demo.stars"
Times = defaultdict[str, list[float]]


@contextmanager
def timed(times: Times, name: str) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    times[name].append((time.perf_counter() - begun) * 1000)


def run(page: Page, root: str, query: str, times: Times, name: str) -> None:
    page.goto(f"{root}/?maxrec=1000000&query={quote(query)}")
    page.locator(".cm-content").wait_for()
    with timed(times, name):
        page.get_by_role("button", name="Run", exact=True).click()
        page.locator("#rows td").first.wait_for()


def sync(root: str, query: str, times: Times, name: str) -> None:
    form = {"LANG": "ADQL", "QUERY": query, "MAXREC": "1000000"}
    with timed(times, name), urllib.request.urlopen(f"{root}/tap/sync", urlencode(form).encode()) as answer:
        while answer.read(1 << 20):
            pass


def round_of(page: Page, root: str, times: Times) -> None:
    with timed(times, "first page, until the editor is there"):
        page.goto(root)
        page.locator(".cm-content").wait_for()
    sync(root, SMALL, times, "1 row by /sync")
    run(page, root, SMALL, times, "1 row, from the click to the row")
    sync(root, MILLION, times, "10⁶ rows by /sync")
    run(page, root, MILLION, times, "10⁶ rows, from the click to the first rows")
    with timed(times, "10⁶ rows: sky and colour-magnitude diagram"):
        page.get_by_role("button", name="Plot").click()
        page.locator("figure canvas").nth(1).wait_for()
    with timed(times, "10⁶ rows: a histogram more"):
        page.get_by_role("button", name="Add the plot").click()
        page.locator("figure canvas").nth(2).wait_for()
    with timed(times, "10⁶ rows: the last hundred"):
        page.get_by_role("link", name="Last rows").click()
        page.locator("#rows nav", has_text="981,801").wait_for()
    with timed(times, "10⁶ rows: sorted by magnitude"):
        page.get_by_role("link", name="vmag").click()
        page.locator("th[aria-sort]").wait_for()
    times["memory of the tab, MB"].append(memory_of_tab())


def memory_of_tab() -> float:
    """Return the proportional set size of the largest process that shows pages, in megabytes."""
    sizes = [0.0]
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b"--type=renderer" in (process / "cmdline").read_bytes():
                lines = (process / "smaps_rollup").read_text().splitlines()
                sizes += [int(line.split()[1]) / 1e3 for line in lines if line.startswith("Pss:")]
    return max(sizes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", default="http://localhost:8080")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    times: Times = defaultdict(list)
    with sync_playwright() as playwright:
        for _ in range(arguments.rounds):
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium",
                args=[
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-background-networking",
                ],
            )
            round_of(browser.new_page(), arguments.root.rstrip("/"), times)
            browser.close()
    for name, values in times.items():
        print(f"{name:50} {statistics.median(values):8.1f}   {min(values):8.1f} to {max(values):8.1f}")


if __name__ == "__main__":
    main()
