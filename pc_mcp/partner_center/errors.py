"""What can go wrong between this program and Partner Center.

    PartnerCenterError
    ├── Unreachable                     no answer: connection refused or broken, time-out
    ├── MalformedAnswer                 an answer that is not what the documents describe
    │   ├── UnexpectedRedirect          a redirect; never followed, so the token stays with its host
    │   └── BrokenPaging                a continuation token that repeats, pages that never end
    ├── BadRequest                      400 with any other code, and every other 4xx
    │   ├── InvalidParameter            400, code 2000
    │   ├── InvalidProperty             400, code 3000 (the service also uses it for "not found")
    │   └── InvalidCustomerId           400, code 900118
    ├── NotSignedIn                     401, any other code
    │   ├── NoToken                     nothing was sent: there is no token to send
    │   ├── MfaMissing                  401, codes 900421 and 10001
    │   ├── WrongAudience               401, code 900420
    │   └── TokenRefused                401, codes 400 and 800001
    ├── Forbidden                       403, any other code
    │   ├── RoleMissing                 403, codes 1002, 2032, 900150, 900308
    │   ├── NoRelationship              403, code 20002
    │   ├── BlockedByConditionalAccess  403, code 900309
    │   └── AppOnlyRefused              403, code 900329
    ├── NotFound                        404, code 1000 and any other
    │   └── CustomerNotFound            404, code 60003
    ├── Throttled                       429
    └── ServiceFailure                  408, 5xx and every other status

The codes are those of "Partner Center REST error codes". `summary` says what happened and `advice`
what to do next, both in this program's own words: the text of an answer is never passed on.
"""

from collections.abc import Mapping


class PartnerCenterError(Exception):
    """The root of the tree. `str(error)` is one line for a person or a model.

    status: HTTP status or None when there was no answer; code: the service's own code or None;
    correlation_id: what Microsoft's support asks for.
    """

    summary = "Partner Center did not do what was asked."
    advice = "Try again; if it stays so, give the correlation id to Microsoft's support."

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = None,
        code: str | None = None,
        correlation_id: str | None = None,
    ) -> None:
        self.detail = detail
        self.status = status
        self.code = code
        self.correlation_id = correlation_id
        super().__init__(detail)

    @property
    def reason(self) -> str:
        """What happened and what to do, without the identifiers of this one request."""
        return " ".join(part for part in (self.summary, self.detail, self.advice) if part)

    def __str__(self) -> str:
        facts = [
            f"HTTP {self.status}" if self.status else "",
            f"code {self.code}" if self.code else "",
            f"correlation id {self.correlation_id}" if self.correlation_id else "",
        ]
        known = ", ".join(fact for fact in facts if fact)
        return f"{self.reason} ({known})" if known else self.reason


class Unreachable(PartnerCenterError):
    summary = "Partner Center could not be reached."
    advice = "Check the network, the proxy and partner_center.base_url, then ask again."


class MalformedAnswer(PartnerCenterError):
    summary = "Partner Center sent an answer that cannot be read."
    advice = "Ask again in a minute; check that partner_center.base_url is Partner Center's API."


class UnexpectedRedirect(MalformedAnswer):
    summary = "Partner Center answered with a redirect, which is not followed to keep the token safe."
    advice = "Check partner_center.base_url."


class BrokenPaging(MalformedAnswer):
    summary = "Partner Center's pages do not come to an end, so reading was stopped."
    advice = "Ask again with refresh to read from the first page."


class BadRequest(PartnerCenterError):
    summary = "Partner Center refused the request as invalid."
    advice = "Check the customer and the names that were given."


class InvalidParameter(BadRequest):
    summary = "Partner Center calls a parameter of the request invalid."


class InvalidProperty(BadRequest):
    summary = "Partner Center calls a property of the request invalid, or did not find what it names."


class InvalidCustomerId(BadRequest):
    summary = "Partner Center calls the customer id invalid."
    advice = "Use find_customers to get the right id."


