"""The endpoints: {links}, and /data, where the Gaia archive's clients get products."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route

from tap.auth.authentication import address_of
from tap.auth.identity import account_in
from tap.auth.limits import config_for
from tap.auth.rights import Rights
from tap.config import Config
from tap.datalink.answers import DatalinkAnswer, LinksAnswer, ProductsAnswer
from tap.datalink.archive import MEDIA_TYPE
from tap.datalink.faults import PATH
from tap.datalink.linked_table import TableChoice
from tap.datalink.products import ProductRequest, Structure
from tap.datalink.result_links import LINKS_TYPE
from tap.engine.cancellation import Cancellation, CancelReason
from tap.engine.rows import Interrupted
from tap.form import read_form
from tap.formats import FORMATS, find_format
from tap.formats.format import Format
from tap.formats.votable_tabledata import VOTABLE_TABLEDATA
from tap.progress import QueryProgress
from tap.query.run import QueryService
from tap.request import TapRequest
from tap.sync import Queries, QueryResponse, QueryShare
from tap.uploads.upload import read_uploads
from uws.parameters import ParameterError, Parameters

_MOST_IDS = 1_000_000
"""Parameters of a request; an upload can have more IDs."""
_MOST_BYTES = 32_000_000
_LINKS_NAMES = {"votable", "votable/td", "votable_plain", "text/xml", "application/xml", "application/x-votable+xml"}
_ALL = "ALL"


@dataclass(frozen=True)
class DatalinkResources:
    """The handlers."""

    config: Config
    rights: Rights
    queries: Queries

    def routes(self, tap: str) -> list[Route]:
        """Return where they are: below the service, and beside it, where clients of the Gaia archive look."""
        methods = ["GET", "POST"]
        return [
            *(Route(f"{at}{PATH}", self.links, methods=methods) for at in (tap, "")),
            *(Route(f"{at}/data", self.data, methods=methods) for at in (tap, "")),
        ]

    async def links(self, request: Request) -> QueryResponse:
        return await self._answer(request, self._links)

    async def data(self, request: Request) -> QueryResponse:
        return await self._answer(request, self._products)

    async def _answer(self, request: Request, read: "ReadAnswer") -> QueryResponse:
        config, account = config_for(self.config, account_in(request)), account_in(request)
        with ExitStack() as stack:
            room = config.changed(body_limit=max(config.web.body_limit, _MOST_BYTES))
            form = await read_form(request, room, self.queries.service.room.folder, _MOST_IDS)
            stack.callback(form.close)
            answer, tap_request = read(form.parameters)
            tap_request = replace(tap_request, uploads=read_uploads(form.parameters, form.files))
            if account:
                role = await run_in_threadpool(self.rights.role, account)
                tap_request = replace(tap_request, owner=account.name, role=role)
            done = stack.pop_all().close
        seconds = max(config.limits.sync_limit, config.jobs.job_duration_default)
        share = QueryShare(tap_request.owner or address_of(request), config.web.queries_per_owner, seconds)
        return DatalinkResponse(self.queries, tap_request, share, done, answer)

    def _links(self, parameters: Parameters) -> tuple[DatalinkAnswer, TapRequest]:
        _check_links_format(parameters.one("RESPONSEFORMAT"))
        maxrec = parameters.whole_number("MAXREC")
        most = self.config.limits.maxrec_hard
        answer = LinksAnswer(parameters, TableChoice.of(parameters), self.config.web.base_url)
        maxrec = most if maxrec is None else min(maxrec, most)
        return answer, TapRequest("links", maxrec, VOTABLE_TABLEDATA, LINKS_TYPE)

    def _products(self, parameters: Parameters) -> tuple[DatalinkAnswer, TapRequest]:
        """Read what clients of the Gaia archive ask. Raises: ParameterError."""
        format_, media_type = _format(parameters)
        structure = _structure(parameters)
        kinds = (parameters.one("RETRIEVAL_TYPE") or _ALL).split(",")
        names = tuple(dict.fromkeys(kind.strip() for kind in kinds if kind.strip() and kind.strip().upper() != _ALL))
        ids = list(islice((id_ for value in parameters.all("ID") for id_ in value.split(",") if id_.strip()), 2))
        has_table = bool(parameters.all("UPLOAD") or parameters.all("IDS_FROM"))
        if not ids and not has_table:
            raise ParameterError("The parameter ID is missing")
        is_one = structure is not Structure.INDIVIDUAL or (len(ids) == 1 and not has_table)
        is_zip = _flag(parameters, "USE_ZIP_ALWAYS") or not is_one or len(names) != 1
        wanted = ProductRequest(structure, format_, _flag(parameters, "VALID_DATA"))
        answer = ProductsAnswer(parameters, TableChoice.of(parameters), names, wanted, is_zip)
        if is_zip:
            format_, media_type = replace(format_, extension="zip", packs=False), MEDIA_TYPE
        return answer, TapRequest("data", self.config.limits.maxrec_hard, format_, media_type)


ReadAnswer = Callable[[Parameters], tuple[DatalinkAnswer, TapRequest]]


class DatalinkResponse(QueryResponse):
    """An answer about IDs, which takes its turn among queries."""

    def __init__(
        self,
        queries: Queries,
        request: TapRequest,
        share: QueryShare,
        done: Callable[[], None],
        answer: DatalinkAnswer,
    ) -> None:
        super().__init__(queries, request, share, done, None)
        self._answer = answer

    def pieces(self, service: QueryService, cancellation: Cancellation, progress: QueryProgress) -> Iterator[bytes]:
        return self._answer.pieces(self._request, service, cancellation, progress)

    def too_slow(self) -> Exception:
        return Interrupted(CancelReason.TIME_LIMIT)


def _check_links_format(name: str | None) -> None:
    """Raise ParameterError for another format than VOTable with TABLEDATA (DataLink 1.1 §2.1.2)."""
    kind, _, more = (name or "votable").lower().replace(" ", "").replace('"', "").partition(";")
    if kind not in _LINKS_NAMES or ("serialization=" in more and "serialization=tabledata" not in more):
        raise ParameterError(f"RESPONSEFORMAT {str(name)[:80]!r} is not available for links, which come as votable")


def _format(parameters: Parameters) -> tuple[Format, str]:
    name = parameters.one("FORMAT") or parameters.one("RESPONSEFORMAT") or "votable"
    match = find_format(name)
    if match is None:
        known = ", ".join(format_.aliases[0] for format_ in FORMATS)
        raise ParameterError(f"FORMAT {name[:80]!r} is not available; known are {known}")
    return match


def _structure(parameters: Parameters) -> Structure:
    name = (parameters.one("DATA_STRUCTURE") or Structure.INDIVIDUAL.name).upper()
    if name not in Structure.__members__:
        raise ParameterError(f"DATA_STRUCTURE can be {', '.join(Structure.__members__)}, not {name[:40]!r}")
    return Structure[name]


def _flag(parameters: Parameters, name: str) -> bool:
    value = (parameters.one(name) or "false").lower()
    if value not in {"true", "false"}:
        raise ParameterError(f"{name} can be true or false, not {value[:40]!r}")
    return value == "true"
