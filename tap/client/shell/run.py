"""The main line: a statement is run, and if it fails it is told why. Several of a script stop at the first that fails."""

from http import HTTPStatus

from tap.client.http import Refused, Unreachable
from tap.client.job import JobFailed
from tap.client.shell.advice import remark_on
from tap.client.shell.answer import QueryRefused
from tap.client.shell.faults import with_place
from tap.client.shell.file_formats import NoSuchFormat
from tap.client.shell.published import FAILURES
from tap.client.shell.queries import run_query
from tap.client.shell.remote_service import TookTooLong
from tap.client.shell.shell import Complaint, LeftAlone, Shell
from tap.client.shell.statements import Statement, statements
from tap.client.shell.verbs import verb_of

REFUSED, UNREACHABLE, INTERRUPTED = 1, 3, 130
"""How the command ends when a query was wrong, when nobody answered, and after Ctrl-C."""


def run_all(shell: Shell, text: str) -> int:
    """Run the statements of a text up to the first that fails; return the command's exit status."""
    return next((status for statement in statements(text) if (status := run_one(shell, statement))), 0)


def run_one(shell: Shell, statement: Statement) -> int:
    """Run a statement; tell why if it fails. Return the command's exit status."""
    try:
        _run(shell, statement)
    except KeyboardInterrupt:
        return _tell(shell, INTERRUPTED, "Stopped")
    except LeftAlone as error:
        return _tell(shell, INTERRUPTED, str(error))
    except Unreachable as error:
        return _tell(shell, UNREACHABLE, str(error))
    except TookTooLong:
        return _tell(shell, UNREACHABLE, "The service does not answer in time")
    except (QueryRefused, Refused, JobFailed) as error:
        return _tell(shell, REFUSED, _with_help(shell, _told(error)) if statement.is_query else _told(error))
    except (Complaint, NoSuchFormat, *FAILURES) as error:
        return _tell(shell, REFUSED, str(error))
    return 0


def _run(shell: Shell, statement: Statement) -> None:
    if statement.is_query:
        run_query(shell, statement)
    else:
        verb_of(statement)(shell, statement)


def _tell(shell: Shell, status: int, message: str) -> int:
    shell.note(message, "" if status == INTERRUPTED else "red")
    return status


def _told(error: Exception) -> str:
    """Return what a service says, and what to do where it does not know who asks."""
    is_unknown = isinstance(error, Refused) and error.status == HTTPStatus.UNAUTHORIZED
    return f"{error}\nSay who you are: --user NAME, or $TAPSH_TOKEN" if is_unknown else str(error)


def _with_help(shell: Shell, message: str) -> str:
    """Return what a service says of the last query, with the place in it, and what we think where it gives none."""
    message = with_place(message, shell.query)
    remark = remark_on(shell, shell.query, message)
    return f"{message}\nAs seen from here: {remark}" if remark else message
