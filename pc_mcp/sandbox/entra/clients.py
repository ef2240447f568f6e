"""Which application asks, and how it proves that: not at all, by a secret, or by an assertion."""

from __future__ import annotations

import base64
import hmac
import re
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from pc_mcp.sandbox.entra.accounts import CLIENT_SECRET, CONFIDENTIAL_CLIENT_ID, PUBLIC_CLIENT_ID
from pc_mcp.sandbox.entra.certificates import AppCertificate, app_certificate, rsa_key
from pc_mcp.sandbox.entra.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pc_mcp.sandbox.entra.switches import EntraSwitches

FEDERATED_ISSUER = "https://workloads.example.invalid"
FEDERATED_SUBJECT = "repo:bellows/devices:ref:refs/heads/main"
FEDERATED_AUDIENCE = "api://AzureADTokenExchange"
"""The federated credential that is registered for the confidential client."""

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LOCALHOST = re.compile(r"http://localhost(:[0-9]{1,5})?([/?][^#\s]*)?")
_ALGORITHMS = ["RS256", "PS256"]


def check_client_id(client_id: str) -> None:
    """Raise `Refusal` for an application that nobody registered."""
    if client_id not in (PUBLIC_CLIENT_ID, CONFIDENTIAL_CLIENT_ID):
        raise Refusal(700016, client_id)


def check_redirect_uri(uri: str, client_id: str) -> None:
    """Raise `Refusal` unless it is `http://localhost` with any port ("Redirect URI best practices")."""
    if not _LOCALHOST.fullmatch(uri):
        raise Refusal(50011, uri, client_id)


@dataclass(frozen=True)
class Clients:
    """The registered applications; `base_url` is that of the sign-in service."""

    base_url: str
    switches: EntraSwitches

    @cached_property
    def certificates(self) -> list[str]:
        """PEM texts of the certificates registered for the confidential client; may be added to."""
        return [self.app_certificate.certificate]

    @property
    def app_certificate(self) -> AppCertificate:
        """The certificate that is registered from the start, with its key."""
        return app_certificate()

    def authenticate(self, form: Mapping[str, str], token_endpoint: str) -> str:
        """The client id of whoever sent `form`.

        Raises `Refusal` when it is unknown or does not prove who it is. `token_endpoint` is the
        audience that a certificate's assertion must have ("Microsoft identity platform application
        authentication certificate credentials").
        """
        client_id = form.get("client_id", "")
        check_client_id(client_id)
        if client_id == PUBLIC_CLIENT_ID and not self.switches.public_client_not_allowed:
            return client_id
        if form.get("client_assertion_type") == _ASSERTION_TYPE:
            self._check_assertion(form.get("client_assertion", ""), client_id, token_endpoint)
        elif "client_secret" not in form:
            raise Refusal(7000218)
        elif client_id == PUBLIC_CLIENT_ID or not hmac.compare_digest(
            form["client_secret"].encode(), CLIENT_SECRET.encode()
        ):
            raise Refusal(7000215)
        return client_id

    def _check_assertion(self, assertion: str, client_id: str, token_endpoint: str) -> None:
        try:
            header = jwt.get_unverified_header(assertion)
            if "x5t" in header or "x5t#S256" in header:
                self._check_certificate_assertion(assertion, header, client_id, token_endpoint)
            else:
                _check_federated_assertion(assertion)
        except jwt.ExpiredSignatureError:
            raise Refusal(700024) from None
        except jwt.PyJWTError:
            raise Refusal(700027) from None

    def _check_certificate_assertion(
        self, assertion: str, header: dict[str, Any], client_id: str, token_endpoint: str
    ) -> None:
        options: Any = {"require": ["aud", "exp", "iss", "jti", "sub"]}
        jwt.decode(
            assertion,
            self._registered_key(header),
            _ALGORITHMS,
            options,
            audience=token_endpoint,
            issuer=client_id,
            subject=client_id,
        )

    def _registered_key(self, header: dict[str, Any]) -> RSAPublicKey:
        for pem in self.certificates:
            certificate = x509.load_pem_x509_certificate(pem.encode())
            key = certificate.public_key()
            # SHA-1 is what the older of the two headers is made of.
            prints = {
                "x5t": certificate.fingerprint(hashes.SHA1()),  # noqa: S303
                "x5t#S256": certificate.fingerprint(hashes.SHA256()),
            }
            named = {name: _base64(value) for name, value in prints.items() if name in header}
            if isinstance(key, RSAPublicKey) and all(
                # Some pad them, some do not.
                str(header[name]).rstrip("=") == value
                for name, value in named.items()
            ):
                return key
        raise jwt.InvalidKeyError


def federated_assertion(
    issuer: str = FEDERATED_ISSUER,
    subject: str = FEDERATED_SUBJECT,
    audience: str = FEDERATED_AUDIENCE,
    life_seconds: int = 600,
) -> str:
    """A token of the other identity provider, as a workload gets it."""
    now = int(time.time())
    claims = {"iss": issuer, "sub": subject, "aud": audience, "iat": now, "exp": now + life_seconds}
    return jwt.encode(claims, rsa_key("applications"), "RS256", {"kid": "workloads"})


def _check_federated_assertion(assertion: str) -> None:
    """See "Workload identity federation": issuer, subject and audience must match exactly."""
    key = rsa_key("applications").public_key()
    options: Any = {"verify_aud": False, "require": ["aud", "exp", "iss", "sub"]}
    claims = jwt.decode(assertion, key, ["RS256"], options)
    expected = {
        "iss": (700211, FEDERATED_ISSUER),
        "aud": (700212, FEDERATED_AUDIENCE),
        "sub": (700213, FEDERATED_SUBJECT),
    }
    for name, (number, value) in expected.items():
        if claims[name] != value:
            raise Refusal(number, str(claims[name]))


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
