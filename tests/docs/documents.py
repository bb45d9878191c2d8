"""The documents, as tests read them: their blocks of code, with what a comment before a block says of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").rglob("*.md")])
_BLOCK = re.compile(
    r"^(?:<!-- (?P<note>.*?) -->\n)?```(?P<language>[\w-]*)\n(?P<text>.*?)^```", re.DOTALL | re.MULTILINE
)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_QUERY = re.compile(r"(?P<quote>['\"])QUERY=\s*(?P<text>.*?)(?P=quote)(?=\s|$)", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code of a document, in a language, after a comment."""

    path: Path
    language: str
    text: str
    note: str

    @property
    def name(self) -> str:
        return f"{self.path.relative_to(ROOT)}: {' '.join(self.text.split())[:50]}"

    @property
    def commands(self) -> Iterator[str]:
        """Yield what is typed at a shell, prompts and comments left out, continued lines joined."""
        for line in self.text.replace("\\\n", " ").splitlines():
            yield re.sub(r"\s+#\s.*", "", line).removeprefix("$ ").strip()


def blocks() -> Iterator[Block]:
    for path in DOCUMENTS:
        for match in _BLOCK.finditer(path.read_text("utf-8")):
            yield Block(path, match["language"], match["text"], match["note"] or "")


def inline() -> Iterator[tuple[Path, str]]:
    """Yield what stands as code within the text of documents."""
    for path in DOCUMENTS:
        for text in _INLINE.findall(_BLOCK.sub("", path.read_text("utf-8"))):
            yield path, text


def queries_within(block: Block) -> Iterator[str]:
    """Yield the queries that commands of a block send with QUERY=."""
    return (match["text"] for match in _QUERY.finditer(block.text))
