"""A thread that drops own tables whose time is over, and what interrupted changes left."""

import threading
from collections.abc import Callable

import psycopg

from schema.load.reader import LoadError
from tap.auth.accounts import AccountsAway
from tap.engine.engine import DatabaseAway
from tap.observe import Fault, observe
from tap.own_tables.own_tables import OwnTables, TableInUse

_EVERY = 60.0


class TableKeeper:
    """Any number may look after the same tables; `observe` is told how many were dropped."""

    def __init__(self, tables: OwnTables, observe: Callable[[int], None]) -> None:
        self._tables = tables
        self._observe = observe
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="table keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(5)

    def _keep(self) -> None:
        while not self._stopped.wait(_EVERY):
            try:
                dropped = self._tables.tidy()
            except (DatabaseAway, TableInUse, LoadError, AccountsAway):
                continue
            except psycopg.Error as error:
                observe(Fault("the keeper of own tables"), error)
                continue
            if dropped:
                self._observe(dropped)
