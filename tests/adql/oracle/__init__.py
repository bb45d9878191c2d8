"""A second opinion on what is ADQL 2.1: the standard's own grammar, run by Lark.

It serves the tests only, knows nothing of the parser that it judges, and imports nothing of the
project. Where `accepts` and the parser disagree, one of them is wrong; adql.lark says at its top
where it goes beyond the Recommendation of 2023-12-15 and where it stays behind.
valid.txt and invalid.txt beside it hold texts for both, extensions.txt those that only the parser takes, parted by
lines of three hyphens.
"""

import re
from pathlib import Path

from lark import Lark, Token, Tree, UnexpectedInput

_GRAMMAR = Path(__file__).with_name("adql.lark").read_text(encoding="utf-8")
# The basic lexer, because a contextual one lets reserved words pass as names wherever the
# grammar does not expect them; re.ASCII, because Unicode's folding makes an S of U+017F.
_PARSER = Lark(
    _GRAMMAR,
    start="query",
    parser="lalr",
    lexer="basic",
    g_regex_flags=re.IGNORECASE | re.ASCII,
    maybe_placeholders=False,
)
_TRIANGLE = 3


def accepts(text: str) -> bool:
    """Whether the text is one query of ADQL 2.1, optional features included."""
    try:
        tree = _PARSER.parse(text)
    except UnexpectedInput:
        return False
    return all(map(_closes, tree.find_data("vertices")))


def _closes(vertices: "Tree[Token]") -> bool:
    """Whether they are three or more, be it as points throughout or as pairs of numbers."""
    kinds = [vertex.data for vertex in vertices.children if isinstance(vertex, Tree)]
    if "number" not in kinds:
        return len(kinds) >= _TRIANGLE
    pairs, odd = divmod(len(kinds), 2)
    return "point_value" not in kinds and not odd and pairs >= _TRIANGLE
