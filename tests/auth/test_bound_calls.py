"""A call is asked as one account from its beginning to its end, whoever signs in or out meanwhile."""

import shlex
import sys
from collections import Counter
from contextlib import asynccontextmanager
from functools import partial

import anyio
import anyio.to_thread
import jwt
import pytest

from pc_mcp.auth.delegated import SIGNED_OUT
from tests.auth.people import Asked, answered, connected
from tests.commands.processes import run
from tests.commands.signing_in import signing_in_to
from tests.scripted import Gate

CUSTOMER = "Contoso Hotels"
COUNT = {"customer": CUSTOMER, "limit": 0, "group_by": []}
PAGES_BEFORE = 5
UNDER_WAY = 8
"""Batches that are read at a time."""
FILE = {"token_store": "file", "flow": "browser"}
ANSWERS = {"snapshot_minutes": 15}


def askers(service) -> Counter[str]:
    """How many pages of devices were asked for in whose name."""
    tokens = [r.headers["authorization"].split()[1] for r in service.requests if r.path.endswith("/devices")]
    names = {account.object_id: account.username for account in service.entra.accounts}
    claims = (jwt.decode(token, options={"verify_signature": False}) for token in tokens)
    return Counter(names.get(each["oid"], "the application") for each in claims)


def name(service, account: int) -> str:
    return service.entra.accounts[account].username


@asynccontextmanager
async def held_walk(service, client, outcome):
    """A walk that is under way, and waits for its pages until the block ends; then it goes on."""
    gate = Gate("/devices", skip=PAGES_BEFORE, times=None)
    service.switches.scripted.append(gate)
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:

            async def walk() -> None:
                outcome.append(await client.call_tool("list_devices", COUNT))

            tasks.start_soon(walk)
            await gate.wait()
            try:
                yield
            finally:
                service.switches.scripted.remove(gate)
                gate.open.set()


def words_of(outcome) -> str:
    (result,) = outcome
    assert result.is_error, result.structured_content
    return str(result.content[0].text)


@pytest.mark.slow
async def test_a_call_ends_when_its_account_is_signed_out_and_the_next_one_reads_its_own(service, mode):
    person = Asked(service)
    async with connected(service, mode, elicitation=person, auth={"flow": "browser"}, answers=ANSWERS) as client:
        await answered(client)
        outcome = []
        async with held_walk(service, client, outcome):
            await answered(client, "sign_out")
            person.account = 1
            assert (await answered(client, "sign_in"))["username"] == name(service, 1)
        assert words_of(outcome) == SIGNED_OUT
        assert set(askers(service)) == {name(service, 0)}

        assert (await answered(client, "list_devices", **COUNT))["complete"]
        pages = askers(service)[name(service, 1)]
        assert askers(service)[name(service, 0)] <= PAGES_BEFORE + UNDER_WAY < pages

        await answered(client, "sign_out")
        person.account = 0
        assert (await answered(client, "list_devices", **COUNT))["complete"]
        # What was read as the first account was kept for it: only what was under way is asked for again.
        assert pages <= askers(service)[name(service, 0)] <= pages + UNDER_WAY


async def test_a_call_ends_when_its_account_signs_in_anew_meanwhile(service):
    person = Asked(service)
    async with connected(service, elicitation=person, auth={"flow": "browser"}, answers=ANSWERS) as client:
        await answered(client)
        outcome = []
        async with held_walk(service, client, outcome):
            await answered(client, "sign_out")
            await answered(client, "sign_in")
        assert words_of(outcome) == SIGNED_OUT


@pytest.mark.slow
async def test_a_call_whose_token_expires_ends_when_another_server_has_signed_in_another_account(service):
    person = Asked(service)
    async with (
        connected(service, elicitation=person, auth=FILE, answers=ANSWERS) as client,
        connected(service, elicitation=person, auth=FILE) as other,
    ):
        await answered(client)
        outcome = []
        async with held_walk(service, client, outcome):
            await answered(other, "sign_out")
            person.account = 1
            await answered(other, "sign_in")
            service.entra.expire_access_tokens()
        assert words_of(outcome) == SIGNED_OUT
        assert set(askers(service)) == {name(service, 0)}
        assert (await answered(client, "sign_in"))["username"] == name(service, 1)
        assert (await answered(client, "list_devices", **COUNT))["complete"]


@pytest.mark.slow
async def test_a_call_ends_when_pc_mcp_logout_is_run(service, tmp_path):
    async with connected(service, elicitation=Asked(service), auth=FILE, answers=ANSWERS) as client:
        await answered(client)
        outcome = []
        async with held_walk(service, client, outcome):
            env = signing_in_to(service, tmp_path, XDG_DATA_HOME=str(tmp_path))
            done = await anyio.to_thread.run_sync(partial(run, "logout", env=env))
            assert done.returncode == 0, done.stderr
        assert words_of(outcome) == SIGNED_OUT


@pytest.mark.slow
async def test_a_call_goes_on_when_only_its_token_has_to_be_renewed_beside_another_account(service):
    person = Asked(service)
    async with (
        connected(service, elicitation=person, auth=FILE, answers=ANSWERS) as client,
        connected(service, elicitation=person, auth=FILE | {"account": name(service, 1)}) as other,
    ):
        await answered(client)
        outcome = []
        async with held_walk(service, client, outcome):
            person.account = 1
            await answered(other, "sign_in")
            service.entra.expire_access_tokens()
        (result,) = outcome
        assert result.structured_content["complete"]
        assert set(askers(service)) == {name(service, 0)}


@pytest.mark.slow
async def test_no_page_of_a_call_is_asked_for_as_an_account_that_a_person_signs_in_with_meanwhile(service, monkeypatch):
    monkeypatch.setenv("BROWSER", f"{shlex.quote(sys.executable)} -P -m pc_mcp.sandbox.person %s")
    async with connected(service, auth={"flow": "browser"}, answers=ANSWERS) as client:
        await answered(client)
        outcome = []
        async with held_walk(service, client, outcome):
            as_another = f"{shlex.quote(sys.executable)} -P -m pc_mcp.sandbox.person %s {name(service, 1)}"
            monkeypatch.setenv("BROWSER", as_another)
            service.entra.switches.refresh_revoked = 50173
            service.entra.expire_access_tokens()
        assert not outcome[0].structured_content["complete"]
        assert set(askers(service)) == {name(service, 0)}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["app", "token"])
async def test_where_nobody_can_sign_out_a_call_goes_on(service, kind):
    auth = {
        "mode": "app",
        "client_id": service.entra.confidential_client_id,
        "client_secret": service.entra.client_secret,
    }
    if kind == "token":
        auth = {"mode": "token", "access_token": service.token}
    async with connected(service, auth=auth, answers=ANSWERS) as client:
        outcome = []
        async with held_walk(service, client, outcome):
            assert not (await client.call_tool("sign_out", {})).is_error
        (result,) = outcome
        assert result.structured_content["complete"]
