"""What can be said of a query before it runs: by the service, where it tells, else by our own translator as a remark."""

from collections.abc import Mapping
from typing import Any

from adql.errors import AdqlError
from adql.translate import translate
from tap.client.shell.loaded_files import named_in
from tap.client.shell.shell import Complaint, Shell

_ACCESS = {"index": "by an index", "all rows": "all its rows", "first rows": "its first rows"}


def advise(shell: Shell, query: str) -> None:
    """Say what is wrong with a query. Raises: Complaint where the service would refuse it."""
    report = _report(shell, query)
    if report is None:
        _advise_from_here(shell, query)
        return
    _complain(report)
    for warning in report["warnings"]:
        shell.say(f"Remark: {warning['message']}.{_instead(warning)}", "yellow")
    shell.say("It can be run; it gives " + ", ".join(report["columns"]))


def _report(shell: Shell, query: str) -> Mapping[str, Any] | None:
    """Return what the service says; of files that are on this machine only it can say nothing."""
    if named_in(query, shell.files):
        return None
    with shell.waiting("asking"):
        return shell.service.report(query)


def _complain(report: Mapping[str, Any]) -> None:
    if error := report["error"]:
        lines = [error["message"], error["quoted"], f"Hint: {error['hint']}" if error["hint"] else ""]
        raise Complaint("\n".join(filter(None, lines)))


def _instead(warning: Mapping[str, Any]) -> str:
    return "".join(f" Write {repair['text']} instead." for repair in warning["repairs"])


def _advise_from_here(shell: Shell, query: str) -> None:
    """Say what our own translator thinks, which does not know all that another service may know."""
    with shell.waiting("reading TAP_SCHEMA"):
        shell.published.wait()
        shell.published.learn_columns(query)
    try:
        translation = translate(query, shell.catalogue)
    except AdqlError as error:
        shell.say(
            "The service does not check queries; from here it looks wrong, but it may know what we do not:", "yellow"
        )
        shell.say(error.explain())
        return
    for lint in translation.lints:
        if not lint.when_cut:
            shell.say(f"Remark: {lint}", "yellow")
    names = ", ".join(output.name for output in translation.outputs)
    shell.say(f"Nothing is wrong as seen from here (the service does not check queries); it gives {names}")


def remark_on(shell: Shell, query: str, message: str) -> str:
    """Return what our own translator says of a query that a service refused without a place; empty for what it finds right."""
    if "^" in message or not shell.published.is_known:
        return ""
    shell.published.learn_columns(query)
    try:
        translate(query, shell.catalogue)
    except AdqlError as error:
        return error.explain()
    return ""


def explain_query(shell: Shell, query: str) -> None:
    """Say what the service would do. Raises: Complaint where it does not tell, or would refuse the query."""
    report = _report(shell, query)
    if report is None:
        raise Complaint("This service does not tell how it would run a query; `check` finds what is wrong with one")
    _complain(report)
    for table in report["tables"]:
        rows = f", {table['rows']:,} rows" if table["rows"] is not None else ""
        access = f", read: {_ACCESS.get(table['access'], table['access'])}" if table["access"] else ""
        shell.say(f"{table['name']}{rows}{access}")
    if report["strategy"]:
        shell.say(f"{report['strategy']}: {', '.join(report['shards'])}".removesuffix(": "))
    if estimate := report["estimate"]:
        shell.say(_expected(estimate))


def _expected(estimate: Mapping[str, Any]) -> str:
    seconds = estimate["seconds"]
    took = f"; such jobs took {seconds[0]:.2g} to {seconds[1]:.2g} s" if seconds else ""
    return f"expected: {estimate['rows']:,} rows, {estimate['bytes']:,} bytes{took}"
