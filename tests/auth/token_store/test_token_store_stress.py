"""Many processes and threads on one token store: no call fails, no token is lost, nobody waits long."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import anyio
import keyring
import pytest

from pc_mcp.auth.entra import Entra
from pc_mcp.auth.listener import LoopbackListener, Outcome
from pc_mcp.sandbox import Sandbox, World, running
from pc_mcp.sandbox.person import sign_in
from tests.auth.keyrings import InFolder
from tests.auth.refreshing import registration, shared

pytestmark = pytest.mark.slow

PROCESSES = 6
REFRESHES = 25
TASKS = 8
CALLS = 15
ROOT = Path(__file__).parents[3]


@pytest.fixture
def sandbox(world: World) -> Iterator[Sandbox]:
    with running(world, entra=True) as sandbox:
        yield sandbox


@pytest.fixture
def folder(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the store is; its key is in a keyring that processes share."""
    keys = tmp_path / "keys"
    keys.mkdir()
    monkeypatch.setenv("TEST_KEYRING", str(keys))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.auth.keyrings.InFolder")
    monkeypatch.setenv("SSL_CERT_FILE", str(sandbox.ca_file))
    before = keyring.get_keyring()
    keyring.set_keyring(InFolder())
    yield tmp_path / "store"
    keyring.set_keyring(before)


def authority(sandbox: Sandbox) -> str:
    return sandbox.authority.removesuffix(f"/{sandbox.tenant_id}")


@contextlib.contextmanager
def entra_of(sandbox: Sandbox, folder: Path) -> Iterator[Entra]:
    entra = Entra(registration(authority(sandbox), sandbox.tenant_id, sandbox.client_id), shared(folder))
    try:
        yield entra
    finally:
        entra.close()


async def signed_in(entra: Entra) -> None:
    """Somebody signs in through the browser."""
    async with LoopbackListener() as listener, anyio.create_task_group() as tasks:
        begun = await entra.begin_browser(listener.redirect_uri)
        tasks.start_soon(anyio.to_thread.run_sync, sign_in, begun["auth_uri"])

        async def finish(answer: Mapping[str, str]) -> Outcome:
            result = await entra.end_browser(begun, answer, lambda claims: None)
            return Outcome("access_token" in result, "")

        assert (await listener.answer_once(begun["state"], finish)).worked


@contextlib.contextmanager
def sharing(sandbox: Sandbox, folder: Path, count: int) -> Iterator[subprocess.Popen[str]]:
    arguments = [str(folder), authority(sandbox), sandbox.tenant_id, sandbox.client_id, str(count)]
    environment = {name: value for name, value in os.environ.items() if name != "COVERAGE_PROCESS_CONFIG"}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.auth.refreshing", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def secrets_of_refreshes(sandbox: Sandbox) -> list[str]:
    forms = (request.form for request in sandbox.entra.requests)
    return [form["refresh_token"] for form in forms if form.get("grant_type") == "refresh_token"]


async def test_six_processes_refresh_at_once_and_no_token_is_lost(sandbox, folder):
    sandbox.entra.switches.refresh_token_uses = 1
    with entra_of(sandbox, folder) as entra:
        await signed_in(entra)
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(sharing(sandbox, folder, REFRESHES)) for _ in range(PROCESSES)]
        assert [said(process) for process in processes] == ["ready"] * PROCESSES
        outputs = await anyio.to_thread.run_sync(run_all, processes)
    assert outputs == ["done keyring\n"] * PROCESSES
    used = secrets_of_refreshes(sandbox)
    assert len(used) == len(set(used)) == PROCESSES * REFRESHES
    with entra_of(sandbox, folder) as entra:  # the last token is the one that was kept
        result, account = await entra.silent(lambda accounts: accounts[0], force_refresh=True)
    assert account
    assert "access_token" in (result or {})


def run_all(processes: list[subprocess.Popen[str]]) -> list[str]:
    """Starts them together; what each said until its end."""
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    return [process.communicate(timeout=30)[0] for process in processes]


def test_a_process_that_is_killed_while_it_holds_the_lock_keeps_nobody_waiting(sandbox, folder):
    store = shared(folder)
    with sharing(sandbox, folder, 0) as process:
        assert said(process) == "held"
        got = threading.Event()
        waiting = threading.Thread(target=lambda: store.with_cache(got.set))
        waiting.start()
        assert not got.wait(0.2)
        killed = time.monotonic()
        process.kill()
        assert got.wait(10)
        assert time.monotonic() - killed < 1
        waiting.join()


async def test_many_callers_of_one_process_never_stall(sandbox, folder):
    sandbox.entra.switches.refresh_token_uses = 1
    longest = 0.0
    failed: list[object] = []

    async def hammer(entra: Entra, number: int) -> None:
        nonlocal longest
        for turn in range(CALLS):
            started = time.monotonic()
            result, _ = await entra.silent(lambda accounts: accounts[0], force_refresh=(number + turn) % 3 == 0)
            longest = max(longest, time.monotonic() - started)
            if "access_token" not in (result or {}):
                failed.append(result)

    with entra_of(sandbox, folder) as entra:
        await signed_in(entra)
        async with anyio.create_task_group() as tasks:
            for number in range(TASKS):
                tasks.start_soon(hammer, entra, number)
    assert failed == []
    assert longest < 1
    assert len(secrets_of_refreshes(sandbox)) == TASKS * CALLS // 3


def test_threads_that_read_and_write_for_five_seconds_never_stall(folder):
    store = shared(folder)
    store.with_cache(lambda: store.cache.keep('{"RefreshToken": {}}', "tenant"))
    longest: list[float] = []
    turns: list[int] = []
    end = time.monotonic() + 5

    def hammer(number: int) -> None:
        worst, turn = 0.0, 0
        while (started := time.monotonic()) < end:
            account = {"home_account_id": "an id", "environment": "a cloud", "realm": "a tenant"}
            entry = json.dumps({"Account": {f"{number} {turn % 40}": account}})
            store.with_cache(lambda entry=entry: store.cache.keep(entry, "tenant"))
            worst, turn = max(worst, time.monotonic() - started), turn + 1
        longest.append(worst)
        turns.append(min(turn, 40))

    threads = [threading.Thread(target=hammer, args=(number,)) for number in range(TASKS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(longest) == TASKS  # nobody waited so long for the lock that it was given up
    again = shared(folder)
    assert len(list(again.with_cache(lambda: list(again.cache.search("Account"))))) == sum(turns)
