"""Backup and restore of a service that has its private PostgreSQL: catalogues, jobs, accounts, own tables, and results.

The database is copied first, while it runs, as of the end of its copy; then the results, which are never changed once
they are there. So each job in the backup has its result there, unless it was deleted while the backup was made. Rows on
shards are copied last.
"""

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from schema.model import string_literal
from tap.config import Config
from tap.engine.database import Say, cluster_of, owner_connection, running_database
from tap.engine.private import ADMIN, RECOVERY_SIGNAL, NoPostgres, hand_over, run_program
from tap.sharding.backup import dump_shards, ranges_of_shards
from tap.storage import results_folder, storage_of
from tap.version import VERSION
from uws.timestamps import write_instant

_MANIFEST = "armillary.json"
_ARCHIVES = re.compile(r"^\s*archive_mode\s*=?\s*'?(on|always)", re.MULTILINE | re.IGNORECASE)
_LAST_SETTINGS = "postgresql.auto.conf"
_TOO_EARLY = "recovery ended before configured recovery target was reached"
_LAST = re.compile(r"last completed transaction was at log time (\S+ \S+)")
_DATABASE, _RESULTS = "postgres", "results"
SHARDS = "shards"
"""The folder of a backup with the rows on shards."""


class BackupError(Exception):
    """A backup cannot be made or restored; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """What a backup is of: the database as it was when it was `made`; `results` files lie in it, none where they are elsewhere."""

    armillary: str
    postgresql: str
    made: str
    results: int
    results_bytes: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """The archive of PostgreSQL's write-ahead log that a restored database goes on with, to its end or until an instant."""

    archive: Path
    until: datetime | None = None


def back_up(config: Config, folder: Path, since: Path | None, say: Say) -> BackupManifest:
    """Make a backup of a service that runs, in a folder that is not there yet.

    Results that the backup `since` has already are linked to, and take no room. Raises: BackupError, ProgramFailed, ShardError, OSError.
    """
    if config.database.database:
        raise BackupError(
            "The database is a PostgreSQL of your own: back it up by its own tools, and the results after it (docs/operations.md)"
        )
    if folder.exists():
        raise BackupError(f"{folder} is there already; each backup has a folder of its own")
    if since:
        _manifest(since)
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    cluster = cluster_of(config.database)
    with owner_connection(config) as owner:
        ranges = ranges_of_shards(owner)
        say("the database")
        server = ["-h", str(cluster.sockets), "-U", ADMIN]
        run_program("pg_basebackup", *server, "-D", str(partial / _DATABASE), "-X", "stream", "-c", "fast")
        made = datetime.now(UTC)
        run_program("pg_verifybackup", str(partial / _DATABASE))
        results, size = _copy_results(config, partial / _RESULTS, since and since / _RESULTS, say)
        dump_shards(owner, partial / SHARDS, ranges, say)
    postgresql = (partial / _DATABASE / "PG_VERSION").read_text().strip()
    manifest = BackupManifest(VERSION, postgresql, write_instant(made) or "", results, size)
    (partial / _MANIFEST).write_text(json.dumps(asdict(manifest), indent=1) + "\n")
    partial.rename(folder)
    return manifest


