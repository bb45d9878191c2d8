"""Who asks. For now everybody is anonymous."""

from tap.auth.anonymous import ANONYMOUS
from tap.auth.authenticator import Authenticator, User

AUTHENTICATORS: tuple[Authenticator, ...] = (ANONYMOUS,)

__all__ = ["AUTHENTICATORS", "Authenticator", "User"]
