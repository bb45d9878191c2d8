"""A standing query as a value, and where it is kept: with the accounts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from tap.auth.accounts import AccountStore
from tap.auth.identity import Account
from uws.parameters import ParameterError

_NAME = re.compile(r"[\w. -]{1,64}\Z")
_CHANGES_KEPT = 20
Change = Mapping[str, Any]
"""What came of a new version: when, the jobs, and how their results differ."""


@dataclass(frozen=True, slots=True)
class StandingQuery:
    """`key` is the column that tells rows apart; `content` the digest of what the last job was asked for.

    `job_id` is the last job whose result is there, `next_job` one that has not ended; `problem` is why the last has none.
    """

    standing_id: int
    account_id: int
    name: str
    query: str
    key: str | None
    notify: tuple[str, ...]
    created: datetime
    looked: datetime | None
    content: str
    job_id: str | None
    next_job: str | None
    problem: str | None
    changes: tuple[Change, ...]

    @property
    def jobs(self) -> list[str]:
        """The ids of jobs whose results are needed: for the next comparison, and to see the rows of the last."""
        compared = [self.changes[0]["first"], self.changes[0]["second"]] if self.changes else []
        return [*filter(None, [self.job_id]), *compared]


@dataclass(frozen=True, slots=True)
class NewStandingQuery:
    """What an account asks for."""

    name: str
    query: str
    key: str | None = None
    notify: tuple[str, ...] = ()


@dataclass(frozen=True)
class StandingQueries:
    """All of them. Blocks in every method, each of which raises AccountsAway."""

    accounts: AccountStore

    def of(self, account: Account) -> list[StandingQuery]:
        return [_of_row(row) for row in self.accounts.rows("standing_of", {"account_id": account.account_id})]

    def add(self, account: Account, new: NewStandingQuery) -> None:
        """Raises: ParameterError for a name that is taken, or is none."""
        if not _NAME.match(new.name):
            raise ParameterError("NAME has 1 to 64 characters: letters, digits, blanks and . _ -")
        values = {"account_id": account.account_id, "name": new.name, "query": new.query, "key": new.key}
        if not self.accounts.rows("add_standing", values | {"notify": list(new.notify)}):
            raise ParameterError(f"You have a standing query {new.name} already")

    def drop(self, account: Account, name: str) -> bool:
        """Return whether there was one."""
        return bool(self.accounts.rows("drop_standing", {"account_id": account.account_id, "name": name}))

    def due(self, seconds: float, most: int) -> list[tuple[str, StandingQuery]]:
        """Return some that nobody has looked at for so many seconds, with the names of their owners; others leave them alone."""
        rows = self.accounts.rows("due_standing", {"seconds": seconds, "most": most})
        return [(row["owner"], _of_row(row)) for row in rows]

    def runs(self, standing: StandingQuery, content: str, job_id: str) -> None:
        values = {"standing_id": standing.standing_id, "content": content, "job_id": job_id}
        self.accounts.rows("standing_runs", values)

    def failed(self, standing: StandingQuery, problem: str, *, again: bool = False) -> None:
        """Keep why there is no result; it is asked `again` when it is due, else when its data have changed."""
        values = {"standing_id": standing.standing_id, "problem": problem[:2000], "again": again}
        self.accounts.rows("standing_failed", values)

    def has_result(self, standing: StandingQuery, change: Change | None) -> None:
        """Keep that its next job has a result, and what is different in it."""
        changes = ([change] if change else []) + list(standing.changes)
        values = {"standing_id": standing.standing_id, "changes": Jsonb(changes[:_CHANGES_KEPT])}
        self.accounts.rows("standing_has_result", values)


def _of_row(row: Mapping[str, Any]) -> StandingQuery:
    values = {field.name: row[field.name] for field in fields(StandingQuery)}
    return StandingQuery(**values | {name: _as_tuple(values[name]) for name in ("notify", "changes")})


def _as_tuple(values: Sequence[Any] | None) -> tuple[Any, ...]:
    return tuple(values or ())
