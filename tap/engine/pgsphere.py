"""pgSphere in a database: make it, and mend its script where PostgreSQL refuses it.

Since 15.20 and its siblings PostgreSQL refuses two operators at the end of pg_sphere 1.2.0's script:
the old spellings `@ (bigint, smoc)` and `@ (spoint, smoc)` claim commutators and negators that
belong to `<@`. We never use them; without these clauses the script installs.
"""

import re
from pathlib import Path

import psycopg

_REFUSED = re.compile(r"is already the (commutator|negator) of operator")
_OPERATOR = re.compile(r"CREATE\s+OPERATOR\s+@\s*\((?P<body>[^;]*?)\)\s*;", re.IGNORECASE)
_CLAIM = re.compile(r"(?im)^\s*(COMMUTATOR|NEGATOR)\s*=\s*'?[^,\n]*'?,?\s*$\n?|(COMMUTATOR|NEGATOR)\s*=\s*[^,\s]+\s*,?")
_ARGUMENTS = re.compile(r"LEFTARG\s*=\s*(bigint|spoint).*?RIGHTARG\s*=\s*smoc", re.IGNORECASE | re.DOTALL)


class PgSphereMissing(Exception):
    """pgSphere is not installed or cannot be; the message says what to do."""


def ensure_pgsphere(connection: psycopg.Connection, say: "object" = print) -> str:
    """Return the version of pgSphere in this database, which is made if it is missing. `say` is told of a repair.

    Raises: PgSphereMissing.
    """
    if not _version(connection):
        _create(connection, say if callable(say) else print)
    return _version(connection) or ""


def _version(connection: psycopg.Connection) -> str | None:
    row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'pg_sphere'").fetchone()
    return str(row[0]) if row else None


def _create(connection: psycopg.Connection, say: object) -> None:
    try:
        with connection.transaction():
            connection.execute("CREATE EXTENSION pg_sphere SCHEMA public")
        return
    except psycopg.errors.FeatureNotSupported as error:
        server = connection.info.server_version // 10000
        raise PgSphereMissing(f"pgSphere is not installed: apt install postgresql-{server}-pgsphere") from error
    except psycopg.Error as error:
        if not _REFUSED.search(str(error)):
            raise PgSphereMissing(f"pgSphere cannot be made: {error}") from error
    _repair_installed(connection, say)
    with connection.transaction():
        connection.execute("CREATE EXTENSION pg_sphere SCHEMA public")


def _repair_installed(connection: psycopg.Connection, say: object) -> None:
    path = _script(connection)
    try:
        changed = repair(path)
    except OSError as error:
        message = f"{path} must be repaired for this PostgreSQL, which needs root: run `armillary check` as root once"
        raise PgSphereMissing(message) from error
    if changed and callable(say):
        say(f"repaired {path} for this PostgreSQL (the original is {path.name}.orig beside it)")


def _script(connection: psycopg.Connection) -> Path:
    found = connection.execute(
        "SELECT default_version, setting FROM pg_available_extensions, pg_config"
        " WHERE pg_available_extensions.name = 'pg_sphere' AND pg_config.name = 'SHAREDIR'"
    ).fetchone()
    if found is None:
        raise PgSphereMissing("pgSphere's script cannot be found")
    return Path(found[1]) / "extension" / f"pg_sphere--{found[0]}.sql"


def repair(script: Path) -> bool:
    """Leave the claims out of the two operators, keeping the original beside; return False if there were none."""
    before = script.read_text("utf-8")
    after = without_claims(before)
    if after == before:
        return False
    original = script.with_name(script.name + ".orig")
    if not original.exists():
        original.write_text(before, "utf-8")
    script.write_text(after, "utf-8")
    return True


def without_claims(text: str) -> str:
    """Return the script with COMMUTATOR and NEGATOR gone from `@ (bigint, smoc)` and `@ (spoint, smoc)`."""
    return _OPERATOR.sub(_mend, text)


def _mend(match: re.Match[str]) -> str:
    body = match["body"]
    if not _ARGUMENTS.search(body):
        return match.group()
    kept = _CLAIM.sub("", body).rstrip().rstrip(",")
    return match.group().replace(body, kept + "\n")
