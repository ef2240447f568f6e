"""Tokens are renewed without anybody noticing, and where that cannot be, it is said what to do."""

import json

import pytest

from pc_mcp.sandbox.entra import Entra
from tests.auth.people import Asked, answered, asked, connected, do_as_told, told

LARGE = {"customer": "Contoso Hotels", "limit": 0, "group_by": []}
FILE = {"token_store": "file", "flow": "browser"}


def rotate_strictly(entra: Entra) -> None:
    """Each refresh token works once, so one that is lost is missed at the next refresh."""
    entra.switches.refresh_token_uses = 1


async def test_a_restarted_server_refreshes_silently_and_keeps_the_rotated_token(service, mode, tmp_path):
    rotate_strictly(service.entra)
    for restart in range(3):
        async with connected(service, mode, elicitation=Asked(service), auth=FILE) as client:
            await answered(client)
            service.entra.expire_access_tokens()
            await answered(client)
            assert asked(service) == {"authorize": 1, "authorization_code": 1, "refresh_token": 2 * restart + 1}
        service.entra.expire_access_tokens()
    (kept,) = (tmp_path / "pc-mcp").glob("tokens-*.bin")
    assert kept.stat().st_mode & 0o777 == 0o600
    rotated = [r.form["refresh_token"] for r in service.entra.requests if "refresh_token" in r.form]
    assert len(set(rotated)) == len(rotated) == 5


async def test_a_sign_in_that_is_kept_in_memory_ends_with_the_server(service):
    for sign_ins in (1, 2):
        async with connected(service, elicitation=Asked(service), auth={"flow": "browser"}) as client:
            await answered(client)
        assert asked(service)["authorize"] == sign_ins


@pytest.mark.slow
async def test_a_walk_goes_on_when_the_token_expires_in_its_middle(service, mode):
    async with connected(service, mode, elicitation=Asked(service), auth={"flow": "browser"}) as client:
        await answered(client)
        expired: list[float] = []

        async def expire(progress: float, total: float | None, message: str | None) -> None:
            if not expired:
                expired.append(progress)
                service.entra.expire_access_tokens()

        result = await client.call_tool("list_devices", LARGE, progress_callback=expire)
    assert expired
    assert result.structured_content["complete"]
    assert result.structured_content["devices_total"] > expired[0]
    assert asked(service)["refresh_token"] == 1
    assert asked(service)["authorize"] == 1


@pytest.mark.slow
async def test_a_walk_outlives_many_short_lived_tokens(service):
    service.entra.switches.token_life_seconds = 1
    service.switches.latency_seconds = 0.02
    async with connected(service, elicitation=Asked(service), auth={"flow": "browser"}) as client:
        found = await answered(client, "list_devices", **LARGE)
    assert found["complete"]
    assert asked(service)["authorize"] == 1
    assert asked(service)["refresh_token"] >= 1


@pytest.mark.parametrize("number", [50173, 700082])
async def test_after_a_revocation_a_person_signs_in_again(service, mode, number):
    person = Asked(service)
    async with connected(service, mode, elicitation=person, auth={"flow": "browser"}) as client:
        await answered(client)
        service.entra.switches.refresh_revoked = number
        service.entra.expire_access_tokens()
        await answered(client)
        await answered(client)
    assert len(person.urls) == 2


async def test_a_token_that_is_good_is_used_while_the_sign_in_service_is_out(service):
    service.entra.switches.token_life_seconds = 4
    async with connected(service, elicitation=Asked(service), auth={"flow": "browser"}) as client:
        await answered(client)
        service.entra.switches.outage = "everywhere"
        await answered(client)


@pytest.mark.parametrize("where", ["everywhere", "token"])
async def test_an_outage_at_the_start_is_said_and_passes(service, mode, where):
    service.entra.switches.outage = where
    person = Asked(service)
    async with connected(service, mode, elicitation=person, auth={"flow": "browser"}) as client:
        words = await told(client)
        assert words.startswith("The sign-in service ")
        assert "minute" in words
        service.entra.switches.outage = "nowhere"
        await answered(client)


async def test_an_outage_in_the_middle_is_said_and_passes(service, mode):
    person = Asked(service)
    async with connected(service, mode, elicitation=person, auth=FILE) as client:
        await answered(client)
        service.entra.expire_access_tokens()
        service.entra.switches.outage = "token"
        words = await told(client)
        assert "The sign-in service " in words
        assert "minute" in words
        service.entra.switches.outage = "nowhere"
    # MSAL itself does not ask again for five seconds after a failure; another server asks at once.
    async with connected(service, mode, elicitation=person, auth=FILE) as client:
        await answered(client)
    assert len(person.urls) == 1


@pytest.mark.slow
async def test_a_device_code_outlives_an_outage(service):
    async with connected(service, auth={"flow": "device_code"}, answers={"time_budget_seconds": 3.5}) as client:
        words = await told(client)
        service.entra.switches.outage = "token"
        assert await told(client) == words
        service.entra.switches.outage = "nowhere"
        await do_as_told(service, words)
        while (result := await client.call_tool("find_customers", {})).is_error:
            assert result.content[0].text == words
    assert asked(service)["devicecode"] == 1


async def test_nothing_is_signed_in_when_the_answer_of_the_sign_in_is_not_the_expected_one(service):
    service.entra.switches.wrong_nonce = True
    async with connected(service, auth={"flow": "browser"}) as client:
        words = await told(client)
        assert "You are not signed in" in await do_as_told(service, words)
        assert "not the expected one" in await told(client)
        assert json.dumps(await answered(client, "sign_out")).count("bellowscloud") == 0
