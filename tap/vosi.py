"""VOSI availability and capabilities (VOSI 1.1, TAPRegExt 1.0); everything is derived from what there is."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from lxml import etree
from lxml.builder import ElementMaker

from adql.functions import FUNCTIONS, Feature, Function
from tap.config import Config
from tap.config_sections import UploadsConfig
from tap.datalink.result_links import LINKS_STANDARD, links_url
from tap.formats import FORMATS
from tap.processes import service_start

_AVAILABILITY = "http://www.ivoa.net/xml/VOSIAvailability/v1.0"
_CAPABILITIES = "http://www.ivoa.net/xml/VOSICapabilities/v1.0"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMESPACES = {
    "vosi": _CAPABILITIES,
    "tr": "http://www.ivoa.net/xml/TAPRegExt/v1.0",
    "vr": "http://www.ivoa.net/xml/VOResource/v1.0",
    "vs": "http://www.ivoa.net/xml/VODataService/v1.1",
    "xsi": _XSI,
}
_CADC = {"table-update-async-1.x": "table-update", "table-load-sync-1.x": "load"}
"""Where own tables are indexed and filled, by the names under which CADC's clients look."""
_REGEXT = "ivo://ivoa.net/std/TAPRegExt#"
XSI_TYPE = f"{{{_XSI}}}type"
_STARTED = service_start()
ELEMENT = ElementMaker()

Element = Any


def availability(*, available: bool, notes: Iterable[str] = ()) -> bytes:
    """Return the document for a real probe of the database, made by the caller."""
    root = ElementMaker(namespace=_AVAILABILITY, nsmap={"vosi": _AVAILABILITY})
    children = [root.available("true" if available else "false"), root.upSince(_STARTED.strftime("%Y-%m-%dT%H:%M:%SZ"))]
    children += [root.note(note) for note in notes]
    return document(root.availability(*children))


def capabilities(
    config: Config,
    messages: Sequence[str] = (),
    data_models: Mapping[str, str] = MappingProxyType({}),
    *,
    by_mode: bool = False,
) -> bytes:
    """Return the document; `messages` are what the operator tells all users, `data_models` names by their identifiers.

    `by_mode`: with what differs between /sync and /async, as TAPRegExt 1.1 has it.
    """
    return document(capabilities_element(config, messages, data_models, by_mode=by_mode))


def capabilities_element(
    config: Config, messages: Sequence[str], data_models: Mapping[str, str], *, by_mode: bool = False
) -> Element:
    """Return the root of the document."""
    base, own = config.web.base_url, _tap(config, messages, data_models)
    if by_mode:
        own.find("executionDuration").addnext(_sync_limit(config.limits.sync_limit))
    root = capability_list(NAMESPACES, base, own)
    tables = interface("vs:ParamHTTP", f"{base}/tables", role="std", version="1.1")
    tables.extend(security_methods(config))
    root.append(ELEMENT.capability({"standardID": "ivo://ivoa.net/std/VOSI#tables-1.1"}, tables))
    for name, path in _CADC.items():
        own_tables = interface("vs:ParamHTTP", f"{base}/{path}", use="base", role="std")
        own_tables.extend(_ways_of_accounts())
        root.append(ELEMENT.capability({"standardID": f"ivo://ivoa.net/std/VOSI#{name}"}, own_tables))
    links = interface("vs:ParamHTTP", links_url(config), use="base", role="std")
    links.extend(security_methods(config))
    root.append(ELEMENT.capability({"standardID": LINKS_STANDARD}, links))
    root.append(
        ELEMENT.capability(
            {"standardID": "ivo://ivoa.net/std/DALI#examples"}, interface("vr:WebBrowser", f"{base}/examples")
        )
    )
    return root


def capability_list(namespaces: Mapping[str, str], base: str, own: Element) -> Element:
    """Return the root of a document with a service's own capability and those by which it is asked about itself."""
    root = etree.Element(f"{{{_CAPABILITIES}}}capabilities", nsmap=namespaces)
    root.append(own)
    root.append(vosi_capability("ivo://ivoa.net/std/VOSI#capabilities", f"{base}/capabilities"))
    root.append(vosi_capability("ivo://ivoa.net/std/VOSI#availability", f"{base}/availability"))
    return root