def restore(
    config: Config, folder: Path, say: Say, recovery: Recovery | None = None, *, takes_over: bool = False
) -> BackupManifest:
    """Put a backup where a service has nothing yet, but for rows on shards; with an archive, its log is replayed at the start.

    Its own log goes into no archive: one service at a time may write there. `takes_over` where results lie already.
    Raises: BackupError, ProgramFailed, StorageAway, OSError.
    """
    manifest = _manifest(folder)
    cluster = cluster_of(config.database)
    if recovery and recovery.until and recovery.until < datetime.fromisoformat(manifest.made):
        raise BackupError(f"The backup was made at {manifest.made}, later than that: take an older one")
    if config.database.database:
        raise BackupError("A backup goes into a private PostgreSQL, but `database` names one of your own")
    if cluster.data.exists():
        raise BackupError(f"{cluster.data} is there already: restore into another data_dir, or move it away")
    if not takes_over and next(storage_of(config, lambda: False).keys(), None) is not None:
        raise BackupError(
            f"There are results in {results_folder(config) or config.jobs.results} already, and a service deletes those that its jobs"
            " do not know. For a trial, name another place in `results`; where this service takes the place of one that"
            " runs no more, say --take-over"
        )
    installed = run_program("pg_basebackup", "--version").split()[2].partition(".")[0]
    if installed != manifest.postgresql:
        raise BackupError(f"The backup is of PostgreSQL {manifest.postgresql}; installed is {installed}")
    say("verifying the backup")
    run_program("pg_verifybackup", str(folder / _DATABASE))
    results = results_folder(config)
    if results and (folder / _RESULTS).is_dir():
        say("the results of jobs")
        _copy(folder / _RESULTS, results)
    say("the database")
    partial = cluster.data.with_name("postgres.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(folder / _DATABASE, partial)
    partial.chmod(0o700)
    _stop_archiving(partial, say)
    if recovery:
        _prepare_recovery(partial, recovery)
    hand_over(cluster.folder)
    partial.rename(cluster.data)
    return manifest


def _stop_archiving(data: Path, say: Say) -> None:
    """Keep a restored database from writing into the archive of the one that was backed up."""
    if not any(_ARCHIVES.search((data / name).read_text("utf-8")) for name in ("postgresql.conf", _LAST_SETTINGS)):
        return
    _add_settings(data, {"archive_mode": "off"})
    say("its write-ahead log is archived no more: a service that stays needs an archive of its own (archive_mode)")


@contextmanager
def recovering(config: Config, recovery: Recovery | None) -> Iterator[None]:
    """Run a restored database as long as the block lasts.

    Where its archive ends too early, what was restored is removed. Raises: BackupError, NoPostgres.
    """
    try:
        with running_database(config):
            yield
    except NoPostgres as error:
        if recovery is None or _TOO_EARLY not in str(error):
            raise
        shutil.rmtree(cluster_of(config.database).data)
        last = _LAST.search(str(error))
        reaches = f"; what it has last is of {last[1]}" if last else ""
        raise BackupError(f"The archive ends before that instant{reaches}. Nothing is restored") from error


def _prepare_recovery(data: Path, recovery: Recovery) -> None:
    """Let PostgreSQL replay the archive when it starts."""
    archive = shlex.quote(str(recovery.archive)).replace("%", "%%")
    settings = {"restore_command": f"cp {archive}/%f %p", "recovery_target_action": "promote"}
    if recovery.until:
        settings["recovery_target_time"] = recovery.until.isoformat()
    _add_settings(data, settings)
    (data / RECOVERY_SIGNAL).touch()


def _add_settings(data: Path, settings: Mapping[str, str]) -> None:
    """Add settings of PostgreSQL, where they count before all others."""
    lines = [f"{name} = {string_literal(value)}\n" for name, value in settings.items()]
    with (data / _LAST_SETTINGS).open("a", encoding="utf-8") as file:
        file.writelines(lines)


def _manifest(folder: Path) -> BackupManifest:
    try:
        return BackupManifest(**json.loads((folder / _MANIFEST).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise BackupError(f"{folder} is no whole backup: {_MANIFEST} cannot be read") from error


def _copy_results(config: Config, target: Path, since: Path | None, say: Say) -> tuple[int, int]:
    source = results_folder(config)
    if source is None:
        say(f"Results lie in {config.jobs.results}: the bucket has backups of its own")
        return 0, 0
    say("the results of jobs")
    return _copy(source, target, since)


def _copy(source: Path, target: Path, since: Path | None = None) -> tuple[int, int]:
    """Copy a folder, or link to what lies in `since` under the same name, since results never change.

    What is deleted meanwhile is left out. Return how many files, and their bytes.
    """
    count, size = 0, 0
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in sorted(source.rglob("[!.]*")) if source.is_dir() else ():
        copy = target / path.relative_to(source)
        with suppress(FileNotFoundError):
            if path.is_dir():
                copy.mkdir(exist_ok=True)
            else:
                copy.parent.mkdir(parents=True, exist_ok=True)
                _copy_or_link(path, copy, since and since / path.relative_to(source))
                count, size = count + 1, size + copy.stat().st_size
    return count, size


def _copy_or_link(path: Path, copy: Path, old: Path | None) -> None:
    """Raises: FileNotFoundError for a file that is gone."""
    if old and old.is_file() and old.stat().st_size == path.stat().st_size:
        # Another disk has no links.
        with suppress(OSError):
            os.link(old, copy)
            return
    shutil.copy2(path, copy)
