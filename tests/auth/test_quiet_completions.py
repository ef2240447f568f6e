"""Completions use a sign-in that is there, and never ask a person for one."""

import pytest
from mcp import Client
from mcp_types import PromptReference

from tests.auth.people import answered, asked, connected, do_as_told, told


async def completed(client: Client) -> list[str]:
    prompt = PromptReference(name="device_overview")
    values: list[str] = (await client.complete(prompt, {"name": "customer", "value": "contoso l"})).completion.values
    return values


@pytest.mark.slow
@pytest.mark.usefixtures("browser")
async def test_no_browser_is_opened_for_who_is_not_signed_in(service, mode):
    async with connected(service, mode) as client:
        assert await completed(client) == []
        assert asked(service) == {}
        await answered(client)
        assert await completed(client) == ["Contoso Ltd"]


@pytest.mark.slow
@pytest.mark.usefixtures("browser")
async def test_no_browser_is_opened_when_only_a_person_could_renew_the_sign_in(service):
    async with connected(service) as client:
        await answered(client)
        before = asked(service)
        service.entra.switches.refresh_revoked = 50173
        service.entra.expire_access_tokens()
        assert await completed(client) == []
        assert asked(service)["authorize"] == before["authorize"]


@pytest.mark.slow
async def test_what_became_of_a_sign_in_is_told_to_the_next_question_not_to_a_completion(service):
    async with connected(service, auth={"flow": "device_code"}) as client:
        await do_as_told(service, await told(client))
        assert await completed(client) in ([], ["Contoso Ltd"])
        await answered(client)
    assert asked(service)["devicecode"] == 1
