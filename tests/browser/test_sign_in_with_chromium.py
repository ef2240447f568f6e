"""A real browser signs in through the sign-in service's pages, and the question is answered."""

import re
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync
from mcp import Client
from mcp_types import CallToolResult
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as on
from selenium.webdriver.support.ui import WebDriverWait

from pc_mcp.protocol.server import build_server
from pc_mcp.sandbox import Sandbox
from tests.browser.conftest import PATIENCE
from tests.conftest import settings_for, signing_in

pytestmark = pytest.mark.slow


def server(sandbox: Sandbox, **auth: Any) -> Client:
    return Client(build_server(settings_for(sandbox, auth=signing_in(sandbox, **auth))))


def text(result: CallToolResult) -> str:
    return "".join(getattr(block, "text", "") for block in result.content)


def waiting(chromium: Chrome) -> "WebDriverWait[Chrome]":
    """A page that is being replaced while it is looked at is looked at again."""
    return WebDriverWait(chromium, PATIENCE, ignored_exceptions=[WebDriverException])


def pick(chromium: Chrome, username: str) -> None:
    """Clicks on an account, once the page shows it."""
    button = (By.CSS_SELECTOR, f'button[name="account"][value="{username}"]')
    waiting(chromium).until(on.element_to_be_clickable(button)).click()


def said(chromium: Chrome, title: str) -> str:
    """What the page with that heading says, once it is there."""
    waiting(chromium).until(on.text_to_be_present_in_element((By.TAG_NAME, "h1"), title))
    return chromium.find_element(By.TAG_NAME, "main").text


async def asked(client: Client, person: Callable[[], str]) -> tuple[CallToolResult, str]:
    """The answer to a question that `person` has to sign in for, and what the last page said."""
    answers: list[CallToolResult] = []

    async def ask() -> None:
        answers.append(await client.call_tool("find_customers", {"query": "contoso"}))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        page = await run_sync(person)
    return answers[0], page


async def test_the_browser_signs_in_and_the_question_that_waited_is_answered(sandbox, chromium, opened):
    def person() -> str:
        chromium.get(opened.address())
        pick(chromium, sandbox.entra.accounts[0].username)
        return said(chromium, "You are signed in")

    async with server(sandbox, flow="browser") as client:
        answer, page = await asked(client, person)
        assert not answer.is_error, text(answer)
        assert "Contoso" in text(answer)
        assert "You can close this window" in page
        assert chromium.title == "pc-mcp: You are signed in"
        assert "code" not in chromium.current_url
        who = await client.call_tool("sign_in", {})
        assert sandbox.entra.accounts[0].username in text(who)
    assert not problems(chromium)


async def test_the_page_and_the_answer_say_why_another_account_is_refused(sandbox, chromium, opened):
    def person() -> str:
        chromium.get(opened.address())
        pick(chromium, sandbox.entra.accounts[1].username)
        return said(chromium, "You are not signed in")

    wanted = sandbox.entra.accounts[0].username
    async with server(sandbox, flow="browser", account=wanted) as client:
        answer, page = await asked(client, person)
    assert answer.is_error
    for words in (page, text(answer)):
        assert "Another account signed in than the one that auth.account names." in words


async def test_what_the_page_says_fits_a_narrow_window_in_either_colour_scheme(sandbox, chromium, opened):
    def person() -> str:
        chromium.get(opened.address())
        pick(chromium, sandbox.entra.accounts[1].username)
        page = said(chromium, "You are not signed in")
        assert chromium.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert chromium.execute_script("return getComputedStyle(document.documentElement).colorScheme") == "light dark"
        return page

    narrow = {"width": 320, "height": 560, "deviceScaleFactor": 1, "mobile": True}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", narrow)
    try:
        async with server(sandbox, flow="browser", account=sandbox.entra.accounts[0].username) as client:
            await asked(client, person)
    finally:
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


async def test_whoever_cancels_on_the_page_is_told_so(sandbox, chromium, opened):
    def person() -> str:
        chromium.get(opened.address())
        pick(chromium, "")
        return said(chromium, "You are not signed in")

    async with server(sandbox, flow="browser") as client:
        answer, page = await asked(client, person)
    assert answer.is_error
    for words in (page, text(answer)):
        assert "declined" in words


async def test_a_device_code_is_typed_in_with_the_keyboard_alone(sandbox, chromium, opened):
    def person(url: str, code: str) -> str:
        chromium.get(url)
        assert chromium.switch_to.active_element.get_attribute("name") == "user_code"
        chromium.switch_to.active_element.send_keys(code, Keys.ENTER)
        said(chromium, "Pick an account")
        chromium.switch_to.active_element.send_keys(Keys.TAB, Keys.NULL)
        chosen = chromium.switch_to.active_element
        assert chosen.get_attribute("value") == sandbox.entra.accounts[0].username
        chosen.send_keys(Keys.ENTER)
        return said(chromium, "You have signed in")

    async with server(sandbox, flow="device_code") as client:
        told = await client.call_tool("find_customers", {"query": "contoso"})
        assert told.is_error
        where = re.search(r"Open (https://\S+) .*the code (\S+) and sign in", text(told))
        assert where, text(told)
        assert "close this window" in await run_sync(person, where[1], where[2])
        answer = await client.call_tool("find_customers", {"query": "contoso"})
        assert not answer.is_error, text(answer)
        assert "Contoso" in text(answer)
    assert not problems(chromium)


def test_a_wrong_code_is_said_and_can_be_corrected(sandbox, chromium):
    chromium.get(f"{sandbox.entra.base_url}/devicelogin")
    chromium.find_element(By.ID, "code").send_keys("WRONG", Keys.ENTER)
    alert = waiting(chromium).until(on.visibility_of_element_located((By.CSS_SELECTOR, '[role="alert"]')))
    assert alert.text == "That code did not work. Check the code and try again."
    field = chromium.find_element(By.ID, "code")
    assert field.accessible_name == "Code"


def problems(chromium: Chrome) -> list[Any]:
    """What the browser found wrong with the pages: blocked scripts, styles and forms among it."""
    return [entry for entry in chromium.get_log("browser") if "favicon" not in entry["message"]]
