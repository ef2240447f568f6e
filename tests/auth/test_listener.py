"""The browser's way: a listener that takes one answer and nothing else, and what a sign-in sends and believes."""

import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import anyio
import anyio.abc
import anyio.to_thread
import httpx2
import pytest

from pc_mcp.auth.listener import MAX_BODY_BYTES, LoopbackListener, Outcome, browser_page
from pc_mcp.sandbox.entra.accounts import HOSTILE_NAME
from tests.auth.people import URL, connected, do_as_told, told

STATE = "the-right-state"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Waiting:
    """A listener that waits, and what it handed over."""

    port: int
    taken: list[Mapping[str, str]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    finished: anyio.Event = field(default_factory=anyio.Event)

    async def send(self, raw: bytes) -> bytes:
        """All that comes back for these bytes."""
        async with await anyio.connect_tcp("127.0.0.1", self.port) as stream:
            await stream.send(raw)
            return await everything(stream)

    async def post(self, fields: Mapping[str, str] | None = None, **changes: Any) -> bytes:
        return await self.send(self.request(fields, **changes))

    def request(
        self,
        fields: Mapping[str, str] | None = None,
        *,
        method: str = "POST",
        target: str = "/",
        host: str | None = "localhost",
        kind: str | None = FORM,
        body: bytes | None = None,
    ) -> bytes:
        content = urlencode({"state": STATE, "code": "c"} if fields is None else fields).encode()
        content = content if body is None else body
        lines = [f"{method} {target} HTTP/1.1", f"Content-Length: {len(content)}"]
        port = f":{self.port}" if host in {"localhost", "127.0.0.1", "[::1]"} else ""
        lines += [f"Host: {host}{port}"] if host else []
        lines += [f"Content-Type: {kind}"] if kind else []
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


async def everything(stream: anyio.abc.ByteReceiveStream) -> bytes:
    received = b""
    with anyio.fail_after(5):
        async for chunk in stream:
            received += chunk
    return received


@asynccontextmanager
async def waiting(outcome: Outcome = Outcome(True, "Fine.")) -> AsyncIterator[Waiting]:  # noqa: B008
    async with LoopbackListener() as listener, anyio.create_task_group() as tasks:
        found = Waiting(urlsplit(listener.redirect_uri).port or 0)

        async def finish(fields: Mapping[str, str]) -> Outcome:
            found.taken.append(fields)
            return outcome

        async def wait() -> None:
            found.outcomes.append(await listener.answer_once(STATE, finish))
            found.finished.set()

        tasks.start_soon(wait)
        yield found
        tasks.cancel_scope.cancel()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


async def test_one_right_post_is_taken_and_answered_with_the_outcome():
    async with waiting() as listener:
        answer = await listener.post({"state": STATE, "code": "c/+ ä", "empty": ""})
        await listener.finished.wait()
    assert status(answer) == 200
    assert b"You are signed in" in answer
    assert listener.taken == [{"state": STATE, "code": "c/+ ä", "empty": ""}]
    assert listener.outcomes == [Outcome(True, "Fine.")]


async def test_the_address_127_0_0_1_may_be_named_too():
    async with waiting() as listener:
        assert status(await listener.post(host="127.0.0.1")) == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"fields": {"code": "c"}},
        {"fields": {"state": "", "code": "c"}},
        {"fields": {"state": STATE + "x", "code": "c"}},
        {"fields": {"state": "ä\udcff".encode("utf-8", "replace").decode(), "code": "c"}},
        {"method": "GET"},
        {"method": "GET", "target": f"/?state={STATE}&code=c"},
        {"method": "PUT"},
        {"method": "OPTIONS"},
        {"method": "HEAD"},
        {"target": f"/?state={STATE}"},
        {"target": "/elsewhere"},
        {"target": "http://localhost/"},
        {"host": "evil.example.invalid"},
        {"host": "localhost.evil.example.invalid"},
        {"host": "localhost:1"},
        {"host": "localhost@evil"},
        {"host": None},
        {"kind": None},
        {"kind": "text/plain"},
        {"kind": "application/json"},
        {"kind": "multipart/form-data; boundary=x"},
        {"body": b""},
        {"body": b"\xff\xfe\x00"},
        {"body": b"state=%FF%FE"},
        {"body": b"a=b&" * 40 + f"state={STATE}".encode()},
    ],
)
async def test_anything_else_is_answered_400_and_changes_nothing(wrong):
    async with waiting() as listener:
        assert status(await listener.post(**wrong)) == 400
        assert listener.taken == []
        assert listener.outcomes == []
        assert status(await listener.post()) == 200
    assert len(listener.taken) == 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
        b"hello\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 70_000,
        b"\r\n" * 1000 + b"\x00",
    ],
    ids=["tls", "text", "two hosts", "version", "length", "chunk", "long line", "nothing"],
)
async def test_what_is_no_http_is_answered_400_and_changes_nothing(garbage):
    async with waiting() as listener:
        assert status(await listener.send(garbage)) == 400
        assert status(await listener.post()) == 200
    assert len(listener.taken) == 1


