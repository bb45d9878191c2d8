"""The records of a service: its registry, the authority, the publisher, the TAP service, and each table (VODataService 1.2 §2.2).

A table is a resource of its own, since it has its own title, creators and coverage; who finds it is led to the TAP service by an
auxiliary capability ("Discovering Data Collections Within Services"). Nothing here knows when a record changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from schema.coverage import Coverage
from schema.model import Catalogue, Column, Table
from schema.obscore.model import DATA_MODEL, TABLE
from schema.statistics.cells import SkyCoverage
from schema.versions import is_kept
from schema.vodataservice import coverage_element, tableset_element
from tap.config import Config
from tap.dal.capabilities import cone_search_capabilities, image_access_capabilities
from tap.dal.cone_search import Cone, SearchedTable
from tap.dal.urls import cone_search_url, image_access_url
from tap.registry.coverages import united, wavebands
from tap.registry.identifiers import authority_id, organisation_id, registry_id, service_id, table_id
from tap.registry.urls import oai_url
from tap.registry.voresource import (
    NAMESPACES,
    SERVED_BY,
    SERVICE_FOR,
    Curation,
    Element,
    Party,
    ResourceContent,
    resource,
    token,
)
from tap.vosi import ELEMENT, XSI_TYPE, capabilities_element, capability_list, interface, security_methods
from tap.vosi import NAMESPACES as VOSI_NAMESPACES

_STANDARD = "ivo://ivoa.net/std/Registry"
_PLAIN = {"tap_schema"}
"""Schemas that are no data: they have no records of their own."""


@dataclass(frozen=True)
class PublishedTables:
    """What everybody may read of what the operator publishes; `sky` is where tables have rows, `examples` are cones that find some."""

    catalogue: Catalogue
    sky: SkyCoverage | None = None
    coverages: Mapping[str, Coverage] = field(default_factory=dict)
    examples: Mapping[str, Cone] = field(default_factory=dict)

    @property
    def tables(self) -> list[Table]:
        """The tables that have records of their own: no older version has, which would be found beside the one that counts."""
        tables = (table for table in self.catalogue.tables if table.schema_name not in _PLAIN)
        return [table for table in tables if not is_kept(table.table_name)]

    def coverage(self, table: Table) -> Coverage:
        return self.coverages.get(table.table_name, Coverage())


@dataclass(frozen=True)
class Records:
    """Makes the records of a service, in the order in which they are needed to understand each other."""

    config: Config
    published: PublishedTables

    def all(self) -> Iterator[Element]:
        yield self.registry()
        yield self._authority()
        if not self.config.registry.registry_publisher_id:
            yield self._organisation()
        yield self._service()
        for table in self.published.tables:
            yield self._table(table)

    @property
    def authority(self) -> str:
        return self.config.registry.registry_authority

    # ---- who

    @property
    def _publisher(self) -> Party:
        ivo_id = self.config.registry.registry_publisher_id or organisation_id(self.authority)
        return Party(self.config.web.publisher, ivo_id)

    @property
    def _curation(self) -> Curation:
        web, name = self.config.web, self.config.registry.registry_contact_name
        return Curation(self._publisher, name or web.publisher, web.contact, (web.publisher,))

    @property
    def _page(self) -> str:
        """The page that tells of the service."""
        return self.config.registry.registry_reference_url or self.config.web.base_url.removesuffix("/tap") + "/"

    def _content(self, description: str, content_type: str) -> ResourceContent:
        return ResourceContent(
            description=description, reference_url=self._page, subjects=self._subjects, content_type=content_type
        )

    @property
    def _subjects(self) -> tuple[str, ...]:
        return tuple(word.strip() for word in self.config.registry.registry_subjects.split(",") if word.strip())

    def registry(self) -> Element:
        """Return the record of the registry itself (Registry Interfaces 1.1 §2.4)."""
        title = self.config.web.title
        content = self._content(
            f"The publishing registry of {title}: records of the service and its tables.", "Registry"
        )
        root = resource("vg:Registry", registry_id(self.authority), f"Registry of {title}", self._curation, content)
        root.extend(list(registry_capabilities(self.config)))
        root.append(ELEMENT.full("false"))
        root.append(ELEMENT.managedAuthority(self.authority))
        return root

    def _authority(self) -> Element:
        about = f"The identifiers that begin with {authority_id(self.authority)} are given by {self._publisher.name}."
        content = self._content(about, "Other")
        title = f"Naming authority {self.authority}"
        root = resource("vg:Authority", authority_id(self.authority), title, self._curation, content)
        root.append(self._publisher.element("managingOrg"))
        return root

    def _organisation(self) -> Element:
        name = self._publisher.name
        content = self._content(f"{name} publishes {self.config.web.title}.", "Organisation")
        return resource("vr:Organisation", organisation_id(self.authority), name, self._curation, content)

    # ---- what

    def _service(self) -> Element:
        """Return the record of the TAP service, with all tables."""
        web, tables, published = self.config.web, self.published.tables, self.published
        served = tuple((SERVICE_FOR, Party(_title(table), table_id(self.authority, table))) for table in tables)
        about = self.config.registry.registry_description or f"{web.title}, published by {web.publisher}."
        content = replace(self._content(about, "Catalog"), related=served)
        root = resource("vs:CatalogService", service_id(self.authority), web.title, self._curation, content)
        models = dict([DATA_MODEL]) if any(table.table_name == TABLE for table in tables) else {}
        root.extend(list(capabilities_element(self.config, (), models)))
        columns = [column for table in tables for column in table.columns]
        root.extend(_coverage(united(map(published.coverage, tables), published.sky), columns))
        root.append(tableset_element(published.catalogue))
        return root

    def _table(self, table: Table) -> Element:
        """Return the record of a table: a service too where a simple protocol serves it alone."""
        own, origin = self._own_capabilities(table), table.origin
        kind = "vs:CatalogService" if own else "vs:CatalogResource"
        curation, content = self._table_curation(table), self._table_content(table)
        root = resource(kind, table_id(self.authority, table), _title(table), curation, content)
        if origin.licence or origin.licence_url:
            attributes = {"rightsURI": token(origin.licence_url)} if origin.licence_url else {}
            root.append(ELEMENT.rights(attributes, token(origin.licence or origin.licence_url or "")))
        root.extend([self._auxiliary(), *own])
        root.extend(_coverage(self.published.coverage(table), table.columns))
        root.append(tableset_element(self._alone(table)))
        return root

    def _table_curation(self, table: Table) -> Curation:
        creators = [name.strip() for name in (table.origin.creator or self.config.web.publisher).split(";")]
        is_other = table.origin.publisher not in {None, "", self._publisher.name}
        publisher = Party(table.origin.publisher or "") if is_other else self._publisher
        dates = (("Issued", table.origin.publication_date), ("Updated", table.origin.last_update_date))
        told = tuple((role, date) for role, date in dates if date)
        names = tuple(filter(None, creators))
        return replace(self._curation, publisher=publisher, creators=names, dates=told, version=table.origin.version)

    def _table_content(self, table: Table) -> ResourceContent:
        web, origin = self.config.web, table.origin
        return ResourceContent(
            description=table.description or f"The table {table.table_name} of {web.title}.",
            reference_url=origin.reference_url or f"{web.base_url}/tables/{quote(table.table_name)}",
            subjects=self._subjects,
            content_type="Catalog",
            sources=(origin.article, origin.citation),
            related=((SERVED_BY, Party(web.title, service_id(self.authority))),),
        )

    def _auxiliary(self) -> Element:
        """Return where the TAP service is; its own record says the rest."""
        tap = interface("vs:ParamHTTP", self.config.web.base_url, use="base", role="std", version="1.1")
        tap.extend(security_methods(self.config))
        return ELEMENT.capability({"standardID": "ivo://ivoa.net/std/TAP#aux"}, tap)

    def _own_capabilities(self, table: Table) -> list[Element]:
        """Return those of the simple protocol that serves this table alone.

        They are as its VOSI endpoint tells them, but for the test query: rows come in no order, and a record must not change with it.
        """
        if table.table_name == TABLE:
            return list(image_access_capabilities(self.config, image_access_url(self.config.web)))
        if SearchedTable.of(table) is None:
            return []
        base, example = (
            cone_search_url(self.config.web, table.table_name),
            self.published.examples.get(table.table_name),
        )
        return list(cone_search_capabilities(self.config, base, example))

    def _alone(self, table: Table) -> Catalogue:
        """Return a catalogue of this table only."""
        catalogue = self.published.catalogue
        schemas = (schema for schema in catalogue.schemas if schema.schema_name == table.schema_name)
        return Catalogue(tuple(replace(schema, tables=(table,)) for schema in schemas), catalogue.keys_from(table))


def registry_capabilities(config: Config) -> Element:
    """Return the root of the document that tells of /oai (Registry Interfaces 1.1 §3.4, VOSI 1.1)."""
    url, attributes = oai_url(config.web), {"standardID": _STANDARD, XSI_TYPE: "vg:Harvest"}
    oai = interface("vg:OAIHTTP", url, use="base", role="std", version="1.0")
    harvest = ELEMENT.capability(attributes, oai, ELEMENT.maxRecords(str(config.registry.registry_page_size)))
    return capability_list(VOSI_NAMESPACES | {"vg": NAMESPACES["vg"]}, url, harvest)


def _title(table: Table) -> str:
    return table.origin.title or table.table_name


def _coverage(coverage: Coverage, columns: Sequence[Column]) -> list[Element]:
    """Return the element, none where nothing is known."""
    element = coverage_element(coverage)
    element.extend(ELEMENT.waveband(name) for name in wavebands(columns, coverage))
    return [element] if len(element) else []
