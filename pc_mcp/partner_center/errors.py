"""What can go wrong between this program and Partner Center.

    PartnerCenterError
    ├── Unreachable                     no answer: connection refused or broken, time-out
    │   ├── CertificateNotTrusted       its certificate, or that of a company's proxy, is not trusted
    │   ├── ProxyRefused                407, or the proxy does not connect to it
    │   └── NetworkSignIn               511: a captive portal answers in its place
    ├── MalformedResponse                 an answer that is not what the documents describe; 2xx but 200
    │   ├── UnexpectedRedirect          a redirect; never followed, so the token stays with its host
    │   ├── BrokenPaging                a token that repeats or is missing, pages without an end or that end early
    │   └── ListTooLong                 more items or bytes than a list may have
    ├── RequestRefused                  every other 4xx
    │   ├── BadRequest                  400, any other code
    │   │   ├── NotKnownOrRefused       400, codes 2000 and 3000: the service uses both for either
    │   │   └── InvalidCustomerId       400, code 900118
    │   ├── MethodRefused               405
    │   ├── Conflict                    409
    │   ├── Gone                        410
    │   ├── AddressTooLong              414, or not even sent
    │   ├── UnsafeId                    not sent: an id of dots, which leads to another address
    │   ├── HeadersTooLarge             431
    │   └── LegallyBlocked              451
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
    ├── NotFound                        404, code 1000 and any other; nothing else means "not found"
    │   └── CustomerNotFound            404, code 60003
    ├── Throttled                       429
    └── ServiceFailure                  5xx and every other status
        └── TemporaryFailure            408, 500, 502, 503, 504

The codes are those of "Partner Center REST error codes". `summary` says what happened and `advice`
what to do next, both in this program's own words: the text of an answer is never passed on.
"""

import math
from collections.abc import Mapping
from typing import Literal, Self, TypeAlias

Remedy: TypeAlias = Literal["ask_again", "sign_in", "wait", "none"]
"""What brings what an error kept back: asking the same again, a sign-in first, a wait first, or nothing."""


_IN_A_MINUTE = "in a minute"
"""In an advice, where the service does not say how long to wait."""


class PartnerCenterError(Exception):
    """The root of the tree. `str(error)` is one line for a person or a model.

    status: HTTP status or None when there was no answer; code: the service's own code or None;
    correlation_id: what Microsoft's support asks for; wait_seconds: how long the service asks to be
    left alone, where it says so; remedy: what brings what the error kept back; may_pass: whether the same
    request, made again in a moment, may be answered.
    """

    remedy: Remedy = "ask_again"
    may_pass = False
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
        self.wait_seconds: float | None = None
        super().__init__(detail)

    @property
    def reason(self) -> str:
        """What happened and what to do, without the identifiers of this one request."""
        advice = self.advice
        if self.wait_seconds:
            advice = advice.replace(_IN_A_MINUTE, f"in {math.ceil(self.wait_seconds)} s")
        return " ".join(part for part in (self.summary, self.detail, advice) if part)

    @property
    def facts(self) -> str:
        """What identifies this one answer: `(HTTP 404, code 1000, correlation id …)`, as far as it is known."""
        facts = [
            f"HTTP {self.status}" if self.status else "",
            f"code {self.code}" if self.code else "",
            f"it wants no request for {math.ceil(self.wait_seconds)} s" if self.wait_seconds else "",
            f"correlation id {self.correlation_id}" if self.correlation_id else "",
        ]
        known = ", ".join(fact for fact in facts if fact)
        return f"({known})" if known else ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.reason, self.facts) if part)


class Unreachable(PartnerCenterError):
    may_pass = True
    summary = "Partner Center cannot be reached."
    advice = "Check the network, the proxy and partner_center.base_url, then ask again; pc-mcp doctor says more."

    @classmethod
    def because(cls, what: str, advice: str = "", *, correlation_id: str) -> Self:
        """what: why, such as `its name is not known`; advice: what to do, where that is known better."""
        error = cls(correlation_id=correlation_id)
        error.summary = f"Partner Center cannot be reached: {what}."
        error.advice = advice or cls.advice
        return error


class CertificateNotTrusted(Unreachable):
    may_pass = False
    remedy = "none"
    summary = "Partner Center cannot be reached: its certificate is not trusted."


class ProxyRefused(Unreachable):
    may_pass = False
    remedy = "none"
    summary = "Partner Center cannot be reached: the proxy wants a sign-in, or does not let anybody through."
    advice = "Correct HTTPS_PROXY, or ask the network's administrator; pc-mcp doctor says more."


class NetworkSignIn(Unreachable):
    may_pass = False
    remedy = "none"
    summary = (
        "Partner Center cannot be reached: this network wants a sign-in of its own first (a captive portal, as in "
        "hotels and trains)."
    )
    advice = "Open any page in a browser, sign in to the network there, then ask again."


