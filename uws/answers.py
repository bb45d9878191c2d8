"""What is said of jobs as answers over HTTP: documents as XML or JSON, single values as text or JSON. Jobs change, so none is kept."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from uws.accept import JSON, wants_json
from uws.json_documents import UWS_JSON

_HEADERS = {"cache-control": "no-store", "vary": "Accept"}


def document_answer(request: Request, document: bytes) -> Response:
    """Return an XML document, as JSON where that is asked for."""
    if wants_json(request.scope):
        return Response(UWS_JSON.document(document), media_type=JSON, headers=_HEADERS)
    return Response(document, media_type="text/xml", headers=_HEADERS)


def value_answer(request: Request, text: str, as_json: object) -> Response:
    """Return a text, or what stands for it where JSON is asked for."""
    if wants_json(request.scope):
        return JSONResponse(as_json, headers=_HEADERS)
    return Response(text, media_type="text/plain", headers=_HEADERS)


def see(url: str) -> Response:
    return Response(b"", 303, {"location": url})
