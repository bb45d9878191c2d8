"""The URL map of the pages. What programs use too is a PageRoute: it is seen by browsers only."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from schema.own_tables.changes import OwnTable
from schema.per_catalogue import PerCatalogue
from schema.search import TableIndex
from tap.auth.login import Login
from tap.auth.self_service import SelfService
from tap.availability import Availability
from tap.engine.engine import Engine
from tap.examples import Example
from tap.pages.account_pages import AccountPages, AccountParts
from tap.pages.admin_pages import AdminPages
from tap.pages.builder_pages import BuilderPages
from tap.pages.forms import Forms
from tap.pages.help_pages import HelpPages
from tap.pages.job_pages import JobPages
from tap.pages.lists import Lists
from tap.pages.negotiation import PageRoute
from tap.pages.query_page import QueryPage
from tap.pages.rendering import CatalogueOf, Pages
from tap.pages.result_rows import ResultRows
from tap.pages.schema_pages import SchemaPages
from tap.pages.shared_pages import SharedPages
from tap.pages.static_files import static_file
from tap.pages.status_page import StatusPage
from tap.parts import Parts
from tap.shares.groups import Groups
from uws.resources import Resources


@dataclass(frozen=True)
class PageParts:
    """What the pages are made of. `catalogue` tells what who asks may know of, `availability` whether all is well."""

    pages: Pages
    parts: Parts
    planner: Engine
    jobs: Resources
    login: Login
    self_service: SelfService
    own_table: Callable[[Request, str], Awaitable[OwnTable | None]]
    groups: Groups
    catalogue: CatalogueOf
    availability: Availability
    examples: PerCatalogue[list[Example]]
    rows: ResultRows
    download: Callable[[Request], Awaitable[Response]]
    follow_link: Callable[[Request], Awaitable[Response]]

    @cached_property
    def handlers(self) -> "PageHandlers":
        """The pages, of which each has what it shows."""
        pages, config, catalogue = self.pages, self.parts.config, self.catalogue
        indexes = PerCatalogue(TableIndex)
        parts, planner, rights = self.parts, self.planner, self.parts.rights
        accounts = AccountParts(self.login.authenticator, parts.own_tables, self.groups, parts.shares)
        return PageHandlers(
            QueryPage(pages, config, catalogue, self.jobs, planner, rights, indexes, self.examples),
            SchemaPages(pages, config, catalogue, self.own_table, planner, rights, indexes),
            JobPages(pages, config, self.jobs, self.rows, catalogue),
            AccountPages(pages, config, catalogue, self.login, self.self_service, accounts),
            AdminPages(pages, parts),
            SharedPages(pages, parts.shares, self.follow_link),
            BuilderPages(pages, config, catalogue),
            HelpPages(pages, config),
            StatusPage(pages, parts, self.availability),
            Forms(pages, config),
            Lists(config),
            self.download,
        )


@dataclass(frozen=True)
class PageHandlers:
    """The handlers of all pages; `download` answers with a result in another format than it is kept in."""

    query: QueryPage
    schema: SchemaPages
    jobs: JobPages
    account: AccountPages
    admin: AdminPages
    shared: SharedPages
    builder: BuilderPages
    help: HelpPages
    status: StatusPage
    forms: Forms
    lists: Lists
    download: Callable[[Request], Awaitable[Response]]

    def routes(self, tap: str) -> list[Route]:
        get, post, both = ["GET"], ["POST"], ["GET", "POST"]
        return [
            Route("/", self.query.query, methods=get),
            Route(tap, self.query.query, methods=get),
            Route(f"{tap}/check", self.query.check, methods=both),
            Route("/build", self.builder.build, methods=get),
            Route("/crossmatch", self.builder.cross_match, methods=get),
            Route("/help", self.help.help, methods=get),
            Route("/help/{name}", self.help.document, methods=get),
            PageRoute(f"{tap}/tables", self.schema.tables, methods=get),
            PageRoute(f"{tap}/tables/{{name:path}}", self.schema.table, methods=get),
            PageRoute(f"{tap}/async", self.jobs.job_list, methods=get),
            PageRoute(f"{tap}/async/{{job_id}}", self.jobs.job, methods=get),
            Route("/-/jobs/{job_id}", self.jobs.annotate, methods=post),
            PageRoute(f"{tap}/availability", self.status.status, methods=get),
            PageRoute(f"{tap}/login", self.account.login_form, methods=get),
            PageRoute(f"{tap}/login", self.account.log_in, methods=post),
            PageRoute(f"{tap}/logout", self.account.log_out, methods=post),
            *(PageRoute(f"{at}/whoami", self.account.account, methods=get) for at in (tap, "")),
            PageRoute(f"{tap}/shared/{{secret}}", self.shared.shared, methods=get),
            PageRoute(f"{tap}/queries", self.admin.overview, methods=get),
            Route("/-/static/{digest}/{path:path}", static_file, methods=get),
            Route("/-/completion", self.query.completion, methods=both),
            Route("/-/list", self.lists.read, methods=post),
            Route("/-/events", self.jobs.events, methods=get),
            Route("/-/columns/{job_id}", self.jobs.columns, methods=get),
            Route("/-/kit/{job_id}/{file}", self.jobs.take_away, methods=get),
            Route("/-/results/{job_id}", self.download, methods=get),
            Route("/-/form/{path:path}", self.forms.form, methods=post),
        ]