def document(root: Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def vosi_capability(standard_id: str, url: str) -> Element:
    return ELEMENT.capability({"standardID": standard_id}, interface("vs:ParamHTTP", url, role="std"))


def security_methods(config: Config) -> list[Element]:
    """Return how one may come (SSO 2.0): by which pyvo goes, while others go by the challenges of AuthVO.

    The empty one means without an account.
    """
    ways = _ways_of_accounts()
    return [ELEMENT.securityMethod(), *ways] if config.accounts.anonymous else ways


def _ways_of_accounts() -> list[Element]:
    return [
        ELEMENT.securityMethod({"standardID": f"ivo://ivoa.net/sso#{way}"}) for way in ("BasicAA", "cookie", "OAuth")
    ]


def interface(type_: str, url: str, use: str = "full", **attributes: str) -> Element:
    return ELEMENT.interface({XSI_TYPE: type_, **attributes}, ELEMENT.accessURL({"use": use}, url))


# An interface may list its parameters (VODataService 1.2 §3.4), but pyvo warns everybody who meets one there.
_PARAMETERS = (
    "Beside TAP's own parameters: MOC_ORDER is the order of the cells of a result that is a MOC; COMMENTS=allow lets CSV and TSV end in comments that tell an overflow; PARTIAL=allow gives, where a part of a table cannot be reached, the rows of the rest,"
    " and as a MOC which part of the sky is missing; REUSE=refuse computes a job that would get the stored result of an earlier one."
)


def _tap(config: Config, messages: Sequence[str], data_models: Mapping[str, str]) -> Element:
    attributes = {"standardID": "ivo://ivoa.net/std/TAP", XSI_TYPE: "tr:TableAccess"}
    access = interface("vs:ParamHTTP", config.web.base_url, use="base", role="std", version="1.1")
    access.extend(security_methods(config))
    return ELEMENT.capability(
        attributes,
        ELEMENT.description(" ".join([*messages, _PARAMETERS])),
        access,
        *(ELEMENT.dataModel({"ivo-id": ivo_id}, name) for ivo_id, name in data_models.items()),
        _language(),
        *(_output_format(format_) for format_ in FORMATS),
        *(ELEMENT.uploadMethod({"ivo-id": _REGEXT + f"upload-{method}"}) for method in _upload_methods(config)),
        _limit("retentionPeriod", config.jobs.job_lifetime_default, config.jobs.job_lifetime_limit),
        _limit("executionDuration", config.jobs.job_duration_default, config.jobs.job_duration_limit),
        _limit("outputLimit", config.limits.maxrec_default, config.limits.maxrec_hard, unit="row"),
        _upload_limit(config.uploads),
    )


def _output_format(format_: Any) -> Element:
    attributes = {"ivo-id": format_.ivo_id} if format_.ivo_id else {}
    aliases = [ELEMENT.alias(alias) for alias in format_.aliases]
    return ELEMENT.outputFormat(attributes, ELEMENT.mime(format_.media_types[0]), *aliases)


def _upload_methods(config: Config) -> list[str]:
    """Return how uploads come: by URL at least results of our own jobs, and what else the operator allows."""
    secure = config.uploads.upload_hosts or config.web.base_url.startswith("https")
    return ["inline", "http", "https"] if secure else ["inline", "http"]


def _upload_limit(uploads: UploadsConfig) -> Element:
    """Return the one element for two limits (TAPRegExt 1.0 §2.7): the default one in rows, the hard one in bytes."""
    rows = ELEMENT.default({"unit": "row"}, str(uploads.upload_rows))
    return ELEMENT.uploadLimit(rows, ELEMENT.hard({"unit": "byte"}, str(uploads.upload_bytes)))


def _sync_limit(seconds: float) -> Element:
    """Return how long synchronous queries may run (TAPRegExt 1.1 §2, a draft)."""
    limit = _limit("executionDuration", int(seconds), int(seconds))
    limit.set("forMode", "sync")
    return limit


def _limit(name: str, default: int, hard: int, **attributes: str) -> Element:
    """Return an element with both limits; a hard one of 0 is none."""
    limits = {"default": default, "hard": hard}
    return ELEMENT(name, *(ELEMENT(kind, attributes, str(value)) for kind, value in limits.items() if value))


# ---- the language


def _language() -> Element:
    versions = [
        ELEMENT.version({"ivo-id": f"ivo://ivoa.net/std/ADQL#v{version}"}, version) for version in ("2.1", "2.0")
    ]
    about = "ADQL 2.1, whole. Extensions: " + "; ".join(_EXTENSIONS) + "."
    return ELEMENT.language(ELEMENT.name("ADQL"), *versions, ELEMENT.description(about), *_features())


def _features() -> Iterable[Element]:
    for feature in (Feature.UDF, Feature.GEOMETRY, Feature.STRING, Feature.UNIT):
        functions = [f for f in FUNCTIONS if f.feature is feature]
        yield _feature_list(str(feature.value), _forms(functions) + _MORE.get(feature, []))
    for name, forms in _SYNTAX:
        yield _feature_list(name, forms)


def _forms(functions: list[Function]) -> list[tuple[str, str]]:
    """Return UDFs with their signatures; the language's own functions by their names, each once."""
    if functions[0].feature is Feature.UDF:
        return [(_of_scalars(f.signature), f.description) for f in functions]
    return list({f.name: (f.name, f.description) for f in reversed(functions)}.values())[::-1]


def _of_scalars(signature: str) -> str:
    """Return a signature in the types that readers of TAPRegExt know: TOPCAT refuses those of arrays, and of anything."""
    return signature.replace("[]", "").replace("ANY", "DOUBLE PRECISION")


_MORE = {
    Feature.STRING: [("ILIKE", "LIKE without regard to case.")],
    Feature.GEOMETRY: [
        ("REGION", "A geometry as text: 'CIRCLE ICRS 10 20 0.5'; POSITION, CIRCLE, BOX and POLYGON in ICRS.")
    ],
}
_SYNTAX = (
    ("features-adql-common-table", [("WITH", "Queries with names, before the main one.")]),
    (
        "features-adql-sets",
        [
            ("UNION", "Rows of both, with ALL also repeated ones."),
            ("EXCEPT", "Rows of the first only."),
            ("INTERSECT", "Rows of both."),
        ],
    ),
    (
        "features-adql-type",
        [
            (
                "CAST",
                "To SMALLINT, INTEGER, BIGINT, REAL, DOUBLE PRECISION, CHAR, VARCHAR, TIMESTAMP, POINT, CIRCLE, POLYGON.",
            ),
            # ADQL 2.1 §4.8 has features-adql-conditional for it, which STILTS before 3.5 calls an error (docs/adr/0006).
            ("COALESCE", "The first of the values that is not NULL."),
        ],
    ),
    ("features-adql-offset", [("OFFSET", "Leaves the first rows out.")]),
)
_EXTENSIONS = (
    "CASE WHEN condition THEN value ELSE value END",
    "NULLIF(a, b)",
    "SELECT *, expression",
    "boolean columns compared with 1 and 0",
    "comments in /* */",
    "a query that gives one value stands for it: x = (SELECT MAX(x) FROM t)",
    # As VECTORMATH it would be in a list of its own, of which taplint warns (docs/adr/0006).
    "vectors as in https://wiki.ivoa.net/twiki/bin/view/IVOA/ADQLVectorMath: a[1], a[2:5], a + b, arr_sum(a), SUM(a) and others",
    "elements of arrays as rows: FROM t, UNNEST(t.a, t.b) WITH ORDINALITY AS u (a, b, i)",
    "ORDER BY in ARRAY_AGG and ivo_string_agg",
    "COUNT, SUM, AVG, MIN, MAX, STDDEV, VARIANCE, CORR and the functions of windows before OVER (PARTITION BY ... ORDER BY ...)",
)


def _feature_list(name: str, forms: list[tuple[str, str]]) -> Element:
    features = [
        ELEMENT.feature(ELEMENT.form(form), *([ELEMENT.description(about)] if about else [])) for form, about in forms
    ]
    return ELEMENT.languageFeatures({"type": _REGEXT + name}, *features)
