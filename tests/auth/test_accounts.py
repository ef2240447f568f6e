"""Whose account it is: one of several, the configured one, of the right tenant; and signing out."""

import httpx2
import pytest

from pc_mcp.sandbox import person
from tests.auth.people import URL, Asked, answered, asked, connected, do_as_told, sign_in, told

FILE = {"token_store": "file", "flow": "browser"}
BROWSER = {"flow": "browser"}
ANY_TENANT = {"tenant_id": None}


def kept(tmp_path) -> str:
    return "".join(path.read_text() for path in (tmp_path / "pc-mcp").glob("tokens-*.bin"))


async def signed_in(service, account: int, **auth) -> dict:
    name = service.entra.accounts[account].username
    auth = FILE | {"account": name} | auth
    async with connected(service, elicitation=Asked(service, account=account), auth=auth) as client:
        await client.call_tool("find_customers", {})
        return await answered(client, "sign_in")


@pytest.mark.slow
async def test_several_accounts_are_listed_and_none_is_guessed(service, mode):
    for account in (0, 1):
        await signed_in(service, account)
    names = [a.username for a in service.entra.accounts[:2]]
    async with connected(service, mode, auth=FILE) as client:
        words = (await told(client)).replace("\\", "")
        assert all(name in words for name in names)
        assert "auth.account" in words
    assert asked(service)["authorize"] == 2


@pytest.mark.slow
async def test_the_configured_account_is_picked(service, mode):
    for account in (0, 1):
        await signed_in(service, account)
    name = service.entra.accounts[1].username
    async with connected(service, mode, auth=FILE | {"account": name.upper()}) as client:
        assert (await answered(client, "sign_in"))["username"] == name
        await answered(client)
    assert asked(service)["authorize"] == 2


async def test_another_account_than_the_configured_one_is_refused_and_not_kept(service, mode, tmp_path):
    auth = FILE | {"account": service.entra.accounts[0].username}
    async with connected(service, mode, auth=auth) as client:
        page = await do_as_told(service, await told(client), account=1)
        assert "Another account signed in" in page
        assert (await told(client)).startswith("Another account signed in")
    assert "diego" not in kept(tmp_path).lower()


async def test_the_first_sign_in_decides_the_tenant(service, mode, tmp_path):
    async with connected(service, mode, elicitation=Asked(service), auth=FILE | ANY_TENANT) as client:
        await answered(client)
    service.entra.expire_access_tokens()
    service.entra.switches.refresh_revoked = 50173
    async with connected(service, mode, auth=FILE | ANY_TENANT) as client:
        words = await told(client)
        assert f"/{service.tenant_id}/" in URL.findall(words)[0]
        with pytest.raises(person.GaveUp, match="does not offer"):
            await do_as_told(service, words, account=4)
    assert "pradeep" not in kept(tmp_path)
    assert "/organizations/" in next(r.path for r in service.entra.requests if "/authorize" in r.path)


async def test_somebody_of_another_tenant_is_refused_and_not_kept(service, mode, tmp_path):
    async with connected(service, mode, auth=FILE | ANY_TENANT) as late:
        words = await told(late)
        async with connected(service, mode, elicitation=Asked(service), auth=FILE | ANY_TENANT) as first:
            await answered(first)
        assert "You are not signed in" in await do_as_told(service, words, account=4)
        assert "of another tenant" in await told(late, "sign_in")
        assert (await answered(late, "sign_in"))["username"] == service.entra.accounts[0].username
    assert "pradeep" not in kept(tmp_path)


async def test_signing_out_forgets_and_the_next_call_signs_in_anew(service, mode, tmp_path):
    person = Asked(service)
    async with connected(service, mode, elicitation=person, auth=FILE) as client:
        await answered(client)
        out = await answered(client, "sign_out")
        assert not out["signed_in"]
        assert any("revokes nothing" in note for note in out["notes"])
        assert "adele" not in kept(tmp_path)
        await answered(client)
    assert len(person.urls) == 2


async def test_signing_out_works_while_the_sign_in_service_is_out(service, tmp_path):
    await signed_in(service, 0)
    service.entra.switches.outage = "everywhere"
    async with connected(service, auth=FILE) as client:
        assert not (await answered(client, "sign_out"))["signed_in"]
    assert "adele" not in kept(tmp_path)


async def test_signing_out_calls_off_a_sign_in_that_waits(service):
    async with connected(service, auth=BROWSER) as client:
        before = URL.findall(await told(client))[0]
        await answered(client, "sign_out")
        after = URL.findall(await told(client))[0]
        assert after != before
        with pytest.raises(httpx2.TransportError):
            await sign_in(service, before)


@pytest.mark.slow
async def test_what_one_account_read_is_not_shown_to_the_next(service, mode):
    person = Asked(service)
    kept = {"snapshot_minutes": 15}
    async with connected(service, mode, elicitation=person, auth=BROWSER, answers=kept) as client:
        await answered(client)
        read = len(service.requests)
        await answered(client)
        assert len(service.requests) == read
        await answered(client, "sign_out")
        person.account = 1
        await answered(client)
        assert len(service.requests) > read
        assert (await answered(client, "sign_in"))["username"] == service.entra.accounts[1].username
        await answered(client, "sign_out")
        person.account = 2
        assert "Admin agent or Sales agent" in await told(client)


async def test_a_helpdesk_agent_is_told_which_role_is_needed(service, mode):
    async with connected(service, mode, elicitation=Asked(service, account=2), auth=BROWSER) as client:
        words = await told(client)
    assert "The user needs the role Admin agent or Sales agent" in words
    assert "1002" in words


async def test_a_hostile_display_name_is_shown_nowhere(service, mode):
    async with connected(service, mode, elicitation=Asked(service, account=3), auth=BROWSER) as client:
        result = await client.call_tool("sign_in", {})
    assert not result.is_error
    assert "script" not in str(result)
