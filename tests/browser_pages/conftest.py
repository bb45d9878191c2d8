"""Visitors: each has a browser of its own, which may reach nothing but the service, and whose complaints fail the test."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, sync_playwright

from tests.people import MakePerson, Person

_CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_AXE = Path(__file__).parent / "axe.min.js"
_SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser; while it is there, an event loop runs in this thread, which other tests could not bear."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody at a browser. `complaints` are errors of scripts, violations of the policy, and requests to elsewhere."""

    service: str
    page: Page
    complaints: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()

    @property
    def root(self) -> str:
        return self.service.removesuffix("/tap")

    def open(self, path: str) -> Page:
        self.page.goto(self.root + path)
        return self.page

    def write(self, query: str, **more: str) -> Page:
        """Open the editor with a query in it."""
        fields = "".join(f"&{name}={quote(value)}" for name, value in more.items())
        return self.open(f"/?query={quote(query, safe='')}{fields}")

    def run(self, query: str, **more: str) -> Page:
        """Run a query as the form does, and wait for its rows."""
        page = self.write(query, **more)
        page.get_by_role("button", name="Run", exact=True).click()
        page.locator("#rows td").first.wait_for()
        return page

    def log_in(self, person: Person) -> None:
        self.open("/tap/login?next=/tap/whoami")
        self.page.get_by_label("Name").fill(person.name)
        self.page.get_by_label("Password").fill(person.password)
        self.page.locator("main").get_by_role("button", name="Log in").click()
        self.page.get_by_role("heading", name=person.name).wait_for()

    def findings(self) -> list[str]:
        """Return what axe-core finds serious on the page as it is now."""
        self.page.evaluate(_AXE.read_text("utf-8"))
        violations = self.page.evaluate("async () => (await axe.run()).violations")
        return [
            f"{violation['id']}: {[node['html'][:120] for node in violation['nodes']]}"
            for violation in violations
            if violation["impact"] in _SERIOUS
        ]


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(service: str, chromium: Browser) -> Iterator[Visit]:
    """Make visitors; the options are those of a context: `java_script_enabled`, `color_scheme`, `viewport`."""
    visitors: list[Visitor] = []

    def visit(**options: object) -> Visitor:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})  # type: ignore[arg-type]
        visitor = Visitor(service, context.new_page())
        _listen(visitor)
        visitors.append(visitor)
        return visitor

    yield visit
    for visitor in visitors:
        visitor.page.context.close()
    unexpected = [
        complaint
        for visitor in visitors
        for complaint in visitor.complaints
        if not any(word in complaint for word in visitor.expected)
    ]
    assert unexpected == []


def _listen(visitor: Visitor) -> None:
    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            visitor.complaints.append(f"{message.type}: {message.text}")

    def guard(route: Route) -> None:
        if route.request.url.startswith((visitor.root, "data:", "blob:", *visitor.allowed)):
            route.continue_()
        else:
            visitor.complaints.append(f"request to {route.request.url}")
            route.abort()

    visitor.page.on("console", hear)
    visitor.page.on("pageerror", lambda error: visitor.complaints.append(f"script: {error}"))
    visitor.page.route("**/*", guard)


@pytest.fixture
def visitor(visit: Visit) -> Visitor:
    """A stranger with scripts."""
    return visit()


@pytest.fixture
def plain_visitor(visit: Visit) -> Visitor:
    """A stranger without scripts."""
    return visit(java_script_enabled=False)


@pytest.fixture
def member(visit: Visit, person: MakePerson) -> Visitor:
    """Somebody who is logged in."""
    visitor = visit()
    visitor.log_in(person())
    return visitor
