"""Times as UWS writes and takes them: ISO 8601 in UTC, with T and Z (UWS 1.1 §2.2.1)."""

import re
from datetime import UTC, datetime

from uws.parameters import ParameterError

_FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?(Z|[+-]00:?00)?", re.ASCII | re.IGNORECASE
)


def write_instant(instant: datetime | None) -> str:
    """Write a time, milliseconds always, so that texts compare as times do; nothing for None."""
    if instant is None:
        return ""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def read_instant(name: str, text: str) -> datetime:
    """Return the value of the parameter `name`. Raises: ParameterError."""
    match = _FORM.fullmatch(text.strip())
    if not match:
        raise ParameterError(f"{name} must be a time in UTC such as 2030-01-31T12:00:00Z, not {text[:40]!r}")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    fraction = (match[7] or "").ljust(6, "0")[:6]
    try:
        # A leap second is the end of its minute.
        return datetime(year, month, day, hour, minute, second - (second == 60), int(fraction), UTC)
    except ValueError as error:
        raise ParameterError(f"{name}: there is no such time as {text[:40]!r}") from error
