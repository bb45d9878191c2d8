"""A result reaches other programs on the user's machine by SAMP: through a real hub with the web profile."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from pyvo.samp import SAMPHubServer, SAMPIntegratedClient, conf
from pyvo.samp.hub import WebProfileDialog

from tests.browser_pages.conftest import Visitor
from tests.contract.client import get

WAIT = 20.0


class _Agrees(WebProfileDialog):  # type: ignore[misc]
    """The user, who allows the page to register."""

    def show_dialog(self, samp_name: str, details: Any, client: Any, origin: str) -> None:
        self.consent()


@pytest.fixture
def topcat(tmp_path: Path) -> Iterator[SAMPIntegratedClient]:
    """Another program, as TOPCAT is one, at a hub that web pages may register with."""
    conf.use_internet = False
    user, stopped = _Agrees(), threading.Event()

    def look() -> None:
        while not stopped.wait(0.05):
            user.handle_queue()

    hub = SAMPHubServer(lockfile=str(tmp_path / "samp.lock"), web_profile=True, web_profile_dialog=user)
    hub.start()
    threading.Thread(target=look, daemon=True).start()
    client = SAMPIntegratedClient(name="topcat")
    client.connect(hub_params=hub.params)
    yield client
    client.disconnect()
    stopped.set()
    hub.stop()


@pytest.mark.long
def test_a_result_is_loaded_by_a_program_that_listens(visitor: Visitor, topcat: SAMPIntegratedClient) -> None:
    received: dict[str, str] = {}
    arrived = threading.Event()

    def hear(private_key: str, sender: str, mtype: str, parameters: dict[str, str], extra: object) -> None:
        received.update(parameters)
        arrived.set()

    topcat.bind_receive_notification("table.load.votable", hear)
    visitor.allowed = ("http://localhost:21012",)
    page = visitor.run("SELECT TOP 3 tyc_id FROM demo.stars", runid="Three stars")
    page.get_by_role("button", name="Send to TOPCAT or Aladin").click()
    expect(page.locator("#samp-button")).to_have_text("Sent", timeout=WAIT * 1000)
    assert arrived.wait(WAIT)
    assert received["name"] == "Three stars"
    assert len(get(received["url"]).votable().all("//v:FIELD")) == 1


def test_without_a_hub_the_page_says_what_to_do(visitor: Visitor) -> None:
    visitor.allowed = ("http://localhost:21012",)
    visitor.expected = ("ERR_CONNECTION_REFUSED",)
    page = visitor.run("SELECT TOP 3 tyc_id FROM demo.stars")
    page.get_by_role("button", name="Send to TOPCAT or Aladin").click()
    expect(page.locator("#samp-button")).to_have_text("No hub answers: start TOPCAT or Aladin, and allow it")
