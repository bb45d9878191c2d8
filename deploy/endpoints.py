"""Writes docs/endpoints.md: every endpoint, as tap/openapi/endpoints.toml has it.

.venv/bin/python -m deploy.endpoints
"""

from deploy.compliance import DOCS, table
from tap.openapi.endpoints import Endpoint, EndpointTable, endpoints

PAGE = DOCS / "endpoints.md"
HEAD = """\
# All endpoints

What there is, with the parameters of each. [OpenAPI](api.md) (`/tap/openapi.json`) has the same for programs, with types, answers and schemas. Names of parameters are known in any case; what takes GET takes HEAD; a
slash at the end of a path does not count. Made by `deploy/endpoints.py` from `tap/openapi/endpoints.toml`.
"""


def page(known: EndpointTable) -> str:
    """Return the page: a table for each group."""
    parts = [HEAD]
    for tag, about in known.tags.items():
        rows = [_row(endpoint) for endpoint in known.endpoints if endpoint.tag == tag]
        parts.append(f"## {tag}\n\n{about}\n\n" + table(("endpoint", "for", "parameters", "who"), rows))
    return "\n".join(parts)


def _row(endpoint: Endpoint) -> tuple[str, ...]:
    methods = ", ".join(endpoint.methods)
    paths = ", ".join(f"`{path}`" for path in endpoint.paths)
    parameters = ", ".join(f"`{parameter.name}`" for parameter in (*endpoint.parameters, *endpoint.query))
    return f"{methods} {paths}", endpoint.summary, parameters, "accounts" if endpoint.account else "all"


if __name__ == "__main__":
    PAGE.write_text(page(endpoints()), "utf-8")
