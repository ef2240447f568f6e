"""How a person is brought to sign in: each rung of the ladder, down to words that say what to do."""

import anyio
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_REQUEST, METHOD_NOT_FOUND, ErrorData, ListRootsResult

from tests.auth.people import CODE, URL, Asked, answered, ask, asked, connected, do_as_told, sign_in, told

pytestmark = pytest.mark.slow

IMPATIENT = {"time_budget_seconds": 3.5}
BROWSER = {"flow": "browser"}


@pytest.mark.usefixtures("browser")
async def test_the_server_opens_the_browser_and_the_same_call_is_answered(service, mode):
    async with connected(service, mode) as client:
        assert (await answered(client))["customers_total"] > 0
    assert asked(service) == {"authorize": 1, "authorization_code": 1}


@pytest.mark.usefixtures("browser")
async def test_after_a_sign_in_calls_are_silent(service):
    async with connected(service) as client:
        first = await answered(client, "sign_in")
        await answered(client)
        assert await answered(client, "sign_in") == first
    assert asked(service) == {"authorize": 1, "authorization_code": 1}
    assert first["signed_in"]
    assert first["username"] == service.entra.accounts[0].username
    assert first["tenant"] == service.tenant_id


@pytest.mark.parametrize("way", ["browser", "device_code"])
async def test_a_client_that_opens_pages_is_asked_to(service, mode, way):
    person = Asked(service)
    async with connected(service, mode, elicitation=person, auth={"flow": way}) as client:
        assert (await answered(client))["customers_total"] > 0
        await answered(client)
    assert len(person.urls) == 1


async def test_no_account_is_named_in_the_address_that_a_client_shows(service, mode):
    person = Asked(service)
    auth = BROWSER | {"account": service.entra.accounts[0].username}
    async with connected(service, mode, elicitation=person, auth=auth) as client:
        await answered(client)
    assert "hint" not in person.urls[0]
    assert "adele" not in person.urls[0].lower()


@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_who_does_not_want_to_sign_in_is_left_alone_until_the_next_call(service, mode, action):
    person = Asked(service, action)
    async with connected(service, mode, elicitation=person, auth=BROWSER) as client:
        words = await told(client)
        assert words.startswith("The sign-in was declined.")
        assert len(person.urls) == 1
        person.action = "accept"
        await answered(client)
    assert len(person.urls) == 2
    assert person.urls[0] != person.urls[1]


async def test_who_accepts_but_does_not_sign_in_is_told_how_to(service, mode):
    person = Asked(service, acts=False)
    async with connected(service, mode, elicitation=person, auth=BROWSER, answers=IMPATIENT) as client:
        words = await told(client)
        assert len(person.urls) == 1
        assert URL.findall(words) == person.urls
        await do_as_told(service, words)
        await answered(client)


@pytest.mark.parametrize("way", ["browser", "device_code"])
@pytest.mark.parametrize(
    "failing",
    [
        ErrorData(code=INVALID_REQUEST, message="Elicitation is not enabled"),
        ErrorData(code=METHOD_NOT_FOUND, message="[x](https://e.invalid)"),
        RuntimeError("the dialog crashed"),
    ],
    ids=str,
)
async def test_a_client_that_answers_the_question_with_an_error_gets_the_words(service, way, failing):
    async def fails(*_):
        if isinstance(failing, Exception):
            raise failing
        return failing

    async with connected(service, "legacy", elicitation=fails, auth={"flow": way}, answers=IMPATIENT) as client:
        words = await told(client)
        assert words.startswith("You are not signed in to Partner Center.")
        assert "e.invalid" not in words
        await do_as_told(service, words)
        await answered(client)


async def test_a_client_of_today_that_fails_to_ask_gets_the_words_with_the_next_call(service):
    """The first call ends within the SDK's client, which calls back only with an answer."""
    questions = []

    async def fails(_, params):
        questions.append(params.url)
        return ErrorData(code=INVALID_REQUEST, message="Elicitation is not enabled")

    async with connected(service, elicitation=fails, auth=BROWSER, answers=IMPATIENT) as client:
        with pytest.raises(MCPError):
            await ask(client)
        words = await told(client)
        assert URL.findall(words) == questions
        await do_as_told(service, words)
        await answered(client)


async def test_a_call_that_comes_back_without_a_yes_or_no_gets_the_words(service):
    async with connected(service, elicitation=Asked(service), auth=BROWSER, answers=IMPATIENT) as client:
        needs = await client.session.call_tool("find_customers", {}, allow_input_required=True)
        (question,) = needs.input_requests.values()
        for responses in ({}, {"sign_in": ListRootsResult(roots=[])}):
            again = await client.session.call_tool("find_customers", {}, input_responses=responses)
            assert again.is_error
            assert URL.findall(again.content[0].text) == [question.params.url]


async def test_a_question_that_is_never_answered_ends_with_the_words(service):
    asked_for = anyio.Event()

    async def never(*_):
        asked_for.set()
        await anyio.sleep_forever()

    async with connected(service, "legacy", elicitation=never, auth=BROWSER, answers=IMPATIENT) as client:
        with anyio.fail_after(30):
            words = await told(client)
            assert asked_for.is_set()
            # Nobody is asked twice for one sign-in.
            assert await told(client) == words
        await do_as_told(service, words)
        await answered(client)


async def test_where_nothing_can_open_the_address_is_said(service, mode):
    async with connected(service, mode, auth=BROWSER) as client:
        words = await told(client)
        assert words.startswith("You are not signed in to Partner Center. Open this address")
        assert "You are signed in" in await do_as_told(service, words)
        await answered(client)
    assert asked(service) == {"authorize": 1, "authorization_code": 1}


@pytest.mark.parametrize("variable", ["SSH_CONNECTION", "SSH_TTY", None])
async def test_in_a_remote_shell_or_without_a_display_a_code_is_said(service, monkeypatch, variable):
    if variable:
        monkeypatch.setenv(variable, "192.0.2.1 50000 192.0.2.2 22")
        monkeypatch.setenv("DISPLAY", ":10")
    async with connected(service) as client:
        words = await told(client)
        assert CODE.search(words)
        await do_as_told(service, words)
        await answered(client)
    assert asked(service)["devicecode"] == 1


@pytest.mark.usefixtures("browser")
async def test_a_code_is_said_where_the_setting_asks_for_one(service, mode):
    async with connected(service, mode, auth={"flow": "device_code"}) as client:
        words = await told(client)
        await do_as_told(service, words)
        await answered(client)
    assert asked(service)["authorize"] == 0


async def test_a_browser_that_cannot_be_started_leads_to_the_address(service, monkeypatch):
    monkeypatch.setenv("BROWSER", "/nonexistent/browser %s")
    async with connected(service) as client:
        words = await told(client)
        await do_as_told(service, words)
        await answered(client)


@pytest.mark.parametrize("way", ["browser", "device_code"])
async def test_a_call_does_not_hang_and_the_next_one_finds_the_token(service, mode, way):
    async with connected(service, mode, auth={"flow": way}, answers=IMPATIENT) as client:
        words = await told(client)
        with anyio.fail_after(7):
            assert await told(client) == words
        await do_as_told(service, words)
        await answered(client)


async def test_signing_in_while_calls_wait_answers_them(service):
    async with connected(service, auth=BROWSER) as client:
        words = await told(client)
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(answered, client)
            tasks.start_soon(sign_in, service, URL.findall(words)[0])
    assert asked(service)["authorization_code"] == 1
