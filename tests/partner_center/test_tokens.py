"""Who is signed in: the token that is configured, and one renewal where the provider can give one."""

import pytest
from pydantic import SecretStr

from pc_mcp.auth import NotConfigured, Refusal, StaticToken
from pc_mcp.partner_center.errors import MfaMissing, NoToken, NotSignedIn, RoleMissing, TokenRefused
from tests.double import HANG_UP, asking, customer, page, raw, serving


class Renewing:
    """An account with the first of its tokens, and the next one for each that is refused."""

    id = "an account"

    def __init__(self, *tokens):
        self.tokens = tokens
        self.refused = []

    async def token(self):
        return self.tokens[0]

    async def renewed(self, refusal):
        self.refused.append(refusal)
        self.tokens = self.tokens[self.tokens.index(refusal.token) + 1 :]
        return self.tokens[0] if self.tokens else None


def refusing(*good):
    """Answers 401 to every token but the good ones."""

    async def answer_to(request):
        token = request.headers["authorization"].removeprefix("Bearer ")
        return customer() if token in good else raw(b'{"code":800001,"description":"secret-ish"}', 401)

    return answer_to


def sent(service):
    return [request.headers["authorization"] for request in service.requests]


async def test_a_refused_token_is_renewed_once_and_nobody_notices():
    tokens = Renewing("old", "new")
    async with serving(answer_to=refusing("new")) as service, asking(service.base_url, tokens) as client:
        await client.customer("1")
    assert sent(service) == ["Bearer old", "Bearer new"]
    assert tokens.refused == [Refusal("old")]
    first, second = service.requests
    assert first.id != second.id
    assert first.headers["ms-correlationid"] == second.headers["ms-correlationid"]


async def test_a_token_that_is_refused_again_is_not_renewed_again():
    tokens = Renewing("old", "new", "newest")
    async with serving(answer_to=refusing("newest")) as service, asking(service.base_url, tokens) as client:
        with pytest.raises(TokenRefused, match="Sign in again"):
            await client.customer("1")
    assert sent(service) == ["Bearer old", "Bearer new"]
    assert tokens.refused == [Refusal("old")]


async def test_an_account_without_another_token_ends_in_words():
    async with serving(answer_to=refusing()) as service, asking(service.base_url, Renewing("old")) as client:
        with pytest.raises(TokenRefused, match=r"Sign in again.*HTTP 401, code 800001"):
            await client.customer("1")
    assert len(service.requests) == 1


async def test_a_sign_in_without_mfa_is_renewed_once_then_told_to_use_it():
    tokens = Renewing("old", "new")
    answer = raw(b'{"code":900421}', 401)
    async with serving(answer) as service, asking(service.base_url, tokens) as client:
        with pytest.raises(MfaMissing, match="Sign in again with MFA"):
            await client.customer("1")
    assert sent(service) == ["Bearer old", "Bearer new"]
    assert tokens.refused == [Refusal("old", mfa_missing=True)]


async def test_a_403_is_no_reason_to_renew_a_token():
    tokens = Renewing("old", "new")
    async with serving(raw(b'{"code":1002}', 403)) as service, asking(service.base_url, tokens) as client:
        with pytest.raises(RoleMissing):
            await client.customer("1")
    assert tokens.refused == []


async def test_the_renewed_token_is_retried_with_like_any_other():
    tokens = Renewing("old", "new")
    answers = raw(b"{}", 401), HANG_UP, raw(status=503), customer()
    async with serving(*answers) as service, asking(service.base_url, tokens) as client:
        await client.customer("1")
    assert sent(service) == ["Bearer old", "Bearer new", "Bearer new", "Bearer new"]


async def test_a_walk_asks_for_the_token_before_each_page():
    class Fresh(Renewing):
        async def token(self):
            return f"token-{len(service.requests) + 1}"

    answers = page({"id": "1"}, token="two"), page({"id": "2"})
    async with serving(*answers) as service, asking(service.base_url, Fresh()) as client:
        _ = [read async for read in client.devices("c", "b")]
    assert sent(service) == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("token", [None, SecretStr(""), SecretStr(" \n ")])
async def test_without_a_token_there_is_no_account_and_the_error_says_how_to_give_one(token):
    with pytest.raises(NotConfigured, match="PC_MCP_AUTH__ACCESS_TOKEN"):
        await StaticToken(token).account()


@pytest.mark.parametrize(
    "token", ["tök", "a\nb", "Bearer abc", '"abc"', "\u200babc", "abc\x00", "\udc80", "\u201cabc\u201d"]
)
async def test_a_token_that_cannot_be_one_is_of_no_account_and_not_shown(token):
    with pytest.raises(NotConfigured, match="characters that no access token has") as caught:
        await StaticToken(SecretStr(token)).account()
    assert "abc" not in str(caught.value)


async def test_white_space_around_a_token_is_not_sent():
    account = await StaticToken(SecretStr(" eyJ0.eyJ1._-~+/==\r\n")).account()
    async with serving(customer()) as service, asking(service.base_url, account) as client:
        await client.customer("1")
    assert sent(service) == ["Bearer eyJ0.eyJ1._-~+/=="]


async def test_a_static_token_is_sent_as_it_is_and_never_renewed():
    account = await StaticToken(SecretStr("old")).account()
    async with serving(answer_to=refusing("new")) as service, asking(service.base_url, account) as client:
        with pytest.raises(TokenRefused):
            await client.customer("1")
    assert sent(service) == ["Bearer old"]
    assert await account.renewed(Refusal("old")) is None


async def test_the_account_of_a_token_is_its_own_and_does_not_tell_it():
    account = await StaticToken(SecretStr("a-token")).account()
    assert account.id == (await StaticToken(SecretStr("a-token ")).account()).id
    assert account.id != (await StaticToken(SecretStr("b-token")).account()).id
    assert "a-token" not in f"{account.id} {account!r}"


async def test_an_account_says_that_it_has_no_token_in_its_own_words():
    class Missing(Renewing):
        async def token(self):
            raise NotConfigured("Run the sign-in first.")

    async with serving(customer()) as service, asking(service.base_url, Missing()) as client:
        with pytest.raises(NoToken) as caught:
            await client.customer("1")
    assert str(caught.value) == "Run the sign-in first."
    assert isinstance(caught.value, NotSignedIn)
    assert service.requests == []


async def test_tools_without_a_token_answer_with_what_to_do(sandbox, connect, mode):
    async with connect(mode, auth={"access_token": None}) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        result = await client.call_tool("find_customers", {})
    assert len(tools) == 8
    assert result.is_error
    assert "PC_MCP_AUTH__ACCESS_TOKEN" in result.content[0].text
    assert sandbox.requests == []


async def test_tools_with_a_wrong_token_say_to_sign_in_again_and_do_not_show_it(sandbox, connect, mode):
    async with connect(mode, auth={"access_token": "wr0ng-t0ken"}) as client:
        result = await client.call_tool("list_devices", {"customer": "Contoso"})
    assert result.is_error
    assert "Sign in again" in result.content[0].text
    assert "wr0ng" not in result.model_dump_json()
