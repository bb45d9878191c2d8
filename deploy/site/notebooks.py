"""Notebooks as pages of the site, with the results that are stored in them; none is run here."""

import json
from typing import Any

from sphinx.application import Sphinx

_NOTE = "{download}`Download this notebook <%s>`; its first cell names the service that it asks.\n"


def markdown_of(notebook: dict[str, Any], name: str) -> str:
    """Return a notebook as MyST, its title first."""
    title, *cells = (_cell(cell) for cell in notebook["cells"])
    heading, _, rest = title.partition("\n")
    return "\n\n".join([heading, _NOTE % name, rest, *cells])


def _cell(cell: dict[str, Any]) -> str:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return source
    return "\n\n".join([_fenced("python", source), *(_output(output) for output in cell["outputs"])])


def _output(output: dict[str, Any]) -> str:
    if output["output_type"] == "stream":
        return _fenced("text", "".join(output["text"]))
    data = output["data"]
    if "image/png" in data:
        image = "".join(data["image/png"]).replace("\n", "")
        return f'<img class="result" alt="The figure that this cell draws" src="data:image/png;base64,{image}">'
    return _fenced("text", "".join(data["text/plain"]))


def _fenced(language: str, text: str) -> str:
    return f"````{language}\n{text.rstrip()}\n````"


def _on_source(app: Sphinx, page: str, content: list[str]) -> None:
    path = app.env.doc2path(page)
    if path.suffix == ".ipynb":
        content[0] = markdown_of(json.loads(content[0]), path.name)


def setup(app: Sphinx) -> dict[str, Any]:
    # Before links are looked at.
    app.connect("source-read", _on_source, priority=400)
    return {"parallel_read_safe": True}
