"""Tokens: what they say, how they verify, how they are renewed."""

import jwt
import pytest

from pc_mcp.sandbox.entra import PARTNER_CENTER

GRAPH = "https://graph.microsoft.com"


@pytest.fixture
def verified(http, entra):
    """A token's claims, once its signature fits the published key."""

    def claims(token: str, audience: str = PARTNER_CENTER) -> dict:
        (key,) = jwt.PyJWKSet.from_dict(http.get(f"/{entra.tenant_id}/discovery/v2.0/keys").json()).keys
        assert jwt.get_unverified_header(token)["kid"] == key.key_id
        return jwt.decode(token, key, ["RS256"], audience=audience)

    return claims


def test_an_access_token_verifies_and_says_who_may_do_what(app, signed_in, entra, verified):
    claims = verified(signed_in(app)["access_token"])
    adele = entra.accounts[0]
    expected = {
        "iss": f"{entra.authority}/",
        "scp": "user_impersonation",
        "tid": entra.tenant_id,
        "oid": adele.object_id,
        "upn": adele.username,
        "appid": entra.client_id,
        "amr": ["pwd", "mfa"],
    }
    assert expected.items() <= claims.items()
    assert claims["exp"] - claims["iat"] == 3600
    assert "acrs" not in claims


def test_an_id_token_is_for_the_application_and_carries_its_nonce(app, signed_in, entra, verified):
    claims = verified(signed_in(app)["id_token"], entra.client_id)
    assert claims["iss"] == f"{entra.authority}/v2.0"
    assert claims["nonce"]


def test_a_token_lives_as_long_as_the_switch_says(app, signed_in, refreshed, entra, verified, http):
    entra.switches.token_life_seconds = 90
    entra.switches.refresh_in = 45
    signed_in(app)
    assert refreshed(app)["expires_in"] == 90
    body = http.post(f"/{entra.tenant_id}/oauth2/v2.0/token", data=entra.requests[-1].form).json()
    claims = verified(body["access_token"])
    assert (claims["exp"] - claims["nbf"], body["expires_in"], body["refresh_in"]) == (90, 90, 45)


def refresh_tokens_sent(entra) -> list[str]:
    return [r.form["refresh_token"] for r in entra.requests if r.form.get("grant_type") == "refresh_token"]


def test_each_refresh_gives_a_new_refresh_token_that_works(app, signed_in, refreshed, entra):
    entra.switches.refresh_token_uses = 1
    signed_in(app)
    for _ in range(3):
        assert "access_token" in refreshed(app)
    assert len(set(refresh_tokens_sent(entra))) == 3


def test_a_token_that_is_kept_needs_no_refresh(app, signed_in, refreshed, entra):
    token = signed_in(app)["access_token"]
    assert refreshed(app, force_refresh=False)["access_token"] == token
    assert refresh_tokens_sent(entra) == []


@pytest.mark.parametrize(("uses", "expected"), [(None, [None] * 3), (2, [None, None, 70008]), (0, [70008] * 3)])
def test_an_old_refresh_token_works_as_often_as_the_switch_says(app, signed_in, entra, http, uses, expected):
    entra.switches.refresh_token_uses = uses
    form = {
        "grant_type": "refresh_token",
        "client_id": entra.client_id,
        "refresh_token": signed_in(app)["refresh_token"],
    }
    path = f"/{entra.tenant_id}/oauth2/v2.0/token"
    answers = [http.post(path, data=form).json() for _ in range(3)]
    assert [a.get("error_codes", [None])[0] for a in answers] == expected


@pytest.mark.parametrize("number", [50173, 700082])
def test_a_revoked_refresh_token_is_refused_until_the_person_signs_in_again(app, signed_in, refreshed, entra, number):
    signed_in(app)
    entra.switches.refresh_revoked = number
    answer = refreshed(app)
    assert (answer["error"], answer["error_codes"]) == ("invalid_grant", [number])
    assert "access_token" in signed_in(app)


def test_a_refresh_token_needs_consent(app, signed_in, refreshed, entra):
    signed_in(app)
    entra.switches.no_consent = True
    answer = refreshed(app)
    assert (answer["error"], answer["error_codes"]) == ("invalid_grant", [65001])
    assert answer["suberror"] == "consent_required"


def test_interaction_is_required_until_a_sign_in_with_claims(public, signed_in, refreshed, entra):
    app = public(client_capabilities=["CP1"])
    signed_in(app)
    entra.switches.interaction_required = 50076
    answer = refreshed(app)
    assert (answer["error"], answer["error_codes"]) == ("interaction_required", [50076])
    assert (answer["suberror"], "polids" in answer["claims"]) == ("basic_action", True)
    signed_in(app, claims_challenge=answer["claims"])
    # MSAL may have kept the refusal.
    assert "access_token" in refreshed(public(client_capabilities=["CP1"], token_cache=app.token_cache))


def test_a_refresh_token_serves_another_resource(app, signed_in, entra, verified):
    signed_in(app)
    (account,) = app.get_accounts()
    answer = app.acquire_token_silent([f"{GRAPH}/User.Read"], account)
    assert verified(answer["access_token"], GRAPH)["scp"] == "User.Read"


@pytest.mark.parametrize(
    ("changes", "status", "number"),
    [
        ({"refresh_token": "another"}, 400, 70000),
        ({"refresh_token": None}, 400, 70000),
        ({"client_id": "nobody"}, 400, 700016),
        ({"grant_type": "password"}, 400, 70003),
        ({"scope": "https://vault.example.invalid/.default"}, 400, 500011),
        ({"claims": "{"}, 400, 9002313),
    ],
)
def test_a_bad_request_for_tokens_is_refused(app, signed_in, entra, http, changes, status, number):
    form = {
        "grant_type": "refresh_token",
        "client_id": entra.client_id,
        "refresh_token": signed_in(app)["refresh_token"],
    } | changes
    form = {name: value for name, value in form.items() if value is not None}
    answer = http.post(f"/{entra.tenant_id}/oauth2/v2.0/token", data=form)
    assert (answer.status_code, answer.json()["error_codes"]) == (status, [number])


def test_only_what_is_asked_for_comes_with_an_access_token(app, signed_in, entra, http):
    form = {
        "grant_type": "refresh_token",
        "client_id": entra.client_id,
        "refresh_token": signed_in(app)["refresh_token"],
        "scope": f"{PARTNER_CENTER}/.default",
    }
    body = http.post(f"/{entra.tenant_id}/oauth2/v2.0/token", data=form).json()
    assert body.keys() == {"token_type", "scope", "expires_in", "ext_expires_in", "access_token"}
    assert body["scope"] == f"{PARTNER_CENTER}/user_impersonation"


def test_a_refusal_has_the_documented_shape(http, entra):
    ids = {"client-request-id": "0bd8c2b6-9d1a-4c8e-8f0e-1f5c2f8a7d11"}
    answer = http.post(f"/{entra.tenant_id}/oauth2/v2.0/token", data={"client_id": "x"}, headers=ids)
    body = answer.json()
    assert body["correlation_id"] == ids["client-request-id"]
    assert body["error_description"].startswith("AADSTS700016: Application with identifier 'x'")
    assert f"Trace ID: {body['trace_id']} Correlation ID: {body['correlation_id']}" in body["error_description"]
    assert body["error_uri"] == f"{entra.base_url}/error?code=700016"
    assert set(body) == {
        "error", "error_description", "error_codes", "timestamp", "trace_id", "correlation_id", "error_uri",
    }  # fmt: skip
