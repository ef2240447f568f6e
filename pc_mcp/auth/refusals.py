"""What Entra's usual refusals mean: what happened, what to do, whose job it is.

The codes are those of Microsoft's "Microsoft Entra authentication and authorization error codes".
The text that comes with a refusal is never passed on: it may hold names, ids and times.
"""

import re
from collections.abc import Mapping

from pc_mcp.auth.errors import SignInError, SignInRefused, SignInUnavailable
from pc_mcp.runtime.guides import SIGN_IN_GUIDE

FAILS = "The sign-in service fails at the moment. Ask again in a minute."

_CODE = re.compile(r"AADSTS(\d{4,9})")
_MOST_TEXT = 2000
_ERROR = re.compile(r"[a-z_]{1,40}")

_WORDS: Mapping[str, str] = {
    "50011": "The redirect address is not registered. The administrator of the application adds "
    "http://localhost to it as a redirect URI of the kind “Mobile and desktop applications”.",
    "50020": "The account is of another tenant. Sign in with an account of the partner's tenant, or check "
    "auth.tenant_id.",
    "50053": "The account is locked after too many attempts. Wait, or ask the administrator.",
    "50057": "The account is disabled. The administrator of the partner's tenant can enable it.",
    "50076": "Multi-factor authentication is required. Sign in again and complete it.",
    "50079": "Multi-factor authentication has to be set up for this account. Sign in again and set it up.",
    "50105": "The account is not assigned to the application. The administrator can assign it.",
    "50126": "The user name or the password was wrong. Sign in again.",
    "50158": "A further check of the sign-in is required. Sign in again and complete it.",
    "50173": "The sign-in was revoked, for instance by a change of the password. Sign in again.",
    "53000": "Conditional Access requires a compliant device. Sign in on a device that your company manages, or ask "
    "the administrator of the partner's tenant.",
    "53003": "Conditional Access blocks this way of signing in. Where it was the device code, sign in through "
    'the browser: set auth.flow to "browser". Else ask the administrator of the partner\'s tenant.',
    "65001": "Nobody has consented to the application yet. The administrator of the partner's tenant grants "
    "it the permission user_impersonation for Microsoft Partner Center.",
    "65004": "The consent was declined. Sign in again and accept it, or ask the administrator.",
    "70016": "The sign-in was not completed yet.",
    "700016": "The tenant does not know the application. Check auth.client_id and auth.tenant_id.",
    "7000215": "The client secret is wrong. Check auth.client_secret; the value is needed, not its id.",
    "7000218": "The application is not allowed to sign people in on a desktop. Its administrator sets “Allow "
    "public client flows” to yes.",
    "7000222": "The client secret has expired. The administrator of the application makes a new one.",
    "700027": "The certificate is not registered with the application, or has expired.",
    "700082": "The sign-in has expired because it was not used for 90 days. Sign in again.",
    "70008": "The sign-in has expired. Sign in again.",
    "650052": "The tenant lacks the service principal of Microsoft Partner Center, or does not subscribe to it. An "
    "administrator of the partner's tenant adds it, with: az ad sp create --id fa3d9a0c-3fb0-42cc-9193-47c7ecd2edbd "
    f"(step 3 of {SIGN_IN_GUIDE}).",
    "65005": "The application asks for a permission that it does not list. Its administrator adds the permission "
    "user_impersonation for Microsoft Partner Center.",
    "500014": "The service principal of Microsoft Partner Center is disabled in the tenant. An administrator of the "
    "partner's tenant enables it, under Enterprise applications in Entra.",
    "7000112": "The application is disabled in the tenant. An administrator of the partner's tenant enables it, under "
    "Enterprise applications in Entra.",
    "90094": "Only an administrator may consent to the application. An administrator of the partner's tenant grants "
    "consent once, for everybody: in Entra, under App registrations > the application > API permissions > Grant admin "
    f"consent (step 3 of {SIGN_IN_GUIDE}).",
    "90002": "There is no such tenant. Check auth.tenant_id.",
    "500011": "The tenant does not know Microsoft Partner Center. Sign in to the partner's own tenant.",
    "530002": "Conditional Access requires a compliant device, and this one is not known to be. Sign in on a device "
    "that your company manages, or ask the administrator of the partner's tenant.",
    "53001": "Conditional Access requires a device that is joined to the domain. Sign in on a device that your company "
    "manages, or ask the administrator of the partner's tenant.",
    "50055": "The password has expired. Change it, for instance at https://myaccount.microsoft.com, and sign in again.",
    "50034": "There is no such account in this tenant. Sign in with an account of the partner's tenant, or check "
    "auth.tenant_id.",
    "530003": "Conditional Access requires a managed device. Sign in on a device that your company manages, or ask the "
    "administrator of the partner's tenant.",
}
_BY_ERROR: Mapping[str, str] = {
    "access_denied": "The sign-in was declined. Sign in again to start a new one.",
    "authorization_declined": "The sign-in was declined. Sign in again to start a new one.",
    "expired_token": "The code was not used in time. Sign in again for a new one.",
    "code_expired": "The code was not used in time. Sign in again for a new one.",
    "invalid_client": "The application could not prove who it is. Check auth.client_id and its credential.",
    "unauthorized_client": "The application may not sign in this way. Ask its administrator.",
}
_FOR_ADMINISTRATORS = frozenset(
    {"700016", "7000218", "65004", "90002", "50057", "650052", "65005", "500011", "500014", "7000112"}
)
_PERSON_NEEDED = frozenset({"interaction_required", "login_required", "consent_required", "invalid_grant"})


def code_of(result: Mapping[str, object]) -> str | None:
    """The AADSTS number of a refusal, such as "65001", or None."""
    codes = result.get("error_codes")
    listed = [str(code) for code in codes if isinstance(code, int)] if isinstance(codes, list) else []
    found = [*listed, *_CODE.findall(str(result.get("error_description", ""))[:_MOST_TEXT])]
    return next((code for code in found if code in _WORDS), found[0] if found else None)


def refused(result: Mapping[str, object]) -> SignInError:
    """The error for an answer of the sign-in service with `error`."""
    return SignInUnavailable(FAILS) if service_failed(result) else SignInRefused(words_for(result))


def words_for(result: Mapping[str, object]) -> str:
    """What to tell a person about a refusal, an answer of the sign-in service with `error`."""
    code, error = code_of(result), str(result.get("error", ""))
    words = _WORDS.get(code or "") or _BY_ERROR.get(error) or "The sign-in service refused the sign-in."
    known = f"AADSTS{code}" if code else error if _ERROR.fullmatch(error) else ""
    return f"{words} ({known})" if known else words


def person_needed(result: Mapping[str, object]) -> bool:
    """Whether signing in interactively may help: nothing that only an administrator can mend."""
    if code_of(result) in _FOR_ADMINISTRATORS:
        return False
    return result.get("error") in _PERSON_NEEDED


def service_failed(result: Mapping[str, object]) -> bool:
    """Whether the sign-in service failed rather than refused."""
    return result.get("error") in {"temporarily_unavailable", "server_error"}
