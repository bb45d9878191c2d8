"""/publications: an account offers a table to the public, a moderator accepts it or sends it back; both see the state."""

from dataclasses import asdict, dataclass
from datetime import datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from schema.own_tables.publication import NoSuchPublication, Offer, Publication
from schema.vodataservice import writable
from tap.auth.authentication import OutOfScope
from tap.auth.identity import Account
from tap.auth.private import account_of, is_administrator, number_in_path, private_json
from tap.form import read_parameters
from tap.own_tables.resources import TableResources, owner_of
from uws.parameters import ParameterError, Parameters

_LONGEST = 10_000
"""Characters of each text of an offer, of which moderators see all."""


@dataclass(frozen=True)
class Publications:
    """The handlers. Moderators are administrators, whose credential carries that right."""

    resources: TableResources

    async def list(self, request: Request) -> Response:
        """List one's own; for a moderator those of all."""
        account = account_of(request, "only accounts publish tables")
        whose = None if is_administrator(request) else account
        publications = await run_in_threadpool(self.resources.tables.publications, whose)
        return private_json([_shown(publication) for publication in publications])

    async def offer(self, request: Request) -> Response:
        account, parameters = owner_of(request), await read_parameters(request, self.resources.config)
        name, offer = parameters.required("TABLE"), _offer(parameters)
        number = await run_in_threadpool(self.resources.tables.offer, account, name, offer)
        location = f"{self.resources.config.web.base_url}/publications/{number}"
        return private_json({"id": str(number), "state": "offered"}, 201, {"location": location})

    async def decide(self, request: Request) -> Response:
        """Withdraw one's own, or as a moderator accept it under the name AS or return it with a WORD."""
        account, parameters = owner_of(request), await read_parameters(request, self.resources.config)
        number, action = _number(request), parameters.required("ACTION").lower()
        if action == "withdraw":
            await run_in_threadpool(self.resources.tables.withdraw, account, number)
            return Response(status_code=204)
        if action not in {"accept", "return"}:
            raise ParameterError("ACTION can be accept, return or withdraw")
        await self._moderate(request, account, number, parameters)
        return Response(status_code=204)

    async def _moderate(self, request: Request, account: Account, number: int, parameters: Parameters) -> None:
        if not is_administrator(request):
            raise OutOfScope("Only a moderator decides what is published")
        if parameters.required("ACTION").lower() == "accept":
            name = parameters.required("AS")
            await self.resources.run(account, self.resources.tables.accept, number, name)
        else:
            word = parameters.required("WORD")
            await run_in_threadpool(self.resources.tables.send_back, account, number, word)


def _number(request: Request) -> int:
    number = number_in_path(request, "number")
    if number is None:
        raise NoSuchPublication("There is no such offer")
    return number


def _offer(parameters: Parameters) -> Offer:
    title, abstract, licence, contact = map(parameters.required, ("TITLE", "ABSTRACT", "LICENCE", "CONTACT"))
    offer = Offer(title, abstract, licence, contact, parameters.one("CITATION"))
    if wrong := next((name for name, text in asdict(offer).items() if text and writable(text) != text), None):
        raise ParameterError(f"{wrong.upper()} has characters that no document can hold")
    if long := next((name for name, text in asdict(offer).items() if text and len(text) > _LONGEST), None):
        raise ParameterError(f"{long.upper()} has at most {_LONGEST:,} characters")
    return offer


def _shown(publication: Publication) -> dict[str, object]:
    values = {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(publication).items()
    }
    return {"id": str(values.pop("publication_id")), "table": values.pop("table_name"), **values}