class MalformedResponse(PartnerCenterError):
    summary = "Partner Center sent an answer that cannot be read."
    advice = "Ask again in a minute; check that partner_center.base_url is Partner Center's API."


class UnexpectedRedirect(MalformedResponse):
    remedy = "none"
    summary = "Partner Center answered with a redirect, which is not followed to keep the token safe."
    advice = "Check partner_center.base_url."


class BrokenPaging(MalformedResponse):
    summary = "Partner Center's pages do not lead to the end of the list, so reading was stopped."
    advice = "Ask again with refresh to read from the first page."


class ListTooLong(MalformedResponse):
    remedy = "none"
    summary = "Partner Center's list is longer than can be held, so reading was stopped."
    advice = "What was read is counted. Asking again brings no more; ask about single batches where that is possible."


class RequestRefused(PartnerCenterError):
    remedy: Remedy = "none"
    summary = "Partner Center refused the request, without saying that anything does not exist."
    advice = "Asking the same again will not help; give the correlation id to Microsoft's support."


class BadRequest(RequestRefused):
    summary = "Partner Center refused the request as invalid."
    advice = "Check the customer and the names that were given."


class NotKnownOrRefused(BadRequest):
    summary = "Partner Center does not know what was asked for, or refuses it; it does not say which."


class InvalidCustomerId(BadRequest):
    summary = "Partner Center calls the customer id invalid."
    advice = "Use find_customers to get the right id."


class MethodRefused(RequestRefused):
    summary = "Partner Center does not let this address be read."
    advice = "Check partner_center.base_url, and whether a proxy answers in Partner Center's place."


class Conflict(RequestRefused):
    remedy = "ask_again"
    summary = "Partner Center says that the request is in conflict with another change."
    advice = "Ask again when the change is through."


class Gone(RequestRefused):
    summary = "Partner Center says that what was asked for was here and is gone for good."
    advice = "Ask with refresh to see what there is now."


class AddressTooLong(RequestRefused):
    summary = "The address of what was asked for is too long."
    advice = "Check the names that were given."


class UnsafeId(RequestRefused):
    summary = "Nothing can be asked for by an id that is one or two dots: they lead to another address."
    advice = "Check the names that were given."


class HeadersTooLarge(RequestRefused):
    summary = "The headers of the request are too large, most often because of a very long access token."
    advice = "Sign in again; if it stays so, the administrator can see why the token is so long."


class LegallyBlocked(RequestRefused):
    summary = "Access to this is blocked for legal reasons."
    advice = "Asking again will not help; the partner's administrator can ask Microsoft why."


class NotSignedIn(PartnerCenterError):
    """`claims` is the JSON of a claims challenge that came with the answer, if one did."""

    remedy = "sign_in"
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
    remedy = "none"
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
    remedy = "none"
    summary = "Partner Center did not find what was asked for."
    advice = "Check the customer and the names that were given; what was there before may be gone: ask with refresh."


class CustomerNotFound(NotFound):
    summary = "Partner Center does not know this customer."
    advice = "Use find_customers to find the right one."


class Throttled(PartnerCenterError):
    remedy = "wait"
    may_pass = True
    summary = "Partner Center limits how fast it may be asked, and the limit was reached."
    advice = f"Ask again {_IN_A_MINUTE}; what was read so far is kept."


class ServiceFailure(PartnerCenterError):
    summary = "Partner Center failed to answer."
    advice = f"Ask again {_IN_A_MINUTE}; what was read so far is kept."


class TemporaryFailure(ServiceFailure):
    may_pass = True


_BY_STATUS: Mapping[int, type[PartnerCenterError]] = {
    400: BadRequest,
    401: NotSignedIn,
    403: Forbidden,
    404: NotFound,
    405: MethodRefused,
    407: ProxyRefused,
    408: TemporaryFailure,
    409: Conflict,
    410: Gone,
    414: AddressTooLong,
    429: Throttled,
    431: HeadersTooLarge,
    451: LegallyBlocked,
    500: TemporaryFailure,
    502: TemporaryFailure,
    503: TemporaryFailure,
    504: TemporaryFailure,
    511: NetworkSignIn,
}
_BY_CODE: Mapping[tuple[int, str], type[PartnerCenterError]] = {
    (400, "2000"): NotKnownOrRefused,
    (400, "3000"): NotKnownOrRefused,
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
    error_type = _BY_STATUS.get(status, ServiceFailure)
    if 200 <= status < 300:
        error_type = MalformedResponse
    elif 300 <= status < 400:
        error_type = UnexpectedRedirect
    elif 400 <= status < 500:
        error_type = _BY_CODE.get((status, code or ""), _BY_STATUS.get(status, RequestRefused))
    return error_type(status=status, code=code, correlation_id=correlation_id)
