"""What the author of a query is likely to have meant where the grammar stops: one function a slip, tried in order.

Each looks at the tokens round the place and returns what to write instead, or None.
"""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from adql import tokens
from adql.called_elsewhere import NO_PRESENT_MOMENT
from adql.errors import Suggestion
from adql.tokens import Token
from schema.words import RESERVED

_COMPARISONS = ("=", "<", ">", "<=", ">=", "<>", "!=")
_KEYWORDS = ("SELECT", "DISTINCT", "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "BETWEEN", "LIKE", "UNION", "JOIN")
_ALIKE = 0.75
_UNITS = {"DEG", "DEGREE", "DEGREES", "ARCMIN", "ARCSEC", "MAS", "UAS", "RAD", "HOURS", "MAG", "PC", "KPC", "YR"}
_NOT_READING = {"INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "GRANT", "TRUNCATE", "COPY"}
_LISTING = {"SHOW", "DESCRIBE", "DESC", "EXPLAIN", "HELP", "LIST"}
_PATTERNS = {"REGEXP", "RLIKE", "SIMILAR", "MATCHES", "GLOB", "REGEXP_LIKE", "STARTSWITH"}


@dataclass(frozen=True, slots=True)
class Place:
    """The token that cannot stand where it does, its neighbours, and what had to stand there."""

    text: str
    tokens: list[Token]
    index: int
    expected: str

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    @property
    def previous(self) -> Token:
        return self.before(1)

    def before(self, count: int) -> Token:
        return self.tokens[max(0, self.index - count)]

    @property
    def following(self) -> Token:
        return self.tokens[min(self.index + 1, len(self.tokens) - 1)]

    def is_first(self) -> bool:
        return self.index == 0

    def written(self, first: Token, last: Token) -> str:
        return self.text[first.start : last.end]


def syntax_hint(place: Place) -> str | None:
    """Return what to write instead, None where that cannot be told."""
    return next((hint for slip in _SLIPS if (hint := slip(place))), None)


def reserved(place: Place) -> str:
    """Return the hint for a reserved word where a name was expected."""
    token = place.token
    written = place.written(token, token)
    return f'{token.value} is a reserved word of ADQL; as a name it needs double quotes: "{written}".'


def _is(token: Token, *values: str) -> bool:
    return token.kind in (tokens.WORD, tokens.OPERATOR) and token.value in values


def _limit(place: Place) -> str | None:
    if not _is(place.token, "LIMIT") and not _is(place.previous, "LIMIT"):
        return None
    number = next((t.value for t in (place.token, place.following) if t.kind == tokens.NUMBER), "n")
    return f"ADQL has no LIMIT: write SELECT TOP {number} ..."


def _second_query(place: Place) -> str | None:
    if _is(place.previous, ";") or _is(place.token, ";"):
        return "One query at a time; a ; may stand at its very end only."
    return None


def _no_query(place: Place) -> str | None:
    """Return the hint for a text that does not begin with SELECT."""
    if not place.is_first() or place.expected != "SELECT" or place.token.kind == tokens.END:
        return None
    if place.token.value in _NOT_READING:
        return "This service answers queries, which begin with SELECT; it changes no table."
    if place.token.value in _LISTING:
        return "Tables and columns are listed by SELECT * FROM tap_schema.tables and tap_schema.columns."
    return _misspelt(place) or "A query begins with SELECT."


def _chained_comparison(place: Place) -> str | None:
    if not _is(place.token, *_COMPARISONS):
        return None
    middle = place.written(place.previous, place.previous)
    if _is(place.before(2), "||"):
        return "|| joins texts; conditions are joined by OR."
    if not _is(place.before(2), *_COMPARISONS) or place.previous.kind == tokens.OPERATOR:
        return None
    left, right = place.before(3), place.following
    first = place.written(left, place.previous)
    return f"Write two conditions: {first} AND {middle} {place.token.value} {place.written(right, right)}."


def _text_without_quotes(place: Place) -> str | None:
    """Return the hint for words meant as a text: `name = M 31`, `name LIKE NGC *`."""
    if place.token.kind not in (tokens.NUMBER, tokens.WORD) or place.token.value in RESERVED:
        return None
    if place.previous.kind != tokens.WORD or place.previous.value in RESERVED:
        return None
    if not _is(place.before(2), *_COMPARISONS, "LIKE", "ILIKE"):
        return None
    return f"A text stands in single quotes: '{place.written(place.previous, place.token)}'."


def _unit(place: Place) -> str | None:
    if place.previous.kind != tokens.NUMBER or place.token.value not in _UNITS:
        return None
    unit = place.written(place.token, place.token).lower()
    return f"Numbers have no unit; angles are in degrees. IN_UNIT(value, '{unit}') converts a value that has one."


def _broken_number(place: Place) -> str | None:
    """Return the hint for `1 000` and `3,5`."""
    if place.token.kind == tokens.NUMBER and place.previous.kind == tokens.NUMBER:
        return f"Write the number without a space: {place.previous.value}{place.token.value}."
    if _is(place.token, ",") and place.previous.kind == place.following.kind == tokens.NUMBER:
        if _is(place.before(2), "BETWEEN"):
            return f"Write BETWEEN {place.previous.value} AND {place.following.value}."
        return f"Decimals have a point: {place.previous.value}.{place.following.value}."
    return None


def _is_for_null(place: Place) -> str | None:
    if place.expected != "NULL":
        return None
    negated = _is(place.previous, "NOT")
    return f"IS is for NULL only: write {'<>' if negated else '='} {place.written(place.token, place.token)}."


def _values_in_parentheses(place: Place) -> str | None:
    if _is(place.previous, "IN") and place.expected == "(":
        return "The values of IN stand in parentheses: x IN (1, 2)."
    return None


def _subscript(place: Place) -> str | None:
    """Return the hint for what is wrong between the brackets of an array."""
    if place.expected == "]" and _is(place.token, ","):
        array = next((i for i in range(place.index, 0, -1) if _is(place.tokens[i], "[")), 1) - 1
        if _is(place.tokens[array], "ARRAY"):
            return "An array of values is written array(1, 2, 3)."
        return "Each dimension has brackets of its own: a[2][1]."
    if _is(place.previous, "[") and _is(place.token, "]"):
        return "Say which element: a[1] is the first one."
    return None


def _function_in_from(place: Place) -> str | None:
    if _is(place.token, "(") and place.previous.kind == tokens.WORD and _is(place.before(2), "FROM", "JOIN", ","):
        return "The only function in FROM is UNNEST: FROM t, UNNEST(t.a) AS u (x) makes a row of each element."
    return None


def _pattern(place: Place) -> str | None:
    if place.token.value in _PATTERNS and place.token.kind == tokens.WORD:
        shown = place.written(place.token, place.token)
        return f"ADQL has no {shown}: write LIKE 'pattern', where % is any text and _ any character."
    return None


def _several_values(place: Place) -> str | None:
    """Return the hint for COUNT(DISTINCT a, b) and MIN(a, b)."""
    if place.expected != ")" or not _is(place.token, ","):
        return None
    opening = next((i for i in range(place.index, 0, -1) if _is(place.tokens[i], "(")), 0)
    function = place.tokens[max(0, opening - 1)].value
    if function == "COUNT":
        return "COUNT is of one value: count the rows of (SELECT DISTINCT a, b FROM ...) AS q."
    if function in ("MIN", "MAX"):
        row_function = {"MIN": "LEAST", "MAX": "GREATEST"}[function]
        return f"{function} is of one column in many rows; of several values in a row it is {row_function}(a, b)."
    return None


def _without_table(place: Place) -> str | None:
    if place.expected != "FROM":
        return None
    if place.token.kind == tokens.END:
        return "A query reads a table: SELECT ... FROM table."
    if any(_is(token, "FROM") for token in place.tokens[place.index :]):
        return None
    return _misspelt(place) or "Is FROM missing before the table?"


def _misspelt(place: Place) -> str | None:
    for token in (place.previous, place.token):
        if token.kind != tokens.WORD or token.value in RESERVED:
            continue
        if close := get_close_matches(token.value, _KEYWORDS, n=1, cutoff=_ALIKE):
            wrong = place.written(token, token)
            return Suggestion.of(f"Did you mean {close[0]} instead of {wrong}?", wrong, close)
    return None


def _minus(place: Place) -> str | None:
    return "ADQL calls it EXCEPT." if _is(place.previous, "MINUS") else None


def _sample(place: Place) -> str | None:
    for token in (place.previous, place.token, place.following):
        if _is(token, "TABLESAMPLE", "SAMPLE"):
            return "ADQL takes no samples; WHERE RAND() < 0.01 keeps about one row in a hundred."
    return None


def _name_after_as(place: Place) -> str | None:
    if _is(place.previous, "AS") and place.token.value in RESERVED and place.token.kind == tokens.WORD:
        return reserved(place) if place.expected != "a type" else None
    return None


def _nothing_selected(place: Place) -> str | None:
    if _is(place.token, "FROM") and _is(place.previous, "SELECT", "DISTINCT"):
        return "Name the columns, or write * for all of them."
    return None


def _count_of_nothing(place: Place) -> str | None:
    if _is(place.token, ")") and _is(place.before(2), "COUNT"):
        return "COUNT(*) counts rows."
    return None


def _usual(place: Place) -> str | None:
    """Return what a word or an operator out of place most often means."""
    if place.token.kind == tokens.END:
        return None
    if place.token.kind == tokens.OPERATOR:
        return _OPERATORS.get(place.token.value)
    return _WORDS.get(place.token.value) if place.token.kind == tokens.WORD else None


def _missing_comma(place: Place) -> str | None:
    ends_value = place.previous.kind in (tokens.WORD, tokens.DELIMITED, tokens.NUMBER, tokens.STRING)
    if not ends_value or place.previous.value in RESERVED or place.token.kind in (tokens.OPERATOR, tokens.END):
        return None
    if place.is_first() or (place.token.kind == tokens.WORD and place.token.value in RESERVED):
        return None
    return "Is a comma or an operator missing before it?"


_SLIPS: tuple[Callable[[Place], str | None], ...] = (
    _limit,
    _second_query,
    _no_query,
    _chained_comparison,
    _text_without_quotes,
    _unit,
    _subscript,
    _function_in_from,
    _broken_number,
    _is_for_null,
    _values_in_parentheses,
    _pattern,
    _several_values,
    _without_table,
    _minus,
    _sample,
    _name_after_as,
    _nothing_selected,
    _count_of_nothing,
    _usual,
    _misspelt,
    _missing_comma,
)
_WORDS = {
    "NULLS": "ADQL has no NULLS FIRST and LAST; NULL comes last, in both orders.",
    "FETCH": "ADQL has no FETCH FIRST: write SELECT TOP n ...",
    "ESCAPE": "ADQL has no ESCAPE.",
    "WITHIN": "ADQL has no WITHIN GROUP: write PERCENTILE(x, fraction).",
    "TRUE": "ADQL has no TRUE: compare a boolean column with 1.",
    "FALSE": "ADQL has no FALSE: compare a boolean column with 0.",
    "CROSS": "Write the tables of a cross join with a comma: FROM a, b.",
    "INTO": "Results come back to the client; ADQL has no INTO.",
    "DISTINCT": "DISTINCT stands right after SELECT, before TOP, or in COUNT, SUM, AVG, MIN and MAX.",
    "TOP": "TOP n stands after SELECT (and DISTINCT), before the columns.",
    "WHERE": "WHERE stands after FROM and before GROUP BY and ORDER BY.",
    "FROM": "Is there a comma too many before it?",
    "SELECT": "A query inside another stands in parentheses, after FROM, IN or EXISTS.",
    "OFFSET": "OFFSET n is the last thing of a query, after ORDER BY.",
    **dict.fromkeys(
        ("ANY", "SOME"), "ADQL has no ANY and SOME: write x IN (SELECT ...), or compare with (SELECT MIN(y) FROM ...)."
    ),
    "ALL": "ADQL has no ALL here: write x NOT IN (SELECT ...), or compare with (SELECT MAX(y) FROM ...).",
    "INTERVAL": "ADQL has no intervals of time: compare with a moment, CAST('2016-01-01T00:00:00' AS TIMESTAMP).",
    "ON": "ADQL has no DISTINCT ON; GROUP BY makes one row of many.",
    **dict.fromkeys(("CURRENT_TIMESTAMP", "CURRENT_DATE"), NO_PRESENT_MOMENT),
}
_OPERATORS = {
    ")": "Is there a parenthesis too many, or something missing before it?",
    ",": "Is something missing before the comma?",
    "=": "Write a single = to compare, <= and >= for the others.",
    "<": 'Write <= for "less or equal", <> for "not equal".',
    ">": 'Write >= for "greater or equal", <> for "not equal".',
    "[": 'Put names that need quoting in double quotes: "name". An element of an array is a[1], some of them a[2:5].',
    ":": "Write a[2:5] for a part of an array.",
    "*": "Powers are POWER(x, y); * for all columns stands in SELECT * and COUNT(*).",
}
