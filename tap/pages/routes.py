"""The URL map of the pages. What programs use too is a PageRoute: it is seen by browsers only."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tap.pages.account_pages import AccountPages
from tap.pages.builder_pages import BuilderPages
from tap.pages.forms import Forms
from tap.pages.help_pages import HelpPages
from tap.pages.job_pages import JobPages
from tap.pages.lists import Lists
from tap.pages.negotiation import PageRoute
from tap.pages.query_page import QueryPage
from tap.pages.schema_pages import SchemaPages
from tap.pages.static_files import static_file


@dataclass(frozen=True)
class PageHandlers:
    """The handlers of all pages; `download` answers with a result in another format than it is kept in."""

    query: QueryPage
    schema: SchemaPages
    jobs: JobPages
    account: AccountPages
    builder: BuilderPages
    help: HelpPages
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
            PageRoute(f"{tap}/login", self.account.login_form, methods=get),
            PageRoute(f"{tap}/login", self.account.log_in, methods=post),
            PageRoute(f"{tap}/logout", self.account.log_out, methods=post),
            *(PageRoute(f"{at}/whoami", self.account.account, methods=get) for at in (tap, "")),
            Route("/-/static/{digest}/{path:path}", static_file, methods=get),
            Route("/-/completion", self.query.completion, methods=both),
            Route("/-/list", self.lists.read, methods=post),
            Route("/-/events", self.jobs.events, methods=get),
            Route("/-/columns/{job_id}", self.jobs.columns, methods=get),
            Route("/-/kit/{job_id}/{file}", self.jobs.take_away, methods=get),
            Route("/-/results/{job_id}", self.download, methods=get),
            Route("/-/form/{path:path}", self.forms.form, methods=post),
        ]
