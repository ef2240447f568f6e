"""`auth.mode = "app"`: the application itself, without a user, for unattended scripts."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import anyio

from pc_mcp.auth.errors import NotConfigured, SignInNeeded
from pc_mcp.auth.msal_calls import MsalHttp, application_options, in_thread
from pc_mcp.auth.refusals import refused
from pc_mcp.auth.registration import Registration
from pc_mcp.auth.tokens import Account, Refusal, Status

Credential = str | Mapping[str, Any]


class AppTokens:
    """A `TokenProvider` by client credentials: a secret, a certificate or a federated assertion.

    credential: gives what MSAL takes as `client_credential`. Tokens are kept in memory only.
    """

    _NOTE = "The application signs in by itself (auth.mode = app); there is nothing to sign in or out."

    def __init__(self, registration: Registration, credential: Callable[[], Credential]) -> None:
        self._registration = registration
        self._credential = credential
        self._http: MsalHttp | None = None
        self._app: Any = None
        self._token: str | None = None
        self._expires_at: float | None = None

    async def __aenter__(self) -> Self:
        self._lock = anyio.Lock()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._http:
            self._http.close()

    async def account(self) -> Account:
        """Named by a digest of the application and its tenant."""
        await self.token()
        name = f"{self._registration.client_id}@{self._registration.tenant}"
        return _Application(hashlib.sha256(name.encode()).hexdigest(), self)

    async def token(self) -> str:
        return await self._acquired()

    async def renewed(self, refusal: Refusal) -> str | None:
        """A new token; with the claims that were asked for, or because the old one was refused."""
        if refusal.mfa_missing:
            return None
        if refusal.claims:
            return await self._acquired(claims_challenge=refusal.claims)
        async with self._lock:
            if self._app and self._token == refusal.token:  # else another request has renewed it
                self._app.remove_tokens_for_client()
        renewed = await self._acquired()
        return renewed if renewed != refusal.token else None

    def waiting(self) -> SignInNeeded | None:
        """Nobody is asked to sign in."""
        return None

    def call_off(self) -> None:
        """Nobody is asked to sign in."""

    async def sign_in(self) -> Status:
        await self.token()
        return await self.status()

    async def sign_out(self) -> Status:
        return await self.status()

    async def status(self) -> Status:
        return Status(
            signed_in=self._expires_at is not None and self._expires_at > time.time(),
            mode="app",
            username=self._registration.client_id,
            tenant=self._registration.tenant,
            expires_at=self._expires_at,
            note=self._NOTE,
        )

    async def _acquired(self, **how: Any) -> str:
        tenant = self._registration.tenant
        if not tenant:
            raise NotConfigured('auth.mode = "app" needs auth.tenant_id, the partner\'s own tenant.')
        scope = self._registration.scope.rpartition("/")[0] + "/.default"

        def work() -> dict[str, Any]:
            if self._app is None:
                import msal  # noqa: PLC0415 - costs time

                proof = self._credential()
                self._http = self._http or MsalHttp()
                options = application_options(self._registration, tenant, self._http)
                app = msal.ConfidentialClientApplication(**options, client_credential=proof)
                self._registration.check([app.authority.token_endpoint])
                self._app = app
            return dict(self._app.acquire_token_for_client([scope], **how))

        async with self._lock:
            result = await in_thread(work)
        if "access_token" not in result:
            raise refused(result)
        self._expires_at = time.time() + float(result.get("expires_in", 0))
        self._token = str(result["access_token"])
        return self._token


@dataclass(frozen=True, slots=True)
class _Application:
    """The application as an account: nobody can sign it out, and there is no other one."""

    id: str
    tokens: AppTokens

    async def token(self) -> str:
        return await self.tokens.token()

    async def renewed(self, refusal: Refusal) -> str | None:
        return await self.tokens.renewed(refusal)


def credential(
    *,
    secret: str | None,
    certificate: Path | None,
    certificate_password: str | None,
    private_key: Path | None,
    assertion_file: Path | None,
) -> Credential:
    """MSAL's form of the one credential that is configured.

    certificate: a PFX file, or with `private_key` the PEM file of the public certificate. Raises
    `NotConfigured` unless there is exactly one kind, and for files that cannot be read.
    """
    if sum(map(bool, (secret, certificate, assertion_file))) != 1:
        raise NotConfigured(
            'auth.mode = "app" needs exactly one of auth.client_secret, auth.certificate_path and auth.assertion_path.'
        )
    if certificate:
        return _certificate(certificate, (certificate_password or "").encode() or None, private_key)
    if assertion_file:
        return {"client_assertion": lambda: _text(assertion_file)}
    return secret or ""


def _certificate(certificate: Path, password: bytes | None, private_key: Path | None) -> Credential:
    """Loads the files only to say what is wrong with them: MSAL loads them itself."""
    from cryptography import x509  # noqa: PLC0415 - costs time
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12  # noqa: PLC0415

    content = _bytes(certificate)
    key_content = _bytes(private_key) if private_key else b""
    try:
        if private_key is None:
            key, found, _ = pkcs12.load_key_and_certificates(content, password)
            if key is None or found is None:
                raise ValueError("not both of them")
            return {"private_key_pfx_path": str(certificate), "passphrase": password}
        x509.load_pem_x509_certificate(content)
        load_pem_private_key(key_content, password)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: a password is missing, or there is none to give
        raise NotConfigured(
            "The certificate of auth.certificate_path, or its key, cannot be used: check that it is a PFX file with "
            "certificate and key, or a PEM certificate beside auth.private_key_path, and auth.certificate_password."
        ) from None
    return {"private_key": key_content.decode(), "public_certificate": content.decode(), "passphrase": password}


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode().strip()
    except UnicodeDecodeError:
        raise _unreadable(path) from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise _unreadable(path) from None


def _unreadable(path: Path) -> NotConfigured:
    return NotConfigured(f"The file {path}, which a setting of auth names, cannot be read.")
