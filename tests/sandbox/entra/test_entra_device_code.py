"""The device code flow, by unmodified MSAL and a person who types the code in."""

import pytest

from pc_mcp.sandbox.entra import PARTNER_CENTER
from pc_mcp.sandbox.person import GaveUp, sign_in

SCOPES = [f"{PARTNER_CENTER}/user_impersonation"]


def polled(app, flow) -> dict:
    """One poll, no waiting; with an empty memory of refusals, as after a minute."""
    app.http_cache_emptied()
    return app.acquire_token_by_device_flow(flow, exit_condition=lambda flow: True)


@pytest.fixture
def app(public):
    http_cache: dict = {}
    app = public(http_cache=http_cache)
    app.http_cache_emptied = http_cache.clear
    return app


@pytest.fixture
def flow(app, entra) -> dict:
    # MSAL warns when it is made to poll sooner than it was told.
    entra.switches.device_code_interval = 1
    return app.initiate_device_flow(SCOPES)


def test_the_flow_is_pending_until_the_code_is_typed_in(app, flow, trust, entra):
    assert flow["verification_uri"] == f"{entra.base_url}/devicelogin"
    assert flow["user_code"] in flow["message"]
    assert flow["expires_in"] == 900
    for _ in range(2):
        answer = polled(app, flow)
        assert (answer["error"], answer["error_codes"]) == ("authorization_pending", [70016])
    diego = entra.accounts[1]
    said = sign_in(flow["verification_uri"], diego.username, f" {flow['user_code'].lower()} ", trust)
    assert said.startswith("You have signed in")
    assert polled(app, flow)["id_token_claims"]["oid"] == diego.object_id
    assert polled(app, flow)["error"] == "bad_verification_code"


def test_a_code_works_once_and_a_wrong_one_not_at_all(app, flow, trust):
    sign_in(flow["verification_uri"], "", flow["user_code"], trust)
    for code in (flow["user_code"], "WRONGCODE"):
        with pytest.raises(GaveUp, match="That code did not work"):
            sign_in(flow["verification_uri"], "", code, trust)
    with pytest.raises(GaveUp, match="asks for a code"):
        sign_in(flow["verification_uri"], context=trust)


def test_a_blocked_flow_is_refused_after_the_sign_in(app, flow, trust, entra):
    entra.switches.device_code_blocked = True
    assert polled(app, flow)["error"] == "authorization_pending"
    with pytest.raises(GaveUp, match="AADSTS53003"):
        sign_in(flow["verification_uri"], "", flow["user_code"], trust)
    answer = polled(app, flow)
    assert (answer["error"], answer["error_codes"]) == ("invalid_grant", [53003])
    assert answer["suberror"] == "message_only"


def test_an_expired_code_is_refused_on_both_sides(app, flow, trust, entra):
    entra.switches.device_code_expired = True
    answer = polled(app, flow)
    assert (answer["error"], answer["error_codes"]) == ("expired_token", [70019])
    with pytest.raises(GaveUp, match="That code did not work"):
        sign_in(flow["verification_uri"], "", flow["user_code"], trust)


def test_a_declined_flow_says_so(app, flow, trust, entra):
    entra.switches.declined = True
    with pytest.raises(GaveUp, match="AADSTS65004"):
        sign_in(flow["verification_uri"], "", flow["user_code"], trust)
    answer = polled(app, flow)
    assert (answer["error"], answer["error_codes"]) == ("authorization_declined", [65004])


def test_cancelling_declines(app, flow, http):
    http.post("/devicelogin", data={"user_code": flow["user_code"], "account": ""})
    assert polled(app, flow)["error"] == "authorization_declined"


def test_nobody_consented(app, flow, trust, entra):
    entra.switches.no_consent = True
    with pytest.raises(GaveUp, match="AADSTS65001"):
        sign_in(flow["verification_uri"], "", flow["user_code"], trust)
    assert polled(app, flow)["error_codes"] == [65001]


def test_the_public_client_may_not_be_allowed(app, flow, entra):
    entra.switches.public_client_not_allowed = True
    answer = polled(app, flow)
    assert (answer["error"], answer["error_codes"]) == ("invalid_client", [7000218])


def test_the_interval_is_a_switch(public, entra):
    assert public().initiate_device_flow(SCOPES)["interval"] == 5
    entra.switches.device_code_interval = 1
    assert public().initiate_device_flow(SCOPES)["interval"] == 1


def test_an_unknown_application_gets_no_code(http, entra):
    answer = http.post(f"/{entra.tenant_id}/oauth2/v2.0/devicecode", data={"client_id": "nobody"})
    assert answer.json()["error_codes"] == [700016]
