"""What a TAP service says that it can (TAPRegExt 1.0), as far as its users must know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tap.client.http import Http, Refused, Unreachable, parsed

_ALWAYS = ("votable", "csv", "tsv")
"""What services should make, whatever they say (TAP 1.1 §2.7.3)."""
_MOST_ROWS = 2_000_000_000
_UDF = "features-udf"
_INLINE = "upload-inline"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`formats`: what to ask for, by media types without blanks and by aliases, in lower case; `udfs` by their signatures.

    `most_rows` is how many a result may have at most.
    """

    formats: Mapping[str, str] = field(default_factory=lambda: {name: name for name in _ALWAYS})
    most_rows: int = _MOST_ROWS
    udfs: Mapping[str, str] = field(default_factory=dict)
    takes_uploads: bool = True


def capabilities_of(url: str, http: Http) -> Capabilities:
    """Ask a service; one that does not say is taken for one that can what all can.

    Raises: Unreachable where nobody answers.
    """
    try:
        with http.send("GET", f"{url}/capabilities") as answer:
            root = parsed(answer.read())
    except Refused:
        return Capabilities()
    return _read(root)


def _read(root: Any) -> Capabilities:
    tap = next(
        (c for c in root.iter("{*}capability") if c.get("standardID", "").lower() == "ivo://ivoa.net/std/tap"), None
    )
    if tap is None:
        raise Unreachable("there is a service, but it does not say that it is one of TAP")
    # Of formats that share a name, the first is the one that it means.
    formats = {
        name: asked for element in reversed(list(tap.iter("{*}outputFormat"))) for name, asked in _names(element)
    }
    methods = [method.get("ivo-id", "").lower() for method in tap.iter("{*}uploadMethod")]
    return Capabilities(
        {name: name for name in _ALWAYS[:1]} | formats if formats else Capabilities().formats,
        _most_rows(tap),
        dict(_udfs(tap)),
        any(method.endswith(_INLINE) for method in methods),
    )


def _names(element: Any) -> list[tuple[str, str]]:
    """Return a format's names, each with the one to ask by: the first alias, as media types with blanks are read in many ways."""
    media_type = "".join((element.findtext("{*}mime") or "").lower().replace('"', "").split())
    aliases = [(alias.text or "").strip() for alias in element.iterfind("{*}alias")]
    asked = aliases[0] if aliases else element.findtext("{*}mime") or ""
    return [(name, asked) for name in (media_type, *(alias.lower() for alias in aliases)) if name]


def _most_rows(tap: Any) -> int:
    text = tap.findtext("{*}outputLimit/{*}hard[@unit='row']") or tap.findtext("{*}outputLimit/{*}hard") or ""
    return int(text) if text.strip().isdigit() else _MOST_ROWS


def _udfs(tap: Any) -> list[tuple[str, str]]:
    features = [f for f in tap.iter("{*}languageFeatures") if f.get("type", "").endswith(_UDF)]
    forms = [" ".join((form.text or "").split()) for f in features for form in f.iterfind("{*}feature/{*}form")]
    return [(form.partition("(")[0].strip(), form) for form in forms if "(" in form]
