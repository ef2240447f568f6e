"""A browser is opened quietly, or known not to have been opened."""

import os
import shlex
import sys

import anyio
import anyio.abc
import anyio.to_thread
import pytest

from pc_mcp.auth.browser import can_open_browser, open_browser
from pc_mcp.auth.ways import Way, way_for
from tests.auth.people import connected, do_as_told, told


@pytest.mark.parametrize(
    ("environment", "elsewhere", "linux"),
    [
        ({}, True, False),
        ({"DISPLAY": ":0"}, True, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True, True),
        ({"DISPLAY": ""}, True, False),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "1 2 3 4"}, False, False),
        ({"DISPLAY": ":0", "SSH_CLIENT": "1"}, False, False),
        ({"WAYLAND_DISPLAY": "w", "SSH_TTY": "/dev/pts/0"}, False, False),
        ({"BROWSER": "firefox"}, True, True),
        ({"BROWSER": "firefox", "SSH_CONNECTION": "1 2 3 4"}, True, True),
        ({"BROWSER": "", "SSH_CONNECTION": "1 2 3 4"}, False, False),
    ],
)
def test_whether_a_browser_would_be_in_front_of_the_person(environment, elsewhere, linux, monkeypatch):
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert can_open_browser(environment) is linux
    assert can_open_browser() is linux
    assert way_for("auto") is (Way.BROWSER if linux else Way.DEVICE_CODE)
    assert way_for("browser") is Way.BROWSER
    assert way_for("device_code") is Way.DEVICE_CODE
    assert can_open_browser(environment, "darwin") is elsewhere
    assert can_open_browser(environment, "win32") is elsewhere


def browser_that(does: str) -> str:
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(does)} %s"


@pytest.fixture
def no_other_browser(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.slow
@pytest.mark.parametrize("browser", ["/nonexistent/browser %s", browser_that("raise SystemExit(3)")])
async def test_a_browser_that_fails_is_known_to_have_failed(no_other_browser, monkeypatch, browser):
    monkeypatch.setenv("BROWSER", browser)
    assert await open_browser("https://localhost:1/") is False


@pytest.mark.slow
async def test_a_browser_that_stays_in_front_is_not_waited_for_and_not_ended(no_other_browser, monkeypatch, tmp_path):
    done, go = tmp_path / "done", tmp_path / "go"
    os.mkfifo(go)
    os.mkfifo(done)
    monkeypatch.setenv("BROWSER", browser_that(f"open({str(go)!r}).read(); open({str(done)!r}, 'w').close()"))
    with anyio.fail_after(5):
        assert await open_browser("https://localhost:1/", patience=0.3) is True
        await anyio.to_thread.run_sync(lambda: go.write_text("go on"))
        # It opens this one after the other, and each waits for whoever is at the other end.
        assert await anyio.to_thread.run_sync(done.read_text, abandon_on_cancel=True) == ""


@pytest.mark.slow
async def test_what_a_browser_prints_reaches_no_stream_of_ours(no_other_browser, monkeypatch, capfd, tmp_path):
    url = "https://localhost:1/?a=%20b&c='d'"
    seen = tmp_path / "seen"
    program = f"import sys; print('to stdout'); print('to stderr', file=sys.stderr); open({str(seen)!r}, 'w').write("
    monkeypatch.setenv("BROWSER", browser_that(program + "sys.argv[1] + repr(sys.stdin.read()))"))
    assert await open_browser(url) is True
    assert seen.read_text() == url + "''"
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
async def test_a_browser_inherits_none_of_our_settings(no_other_browser, monkeypatch, tmp_path):
    seen = tmp_path / "seen"
    monkeypatch.setenv("PC_MCP_AUTH__CLIENT_SECRET", "the-secret")
    monkeypatch.setenv("pc_mcp_auth__certificate_password", "the-password")
    monkeypatch.setenv("BROWSER", browser_that(f"import os; open({str(seen)!r}, 'w').write(repr(dict(os.environ)))"))
    assert await open_browser("https://localhost:1/") is True
    assert "BROWSER" in seen.read_text()
    assert "pc_mcp_" not in seen.read_text().lower()


@pytest.mark.slow
async def test_without_a_browser_that_opens_the_answer_names_the_address(service, no_other_browser, monkeypatch):
    monkeypatch.setenv("BROWSER", "/nonexistent/browser %s")
    async with connected(service, auth={"flow": "browser"}) as client:
        words = await told(client)
        assert "Open this address" in words
        assert "You are signed in" in await do_as_told(service, words)
        assert (await client.call_tool("sign_in", {})).structured_content["signed_in"]
