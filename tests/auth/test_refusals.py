"""What is said about Entra's refusals: what happened, what to do, whose job it is; never the service's own text."""

import re

import pytest

from pc_mcp.auth.refusals import code_of, person_needed, service_failed, words_for
from tests.documentation import ROOT

SIGN_IN_DOCUMENT = ROOT / "docs" / "sign-in.md"
HOSTILE = "Nestor <b>Wilke</b> nestor.wilke@bellowscloud.com Trace ID: 1 Timestamp: 2026-01-01"


def refusal(code: int, error: str = "invalid_grant") -> dict[str, object]:
    return {"error": error, "error_codes": [code], "error_description": f"AADSTS{code}: {HOSTILE}", "suberror": HOSTILE}


@pytest.mark.parametrize(
    ("code", "happened", "what_to_do"),
    [
        (50011, "redirect address is not registered", "The administrator of the application adds http://localhost"),
        (50076, "Multi-factor authentication is required", "Sign in again and complete it"),
        (50079, "has to be set up", "Sign in again and set it up"),
        (50173, "revoked", "Sign in again"),
        (53003, "Conditional Access blocks this way", 'set auth.flow to "browser"'),
        (65001, "Nobody has consented", "The administrator of the partner's tenant grants"),
        (65004, "declined", "Sign in again and accept it, or ask the administrator"),
        (700016, "does not know the application", "Check auth.client_id and auth.tenant_id"),
        (700082, "not used for 90 days", "Sign in again"),
        (7000215, "client secret is wrong", "Check auth.client_secret"),
        (7000218, "not allowed to sign people in", "Its administrator sets"),
        (7000222, "client secret has expired", "The administrator of the application makes a new one"),
        (650052, "lacks the service principal of Microsoft Partner Center", "az ad sp create --id fa3d9a0c"),
        (90094, "Only an administrator may consent", "grants consent once"),
        (500014, "is disabled in the tenant", "Enterprise applications"),
        (53000, "requires a compliant device", "a device that your company manages"),
        (53001, "joined to the domain", "a device that your company manages"),
        (530002, "requires a compliant device", "a device that your company manages"),
        (530003, "requires a managed device", "a device that your company manages"),
        (90002, "no such tenant", "Check auth.tenant_id"),
    ],
)
def test_each_code_says_what_happened_and_who_does_what(code, happened, what_to_do):
    words = words_for(refusal(code))
    assert happened in words
    assert what_to_do in words
    assert words.endswith(f"(AADSTS{code})")


def test_every_code_of_the_documents_has_words_of_its_own():
    rows = [row for row in SIGN_IN_DOCUMENT.read_text().splitlines() if row.startswith("| AADSTS")]
    codes = [int(code) for row in rows for code in re.findall(r"\d{5,7}", row.split("|")[1])]
    assert len(codes) > 10
    other = words_for(refusal(1)).partition(" (")[0]
    for code in codes:
        assert words_for(refusal(code)).partition(" (")[0] != other


@pytest.mark.parametrize("code", [50011, 50076, 53003, 65001, 700016, 700082, 7000218, 99999, 1])
def test_the_text_of_the_service_is_never_passed_on(code):
    words = words_for(refusal(code))
    for part in ("Nestor", "bellowscloud", "Trace", "<b>", "2026"):
        assert part not in words


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("access_denied", "declined"),
        ("authorization_declined", "declined"),
        ("expired_token", "not used in time"),
        ("code_expired", "not used in time"),
        ("invalid_client", "could not prove who it is"),
        ("unauthorized_client", "may not sign in this way"),
        ("something_new", "refused the sign-in. (something_new)"),
    ],
)
def test_an_error_without_a_code_has_words_too(error, said):
    assert said in words_for({"error": error})


@pytest.mark.parametrize("error", ["<script>", "two words", "Ω" * 10, "a" * 500, "", "line\nline", 7, None, ["x"]])
def test_an_error_that_is_no_name_is_not_shown(error):
    assert words_for({"error": error}) == "The sign-in service refused the sign-in."


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ({"error_codes": [65001]}, "65001"),
        ({"error_codes": [65001, 1], "error_description": "AADSTS50011: x"}, "65001"),
        ({"error_codes": [], "error_description": "AADSTS50011: x"}, "50011"),
        ({"error_codes": [1, 650052]}, "650052"),
        ({"error_codes": [1], "error_description": "AADSTS2000: x AADSTS90094: y"}, "90094"),
        ({"error_codes": ["65001"], "error_description": "x AADSTS50011: y"}, "50011"),
        ({"error_codes": "65001"}, None),
        ({"error_description": "AADSTS1"}, None),
        ({"error_description": None}, None),
        ({}, None),
    ],
)
def test_the_code_is_found_where_the_service_puts_it(result, code):
    assert code_of(result) == code


def test_a_person_is_asked_only_where_a_person_can_help():
    for code in (50076, 50079, 50173, 65001, 700082, 70008):
        assert person_needed(refusal(code))
        assert person_needed(refusal(code, "interaction_required"))
    for code in (700016, 7000218, 65004, 90002, 50057):
        assert not person_needed(refusal(code))
    assert not person_needed({"error": "invalid_client"})
    assert "service principal" in words_for(refusal(650052, "invalid_client"))
    assert not person_needed({})


def test_a_failure_of_the_service_is_no_refusal():
    assert service_failed({"error": "temporarily_unavailable"})
    assert service_failed({"error": "server_error"})
    assert not service_failed(refusal(50076))
