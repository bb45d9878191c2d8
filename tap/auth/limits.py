"""What one may use: as the configuration says, or as one's groups do, of several the group that gives most."""

import math
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache

from tap.auth.identity import Account, Limits
from tap.config import SETTINGS, Config
from tap.config_sections import ConfigError

NAMES = (
    "maxrec_hard",
    "sync_limit",
    "queries_per_owner",
    "job_duration_limit",
    "jobs_running_per_owner",
    "jobs_waiting_per_owner",
    "results_per_owner",
    "own_tables",
    "own_rows",
    "own_bytes",
    "own_days",
)
"""The settings that a group can have another value of."""
_UNLIMITED_BY_ZERO = frozenset(NAMES) - {"maxrec_hard", "sync_limit", "queries_per_owner", "jobs_waiting_per_owner"}
_ACCOUNTS = 1024
_LARGEST = {"own_days": 1_000_000, "sync_limit": 10_000_000, "job_duration_limit": 10 * 365 * 86_400}


class BadLimit(Exception):
    """A group cannot have such a limit."""


def checked(name: str, text: str) -> float:
    """Return the value of a limit as it is typed. Raises: BadLimit."""
    if name not in NAMES:
        raise BadLimit(f"There is no limit {name}; known are {', '.join(NAMES)}")
    try:
        value = next(setting.type for setting in SETTINGS if setting.name == name)(text)
        _check(name, value)
    except (ValueError, ConfigError) as error:
        raise BadLimit(f"{name} cannot be {text!r}: {error}") from error
    if value < 0 or (value == 0 and name not in _UNLIMITED_BY_ZERO):
        raise BadLimit(f"{name} must be more than 0" if value == 0 else f"{name} must not be negative")
    return float(value) if isinstance(value, float) else int(value)


_LEAST = {"maxrec_hard": "maxrec_default", "job_duration_limit": "job_duration_default"}
"""What must not be larger than a limit."""


def _check(name: str, value: float) -> None:
    """Raises: ConfigError, ValueError."""
    if not math.isfinite(value) or value > _LARGEST.get(name, sys.maxsize):
        raise ValueError(f"it can be {_LARGEST.get(name, sys.maxsize):,} at most")
    Config().changed(**{name: value, **({_LEAST[name]: 1} if name in _LEAST else {})})


def merged(limits_of_groups: Iterable[Mapping[str, float]]) -> Limits:
    """Return for each name the largest value of all groups that have one; 0 is more than any where it means no limit."""
    values: dict[str, float] = {}
    for limits in limits_of_groups:
        for name, value in limits.items():
            if name in NAMES:
                values[name] = _larger(name, values.get(name, value), value)
    return tuple(sorted(values.items()))


def _larger(name: str, one: float, other: float) -> float:
    if name in _UNLIMITED_BY_ZERO and 0 in {one, other}:
        return 0
    return max(one, other)


def config_for(config: Config, account: Account | None) -> Config:
    """Return the configuration as it holds for an account."""
    return _changed(config, account.limits) if account and account.limits else config


@lru_cache(_ACCOUNTS)
def _changed(config: Config, limits: Limits) -> Config:
    values = dict(limits)
    if "maxrec_hard" in values:
        values["maxrec_default"] = min(config.limits.maxrec_default, values["maxrec_hard"])
    if longest := values.get("job_duration_limit"):
        values["job_duration_default"] = min(config.jobs.job_duration_default, longest)
    return config.changed(**values)


def limits_for(config: Config, account: Account | None) -> dict[str, float]:
    """Return the limits of an account by name."""
    own = config_for(config, account)
    return {setting.name: setting.value(own) for setting in SETTINGS if setting.name in NAMES}
