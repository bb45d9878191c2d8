"""A TLS proxy before the service, for clients that log in by TLS only."""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from tests.conftest import free_port

SITE = """{{
 admin off
 auto_https disable_redirects
 skip_install_trust
}}
https://localhost:{port} {{
 tls internal
 handle_path /tap-server/* {{
  reverse_proxy {upstream}
 }}
 handle_path /data-server/* {{
  reverse_proxy {upstream}
 }}
 handle {{
  reverse_proxy {upstream}
 }}
}}
"""


@contextmanager
def proxied(service: str, folder: Path) -> Iterator[int]:
    """Give the port of a proxy whose certificate clients are told to trust.

    The service lies at its root, and below the two folders where the class of the Gaia archive looks for it."""
    port, certificate = free_port(), folder / "caddy/pki/authorities/local/root.crt"
    (folder / "Caddyfile").write_text(SITE.format(port=port, upstream=re.sub(r"https?://|/tap$", "", service)))
    caddy = Path(sys.executable).parent / "caddy"
    program = str(caddy) if caddy.exists() else shutil.which("caddy") or pytest.skip("caddy is not installed")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"],
            env={"HOME": str(folder), "XDG_DATA_HOME": str(folder)},
            stdout=log,
            stderr=log,
        )
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(certificate))
            wait_for(f"https://localhost:{port}/livez", certificate)
            yield port
    finally:
        process.kill()
        process.wait()


def wait_for(url: str, certificate: Path | None) -> None:
    """Wait until a URL answers with 200, by TLS with a certificate to trust. Raises: RuntimeError."""
    for _ in range(300):
        with suppress(OSError):
            if requests.get(url, verify=str(certificate) if certificate else True, timeout=5).status_code == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer")
