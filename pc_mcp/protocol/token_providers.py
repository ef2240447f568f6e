"""Makes the `TokenProvider` that the settings ask for; nothing is imported or asked before it is needed."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal

from pc_mcp.auth import StaticToken, TokenProvider, Unconfigured
from pc_mcp.auth.registration import Registration
from pc_mcp.runtime.guides import SIGN_IN_GUIDE
from pc_mcp.runtime.places import Places
from pc_mcp.settings import AuthSettings, Settings

if TYPE_CHECKING:
    from pc_mcp.auth.entra import Entra

NO_CLIENT_ID = (
    "pc-mcp is not set up for signing in yet: the id of its application is missing. Set auth.client_id to the "
    f"application that your administrator registered in Entra (the guide for that is {SIGN_IN_GUIDE}), with: "
    "pc-mcp install CLIENT --client-id ID "
    "--tenant-id ID (pc-mcp doctor names the file that this writes to), or with the environment variable "
    "PC_MCP_AUTH__CLIENT_ID; then restart the server. To try it without: "
    "pc-mcp install CLIENT --sandbox, or: pc-mcp demo"
)


def token_provider(
    settings: Settings,
    way: Literal["auto", "browser", "device_code"] | None = None,
    tell: Callable[[str], None] | None = None,
    *,
    keep_in_file: bool = False,
) -> TokenProvider:
    """The way of signing in that `auth.mode` names. way: another one than `auth.flow`; tell: says to
    the person what to do, and is for whoever can wait as long as that takes; keep_in_file: whatever
    `auth.token_store` says."""
    auth = settings.auth
    if auth.mode == "token":
        return StaticToken(auth.access_token)
    if auth.client_id is None:
        return Unconfigured(NO_CLIENT_ID)
    registration = Registration(
        client_id=auth.client_id,
        authority=settings.authority,
        tenant=auth.tenant_id,
        scope=f"{settings.partner_center.cloud.base_url}/user_impersonation",
        known=auth.authority is None,
    )
    if auth.mode == "app":
        return _app_only(registration, auth)
    make_entra = _entra(registration, auth, settings.partner_center.cloud, keep_in_file=keep_in_file)
    return _delegated(make_entra, auth, way or auth.flow, tell)


def _delegated(
    make_entra: "Callable[[], Entra]", auth: AuthSettings, flow: str, tell: Callable[[str], None] | None
) -> TokenProvider:
    from pc_mcp.auth.by_person import Manner  # noqa: PLC0415 - not every mode needs it
    from pc_mcp.auth.delegated import DelegatedTokens  # noqa: PLC0415
    from pc_mcp.auth.ways import way_for  # noqa: PLC0415

    # Who is told is at the command line, and asked for nothing but to be signed in.
    manner = Manner(lambda: way_for(flow), tell, must_keep=tell is not None)
    return DelegatedTokens(make_entra, account=auth.account, manner=manner)


def _entra(registration: Registration, auth: AuthSettings, cloud: str, *, keep_in_file: bool) -> "Callable[[], Entra]":
    def make() -> "Entra":
        from pc_mcp.auth.entra import Entra  # noqa: PLC0415 - MSAL costs time
        from pc_mcp.auth.store import TokenStore, file_name  # noqa: PLC0415

        places = Places()
        name = f"{registration.client_id} {cloud} {registration.authority}"
        place = "file" if keep_in_file else auth.token_store
        path = places.data(file_name(name))
        left = partial(places.left, path.name)
        return Entra(registration, TokenStore(path.parent, name, place, replace=keep_in_file, left=left))

    return make


def _app_only(registration: Registration, auth: AuthSettings) -> TokenProvider:
    from pc_mcp.auth.app_only import AppTokens, credential  # noqa: PLC0415 - few need it

    return AppTokens(
        registration,
        lambda: credential(
            secret=auth.client_secret.get_secret_value() if auth.client_secret else None,
            certificate=auth.certificate_path,
            certificate_password=(auth.certificate_password.get_secret_value() if auth.certificate_password else None),
            private_key=auth.private_key_path,
            assertion_file=auth.assertion_path,
        ),
    )