class NotSignedIn(PartnerCenterError):
    """`claims` is the JSON of a claims challenge that came with the answer, if one did."""

    claims: str | None = None
    summary = "Partner Center does not accept the sign-in."
    advice = (
        'Sign in again; where the access token is configured (auth.mode = "token"), get a new one and restart the '
        "server with it."
    )


class NoToken(NotSignedIn):
    summary = ""
    advice = ""


class MfaMissing(NotSignedIn):
    summary = "The sign-in was made without multi-factor authentication, which Partner Center requires."
    advice = (
        "Sign in again with MFA; if no second factor is asked for, the partner's administrator must "
        "require MFA for this account."
    )


class WrongAudience(NotSignedIn):
    summary = "The access token was made for another service than Partner Center."
    advice = (
        "Get a token for the scope https://api.partnercenter.microsoft.com/user_impersonation and "
        "restart the server with it."
    )


class TokenRefused(NotSignedIn):
    summary = "Partner Center refused the access token: it is missing, expired or not valid."


class Forbidden(PartnerCenterError):
    summary = "Partner Center does not permit this to the signed-in user."
    advice = "Ask the partner's administrator which role is needed."


class RoleMissing(Forbidden):
    summary = "The signed-in user's role may not do this."
    advice = "The user needs the role Admin agent or Sales agent in Partner Center."


class NoRelationship(Forbidden):
    summary = "The partner has no reseller relationship with this customer."
    advice = "Check the customer; the customer must accept the partner's relationship request first."


class BlockedByConditionalAccess(Forbidden):
    summary = "A Conditional Access policy blocks this sign-in."
    advice = "The administrator of the partner's tenant can see which policy in Entra's sign-in log."


class AppOnlyRefused(Forbidden):
    summary = "This resource does not accept an application without a user."
    advice = "Sign in as a user (App+User) instead."


class NotFound(PartnerCenterError):
    summary = "Partner Center did not find what was asked for."
    advice = "Check the customer and the names that were given; what was there before may be gone: ask with refresh."


class CustomerNotFound(NotFound):
    summary = "Partner Center does not know this customer."
    advice = "Use find_customers to find the right one."


class Throttled(PartnerCenterError):
    summary = "Partner Center limits how fast it may be asked, and the limit was reached."
    advice = "Ask again in a minute; what was read so far is kept."


class ServiceFailure(PartnerCenterError):
    summary = "Partner Center failed to answer."
    advice = "Ask again in a minute; what was read so far is kept."


_BY_STATUS: Mapping[int, type[PartnerCenterError]] = {
    400: BadRequest,
    401: NotSignedIn,
    403: Forbidden,
    404: NotFound,
    429: Throttled,
}
_BY_CODE: Mapping[tuple[int, str], type[PartnerCenterError]] = {
    (400, "2000"): InvalidParameter,
    (400, "3000"): InvalidProperty,
    (400, "900118"): InvalidCustomerId,
    (401, "900421"): MfaMissing,
    (401, "10001"): MfaMissing,
    (401, "900420"): WrongAudience,
    (401, "400"): TokenRefused,
    (401, "800001"): TokenRefused,
    (403, "1002"): RoleMissing,
    (403, "2032"): RoleMissing,
    (403, "900150"): RoleMissing,
    (403, "900308"): RoleMissing,
    (403, "20002"): NoRelationship,
    (403, "900309"): BlockedByConditionalAccess,
    (403, "900329"): AppOnlyRefused,
    (404, "60003"): CustomerNotFound,
}


def error_for(status: int, code: str | None, correlation_id: str) -> PartnerCenterError:
    """The error for an answer that is not 2xx. `code` is the service's, as text, or None."""
    if 300 <= status < 400:
        kind: type[PartnerCenterError] = UnexpectedRedirect
    else:
        refused = BadRequest if 400 <= status < 500 and status != 408 else ServiceFailure
        fallback = _BY_STATUS.get(status, refused)
        kind = _BY_CODE.get((status, code or ""), fallback)
    return kind(status=status, code=code, correlation_id=correlation_id)
