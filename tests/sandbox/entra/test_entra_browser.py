"""Signing in with a browser: the authorization code flow with PKCE, by unmodified MSAL."""

from html import unescape
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2
import pytest

from pc_mcp.sandbox.entra import PARTNER_CENTER
from pc_mcp.sandbox.person import GaveUp, sign_in

SCOPES = [f"{PARTNER_CENTER}/user_impersonation"]


@pytest.fixture
def authorize(app, listener):
    """The path and query of an authorization request, with some of its parameters changed."""

    def path(**changes) -> str:
        flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=listener.uri, response_mode="form_post")
        parts = urlsplit(flow["auth_uri"])
        query = dict(parse_qsl(parts.query)) | {"response_mode": "query"} | changes
        return str(httpx2.URL(parts.path, params={k: v for k, v in query.items() if v is not None}))

    return path


def sent_back(answer) -> dict[str, str]:
    assert answer.status_code == 302
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def test_a_person_signs_in_and_the_application_gets_tokens(app, signed_in, entra, listener):
    answer = signed_in(app)
    assert listener.answers[0][0] == "POST"
    assert (answer["scope"], answer["expires_in"]) == (SCOPES[0], 3600)
    claims = answer["id_token_claims"]
    adele = entra.accounts[0]
    assert (claims["oid"], claims["tid"]) == (adele.object_id, entra.tenant_id)
    assert (claims["preferred_username"], claims["name"]) == (adele.username, adele.name)
    (account,) = app.get_accounts()
    assert account["home_account_id"] == f"{adele.object_id}.{adele.tenant_id}"


def test_the_answer_can_come_in_the_query(app, signed_in, listener):
    with pytest.warns(UserWarning, match="form_post"):
        assert "access_token" in signed_in(app, response_mode="query")
    assert listener.answers[0][0] == "GET"


@pytest.mark.parametrize("number", range(4))
def test_each_account_of_the_tenant_can_be_picked(app, signed_in, entra, number):
    account = entra.accounts[number]
    claims = signed_in(app, account.username)["id_token_claims"]
    assert (claims["name"], claims["oid"]) == (account.name, account.object_id)


def test_any_tenant_may_sign_in_to_organizations_and_stays_its_own(public, signed_in, refreshed, entra):
    app = public(f"{entra.base_url}/organizations")
    guest = entra.accounts[4]
    assert signed_in(app, guest.username)["id_token_claims"]["tid"] == guest.tenant_id != entra.tenant_id
    assert "access_token" in refreshed(app)


def test_an_account_of_another_tenant_is_not_offered_and_not_taken(app, trust, entra, listener, http):
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=listener.uri, response_mode="form_post")
    guest = entra.accounts[4].username
    with pytest.raises(GaveUp, match="does not offer"):
        sign_in(flow["auth_uri"], guest, context=trust)
    request = http.get(flow["auth_uri"]).text.split('name="request" value="')[1].split('"')[0]
    for account, code in ((guest, "AADSTS50020"), ("nobody@bellowscloud.com", "AADSTS50034")):
        answer = http.post(f"/{entra.tenant_id}/login", data={"request": request, "account": account})
        assert (answer.status_code, code in answer.text) == (400, True)


def test_a_token_of_another_tenant_cannot_be_refreshed_in_this_one(public, signed_in, entra, http):
    answer = signed_in(public(f"{entra.base_url}/organizations"), entra.accounts[4].username)
    form = {
        "grant_type": "refresh_token",
        "client_id": entra.client_id,
        "refresh_token": answer["refresh_token"],
    }
    body = http.post(f"/{entra.tenant_id}/oauth2/v2.0/token", data=form).json()
    assert body["error_codes"] == [50020]


def test_the_hinted_account_comes_first(app, signed_in, entra):
    diego = entra.accounts[1]
    claims = signed_in(app, login_hint=diego.username.title())["id_token_claims"]
    assert claims["oid"] == diego.object_id


def test_whoever_cancels_sends_the_application_an_error(http, authorize, entra):
    page = http.get(authorize())
    request = page.text.split('name="request" value="')[1].split('"')[0]
    answer = sent_back(http.post(f"/{entra.tenant_id}/login", data={"request": request, "account": ""}))
    assert answer["error"] == "access_denied"
    assert answer["error_description"].startswith("AADSTS65004: ")
    assert answer["state"]


@pytest.mark.parametrize(("switch", "number"), [("no_consent", 65001), ("declined", 65004)])
def test_no_consent_sends_the_application_an_error(app, signed_in, entra, switch, number):
    setattr(entra.switches, switch, True)
    answer = signed_in(app)
    assert answer["error"] == "access_denied"
    assert answer["error_description"].startswith(f"AADSTS{number}: ")


def test_a_wrong_code_verifier_is_refused(app, trust, listener):
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=listener.uri, response_mode="form_post")
    sign_in(flow["auth_uri"], context=trust)
    flow["code_verifier"] = "x" * 43
    answer = app.acquire_token_by_auth_code_flow(flow, listener.answer)
    assert (answer["error"], answer["error_codes"]) == ("invalid_grant", [501481])


def test_msal_sees_a_wrong_nonce(app, signed_in, entra):
    entra.switches.wrong_nonce = True
    with pytest.raises(RuntimeError, match="nonce"):
        signed_in(app)


