"""A real object store on this machine: rclone with S3's interface, and caddy before it.

rclone answers a request for a part with status 200; caddy makes it the 206 that it must be.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest

BUCKET = "results"
_KEY, _SECRET = "testkey", "testsecret123"
_CADDYFILE = """{
	admin off
	auto_https off
	persist_config off
}
http://:%d {
	bind 127.0.0.1
	reverse_proxy 127.0.0.1:%d {
		flush_interval -1
		@ranged {
			status 200
			header Content-Range *
		}
		handle_response @ranged {
			copy_response_headers
			copy_response 206
		}
	}
}
"""


class S3Server:
    """Its data stay in `folder` when it is stopped."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "data").mkdir()
        self._ports = (_free_port(), _free_port())
        self.url = f"http://127.0.0.1:{self._ports[0]}"
        (folder / "Caddyfile").write_text(_CADDYFILE % self._ports)
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def environment(self) -> dict[str, str]:
        """What AWS's clients are told by."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": _KEY,
            "AWS_SECRET_ACCESS_KEY": _SECRET,
            "AWS_REGION": "us-east-1",
        }

    def start(self) -> None:
        home = {"HOME": str(self._folder), "TMPDIR": str(self._folder), "XDG_DATA_HOME": str(self._folder)}
        rclone = {
            "RCLONE_CONFIG": "",
            "RCLONE_CACHE_DIR": str(self._folder / "cache"),
            "RCLONE_AUTH_KEY": f'"{_KEY},{_SECRET}"',
        }
        serve = ["serve", "s3", "--addr", f"127.0.0.1:{self._ports[1]}", "--poll-interval", "0", "--no-cleanup"]
        self._run([_program("rclone"), *serve, str(self._folder / "data")], home | rclone)
        self._run(
            [_program("caddy"), "run", "--config", str(self._folder / "Caddyfile"), "--adapter", "caddyfile"], home
        )
        for port in reversed(self._ports):
            _wait(port)

    def _run(self, command: list[str], environment: dict[str, str]) -> None:
        log = (self._folder / "log").open("ab")
        self._processes.append(subprocess.Popen(command, env=os.environ | environment, stdout=log, stderr=log))
        log.close()

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        self._processes.clear()

    def make_bucket(self) -> None:
        import obstore
        from obstore.store import S3Store

        store = S3Store(
            BUCKET,
            endpoint=self.url,
            region="us-east-1",
            access_key_id=_KEY,
            secret_access_key=_SECRET,
            client_options={"allow_http": True},
        )
        url = obstore.sign(store, "PUT", "", timedelta(seconds=60))
        urllib.request.urlopen(urllib.request.Request(url, method="PUT", data=b"")).close()


def _program(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
        except urllib.error.HTTPError as answer:
            answer.close()
            if answer.code != 502:
                return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the object store did not start")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
