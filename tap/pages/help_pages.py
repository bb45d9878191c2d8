"""Help: how to use the service, the language as the code knows it, limits, and the documents for users."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from adql.functions import FUNCTIONS
from adql.functions.function import Feature
from schema.words import ADQL_RESERVED
from tap.auth.identity import account_in
from tap.auth.limits import limits_for
from tap.config import Config
from tap.errors import NotFound
from tap.formats import FORMATS
from tap.pages.documentation import documents_folder
from tap.pages.rendering import Pages

_EXAMPLE_URL = re.compile(r"https://(?:tap\.)?example\.org/tap|http://localhost:8080/tap")
DOCUMENTS = {
    "ten-minutes-astronomer": "Ten minutes for an astronomer",
    "language": "The language",
    "topcat": "TOPCAT and STILTS",
    "tapsh": "tapsh, the command line",
    "jobs": "Jobs",
    "uploads": "Uploads",
    "cross-match": "Cross-matching",
    "cone-search": "Cone searches",
    "observations": "Observations and images",
    "links": "Links and products of rows",
    "bulk": "Whole tables",
    "checks": "Queries that are checked and repaired",
    "formats": "Formats",
    "api": "The service for programs",
    "endpoints": "All endpoints",
    "own-tables": "Tables of your own",
    "accounts": "Accounts and tokens",
    "assistants": "Assistants (MCP)",
    "changelog": "What is new in Armillary",
}
_BESIDE = {"changelog": "../CHANGELOG.md"}
"""Documents that are not among the others."""
_HEADING = re.compile("<(h[1-6])>(.*)")
_TO_DOCUMENT = re.compile(r'<a href="(?:\.\./)?([\w/.-]+?)\.md(#[^"]*)?">(.*?)</a>', re.DOTALL)
_HEADINGS = {
    Feature.CORE: "Of the language",
    Feature.GEOMETRY: "Geometry",
    Feature.STRING: "Texts",
    Feature.CONDITIONAL: "Conditions",
    Feature.UNIT: "Units",
    Feature.UDF: "More functions",
}


@dataclass(frozen=True)
class HelpPages:
    """The handlers."""

    pages: Pages
    config: Config

    async def help(self, request: Request) -> Response:
        values = {
            "documents": DOCUMENTS,
            "functions": _functions(),
            "limits": limits_for(self.config, account_in(request)),
            "formats": FORMATS,
            "words": sorted(ADQL_RESERVED),
        }
        return self.pages.response(request, "help.html", values)

    async def document(self, request: Request) -> Response:
        name = request.path_params["name"].removesuffix(".md")
        if name not in DOCUMENTS:
            raise NotFound("There is no such document")
        values = {
            "heading": DOCUMENTS[name],
            "document": Markup(_rendered(name, self.config.web.base_url)),  # noqa: S704
            "documents": DOCUMENTS,
        }
        return self.pages.response(request, "document.html", values)


@cache
def _rendered(name: str, base_url: str) -> str:
    """Return a document as HTML, with the URL of this service for that of its examples; raw HTML in it is escaped."""
    text = documents_folder("docs", "docs").joinpath(_BESIDE.get(name, f"{name}.md")).read_text("utf-8")
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(_EXAMPLE_URL.sub(base_url, text))
    html = _HEADING.sub(lambda match: f'<{match[1]} id="{_anchor(match[2])}">{match[2]}', str(html))
    html = _TO_DOCUMENT.sub(_link, html)
    # What scrolls must be reached by keyboard.
    return html.replace("<pre>", '<pre tabindex="0">')


def _anchor(heading: str) -> str:
    """Return what links to a heading have behind #, as other readers of Markdown make it."""
    return re.sub(r"[^\w -]", "", re.sub("<[^>]+>", "", heading)).strip().lower().replace(" ", "-")


def _link(match: re.Match[str]) -> str:
    """Return a link to a document that is here, of any other its words: operators have them all."""
    name, anchor, words = match[1], match[2] or "", match[3]
    return f'<a href="{name}{anchor}">{words}</a>' if name in DOCUMENTS else words


def _functions() -> list[tuple[str, list[Any]]]:
    return [
        (heading, [function for function in FUNCTIONS if function.feature is feature])
        for feature, heading in _HEADINGS.items()
    ]
