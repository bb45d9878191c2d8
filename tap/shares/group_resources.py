"""/groups as JSON: one's groups, and those that one owns changed."""

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from tap.auth.accounts import Group
from tap.auth.identity import Account, TokenScope
from tap.auth.private import account_of, check_count, private_json
from tap.config import Config
from tap.form import read_parameters
from tap.shares.groups import Groups
from uws.parameters import ParameterError


@dataclass(frozen=True)
class GroupResources:
    """The handlers."""

    groups: Groups
    config: Config

    async def list(self, request: Request) -> Response:
        groups = await run_in_threadpool(self.groups.of, _account(request, TokenScope.READ))
        return private_json([_shown(group) for group in groups])

    async def add(self, request: Request) -> Response:
        """Make a group called NAME."""
        account, parameters = _account(request), await read_parameters(request, self.config)
        name = parameters.required("NAME")
        own = [group for group in await run_in_threadpool(self.groups.of, account) if account.name in group.owners]
        check_count(len(own), self.config.accounts.groups_per_account, "groups", "delete one")
        await run_in_threadpool(self.groups.make, account, name, parameters.one("DESCRIPTION"))
        return private_json({"name": name}, 201)

    async def change(self, request: Request) -> Response:
        """ADD and REMOVE accounts, both repeatable."""
        account, parameters = _account(request), await read_parameters(request, self.config)
        add, remove = parameters.all("ADD"), parameters.all("REMOVE")
        if not add and not remove:
            raise ParameterError("Nothing is asked for: ADD=account, REMOVE=account")
        group = await run_in_threadpool(self._owned, account, request.path_params["name"])
        await run_in_threadpool(self.groups.change, group, add, remove)
        return Response(status_code=204)

    async def delete(self, request: Request) -> Response:
        group = await run_in_threadpool(self._owned, _account(request), request.path_params["name"])
        await run_in_threadpool(self.groups.delete, group)
        return Response(status_code=204)

    def _owned(self, account: Account, name: str) -> Group:
        return self.groups.owned(account, name=name)


def _account(request: Request, scope: TokenScope = TokenScope.TABLES) -> Account:
    return account_of(request, "only accounts have groups", scope)


def _shown(group: Group) -> dict[str, object]:
    return {
        "name": group.name,
        "description": group.description,
        "members": list(group.members),
        "owners": list(group.owners),
    }
