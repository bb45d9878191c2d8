"""The wheel, built and installed once for the tests that run it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.installed import Installed, install


@pytest.fixture(scope="session")
def installed() -> Iterator[Installed]:
    """Armillary from its wheel, where other users can read it."""
    folder = Path(tempfile.mkdtemp(prefix="armillary-wheel-"))
    folder.chmod(0o755)
    yield install(folder)
    shutil.rmtree(folder)