async def test_a_body_that_is_too_long_is_not_taken():
    async with waiting() as listener:
        longest = f"state={STATE}&code=".encode()
        too_long = longest + b"a" * (MAX_BODY_BYTES - len(longest) + 1)
        assert status(await listener.post(body=too_long)) == 400
        assert listener.taken == []
        assert status(await listener.post(body=too_long[:-1])) == 200


async def test_a_body_without_end_is_cut_off():
    async with waiting() as listener:
        head = listener.request(body=b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        chunk = b"4000\r\n" + b"a" * 0x4000 + b"\r\n"
        async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
            with pytest.raises((anyio.BrokenResourceError, anyio.EndOfStream)), anyio.fail_after(5):  # noqa: PT012
                await stream.send(head)
                while True:
                    await stream.send(chunk)
        assert status(await listener.post()) == 200
    assert len(listener.taken) == 1


async def test_clients_that_say_nothing_or_half_of_it_keep_nobody_waiting():
    async with waiting() as listener:
        half = listener.request()[:-5]
        with anyio.fail_after(3):
            idle = [await anyio.connect_tcp("127.0.0.1", listener.port) for _ in range(50)]
            for stream in idle[::2]:
                await stream.send(half)
            assert status(await listener.post()) == 200
        for stream in idle:
            await stream.aclose()
    assert len(listener.taken) == 1


async def test_a_client_that_leaves_in_the_middle_changes_nothing():
    async with waiting() as listener:
        for raw in (b"", b"POST", listener.request()[:-5]):
            async with await anyio.connect_tcp("127.0.0.1", listener.port) as stream:
                if raw:
                    await stream.send(raw)
        assert status(await listener.post()) == 200
    assert len(listener.taken) == 1


async def test_of_several_answers_only_the_first_is_taken():
    async with LoopbackListener() as listener, anyio.create_task_group() as tasks:
        found = Waiting(urlsplit(listener.redirect_uri).port or 0)
        begun, go_on = anyio.Event(), anyio.Event()
        answers: list[bytes] = []

        async def finish(fields: Mapping[str, str]) -> Outcome:
            found.taken.append(fields)
            begun.set()
            await go_on.wait()
            return Outcome(True, "")

        async def post() -> None:
            answers.append(await found.post())

        tasks.start_soon(listener.answer_once, STATE, finish)
        tasks.start_soon(post)
        await begun.wait()
        assert status(await found.post({"state": STATE, "code": "second"})) == 400
        go_on.set()
    assert [status(answer) for answer in answers] == [200]
    assert [fields["code"] for fields in found.taken] == ["c"]


async def test_a_second_request_on_the_same_connection_is_not_read():
    async with waiting() as listener:
        answer = await listener.send(listener.request() + listener.request({"state": STATE, "code": "second"}))
    assert answer.count(b"HTTP/1.1") == 1
    assert [fields["code"] for fields in listener.taken] == ["c"]


async def test_it_listens_on_loopback_alone_and_on_nothing_afterwards():
    async with LoopbackListener() as listener:
        port = urlsplit(listener.redirect_uri).port
        assert listener.redirect_uri == f"http://localhost:{port}"
        assert bound(port or 0) == {"127.0.0.1", "::1"}
        with pytest.raises(OSError, match=r"[Cc]onnect"):
            await anyio.connect_tcp("127.0.0.2", port or 0)
    assert bound(port or 0) == set()


def bound(port: int) -> set[str]:
    """The addresses on which this machine listens at `port`."""
    found = set()
    for family, table in ((socket.AF_INET, "/proc/net/tcp"), (socket.AF_INET6, "/proc/net/tcp6")):
        if not os.path.exists(table):
            continue
        with open(table) as lines:
            for line in list(lines)[1:]:
                _, local, _, state, *_ = line.split()
                address, _, number = local.rpartition(":")
                if state == "0A" and int(number, 16) == port:
                    raw = b"".join(bytes.fromhex(address[i : i + 8])[::-1] for i in range(0, len(address), 8))
                    found.add(socket.inet_ntop(family, raw))
    return found


async def test_a_browser_that_takes_localhost_for_ipv6_is_answered():
    async with waiting() as listener, await anyio.connect_tcp("::1", listener.port) as stream:
        await stream.send(listener.request(host="[::1]"))
        assert status(await everything(stream)) == 200
    assert len(listener.taken) == 1


async def test_pages_are_not_stored_nor_framed_and_run_nothing():
    async with waiting() as listener:
        for answer in (await listener.post(method="GET"), await listener.post()):
            head = answer.partition(b"\r\n\r\n")[0].lower().decode()
            assert "cache-control: no-store" in head
            assert "content-security-policy: default-src 'none'" in head
            assert "frame-ancestors 'none'" in head
            assert "x-content-type-options: nosniff" in head
            assert "referrer-policy: no-referrer" in head
            assert "connection: close" in head
            assert "content-type: text/html; charset=utf-8" in head


@pytest.mark.parametrize("worked", [True, False])
def test_a_page_escapes_what_it_shows(worked):
    hostile = HOSTILE_NAME + "\"'><img src=x onerror=alert(1)>&lt;"
    text = browser_page(Outcome(worked, hostile)).decode()
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text
    assert "&quot;&#x27;&gt;&lt;img" in text
    assert "&amp;lt;" in text


async def test_a_page_says_why_it_did_not_work():
    async with waiting(Outcome(False, "The consent was declined.")) as listener:
        answer = await listener.post()
        await listener.finished.wait()
    assert b"You are not signed in" in answer
    assert b"The consent was declined." in answer
    assert listener.outcomes == [Outcome(False, "The consent was declined.")]


async def test_the_right_state_with_an_error_of_the_service_is_told_without_its_text(service):
    error = {"error": "access_denied", "error_description": "AADSTS65004: <b>Nestor</b> declined", "error_uri": "x"}
    async with connected(service, auth={"flow": "browser"}) as client:
        listener, state = begun(await told(client))
        answer = await listener.post({"state": state, **error})
        assert status(answer) == 200
        assert b"The consent was declined." in answer
        assert b"Nestor" not in answer
        words = await told(client)
    assert "Nestor" not in words


def begun(words: str) -> tuple[Waiting, str]:
    """The listener of a sign-in that was begun, and the state that it waits for."""
    query = parse_qs(urlsplit(URL.findall(words.replace("\\", ""))[0]).query)
    return Waiting(urlsplit(query["redirect_uri"][0]).port or 0), query["state"][0]


@pytest.mark.slow
async def test_pkce_is_asked_for_and_its_verifier_sent(service, browser):
    async with connected(service, auth={"flow": "browser"}) as client:
        assert (await client.call_tool("sign_in", {})).structured_content["signed_in"]
    requests = service.entra.requests
    (authorize,) = [r for r in requests if "/authorize" in r.path]
    (token,) = [r for r in requests if r.path.endswith("/token")]
    query = parse_qs(urlsplit(authorize.path).query)
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43
    assert len(token.form["code_verifier"]) >= 43
    assert token.form["code_verifier"] not in authorize.path
    assert query["response_mode"] == ["form_post"]
    assert query["nonce"][0]
    assert len(query["state"][0]) >= 16
    assert "login_hint" not in query


async def test_a_code_of_another_sign_in_does_not_fit_the_verifier(service):
    """Somebody brings the code of an own sign-in to the agent's, with the right state."""
    async with connected(service, auth={"flow": "browser"}) as client, httpx2.AsyncClient() as http:
        words = await told(client)
        listener, state = begun(words)
        address = URL.findall(words.replace("\\", ""))[0]
        foreign = address.replace(parse_qs(urlsplit(address).query)["code_challenge"][0], "A" * 43)
        form = {"request": hidden(await http.get(foreign), "request"), "account": service.entra.accounts[1].username}
        code = hidden(await http.post(f"{service.authority}/login", data=form), "code")
        answer = await listener.post({"state": state, "code": code})
    (token,) = [request for request in service.entra.requests if request.path.endswith("/token")]
    assert (token.form["code"], token.status) == (code, 400)
    assert b"You are not signed in" in answer
    assert b"AADSTS501481" in answer
    assert code.encode() not in answer


def hidden(browser_page: httpx2.Response, name: str) -> str:
    """A hidden field of a page."""
    return browser_page.text.partition(f'name="{name}" value="')[2].partition('"')[0]


async def test_a_wrong_nonce_signs_nobody_in(service):
    service.entra.switches.wrong_nonce = True
    async with connected(service, auth={"flow": "browser"}) as client:
        said = await do_as_told(service, await told(client))
        status_after = await client.call_tool("sign_out", {})
    assert "You are not signed in" in said
    assert "was not the expected one" in said
    assert status_after.structured_content["signed_in"] is False


async def test_the_last_page_says_as_whom_and_in_which_tenant_and_whether_that_is_kept(service):
    async with connected(service, auth={"flow": "browser"}) as client:
        said = await do_as_told(service, await told(client))
    assert f"Signed in as {service.entra.accounts[0].username}, tenant {service.tenant_id}." in said
