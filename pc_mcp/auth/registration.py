"""As which application people sign in, and where."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Registration:
    """An application registered in Entra.

    authority: the root of the sign-in service, such as https://login.microsoftonline.com; tenant: a
    GUID or domain, or None until the first sign-in; scope: of Partner Center; known: whether the
    authority is one of Microsoft's, which describe each other.
    """

    client_id: str
    authority: str
    tenant: str | None
    scope: str
    known: bool = True
