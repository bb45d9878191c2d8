"""Another service, for tests of what users run."""

from collections.abc import Iterator

import pytest

from tests.tap.client.shell.other_service import OtherService


@pytest.fixture(scope="module")
def other() -> Iterator[OtherService]:
    service = OtherService()
    yield service
    service.shutdown()
    service.server_close()