def test_a_code_works_once_for_its_own_application_and_redirect_uri(http, authorize, entra, listener, trust):
    form = {"grant_type": "authorization_code", "client_id": entra.client_id, "redirect_uri": listener.uri}
    changes = [
        ({}, None),
        ({}, 54005),
        ({"code": "another"}, 70000),
        ({"redirect_uri": "http://localhost:1"}, 50011),
        ({"client_id": entra.confidential_client_id, "client_secret": entra.client_secret}, 70000),
    ]
    for at, (change, expected) in enumerate(changes):
        if at != 1:
            sign_in(f"{entra.base_url}{authorize(code_challenge=None)}", context=trust)
        body = http.post(
            f"/{entra.tenant_id}/oauth2/v2.0/token", data={**form, "code": listener.answer["code"], **change}
        ).json()
        assert body.get("error_codes") == (expected and [expected])


@pytest.mark.parametrize(
    "uri",
    [
        "https://localhost/",
        "http://127.0.0.1:1/",
        "http://localhost.example/",
        "http://localhost:1/#x",
        "http://localhost@example.invalid/",
        "",
    ],
)
def test_an_unregistered_redirect_uri_ends_on_a_page_and_goes_nowhere(http, authorize, uri):
    answer = http.get(authorize(redirect_uri=uri))
    assert answer.status_code == 400
    assert "AADSTS50011" in answer.text


@pytest.mark.parametrize("uri", ["http://localhost", "http://localhost:65000", "http://localhost/a/b?c=d"])
def test_localhost_is_a_redirect_uri_with_any_port_and_path(http, authorize, entra, uri):
    page = http.get(authorize(redirect_uri=uri))
    request = page.text.split('name="request" value="')[1].split('"')[0]
    form = {"request": request, "account": entra.accounts[0].username}
    location = http.post(f"/{entra.tenant_id}/login", data=form).headers["Location"]
    assert location.startswith(f"{uri}{'&' if '?' in uri else '?'}code=")


def test_an_unknown_application_ends_on_a_page(http, authorize):
    assert "AADSTS700016" in http.get(authorize(client_id="nobody")).text


@pytest.mark.parametrize(
    ("changes", "error", "number"),
    [
        ({"response_type": "token"}, "unsupported_response_type", 70005),
        ({"response_mode": "fragment"}, "invalid_request", 70007),
        ({"code_challenge_method": "plain"}, "invalid_request", 9002313),
        ({"claims": "{"}, "invalid_request", 9002313),
        ({"claims": "[]"}, "invalid_request", 9002313),
        ({"scope": "https://vault.example.invalid/.default"}, "invalid_resource", 500011),
        ({"scope": f"{PARTNER_CENTER}/Everything"}, "access_denied", 65001),
        (
            {"scope": f"{PARTNER_CENTER}/.default https://graph.microsoft.com/.default"},
            "invalid_scope",
            28000,
        ),
    ],
)
def test_a_bad_request_sends_the_application_an_error(http, authorize, changes, error, number):
    answer = sent_back(http.get(authorize(**changes)))
    assert answer["error"] == error
    assert answer["error_description"].startswith(f"AADSTS{number}: ")
    assert answer["state"]


def test_an_error_is_posted_when_the_answer_would_be(http, authorize):
    page = http.get(authorize(response_mode="form_post", response_type="token", state=None))
    assert 'name="error" value="unsupported_response_type"' in page.text
    assert 'name="state"' not in page.text


def test_a_forgotten_page_leads_nowhere(http, entra):
    answer = http.post(f"/{entra.tenant_id}/login", data={"request": "old", "account": "x"})
    assert answer.status_code == 400
    assert "AADSTS9002313" in answer.text


def test_the_pages_are_plain_and_let_nothing_else_in(http, authorize, entra, listener):
    page = http.get(authorize(response_mode="form_post"))
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert f"form-action 'self' http://localhost:{urlsplit(listener.uri).port};" in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert '<html lang="en">' in page.text
    assert "<script>" not in page.text
    hostile = entra.accounts[3].name
    assert hostile not in page.text
    assert hostile in unescape(page.text)


def test_the_page_that_posts_has_a_button_and_one_script_that_its_policy_allows(http, authorize, entra):
    request = http.get(authorize(response_mode="form_post")).text.split('name="request" value="')[1].split('"')[0]
    form = {"request": request, "account": entra.accounts[0].username}
    page = http.post(f"/{entra.tenant_id}/login", data=form)
    assert page.text.count("<script>") == 1
    assert '<button type="submit">Continue</button>' in page.text
    assert "script-src 'sha256-" in page.headers["Content-Security-Policy"]


def test_signing_out_shows_a_page_or_returns_to_the_application(http, entra):
    path = f"/{entra.tenant_id}/oauth2/v2.0/logout"
    assert "signed out" in http.get(path).text
    query = {"post_logout_redirect_uri": "http://localhost:9/bye"}
    assert http.get(path, params=query).headers["Location"] == "http://localhost:9/bye"
    located = http.get(path, params=query | {"state": "s"}).headers["Location"]
    assert parse_qs(urlsplit(located).query) == {"state": ["s"]}
    assert "Location" not in http.get(path, params={"post_logout_redirect_uri": "https://example.invalid"}).headers
