"""Why Entra says no ("Microsoft Entra authentication and authorization error codes")."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from pc_mcp.sandbox.seeded import JsonObject

_REFUSALS = {
    28000: ("invalid_scope", "The value of the input parameter scope contains more than one resource."),
    50011: (
        "invalid_request",
        "The redirect URI '{}' specified in the request does not match the redirect URIs configured for the"
        " application '{}'.",
    ),
    50020: ("invalid_request", "User account '{}' does not exist in this tenant and cannot sign in to it."),
    50034: ("invalid_grant", "The user account '{}' does not exist in this directory."),
    50059: ("invalid_request", "No tenant-identifying information found in the request."),
    50076: (
        "interaction_required",
        "Due to a configuration change made by your administrator, or because you moved to a new location,"
        " you must use multi-factor authentication to access '{}'.",
    ),
    50079: (
        "interaction_required",
        "Due to a configuration change made by your administrator, or because you moved to a new location,"
        " you must enroll in multi-factor authentication to access '{}'.",
    ),
    50173: (
        "invalid_grant",
        "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
    ),
    50194: (
        "invalid_request",
        "The application is not configured as a multi-tenant application. Usage of the /common endpoint is"
        " not supported for such applications.",
    ),
    53003: (
        "invalid_grant",
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
    ),
    54005: ("invalid_grant", "OAuth2 Authorization code was already redeemed."),
    65001: (
        "invalid_grant",
        "The user or administrator has not consented to use the application with ID '{}'. Send an"
        " interactive authorization request for this user and resource.",
    ),
    65004: ("access_denied", "User declined to consent to access the app."),
    70000: ("invalid_grant", "The provided grant is not valid."),
    70003: ("unsupported_grant_type", "The app requested an unsupported grant type '{}'."),
    70005: ("unsupported_response_type", "The app requested the unsupported response type '{}'."),
    70007: ("invalid_request", "'{}' is not a supported value of 'response_mode'."),
    70008: ("invalid_grant", "The provided authorization code or refresh token has expired."),
    70016: ("authorization_pending", "OAuth 2.0 device flow error. Authorization is pending."),
    70018: ("bad_verification_code", "The device code is not valid."),
    70019: ("expired_token", "The verification code has expired."),
    90002: ("invalid_tenant", "Tenant '{}' not found."),
    500011: (
        "invalid_resource",
        "The resource principal named {} was not found in the tenant. This can happen if the application"
        " has not been installed by the administrator of the tenant or consented to by any user.",
    ),
    501481: (
        "invalid_grant",
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    ),
    700016: ("unauthorized_client", "Application with identifier '{}' was not found in the directory."),
    700024: ("invalid_client", "Client assertion is not within its valid time range."),
    700027: ("invalid_client", "Client assertion failed signature validation."),
    700082: ("invalid_grant", "The refresh token has expired due to inactivity."),
    700211: (
        "invalid_client",
        "No matching federated identity record found for presented assertion issuer '{}'.",
    ),
    700212: (
        "invalid_client",
        "No matching federated identity record found for presented assertion audience '{}'.",
    ),
    700213: (
        "invalid_client",
        "No matching federated identity record found for presented assertion subject '{}'.",
    ),
    1002012: (
        "invalid_scope",
        "The provided value for scope {} is not valid. Client credential flows must have a scope value with"
        " /.default suffixed to the resource identifier.",
    ),
    7000215: ("invalid_client", "Invalid client secret provided."),
    7000218: (
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    9002313: ("invalid_request", "Invalid request. Request is malformed or invalid."),
}
"""`error` and text by AADSTS number; the texts are Microsoft's in short."""

DECLINED = 65004
NO_CONSENT = 65001
BLOCKED = 53003

_SUBERRORS = {53003: "message_only", 65001: "consent_required", 50076: "basic_action", 50079: "basic_action"}


class Refusal(Exception):
    """A request that is answered with an AADSTS error; `details` fill the text's gaps.

    `claims` is what the client shall ask for when it comes again, a JSON text; `error` replaces
    the number's usual one where an endpoint has a word of its own.
    """

    def __init__(self, number: int, *details: str, claims: str = "", error: str = "") -> None:
        super().__init__(number, *details)
        self.number = number
        usual, text = _REFUSALS[number]
        self.error = error or usual
        self.text = f"AADSTS{number}: {text.format(*details)}"
        self.claims = claims

    @property
    def status(self) -> int:
        """The HTTP status at the token endpoint: 401 for a client that is not who it says."""
        return 401 if self.error == "invalid_client" else 400

    def body(self, base_url: str, correlation_id: str) -> JsonObject:
        """The error answer of "OAuth 2.0 authorization code flow", a GUID as correlation id."""
        now, trace_id = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}", str(uuid4())
        trail = f"Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {now}"
        body: JsonObject = {
            "error": self.error,
            "error_description": f"{self.text} {trail}",
            "error_codes": [self.number],
            "timestamp": now,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": f"{base_url}/error?code={self.number}",
        }
        if self.number in _SUBERRORS:
            body["suberror"] = _SUBERRORS[self.number]
        if self.claims:
            body["claims"] = self.claims
        return body
