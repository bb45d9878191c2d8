"""Text → tokens (ADQL 2.1 §2.1): words, delimited identifiers, strings, numbers, operators.

Outside of strings, delimited identifiers and comments only ADQL's own characters may stand.
"""

import re
from typing import NamedTuple

from adql.called_elsewhere import LIKE_A_PATTERN
from adql.errors import AdqlError, NumberRunsOn, Span, Suggestion, TooComplex, WrongCharacter

MAX_DIGITS = 40
UNFINISHED = "unfinished"

WORD, DELIMITED, STRING, NUMBER, OPERATOR, END = (
    "word",
    "delimited",
    "string",
    "number",
    "operator",
    "end",
)


class Token(NamedTuple):
    """`value` is the text; of a word in upper case, of a delimited identifier or string its content."""

    kind: str
    value: str
    start: int
    end: int

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)


_BLANKS_AND_COMMENTS = r"(?: [ \t\r\n\f\v]+ | --[^\n]* | /\* (?: [^*] | \*(?!/) )* \*/ )*+"
"""Blanks and comments. Possessive: where no token follows, giving some of them back would take for ever."""
_TOKEN = re.compile(
    _BLANKS_AND_COMMENTS
    + r"""(?:
      (?P<word>      [A-Za-z][A-Za-z0-9_]* )
    | (?P<number>    (?! 0[xX][0-9A-Fa-f] ) (?: \d+ (?:\.\d*)? | \.\d+ ) (?: [eE][+-]?\d+ )? )
    | (?P<operator>  <> | != | <= | >= | \|\| | [-+*(),.;<>=\[\]] | :(?!:) | /(?!\*) )
    | (?P<string>    ' (?: [^'] | '' )* ' )
    | (?P<delimited> " (?: [^"] | "" )+ " )
    | (?P<end>       \Z )
    )""",
    re.VERBOSE | re.ASCII,
)
_BLANKS = re.compile(_BLANKS_AND_COMMENTS, re.VERBOSE)
_RUN = re.compile(r"[A-Za-z0-9_.]+", re.ASCII)
_QUOTE = {STRING: "'", DELIMITED: '"'}


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a query, an END token last; `/* */` comments are an extension.

    Raises: AdqlError at a character that begins no token, NumberRunsOn where a number does not end at a delimiter
    (SQL-92 §5.2).
    """
    tokens: list[Token] = []
    kind, position = "", 0
    while kind != END:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise _bad_character(text, _after_blanks(text, position))
        kind = match.lastgroup
        if kind == NUMBER and (run := _RUN.match(text, match.end())):
            raise _runs_on(match, run.group(), tokens)
        tokens.append(_token(kind, match))
        position = match.end()
    return tokens


def _after_blanks(text: str, position: int) -> int:
    blanks = _BLANKS.match(text, position)
    return blanks.end() if blanks else position


def _runs_on(match: re.Match[str], rest: str, tokens: list[Token]) -> NumberRunsOn:
    number, start = match[NUMBER], match.start(NUMBER)
    previous = tokens[-1] if tokens else Token(END, "", 0, 0)
    if number.startswith(".") and previous.kind in (WORD, DELIMITED) and previous.end == start:
        # The dot separates a table's name from that of a column.
        return NumberRunsOn(number[1:], rest, ".", start + 1)
    return NumberRunsOn(number, rest, previous.value, start)


def _token(kind: str, match: re.Match[str]) -> Token:
    value = match[kind]
    start, end = match.span(kind)
    if kind == WORD:
        value = value.upper()
    elif kind in _QUOTE:
        value = _unquote(value, Span(start, end))
    elif kind == NUMBER and len(value) > MAX_DIGITS:
        raise TooComplex(f"A number may have {MAX_DIGITS} digits", Span(start, end))
    return Token(kind, value, start, end)


def _unquote(quoted: str, span: Span) -> str:
    if "\0" in quoted:
        raise AdqlError("A NUL character cannot stand in a query", span)
    return quoted[1:-1].replace(quoted[0] * 2, quoted[0])


_HINTS = (
    (re.compile("[\u2018\u2019\u201a\u201b\u2032]"), "Use the straight quote ' around strings."),
    (re.compile("[\u201c\u201d\u201e\u2033]"), "Use straight quotes: ' around strings, \" around names."),
    (re.compile("[\u2212\u2013\u2014]"), "Use the minus sign - of the keyboard."),
    (re.compile("[\u00a0\u2000-\u200f\u202f\u205f\u3000\ufeff]"), "Use plain spaces."),
    (re.compile(r"!"), 'Write != or <> for "not equal", NOT for negation.'),
    (re.compile(r"%"), "Write MOD(x, y) for the remainder."),
    (re.compile(r"\^"), "Write POWER(x, y)."),
    (re.compile(r"\|"), "Write || to join strings; ADQL has no bitwise operators."),
    (re.compile(r"&&"), "Write AND between conditions."),
    (re.compile(r"~"), LIKE_A_PATTERN),
    (re.compile(r"&"), "ADQL has no bitwise operators."),
    (re.compile("`"), 'Put names that need quoting in double quotes: "name".'),
    (re.compile(r"/\*"), "Close it with */."),
    (re.compile("::"), "Write CAST(value AS type)."),
    (re.compile("#"), "A comment begins with -- and goes to the end of the line."),
    (re.compile("0[xX]"), "ADQL has no hexadecimal numbers."),
    (re.compile("_"), 'A name begins with a letter; put others in double quotes: "_name".'),
    (re.compile("'"), "Close the string with '; a quote inside it is written ''."),
    (re.compile('""'), "A name has at least one character; strings stand in single quotes: ''."),
    (re.compile('"'), 'Close the name with "; strings stand in single quotes.'),
)


_PATTERN = re.compile(r"\bI?LIKE\s+([^\s'\"\u2018-\u201f]+)", re.IGNORECASE)
"""LIKE and a pattern without quotes."""


_VERSIONED = re.compile(r"\b([^\W\d]\w*)@(\w[\w.+-]*)")
"""A table and its version, without quotes."""


def _bad_character(text: str, position: int) -> WrongCharacter:
    span = Span(position, position + 1)
    unquoted = next((match for match in _PATTERN.finditer(text) if match.start(1) <= position < match.end(1)), None)
    if unquoted:
        return WrongCharacter(_describe(text, position), span, f"A pattern stands in single quotes: '{unquoted[1]}'.")
    versioned = next((match for match in _VERSIONED.finditer(text) if match.end(1) == position), None)
    if versioned:
        quoted = f'"{versioned[0]}"'
        suggestion = Suggestion.of(f"A version of a table stands in quotes: {quoted}.", versioned[0], (quoted,))
        return WrongCharacter(_describe(text, position), Span(*versioned.span()), suggestion)
    if text[position] in "'\"" and text[:position][-1:].isdigit():
        unit = "arcminutes are 5/60." if text[position] == "'" else "arcseconds are 5/3600."
        return WrongCharacter(_describe(text, position), span, f"Numbers have no unit; angles are in degrees: 5 {unit}")
    for pattern, hint in _HINTS:
        if pattern.match(text, position):
            return WrongCharacter(_describe(text, position), span, hint)
    return WrongCharacter(_describe(text, position), span)


def _describe(text: str, position: int) -> str:
    character = text[position]
    if kind := {"'": "string", '"': "name", "/": "comment"}.get(character):
        return f"The {kind} that begins here has no end"
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    return f"The character {shown} is not part of ADQL here"


def tokens_of_unfinished(text: str, offset: int) -> list[Token]:
    """Return the tokens of a query that is being written at an offset: what begins none is passed over.

    Values are as they stand in the text. A string or comment without an end is the last token, of the kind UNFINISHED; a
    name without its second quote ends where one writes. The list has no END.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match and match.lastgroup:
            if match.lastgroup != END:
                tokens.append(Token(match.lastgroup, match[match.lastgroup], *match.span(match.lastgroup)))
            position = match.end()
            continue
        start = _after_blanks(text, position)
        if text.startswith(("'", "/*"), start):
            return [*tokens, Token(UNFINISHED, text[start:], start, len(text))]
        position = start + 1
        if text.startswith('"', start) and start < offset:
            tokens.append(Token(DELIMITED, text[start:offset], start, offset))
            position = offset
    return tokens
