"""What a client is told of an error, as the protocol at a URL wants it."""

from tap.dal.urls import CONES, IMAGES
from tap.datalink.faults import PATH as LINKS
from tap.datalink.faults import with_fault
from tap.errors import Answer
from tap.formats.votable_document import cone_error_document, error_document

_BULK = "/bulk/"
_FAULTS = {500: "FatalFault", 501: "FatalFault", 503: "TransientFault", 504: "TransientFault"}


def document_at(path: str, answer: Answer) -> tuple[int, bytes]:
    """Return the HTTP status and the document of an error."""
    if path.startswith(f"{CONES}/"):
        # Clients of SCS, which knows no status, read no document that comes with another than 200.
        return 200 if answer.status == 400 else answer.status, cone_error_document(answer.message)
    if path.startswith(f"{IMAGES}/"):
        fault = _FAULTS.get(answer.status, "UsageFault")
        return answer.status, error_document(f"{fault}: {answer.message}", answer.reason)
    if path.endswith(LINKS) or path.startswith(_BULK):
        answer = with_fault(answer)
    return answer.status, error_document(answer.message, answer.reason)
