"""A PostgreSQL cluster of our own: own folder, Unix socket only, never run as root."""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tap.engine.users_of_folder import is_used, turn, using

ADMIN = "armillary_admin"
_SOCKET_PATH_LIMIT = 100
_START, _RECOVERY = 120, 7 * 86_400
"""Seconds that a start may take, and one that replays an archive."""
_REST = 0.5
RECOVERY_SIGNAL = "recovery.signal"
_INSTALLED = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")


class NoPostgres(Exception):
    """PostgreSQL is not installed, or does not start; the message says what to do."""


class ProgramFailed(Exception):
    """One of PostgreSQL's programs failed; the message has its own words."""


@dataclass(frozen=True)
class PrivateCluster:
    """The cluster in `folder`; `durable` False makes it fast and forgetful, for tests. `settings` are PostgreSQL's, beside ours."""

    folder: Path
    shared_buffers: str = ""
    durable: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "postgres"

    @property
    def sockets(self) -> Path:
        """Return the folder of the socket; its path has a length limit, so a deep one moves to /tmp."""
        inside = self.folder / "run"
        if len(str(inside)) < _SOCKET_PATH_LIMIT - len("/.s.PGSQL.5432"):
            return inside
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"armillary-{digest}"

    def conninfo(self, user: str) -> str:
        return f"host={self.sockets} dbname=armillary user={user}"

    def is_running(self) -> bool:
        return self.data.exists() and self._pg_ctl("status", check=False).returncode == 0

    def start(self) -> None:
        """Makes the cluster if it is not there yet, and starts it. Raises: NoPostgres."""
        if not (self.data / "PG_VERSION").exists():
            self._create()
        self._make_folder(self.sockets)
        self._configure()
        log = self.folder / "postgres.log"
        recovers = (self.data / RECOVERY_SIGNAL).exists()
        self._pg_ctl(
            "start", "-w", "-t", str(_RECOVERY if recovers else _START), "-l", str(log), "-o", f"-k {self.sockets}"
        )
        if recovers:
            # It takes connections that read as soon as the backup is consistent.
            while self._ask("SELECT pg_is_in_recovery()") == "t":
                time.sleep(_REST)
        self._create_database()

    def stop(self, mode: str = "fast") -> None:
        """`mode` as pg_ctl has it."""
        self._pg_ctl("stop", "-m", mode, "-w", check=False)

    @contextmanager
    def running(self, *, keeps: bool = False) -> Iterator[bool]:
        """Running as long as the block lasts; the last process that uses it stops it. Yields whether it was started.

        One that was running before, and nobody's of us, goes on. `keeps`: this process is the service.
        """
        if not self.folder.is_dir():
            self._make_folder(self.folder)
        with ExitStack() as use:
            started = self._begin_use(use, keeps=keeps)
            try:
                yield started
            finally:
                self._end_use(use)

    def _begin_use(self, use: ExitStack, *, keeps: bool) -> bool:
        """Use it until `use` is closed; start it where it does not run. Return whether that was so."""
        with turn(self.folder):
            use.enter_context(using(self.folder))
            started = not self.is_running()
            if started:
                self.start()
            if started or (keeps and self._keeper.exists()):
                self._keeper.write_text(str(os.getpid()))
        return started

    def _end_use(self, use: ExitStack) -> None:
        with turn(self.folder):
            use.close()
            if self._keeper.exists() and not is_used(self.folder):
                self.stop()
                self._keeper.unlink()

    def keep_running(self) -> bool:
        """Start it again if it went down, and return whether it did. What prevents that now is tried the next time."""
        if not self.is_running():
            with suppress(NoPostgres, OSError), turn(self.folder):
                if not self.is_running():
                    self.start()
                    return True
        return False

    @property
    def _keeper(self) -> Path:
        """Return the file that says that one of us started it; it has the number of the service, or who else did."""
        return self.folder / "keeper.pid"

    # ---- making it

    def _create(self) -> None:
        self._make_folder(self.folder)
        sync = [] if self.durable else ["--no-sync"]
        options = ["-U", ADMIN, "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", *sync]
        self._run([program("initdb"), "-D", str(self.data), *options])

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        user = _unprivileged_user()
        if user:
            shutil.chown(folder, user.pw_name)

    def _configure(self) -> None:
        lines = [f"{name} = {value!r}" for name, value in self._settings().items()]
        path = self.data / "armillary.conf"
        path.write_text("\n".join(["# Written by armillary at every start.", *lines, ""]))
        path.chmod(0o644)
        main = self.data / "postgresql.conf"
        include = "include_if_exists = 'armillary.conf'\n"
        if include not in main.read_text():
            with main.open("a") as file:
                file.write(include)

    def _settings(self) -> dict[str, str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_permissions": "0700",
            "shared_buffers": self.shared_buffers or f"{_quarter_of_memory()}MB",
            "maintenance_work_mem": "512MB",
            "effective_io_concurrency": "200",
            "random_page_cost": "1.1",
            "max_connections": "200",
            "max_wal_size": "4GB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return settings | dict(self.settings)

    def _create_database(self) -> None:
        if not self._ask("SELECT 1 FROM pg_database WHERE datname = 'armillary'"):
            self._ask("CREATE DATABASE armillary")

    def _ask(self, statement: str) -> str:
        command = [program("psql"), "-h", str(self.sockets), "-U", ADMIN, "-d", "postgres", "-Atqc", statement]
        return self._run(command).stdout.strip()

    # ---- running programs as somebody who is not root

    def _pg_ctl(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self._run([program("pg_ctl"), "-D", str(self.data), *arguments], check=check)

    def _run(self, command: list[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
        user = _unprivileged_user()
        identity: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        # A file, not a pipe: the server inherits it, and a pipe would never end.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd="/", check=False, **identity
            )
            output.seek(0)
            text = output.read()
        if check and done.returncode:
            raise NoPostgres(f"{Path(command[0]).name} failed:\n{text.strip()}\n{self._last_log()}".strip())
        return subprocess.CompletedProcess(command, done.returncode, text, "")

    def _last_log(self) -> str:
        log = self.folder / "postgres.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-5:]) if log.exists() else ""


def program(name: str) -> str:
    """Return the path of the newest one installed: distributions keep initdb and pg_ctl out of the PATH. Raises: NoPostgres."""
    for pattern in _INSTALLED:
        found = sorted(Path("/").glob(pattern.lstrip("/") + f"/{name}"), key=_version)
        if found:
            return str(found[-1])
    found_in_path = shutil.which(name)
    if found_in_path:
        return found_in_path
    raise NoPostgres("PostgreSQL is not installed: apt install postgresql postgresql-15-pgsphere (Debian 12)")


def run_program(name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Run one of PostgreSQL's programs as who we are, and return what it prints. Raises: ProgramFailed, NoPostgres."""
    command, environment = [program(name), *arguments], os.environ | (environment or {})
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise ProgramFailed(f"{name} failed:\n{(done.stderr or done.stdout).strip()}")
    return done.stdout


def hand_over(folder: Path) -> None:
    """Give a folder, and all in it, to the user that runs PostgreSQL."""
    if user := _unprivileged_user():
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)


def _version(path: Path) -> float:
    digits = "".join(c for c in path.parts[-3] if c.isdigit() or c == ".")
    return float(digits or 0)


def _unprivileged_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: then its package's own user runs it. None: as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgres("There is no user that PostgreSQL could run as: adduser --system postgres")


def _quarter_of_memory() -> int:
    """Return a quarter of the memory in MB, between 128 MB and 8 GB."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000
    return max(128, min(total // 4, 8192))
