"""A service of our own to measure: a free port, `armillary serve`, and the wait until it is ready."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tap.config import Config

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving(config: Config) -> Iterator[int]:
    """As long as the block lasts. Yields the number of its process."""
    service = start(config)
    try:
        yield service.pid
    finally:
        service.terminate()
        service.wait()


def start(config: Config) -> subprocess.Popen[bytes]:
    settings = config.as_environment()
    service = subprocess.Popen([sys.executable, "-m", "tap", "serve"], cwd=ROOT, env=os.environ | settings)
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://localhost:{config.web.port}/readyz", timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return service
    service.terminate()
    raise RuntimeError("the service did not start")
