"""Looks after own tables: those whose time is over, and what interrupted changes left."""

import psycopg

from schema.load.reader import LoadError
from tap.auth.accounts import AccountsAway
from tap.engine.engine import DatabaseAway
from tap.observe import Fault, Kept, observe
from tap.own_tables.own_tables import OwnTables, TableInUse
from uws.periodic import Periodic

_EVERY = 60.0


def table_keeper(tables: OwnTables) -> Periodic:
    """Return a thread that drops them; any number may look after the same tables."""
    return Periodic("table keeper", _EVERY, lambda: _tidy(tables))


def _tidy(tables: OwnTables) -> None:
    """Do what is due; what cannot be done now is due again."""
    try:
        dropped = tables.tidy()
    except (DatabaseAway, TableInUse, LoadError, AccountsAway):
        return
    except psycopg.Error as error:
        observe(Fault("the keeper of own tables", error))
        return
    if dropped:
        observe(Kept("own tables that were over", dropped))
