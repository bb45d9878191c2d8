"""Nobody in particular."""

from collections.abc import Mapping

from tap.auth.authenticator import User


class Anonymous:
    def identify(self, headers: Mapping[str, str]) -> User | None:
        return User(None)


ANONYMOUS = Anonymous()
