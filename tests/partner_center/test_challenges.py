"""A claims challenge is read from `WWW-Authenticate`, whoever wrote it."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pc_mcp.auth import Refusal
from pc_mcp.partner_center.challenges import claims_asked
from pc_mcp.partner_center.errors import NotSignedIn
from tests.double import asking, customer, raw, serving
from tests.partner_center.test_tokens import Renewing

CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1702682181"}}}'
# Its standard form has both characters in which the forms of Base64 differ.
ODD_CLAIMS = '{"a":"~~~???>>>\u00ff\u00fe"}'
examples = settings(max_examples=100, deadline=None, derandomize=True, database=None)


def standard(claims: str) -> str:
    return base64.b64encode(claims.encode()).decode()


def url_safe(claims: str) -> str:
    return base64.urlsafe_b64encode(claims.encode()).decode()


def challenge(encoded: str, error: str = "insufficient_claims") -> str:
    return f'Bearer realm="", authorization_uri="https://login.example/", error="{error}", claims="{encoded}"'


@pytest.mark.parametrize("claims", [CLAIMS, ODD_CLAIMS, "{}"])
@pytest.mark.parametrize(
    "encode",
    [standard, url_safe, lambda claims: standard(claims).rstrip("="), lambda claims: url_safe(claims).rstrip("=")],
    ids=["standard", "url", "standard, unpadded", "url, unpadded"],
)
def test_both_forms_of_base64_are_read_with_and_without_padding(encode, claims):
    assert claims_asked([challenge(encode(claims))]) == claims


def test_the_two_forms_really_differ():
    assert set("+/") <= set(standard(ODD_CLAIMS))


def test_the_challenge_may_stand_beside_others():
    assert claims_asked(['Basic realm="x"', "Negotiate", challenge(standard(CLAIMS))]) == CLAIMS
    assert claims_asked([f"Negotiate, {challenge(standard(CLAIMS))}"]) == CLAIMS
    assert claims_asked([challenge("garbage"), challenge(standard(CLAIMS))]) == CLAIMS


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        'Bearer error="insufficient_claims"',
        challenge(""),
        challenge("="),
        challenge("A"),
        challenge("not base64!"),
        challenge(CLAIMS),
        challenge(standard("no JSON")),
        challenge(standard("[1]")),
        challenge(standard('"text"')),
        challenge(standard("null")),
        challenge(base64.b64encode(b"\xff\xfe{}").decode()),
        challenge(standard('{"a":"' + "x" * 8192 + '"}')),
        challenge(standard("[" * 5000)),
        challenge(standard('{"a":' * 1200)),
        challenge(standard(CLAIMS), "invalid_token"),
        challenge("é"),
    ],
)
def test_what_is_no_claims_challenge_asks_for_nothing(header):
    assert claims_asked([header]) is None


@pytest.mark.slow
@examples
@given(
    st.lists(
        st.one_of(
            st.text(max_size=200),
            st.text(max_size=60).map(challenge),
            st.text(alphabet="AZaz09+/-_=", min_size=1, max_size=60).map(challenge),
            st.text(max_size=60).map(standard).map(challenge),
        ),
        max_size=3,
    )
)
def test_any_header_gives_an_object_or_nothing(headers):
    found = claims_asked(headers)
    assert found is None or isinstance(json.loads(found), dict)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@examples
@given(st.dictionaries(st.text(max_size=9), json_values, max_size=3), st.sampled_from([standard, url_safe]))
def test_any_object_arrives_as_it_was_sent(claims, encode):
    text = json.dumps(claims, ensure_ascii=False).encode("utf-8", "replace").decode()
    assert claims_asked([challenge(encode(text))]) == text


@pytest.mark.parametrize(("header", "claims"), [(challenge(standard(CLAIMS)), CLAIMS), (challenge("?"), None)])
async def test_the_provider_is_told_the_claims_of_a_refused_token(header, claims):
    tokens = Renewing("old", "new")
    answers = raw(b"{}", 401, WWW_Authenticate=header), customer()
    async with serving(*answers) as service, asking(service.base_url, tokens) as client:
        await client.customer("1")
    assert tokens.refused == [Refusal("old", claims=claims)]


async def test_a_refusal_without_another_token_keeps_its_words():
    answer = raw(b"{}", 401, WWW_Authenticate=challenge(standard(CLAIMS)))
    async with serving(answer) as service, asking(service.base_url, Renewing("old")) as client:
        with pytest.raises(NotSignedIn, match="HTTP 401"):
            await client.customer("1")
    assert len(service.requests) == 1
