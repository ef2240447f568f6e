"""A sign-in service that means ill: where it sends secrets, what it shows, how long it takes."""

import re

import pytest

from pc_mcp.sandbox.entra.accounts import CLIENT_SECRET
from tests.auth.people import asked, connected, told

ELSEWHERE = "https://evil.example.invalid/token"


@pytest.mark.parametrize(
    "named",
    [
        {"token_endpoint": ELSEWHERE},
        {"authorization_endpoint": ELSEWHERE},
        {"device_authorization_endpoint": ELSEWHERE},
        {"authorization_endpoint": "file:///bin/sh"},
        {"authorization_endpoint": "ms-settings:network"},
        {"token_endpoint": "https://login.microsoftonline.com@evil.example.invalid/t/oauth2/v2.0/token"},
    ],
    ids=lambda named: next(iter(named)),
)
async def test_an_authority_that_names_a_place_of_somebody_else_is_not_followed(service, named):
    service.entra.switches.configuration_says = named
    for auth in (
        {"flow": "browser"},
        {"flow": "device_code"},
        {"mode": "app", "client_id": service.entra.confidential_client_id, "client_secret": CLIENT_SECRET},
    ):
        if "mode" in auth and "token_endpoint" not in named:
            continue
        async with connected(service, auth=auth) as client:
            words = await told(client)
            assert "to another place, or without encryption. Nothing was sent there" in words
            assert "evil" not in words
    assert not asked(service)


@pytest.mark.parametrize("code", ["ABC\x1b[2JDEF", "", "a b", "x" * 500, "<b>", 7, None, ["A"]])
async def test_a_code_that_is_none_is_not_shown(service, code):
    service.entra.switches.device_code_says = {"user_code": code}
    async with connected(service, auth={"flow": "device_code"}) as client:
        assert "gave an answer that cannot be used" in await told(client)


@pytest.mark.parametrize("page", ["http://example.invalid", "javascript:alert(1)", "https://a\x1b[1m", "", None, 3])
async def test_a_page_that_is_none_is_not_shown(service, page):
    service.entra.switches.device_code_says = {"verification_uri": page}
    async with connected(service, auth={"flow": "device_code"}) as client:
        assert "gave an answer that cannot be used" in await told(client)


@pytest.mark.parametrize(
    ("says", "minutes"),
    [({"expires_in": 10**9}, 60), ({"expires_in": -5}, 1), ({"interval": 10**9}, 15), ({"interval": -1}, 15)],
)
async def test_times_without_reason_are_brought_within_reason(service, says, minutes):
    service.entra.switches.device_code_says = says
    async with connected(service, auth={"flow": "device_code"}) as client:
        words = await told(client)
    assert re.search(rf"The code is good for {minutes} minutes", words)


@pytest.mark.parametrize("says", [{"expires_in": "soon"}, {"interval": None}, {"expires_in": []}])
async def test_times_that_are_none_are_named(service, says):
    service.entra.switches.device_code_says = says
    async with connected(service, auth={"flow": "device_code"}) as client:
        assert "gave an answer that cannot be" in await told(client)


async def test_an_answer_without_end_is_given_up(service):
    service.entra.switches.configuration_says = {"x": "a" * 1_100_000}
    async with connected(service, auth={"flow": "browser"}) as client:
        assert "gave an answer that cannot be read" in await told(client)


@pytest.mark.slow
async def test_a_service_that_does_not_answer_is_named_within_the_call(service):
    service.entra.switches.hang = "everywhere"
    async with connected(service, auth={"flow": "browser"}, answers={"time_budget_seconds": 2}) as client:
        assert (await told(client)).startswith("The sign-in service does not answer.")
