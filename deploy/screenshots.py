"""Pictures of the pages for docs/: light, dark, and as wide as a phone.

    ./deploy/demo &                      # or any service with the sample
    .venv/bin/python deploy/screenshots.py http://localhost:8080

With ARMILLARY_USER and ARMILLARY_PASSWORD the page of that account is among them.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

TARGET = Path(__file__).parent.parent / "docs" / "screenshots"
LOOKS: dict[str, dict[str, object]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1200, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1200, "height": 800}},
    "phone": {"color_scheme": "light", "viewport": {"width": 400, "height": 800}},
}
PLEIADES = """SELECT TOP 2000 tyc_id, ra, dec, vmag, bv, parallax, pmra, pmdec
FROM demo.stars
WHERE DISTANCE(ra, dec, 56.75, 24.12) < 3"""
SETTLES = 1_000
"""Milliseconds after which nothing moves any more."""


def editor(page: Page, root: str) -> None:
    page.goto(f"{root}/?query={quote(PLEIADES.replace('vmag', 'vmga'))}")
    page.locator(".cm-lintRange-error").hover()


def checked(page: Page, root: str) -> None:
    page.goto(f"{root}/?query={quote(PLEIADES)}")
    page.get_by_role("button", name="Check").click()


def result(page: Page, root: str) -> None:
    page.goto(f"{root}/?query={quote(PLEIADES)}&runid=Pleiades")
    page.get_by_role("button", name="Run", exact=True).click()
    page.locator("#rows td").first.wait_for()


def plots(page: Page, root: str) -> None:
    result(page, root)
    page.get_by_role("button", name="Plot").click()
    page.locator("figure").nth(1).wait_for()


def sky(page: Page, root: str) -> None:
    page.goto(f"{root}/tap/tables/demo.stars")
    page.get_by_role("button", name="Plot").click()
    page.locator("figure.plot").first.wait_for()


def at(path: str) -> Callable[[Page, str], object]:
    return lambda page, root: page.goto(root + path)


PAGES: dict[str, Callable[[Page, str], object]] = {
    "editor": editor,
    "check": checked,
    "result": result,
    "plots": plots,
    "jobs": at("/tap/async"),
    "tables": at("/tap/tables?q=magnitude"),
    "table": sky,
    "build": at("/build?table=demo.stars"),
    "cross-match": at("/crossmatch"),
    "login": at("/tap/login"),
    "account": at("/tap/whoami"),
    "help": at("/help"),
    "error": at("/tap/tables/no.such"),
}


def log_in(context: BrowserContext, root: str) -> None:
    name, password = os.environ.get("ARMILLARY_USER"), os.environ.get("ARMILLARY_PASSWORD")
    if name and password:
        page = context.new_page()
        page.goto(f"{root}/tap/login")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(password)
        page.locator("main button").click()
        page.close()


def photograph(browser: Browser, root: str, look: str) -> None:
    context = browser.new_context(**LOOKS[look])  # type: ignore[arg-type]
    log_in(context, root)
    for name, show in PAGES.items():
        page = context.new_page()
        show(page, root)
        page.wait_for_timeout(SETTLES)
        page.screenshot(path=TARGET / f"{name}-{look}.jpg", type="jpeg", quality=70)
        page.close()
    context.close()


def main(root: str) -> None:
    TARGET.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        for look in LOOKS:
            photograph(browser, root, look)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/") if len(sys.argv) > 1 else "http://localhost:8080")
