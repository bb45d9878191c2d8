"""String matching of RegTAP and the UDF catalogue: ivo_nocasematch, ivo_hasword, ivo_hashlist_has, ivo_string_agg."""

from adql.functions.function import Emit, Feature, Function, Kind, gives, parameters, template
from adql.info import Info
from adql.nodes import Value
from schema import types


def _test(name: str, names: str, emit: Emit, description: str) -> Function:
    return Function(name, parameters(names, Kind.TEXT), "INTEGER", gives(types.INTEGER), emit, description, Feature.UDF)


def _joined(arguments: tuple[Value, ...]) -> Info:
    first = arguments[0].info
    return Info(first.type or types.TEXT, ucd=first.ucd, description=first.description)


IVO_TEXTS = (
    _test(
        "ivo_nocasematch",
        "value pattern",
        template("({0} ILIKE {1} ESCAPE '')::integer"),
        "1 if the value is like the SQL pattern (with % and _), ignoring case, else 0.",
    ),
    _test(
        "ivo_hasword",
        "haystack needle",
        template("(to_tsvector('pg_catalog.simple', {0}) @@ plainto_tsquery('pg_catalog.simple', {1}))::integer"),
        "1 if all words of needle are in haystack, ignoring case, else 0.",
    ),
    _test(
        "ivo_hashlist_has",
        "hashlist item",
        template("(lower({1}) = ANY (string_to_array(lower({0}), '#')) AND position('#' IN {1}) = 0)::integer"),
        "1 if item is in the list of words joined by #, ignoring case, else 0.",
    ),
    Function(
        "ivo_string_agg",
        parameters("expression delimiter", Kind.TEXT),
        "VARCHAR",
        _joined,
        template("string_agg({0}, {1})"),
        "All values of the group, joined by the delimiter; with ORDER BY behind it in that order.",
        Feature.UDF,
        is_aggregate=True,
        takes_order=True,
    ),
)
