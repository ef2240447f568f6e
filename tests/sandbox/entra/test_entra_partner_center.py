"""What the simulated Partner Center makes of the tokens."""

import base64
import json
import re

import httpx2
import jwt
import pytest

from pc_mcp.sandbox import running
from pc_mcp.sandbox.entra import PARTNER_CENTER
from pc_mcp.sandbox.entra.certificates import rsa_key

SCOPES = [f"{PARTNER_CENTER}/user_impersonation"]


@pytest.fixture
def asked(sandbox):
    """The API's answer to a token: status, code and headers."""

    def answer(token: str, **headers: str):
        headers = {"Authorization": f"Bearer {token}"} | headers
        got = httpx2.get(f"{sandbox.base_url}/customers?size=1", headers=headers)
        return got.status_code, got.json().get("code"), got.headers

    return answer


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, (200, None)), (1, (200, None)), (2, (403, 1002)), (3, (200, None))],
    ids=["Admin agent", "Sales agent", "Helpdesk agent", "hostile name"],
)
def test_the_role_decides(app, signed_in, entra, asked, number, expected):
    token = signed_in(app, entra.accounts[number].username)["access_token"]
    assert asked(token)[:2] == expected


def test_the_fixed_token_goes_on_working(sandbox, asked):
    assert asked(sandbox.token)[0] == 200
    assert asked("another")[:2] == (401, 800001)


def test_a_person_of_another_tenant_may_not(public, signed_in, entra, asked):
    answer = signed_in(public(f"{entra.base_url}/organizations"), entra.accounts[4].username)
    assert asked(answer["access_token"])[:2] == (403, 1002)


def test_an_application_may_read_as_itself(confidential, entra, asked):
    answer = confidential(entra.client_secret).acquire_token_for_client([f"{PARTNER_CENTER}/.default"])
    assert asked(answer["access_token"])[0] == 200


def test_a_token_for_somewhere_else_has_the_wrong_audience(app, signed_in, asked):
    answer = signed_in(app)
    (account,) = app.get_accounts()
    graph = app.acquire_token_silent(["https://graph.microsoft.com/User.Read"], account)
    for token in (answer["id_token"], graph["access_token"]):
        assert asked(token)[:2] == (401, 900420)


def test_a_token_that_was_changed_or_made_elsewhere_is_refused(app, signed_in, asked, world):
    token = signed_in(app)["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    forged = jwt.encode(claims, "a secret of at least thirty-two bytes", "HS256")
    assert asked(forged)[:2] == (401, 800001)
    head, body, signature = token.split(".")
    assert asked(f"{head}.{body}.{signature[::-1]}")[:2] == (401, 800001)
    with running(world, entra=True) as other:
        answer = httpx2.get(f"{other.base_url}/customers", headers={"Authorization": f"Bearer {token}"})
        assert answer.json()["code"] == 800001


def test_a_token_without_the_scope_is_refused(app, signed_in, asked):
    claims = jwt.decode(signed_in(app)["access_token"], options={"verify_signature": False})
    for scopes, expected in (("user_impersonation", 200), ("something_else", 401)):
        again = jwt.encode(claims | {"scp": scopes}, rsa_key("tokens"), "RS256")
        assert asked(again)[0] == expected


def test_an_expired_token_is_refused(app, signed_in, refreshed, entra, asked):
    entra.switches.token_life_seconds = 0
    token = signed_in(app)["access_token"]
    assert asked(token)[:2] == (401, 800001)


def test_all_tokens_can_be_made_to_expire_and_a_refresh_helps(app, signed_in, refreshed, entra, asked):
    token = signed_in(app)["access_token"]
    entra.expire_access_tokens()
    assert asked(token)[:2] == (401, 800001)
    assert asked(refreshed(app)["access_token"])[0] == 200


def test_a_token_without_mfa_is_refused(app, signed_in, entra, asked):
    entra.switches.no_mfa = "always"
    status, code, headers = asked(signed_in(app, prompt="login")["access_token"], ValidateMfa="true")
    assert (status, code, headers["isMfaCompliant"]) == (401, 900421, "false")


def test_signing_in_again_can_bring_mfa_and_it_lasts(app, signed_in, refreshed, entra, asked):
    entra.switches.no_mfa = "until_login"
    assert asked(signed_in(app, prompt="select_account")["access_token"])[:2] == (401, 900421)
    assert asked(refreshed(app)["access_token"])[:2] == (401, 900421)
    assert asked(signed_in(app, prompt="login")["access_token"])[0] == 200
    assert asked(refreshed(app)["access_token"])[0] == 200


def challenged(headers) -> str:
    challenge = headers["WWW-Authenticate"]
    assert 'error="insufficient_claims"' in challenge
    return base64.b64decode(re.search(r'claims="([^"]+)"', challenge)[1]).decode()


@pytest.mark.parametrize("way", ["silent", "browser"])
def test_a_claims_challenge_is_met_by_asking_for_the_claims(public, signed_in, refreshed, entra, asked, way):
    app = public(client_capabilities=["CP1"])
    entra.switches.claims_challenge = "until_met"
    status, code, headers = asked(signed_in(app)["access_token"])
    assert (status, code) == (401, 800001)
    claims = challenged(headers)
    assert json.loads(claims) == {"access_token": {"acrs": {"essential": True, "value": "c1"}}}
    answer = (refreshed if way == "silent" else signed_in)(app, claims_challenge=claims)
    assert asked(answer["access_token"])[0] == 200
    assert asked(refreshed(app)["access_token"])[0] == 200


def test_a_claims_challenge_can_have_no_end(app, signed_in, refreshed, entra, asked):
    entra.switches.claims_challenge = "always"
    status, _, headers = asked(signed_in(app)["access_token"])
    answer = refreshed(app, claims_challenge=challenged(headers))
    assert (status, asked(answer["access_token"])[0]) == (401, 401)
