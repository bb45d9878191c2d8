"""Conninfos that name several hosts, of which one takes writes and the others follow it: which of them a session needs.

armillary_reader's transactions only read by default, which libpq's `read-write` takes for a server that only reads: its
sessions look for the `primary` instead.
"""

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from schema.roles import READER

_ATTRIBUTE = "target_session_attrs"
_PRIMARY = "primary"
_UNANSWERED = 2
"""Seconds after which the next host is tried: a machine that is off says nothing, and libpq waits for minutes."""


def names_several(conninfo: str) -> bool:
    options = conninfo_to_dict(conninfo)
    return any("," in str(options.get(name) or "") for name in ("host", "hostaddr"))


def patient(conninfo: str) -> str:
    """Return the conninfo with a connect_timeout for each of several hosts, unless it has one."""
    if not names_several(conninfo) or conninfo_to_dict(conninfo).get("connect_timeout"):
        return conninfo
    return make_conninfo(conninfo, connect_timeout=_UNANSWERED)


def writing(conninfo: str) -> str:
    """Return a conninfo for writers: of several hosts the primary, unless it says what it wants."""
    return conninfo if conninfo_to_dict(conninfo).get(_ATTRIBUTE) else at_primary(conninfo)


def at_primary(conninfo: str) -> str:
    """Return a conninfo for sessions that make temporary tables, which a standby cannot.

    It is the same where there is one host.
    """
    attribute = conninfo_to_dict(conninfo).get(_ATTRIBUTE)
    if attribute == _PRIMARY or (attribute is None and not names_several(conninfo)):
        return conninfo
    return make_conninfo(conninfo, **{_ATTRIBUTE: _PRIMARY})


def may_be_standby(conninfo: str) -> bool:
    """Return whether its sessions may be on a server that only follows."""
    return at_primary(conninfo) != conninfo


def as_reader(owner: str) -> str:
    """Return the owner's conninfo for armillary_reader."""
    return at_primary(make_conninfo(owner, user=READER))


def finds_no_reader(conninfo: str) -> bool:
    """Return whether it asks for what no session of armillary_reader is."""
    return conninfo_to_dict(conninfo).get(_ATTRIBUTE) == "read-write"


def attempts(conninfo: str) -> int:
    """Return how many hosts may be tried in vain before one answers."""
    options = conninfo_to_dict(conninfo)
    hosts = max(str(options.get(name) or "").count(",") for name in ("host", "hostaddr")) + 1
    rounds = 2 if options.get(_ATTRIBUTE) == "prefer-standby" else 1
    return hosts * rounds - 1


def seconds_each(conninfo: str) -> int:
    """Return the seconds that each of its hosts is waited for."""
    return int(conninfo_to_dict(conninfo).get("connect_timeout") or _UNANSWERED)
