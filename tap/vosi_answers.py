"""VOSI's documents as answers: XML, or the same as JSON for clients that ask for it."""

from starlette.requests import Request
from starlette.responses import Response

from tap.entity_tags import tagged
from tap.formats import find_format
from tap.formats.format import Format
from uws.accept import JSON, XML, Accept, wants_json
from uws.json_documents import JsonRule
from uws.parameters import ParameterError, Parameters

_VOTABLE = "application/x-votable+xml"

VOSI_JSON = JsonRule(
    arrays={
        # capabilities and availability
        "capability": "capabilities",
        "interface": "interfaces",
        "securityMethod": "securityMethods",
        "dataModel": "dataModels",
        "language": "languages",
        "version": "versions",
        "languageFeatures": "languageFeatures",
        "feature": "features",
        "outputFormat": "outputFormats",
        "alias": "aliases",
        "uploadMethod": "uploadMethods",
        "note": "notes",
        # tables
        "schema": "schemas",
        "table": "tables",
        "column": "columns",
        "flag": "flags",
        "foreignKey": "foreignKeys",
        "fkColumn": "fkColumns",
    },
    numbers=frozenset({"nrows", "default", "hard", "maxSR", "maxRecords", "ra", "dec", "sr"}),
    booleans=frozenset({"available", "std", "verbosity"}),
)


def vosi_answer(request: Request, document: bytes) -> Response:
    """Return a document in the form that the client asks for, with its ETag."""
    if wants_json(request.scope):
        return tagged(request, Response(VOSI_JSON.document(document), media_type=JSON))
    return tagged(request, Response(document, media_type=XML[0]))


def votable_wanted(request: Request, parameters: Parameters) -> tuple[Format, str] | None:
    """Return the VOTable that is asked for in place of the document of a table, and its media type (VOSI 1.2 §3.3.2, a draft).

    RESPONSEFORMAT, or FORMAT, counts before Accept. None for the document itself. Raises: ParameterError.
    """
    name = parameters.one("RESPONSEFORMAT") or parameters.one("FORMAT")
    if name is None:
        return find_format("votable") if Accept.of(request.scope).prefers(_VOTABLE, JSON, *XML) else None
    if name.lower() in {*XML, "xml"}:
        return None
    match = find_format(name)
    if match is None or not match[1].startswith(_VOTABLE):
        raise ParameterError(
            f"RESPONSEFORMAT of a table can be votable or xml, not {name[:80]!r}; with Accept: {JSON} it is JSON"
        )
    return match
