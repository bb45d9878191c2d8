"""The services of compose.yaml without a container engine: their very commands, users, variables, secrets and volumes.

bubblewrap gives each a root of its own that nobody can write to: Python, Armillary from its wheel at /opt/armillary, and of
the machine only what a Debian has; no repository, no home. The image itself is built from the Containerfile, which only an
engine can do; what is taken from it here is its ENV, USER and ENTRYPOINT.
"""

import os
import re
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import yaml

from tests.conftest import ROOT
from tests.deploy.installed import Installed

CONTAINER = ROOT / "deploy" / "container"
PYTHON = "/opt/armillary/bin/python"
_Mount = tuple[str, ...]
_OF_DEBIAN = ("/usr", "/lib", "/lib64", "/bin", "/etc/ssl", "/etc/ld.so.cache", "/etc/nsswitch.conf")


def compose() -> dict[str, Any]:
    """Return compose.yaml, its anchors resolved."""
    document: dict[str, Any] = yaml.safe_load((CONTAINER / "compose.yaml").read_text())
    return document


def image_instructions(name: str) -> list[tuple[str, str]]:
    """Return the last stage of the Containerfile, an instruction with its arguments each."""
    text = re.sub(r"\\\n\s*", "", (CONTAINER / name).read_text())
    lines = [line.partition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    last = max(index for index, (word, _, _) in enumerate(lines) if word == "FROM")
    return [(word, arguments) for word, _, arguments in lines[last:]]


def image_environment() -> dict[str, str]:
    """Return the variables that the image of Armillary sets."""
    texts = [arguments for word, arguments in image_instructions("Containerfile") if word == "ENV"]
    return dict(pair.split("=", 1) for text in texts for pair in shlex.split(text))


def image_user() -> tuple[int, int]:
    """Return the numbers of user and group that the image runs as."""
    (user,) = [arguments for word, arguments in image_instructions("Containerfile") if word == "USER"]
    number, group = user.split(":")
    return int(number), int(group)


@dataclass(frozen=True)
class Ports:
    """Those that are free here, in place of 5432, 8080 and 9464: all services are on one machine."""

    postgres: int
    web: int
    metrics: int

    def put_into(self, text: str) -> str:
        """Return what a service is told, with our ports for its own."""
        return text.replace("8080", str(self.web)).replace("9464", str(self.metrics))

    @property
    def url(self) -> str:
        return f"http://localhost:{self.web}/tap"


@dataclass(frozen=True)
class Site:
    """Where the volumes and secrets of the services lie on this machine, and at which ports they are."""

    folder: Path
    installed: Installed
    ports: Ports

    def command(self, name: str, *arguments: str) -> list[str]:
        """Return the command line that runs a service of compose.yaml, or another command in its place."""
        service = compose()["services"][name]
        settings = image_environment() | service["environment"] | self._where()
        environment = [
            part for key, value in settings.items() for part in ("--setenv", key, self.ports.put_into(str(value)))
        ]
        # What tests run with may lie in /tmp.
        mounts = [*self._mounts(service), *self._root()]
        return [
            *("bwrap", "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--clearenv", "--chdir", "/"),
            *(part for mount in mounts for part in _with_folders(mount)),
            *environment,
            *("--remount-ro", "/", "--"),
            *_as_user(service["user"]),
            # The script's own first line names the folder in which it was installed here.
            *(PYTHON, "/opt/armillary/bin/armillary", *(arguments or service["command"])),
        ]

    def _where(self) -> dict[str, str]:
        return {
            "PGPORT": str(self.ports.postgres),
            "ARMILLARY_PORT": str(self.ports.web),
            "ARMILLARY_BASE_URL": self.ports.url,
        }

    def _root(self) -> Iterator[_Mount]:
        """Yield what the image has, and of it nothing that can be written to."""
        # Python may be another than Debian's.
        for path in dict.fromkeys([*_OF_DEBIAN, sys.base_prefix, sysconfig.get_path("purelib")]):
            if Path(path).exists():
                yield "--ro-bind", path, path
        yield "--ro-bind", str(self.installed.folder), "/opt/armillary"
        yield "--proc", "/proc"
        yield "--dev", "/dev"
        yield "--ro-bind", str(self._hosts()), "/etc/hosts"

    def _mounts(self, service: dict[str, Any]) -> Iterator[_Mount]:
        """Yield what compose.yaml gives a service."""
        for entry in service["tmpfs"]:
            yield "--perms", "1777", "--tmpfs", entry.partition(":")[0]
        for volume in service["volumes"]:
            source, target, *options = volume.split(":")
            how = "--ro-bind" if options == ["ro"] else "--bind"
            yield how, str(CONTAINER / source if source.startswith("./") else self.volume(source)), target
        for secret in service["secrets"]:
            yield "--ro-bind", str(self.folder / "secrets" / secret), f"/run/secrets/{secret}"

    def volume(self, name: str) -> Path:
        """Return the folder of a volume, which belongs to the user of the image."""
        folder = self.folder / name
        if not folder.exists():
            folder.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(folder, *image_user())
        return folder

    def _hosts(self) -> Path:
        file = self.folder / "hosts"
        file.write_text("127.0.0.1 localhost postgres\n")
        return file

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a service that ends by itself, or another command in its place."""
        return subprocess.run(self.command(name, *arguments), capture_output=True, text=True, check=False, timeout=120)


def _with_folders(mount: _Mount) -> Iterator[str]:
    """Yield a mount with the folders above it, which would be closed to others if they were left to bubblewrap."""
    for folder in reversed(PurePath(mount[-1]).parents[:-1]):
        yield from ("--dir", str(folder))
    yield from mount


def _as_user(user: str) -> list[str]:
    """Return what drops all rights; who is not root has none to drop."""
    if os.geteuid() != 0:
        return []
    number, group = user.split(":")
    rights = ["--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]
    return ["setpriv", f"--reuid={number}", f"--regid={group}", "--clear-groups", *rights]
