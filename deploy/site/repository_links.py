"""Links between documents as the repository has them, turned into links between pages of the site.

A document names others by their paths: `[jobs](jobs.md)`, `../tap/sharding/README.md`, or in words, docs/jobs.md and docs/adr/0012.
"""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = {
    "README.md": "what-it-is.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "bench/README.md": "measurements.md",
    "tap/sharding/README.md": "sharding.md",
    "docs/adr": "adr/index.md",
}
"""Documents elsewhere in the repository, and the pages that include them."""

_CODE = r"^(?P<fence>```+|~~~+).*?^(?P=fence)|`[^`\n]+`"
_LINK = r"\]\((?P<target>[^)\s:#]+)(?P<anchor>#[^)\s]*)?\)"
_MENTION = r"(?<![\[/\w])(?P<mention>docs/(?:adr/\d{4}|[a-z-]+\.md))(?!\w)"
_OPTIONAL = re.compile(r"^([a-z-]+)\?$", re.MULTILINE)
"""A page in a table of contents that may be there or not: `reliability?`."""
_PATTERN = re.compile(f"{_CODE}|{_LINK}|{_MENTION}", re.DOTALL | re.MULTILINE)


def linked(text: str, path: str, page: str) -> str:
    """Return a document of the repository with the links that it has where `page` includes it."""

    def replace(match: re.Match[str]) -> str:
        if match["mention"]:
            target = _page_of(match["mention"])
            return f"[{match['mention']}]({_from(page, target)})" if target else match[0]
        if match["target"]:
            name = os.path.normpath(Path(path).parent / match["target"])
            target = _page_of(name) or os.path.relpath(ROOT / name, DOCS)
            return f"]({_from(page, target)}{match['anchor'] or ''})"
        return match[0]

    return _PATTERN.sub(replace, text)


def _from(page: str, target: str) -> str:
    return os.path.relpath(target, Path(page).parent)


@cache
def _page_of(name: str) -> str | None:
    """Return the page that shows a file of the repository, as a path in docs/."""
    if name in PAGES:
        return PAGES[name]
    if re.fullmatch(r"docs/adr/\d{4}", name):
        return next((str(path.relative_to(DOCS)) for path in DOCS.glob(f"adr/{Path(name).name}-*.md")), None)
    is_page = name.startswith("docs/") and name.endswith((".md", ".ipynb")) and (ROOT / name).exists()
    return name.removeprefix("docs/") if is_page else None


def _on_source(app: Sphinx, page: str, content: list[str]) -> None:
    text = _OPTIONAL.sub(lambda match: match[1] if (DOCS / f"{match[1]}.md").exists() else "", content[0])
    content[0] = linked(text, f"docs/{page}.md", page)


def _on_include(app: Sphinx, path: Path, page: str, content: list[str]) -> None:
    content[0] = linked(content[0], os.path.normpath(Path("docs") / path), page)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("source-read", _on_source, priority=600)
    app.connect("include-read", _on_include)
    # Jobs are drawn in the language of Mermaid, which is read well enough as it is.
    from pygments.lexers.special import TextLexer

    app.add_lexer("mermaid", TextLexer)
    return {"parallel_read_safe": True}
