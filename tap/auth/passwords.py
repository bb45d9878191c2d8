"""Passwords: kept as argon2id (RFC 9106), and hard to guess because each wrong one makes the next wait longer.

Nothing tells whether an account exists: a name that does not costs the same time, and counts the same failures.
"""

import hmac
import math
import secrets
import threading
from collections import OrderedDict
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tap.auth.accounts import AccountStore, Record
from tap.auth.identity import Account

LONGEST = 1024
"""Characters of a password."""
SHORTEST = 10

_VERIFIED = 10_000
"""Credentials that a process knows to be right, so that HTTP Basic costs argon2 once and not with every request."""
AT_ONCE = 2
"""Hashes computed at the same time: each takes 64 MiB."""
_FREE = {"pair": 5, "address": 30, "account": 100}
"""Wrong passwords before the next must wait: of an account from an address, from an address, of an account."""
_LONGEST_DELAY = 900.0

_HASHER = PasswordHasher()
_hashing = threading.BoundedSemaphore(AT_ONCE)


class WrongPassword(Exception):
    """The account, or its password, is not right; which of them is not told."""


class TooManyAttempts(Exception):
    """There were too many wrong passwords; the next is looked at in `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class WeakPassword(Exception):
    """The password is too short or too long to be one."""


def hashed(password: str) -> str:
    """Raises: WeakPassword."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(f"A password has {SHORTEST} to {LONGEST} characters")
    with _hashing:
        return _HASHER.hash(password)


@cache
def _of_nobody() -> str:
    """Return the hash that a password is compared with where there is no such account, so that this takes as long."""
    return _HASHER.hash(secrets.token_urlsafe(16))


class Passwords:
    """Tells whose password it is."""

    def __init__(self, store: AccountStore) -> None:
        self._store = store
        self._key = secrets.token_bytes(32)
        self._verified: OrderedDict[bytes, str] = OrderedDict()
        self._lock = threading.Lock()

    def account(self, name: str, password: str, address: str) -> Account:
        """Return the account whose name and password these are.

        Raises: WrongPassword, TooManyAttempts, AccountsAway.
        """
        record = self._record(name)
        keys = _keys(record.account.name if record else name, address)
        with _hashing:
            # Within, so that no more than a few are compared before they are counted.
            self._check_delay(keys)
            right = self._right_hash(record, password)
            if right is None:
                self._store.count_failure(list(keys.values()))
                raise WrongPassword
        if record is None or record.disabled:
            raise WrongPassword
        self._store.forget_failures(keys["pair"])
        self._remember(self._mark(record, password, address), right)
        return record.account

    def known(self, name: str, password: str, address: str) -> Account | None:
        """Return the account if these were found right before, from the same address, by this process."""
        record = self._record(name)
        if record is None or record.disabled or record.password is None:
            return None
        with self._lock:
            is_known = self._verified.get(self._mark(record, password, address)) == record.password
        return record.account if is_known else None

    def _record(self, name: str) -> Record | None:
        return self._store.record(name) if "\0" not in name else None

    def _check_delay(self, keys: dict[str, str]) -> None:
        failures = self._store.failures(list(keys.values()))
        waits = [0.0]
        for kind, key in keys.items():
            count, since = failures.get(key, (0, 0.0))
            if count >= _FREE[kind]:
                waits.append(min(2.0 ** min(count - _FREE[kind], 20), _LONGEST_DELAY) - since)
        if max(waits) > 0:
            raise TooManyAttempts(math.ceil(max(waits)))

    def _right_hash(self, record: Record | None, password: str) -> str | None:
        """Return the hash of the password that is kept now, None if it is wrong.

        It takes as long where there is nothing to compare with.
        """
        stored = record.password if record and record.password else _of_nobody()
        try:
            _HASHER.verify(stored, password[:LONGEST])
        except (VerificationError, InvalidHashError):
            return None
        if record is None or record.password is None:
            return None
        if not _HASHER.check_needs_rehash(stored):
            return stored
        better = _HASHER.hash(password)
        self._store.rehash(record, better)
        return better

    def _remember(self, mark: bytes, stored: str) -> None:
        with self._lock:
            self._verified[mark] = stored
            while len(self._verified) > _VERIFIED:
                self._verified.popitem(last=False)

    def _mark(self, record: Record, password: str, address: str) -> bytes:
        """Return what stands for a credential in memory, of no use outside this process."""
        return hmac.digest(self._key, f"{record.account.account_id}\0{address}\0{password}".encode(), "sha256")


def _keys(name: str, address: str) -> dict[str, str]:
    short = name[:64].lower().replace("\0", "")
    return {"pair": f"{short} from {address}", "address": f"from {address}", "account": f"of {short}"}
