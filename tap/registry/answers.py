"""What each verb of OAI-PMH is answered with (OAI-PMH 2.0 §4, Registry Interfaces 1.1 §2)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from lxml.builder import ElementMaker

from schema.registry_records import RegistryRecord
from tap.config import Config
from tap.registry.dublin_core import OAI_DC, SCHEMA, dublin_core
from tap.registry.faults import BAD_TOKEN, NO_FORMAT, NO_MATCH, NO_RECORD, OaiError
from tap.registry.identifiers import registry_id
from tap.registry.listing import DATESTAMP, Listing
from tap.registry.requests import TOKEN, OaiRequest, Selection, read_selection
from tap.registry.resumption import Resumption, read_token
from tap.registry.urls import FORMAT, oai_url
from tap.registry.voresource import NAMESPACES, RESOURCE, Element

OAI = "http://www.openarchives.org/OAI/2.0/"
ELEMENT = ElementMaker(namespace=OAI, nsmap={"oai": OAI, "xsi": NAMESPACES["xsi"]})
"""With a prefix, since the elements of a record are in no namespace."""
MANAGED = "ivo_managed"
"""The set of what comes from this registry (Registry Interfaces 1.1 §2.6), which is all that it has."""


@dataclass(frozen=True, slots=True)
class MetadataFormat:
    """A form in which records come: its schema and namespace, and how it is made of a record in VOResource."""

    schema: str
    namespace: str
    make: Callable[[Element], Element]


_FORMATS = {
    FORMAT: MetadataFormat(RESOURCE, RESOURCE, lambda resource: resource),
    "oai_dc": MetadataFormat(SCHEMA, OAI_DC, dublin_core),
}


@dataclass(frozen=True)
class OaiAnswers:
    """The answers of one registry, from the records that it has now."""

    config: Config
    listing: Listing

    def answer(self, request: OaiRequest) -> Element:
        """Return the element of the verb. Raises: OaiError."""
        arguments = request.arguments
        match request.verb:
            case "Identify":
                return self._identify()
            case "ListMetadataFormats":
                return self._formats(arguments.get("identifier"))
            case "ListSets":
                return self._sets(arguments.get(TOKEN))
            case "GetRecord":
                return self._get_record(arguments["identifier"], _format(arguments["metadataPrefix"]))
            case _:
                return self._list(request)

    def _identify(self) -> Element:
        web, registry = self.config.web, self.config.registry
        record = self._record(registry_id(registry.registry_authority))
        return ELEMENT.Identify(
            ELEMENT.repositoryName(web.title),
            ELEMENT.baseURL(oai_url(web)),
            ELEMENT.protocolVersion("2.0"),
            ELEMENT.adminEmail(web.contact),
            ELEMENT.earliestDatestamp(_written(min(record.created for record in self.listing.records))),
            ELEMENT.deletedRecord("persistent"),
            ELEMENT.granularity("YYYY-MM-DDThh:mm:ssZ"),
            ELEMENT.compression("gzip"),
            ELEMENT.description(self.listing.resource(record)),
        )

    def _formats(self, identifier: str | None) -> Element:
        if identifier is not None:
            self._record(identifier)
        return ELEMENT.ListMetadataFormats(
            *(
                ELEMENT.metadataFormat(
                    ELEMENT.metadataPrefix(prefix),
                    ELEMENT.schema(format_.schema),
                    ELEMENT.metadataNamespace(format_.namespace),
                )
                for prefix, format_ in _FORMATS.items()
            )
        )

    def _sets(self, token: str | None) -> Element:
        if token is not None:
            raise OaiError(BAD_TOKEN, "The list of sets is never cut, so no resumptionToken belongs to it")
        about = "All records of this registry: it has none of others"
        return ELEMENT.ListSets(ELEMENT.set(ELEMENT.setSpec(MANAGED), ELEMENT.setName(about)))

    def _get_record(self, identifier: str, format_: MetadataFormat) -> Element:
        return ELEMENT.GetRecord(self._entry(self._record(identifier), format_))

    def _record(self, identifier: str) -> RegistryRecord:
        """Return a record. Raises: OaiError."""
        record = self.listing.find(identifier)
        if record is None:
            raise OaiError(NO_RECORD, f"This registry has no record {identifier[:200]!r}")
        return record

    # ---- lists

    def _list(self, request: OaiRequest) -> Element:
        token = request.arguments.get(TOKEN)
        resumption = read_token(token) if token is not None else None
        selection = resumption.selection if resumption else read_selection(request.arguments)
        format_ = _format(selection.prefix)
        records = self._selected(selection, resumption)
        page = records[: self.config.registry.registry_page_size]
        is_brief = request.verb == "ListIdentifiers"
        entries = [_header(record) if is_brief else self._entry(record, format_) for record in page]
        given = resumption.given if resumption else 0
        return ELEMENT(request.verb, *entries, *_token(selection, given, page, len(records)))

    def _selected(self, selection: Selection, resumption: Resumption | None) -> list[RegistryRecord]:
        """Return the records of a list, or what is left of it. Raises: OaiError where there is none."""
        if selection.set_name not in {None, MANAGED}:
            raise OaiError(NO_MATCH, f"There is no set {selection.set_name}; the only one is {MANAGED}")
        records = [record for record in self.listing.records if _is_selected(record, selection)]
        if not records and not resumption:
            raise OaiError(NO_MATCH, "No record has changed in that time")
        if resumption:
            records = [r for r in records if (r.changed, r.identifier) > (resumption.changed, resumption.identifier)]
        if not records:
            raise OaiError(BAD_TOKEN, "What was left of the list has changed since; begin the list anew")
        return records

    def _entry(self, record: RegistryRecord, format_: MetadataFormat) -> Element:
        """Return a record with what it says; of one that is gone that it is gone."""
        if record.is_deleted:
            return ELEMENT.record(_header(record))
        return ELEMENT.record(_header(record), ELEMENT.metadata(format_.make(self.listing.resource(record))))


def _format(prefix: str) -> MetadataFormat:
    """Raises: OaiError."""
    if prefix not in _FORMATS:
        raise OaiError(NO_FORMAT, f"There is no format {prefix[:60]!r}; records come as {' and '.join(_FORMATS)}")
    return _FORMATS[prefix]


def _is_selected(record: RegistryRecord, selection: Selection) -> bool:
    since, until = selection.since or record.changed, selection.until or record.changed
    return since <= record.changed <= until


def _header(record: RegistryRecord) -> Element:
    return ELEMENT.header(
        {"status": "deleted"} if record.is_deleted else {},
        ELEMENT.identifier(record.identifier),
        ELEMENT.datestamp(_written(record.changed)),
        ELEMENT.setSpec(MANAGED),
    )


def _token(selection: Selection, given: int, page: Sequence[RegistryRecord], left: int) -> list[Element]:
    """Return what ends a page: nothing of a list that is whole, an empty token at the end of one that was cut."""
    if given == 0 and left == len(page):
        return []
    after, last = given + len(page), page[-1]
    token = Resumption(selection, after, last.changed, last.identifier).token() if left > len(page) else ""
    about = {"completeListSize": str(given + left), "cursor": str(given)}
    return [ELEMENT.resumptionToken(about, token)]


def _written(instant: datetime) -> str:
    return instant.strftime(DATESTAMP)
