"""What Partner Center asks of a sign-in besides: met once where it can be, said where it cannot, never a loop."""

import pytest

from pc_mcp.sandbox.person import GaveUp
from tests.auth.people import Asked, answered, asked, connected, do_as_told, told

pytestmark = pytest.mark.slow

BROWSER = {"flow": "browser"}
DEVICE = {"flow": "device_code"}
LARGE = {"customer": "Contoso Hotels", "limit": 0, "group_by": []}


def prompts(service) -> list[str]:
    pages = [r.path for r in service.entra.requests if "/authorize?" in r.path]
    return [page.partition("prompt=")[2].partition("&")[0] for page in pages]


@pytest.mark.parametrize("question", [("find_customers", {}), ("list_devices", LARGE)], ids=lambda q: q[0])
async def test_without_mfa_one_more_sign_in_mends_it(service, mode, question):
    service.entra.switches.no_mfa = "until_login"
    async with connected(service, mode, elicitation=Asked(service), auth=BROWSER) as client:
        # An answer of one call asks the person once at most, so the first brings the account only.
        for _ in range(3):
            result = await client.call_tool(*question)
            if not result.is_error:
                break
            if "/authorize" in result.content[0].text:
                await do_as_told(service, result.content[0].text)
        assert not result.is_error
        await answered(client)
    assert prompts(service) == ["select_account", "login"]


@pytest.mark.usefixtures("browser")
async def test_without_mfa_the_browser_is_opened_once_more_in_the_same_call(service, mode):
    service.entra.switches.no_mfa = "until_login"
    async with connected(service, mode) as client:
        await answered(client, "list_devices", **LARGE)
    assert prompts(service) == ["select_account", "login"]


@pytest.mark.usefixtures("browser")
async def test_where_no_sign_in_has_mfa_it_is_said_and_not_tried_again(service, mode):
    service.entra.switches.no_mfa = "always"
    async with connected(service, mode) as client:
        for _ in range(3):
            words = await told(client)
            assert "900421" in words
            assert "administrator must require MFA" in words
        assert prompts(service) == ["select_account", "login"]


@pytest.mark.usefixtures("browser")
async def test_mfa_is_tried_again_when_somebody_asks_to_sign_in(service):
    service.entra.switches.no_mfa = "always"
    async with connected(service) as client:
        for _ in range(2):
            await told(client)
        service.entra.switches.no_mfa = "off"
        await answered(client, "sign_in")
        await answered(client)
    assert len(prompts(service)) == 3


async def test_a_challenge_is_met_silently(service, mode):
    person = Asked(service)
    async with connected(service, mode, elicitation=person, auth=BROWSER) as client:
        await answered(client)
        service.entra.switches.claims_challenge = "until_met"
        assert (await answered(client, "list_devices", **LARGE))["complete"]
        await answered(client)
    assert len(person.urls) == 1
    assert asked(service)["refresh_token"] == 1


@pytest.mark.usefixtures("browser")
async def test_a_challenge_that_needs_a_person_is_met_by_one(service, mode):
    async with connected(service, mode) as client:
        await answered(client)
        service.entra.switches.claims_challenge = "until_met"
        service.entra.switches.interaction_required = 50076
        assert (await answered(client, "list_devices", **LARGE))["complete"]
        service.entra.expire_access_tokens()
        await answered(client)
    assert asked(service)["authorize"] == 2


async def test_a_challenge_that_is_never_met_is_said_without_a_loop(service, mode):
    service.entra.switches.claims_challenge = "always"
    person = Asked(service)
    async with connected(service, mode, elicitation=person, auth=BROWSER) as client:
        for _ in range(3):
            assert "Partner Center refused the access token" in await told(client)
    assert len(person.urls) == 1
    assert asked(service)["refresh_token"] <= 2


@pytest.mark.usefixtures("browser")
async def test_a_refresh_that_needs_a_person_asks_one_with_the_claims_of_the_refusal(service):
    service.entra.switches.interaction_required = 50079
    async with connected(service) as client:
        for _ in range(3):
            await answered(client)
            service.entra.expire_access_tokens()
        await answered(client)
    assert asked(service)["authorize"] == 2


@pytest.mark.parametrize(
    ("switch", "code"), [("device_code_blocked", "53003"), ("device_code_expired", "70019"), ("declined", "declined")]
)
async def test_a_device_code_that_leads_to_nothing_is_said(service, mode, switch, code):
    async with connected(service, mode, auth=DEVICE) as client:
        words = await told(client)
        setattr(service.entra.switches, switch, True)
        with pytest.raises(GaveUp):
            await do_as_told(service, words)
        reason = await told(client)
        assert code in reason
        setattr(service.entra.switches, switch, False)
        anew = await told(client)
        assert anew != words
        await do_as_told(service, anew)
        await answered(client)


async def test_consent_that_is_missing_is_said_with_whose_job_it_is(service, mode):
    service.entra.switches.no_consent = True
    async with connected(service, mode, auth=BROWSER) as client:
        await do_as_told(service, await told(client))
        words = await told(client)
    assert "AADSTS65001" in words
    assert "administrator" in words
