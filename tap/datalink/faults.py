"""The words with which messages about links begin (DataLink 1.1 §3.4)."""

from dataclasses import replace

from tap.errors import Answer, describe

PATH = "/datalink/links"
"""Where {links} is, below the service and at the root."""
_FAULTS = {401: "DefaultFault", 403: "DefaultFault", 404: "NotFoundFault", 429: "TransientFault"}


def fault_of(status: int) -> str:
    """Return the word for a status of HTTP."""
    if status == 500:
        return "FatalFault"
    return _FAULTS.get(status, "UsageFault" if status < 500 else "TransientFault")


def with_fault(answer: Answer) -> Answer:
    return replace(answer, message=f"{fault_of(answer.status)}: {answer.message}")


def message_of(error: Exception) -> str:
    """Return what a document tells of an error that came when it had begun."""
    return with_fault(describe(error)).message
