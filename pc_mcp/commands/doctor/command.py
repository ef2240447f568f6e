"""The command `doctor`: makes the checks, one after the other, and prints what they found."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from pc_mcp.commands.doctor import account, local
from pc_mcp.commands.doctor.network import CLOCK, PARTNER_CENTER, SIGN_IN_SERVICE, Network
from pc_mcp.commands.doctor.report import CheckResult, as_json, as_line, bounded, not_checked
from pc_mcp.commands.install.clients import CLIENTS
from pc_mcp.commands.install.machine import Connection, Machine, this_machine
from pc_mcp.commands.install.program import typed
from pc_mcp.protocol.token_providers import token_provider
from pc_mcp.runtime.logs import configure_logging
from pc_mcp.runtime.variables import process_environment
from pc_mcp.runtime.waiting import in_daemon_thread, run
from pc_mcp.settings import Settings

_ONLINE = (SIGN_IN_SERVICE, PARTNER_CENTER, CLOCK, account.TOKEN_STORE, account.SIGNED_IN, account.ROLE)
Say = Callable[[CheckResult], None]
T = TypeVar("T")


def doctor(config: Path | None, *, in_json: bool, seconds: float, client: str | None = None) -> int:
    """Prints what is right and what is wrong; the exit status is 1 where something is wrong.

    seconds: the longest time of one check; client: the one whose server's environment it looks with.
    """
    configure_logging("error", "human")  # what would be logged besides is found here
    results: list[CheckResult] = []

    def say(result: CheckResult) -> None:
        results.append(result)
        if not in_json:
            print(as_line(result), flush=True)

    run(_examine, config, client, seconds, say)
    if in_json:
        print(as_json(results), flush=True)
    return int(any(result.state == "wrong" for result in results))


async def _examine(config: Path | None, client: str | None, seconds: float, say: Say) -> None:
    machine = this_machine()
    found = await bounded(local.CLIENTS, seconds, partial(in_daemon_thread, partial(local.connected, machine)))
    say(local.program())
    if client is None:
        await _examine_with(machine, config, found, local.NO_CLIENT, seconds, say)
        return
    theirs = found if isinstance(found, CheckResult) else [each for each in found if each.client.id == client]
    connection = theirs[0] if isinstance(theirs, list) and theirs else Connection(CLIENTS[client], Path())
    with process_environment(environment := connection.environment(machine)):
        say(local.environment(connection, machine, environment))
        config = config or (Path(connection.config) if connection.config else None)
        seen = replace(machine, environment=environment)
        await _examine_with(seen, config, theirs, local.not_connected(connection.client), seconds, say)


async def _examine_with(
    machine: Machine,
    config: Path | None,
    connected: list[Connection] | CheckResult,
    nobody: CheckResult,
    seconds: float,
    say: Say,
) -> None:
    """What there is to find with the machine's environment. nobody: what is said where nothing is connected."""
    clients = [] if isinstance(connected, CheckResult) else connected
    config = local.config_to_examine(config, machine.environment, clients)
    look = partial(local.configuration, config, machine.environment, clients)
    found = await bounded(local.CONFIGURATION, seconds, partial(in_daemon_thread, look))
    configured, settings = (found, None) if isinstance(found, CheckResult) else found
    simulated = settings is not None and nobody is not local.NO_CLIENT and local.only_sandbox(clients)
    say(local.unused(configured) if simulated else configured)
    if settings is not None:
        await _look_at_folders(settings, seconds, say)
    if simulated:
        for check in (local.CERTIFICATES, *_ONLINE):
            say(CheckResult(check, "not checked", "the simulated customers do not need it"))
        await _look_at_clients(clients, machine, seconds, say)
        return
    asked = settings or Settings.model_construct()  # the defaults, where what is configured cannot be used
    trusted = await bounded(local.CERTIFICATES, seconds, partial(in_daemon_thread, partial(local.certificates, asked)))
    say(trusted)
    is_set_up = configured.state != "not set up"
    if settings is None or not is_set_up or not trusted.is_good:
        because = trusted.check if settings and is_set_up else configured.check
        for check in _ONLINE:
            say(not_checked(check, because))
    else:
        await _ask(settings, seconds, configured, typed(["pc-mcp", "login", *local.config_option(config)]), say)
    if not clients:
        say(connected if isinstance(connected, CheckResult) else nobody)
    await _look_at_clients(clients, machine, seconds, say)


async def _look_at_clients(clients: list[Connection], machine: Machine, seconds: float, say: Say) -> None:
    for client in clients:
        say(
            await bounded(
                client.client.title, seconds, partial(in_daemon_thread, partial(local.client, client, machine))
            )
        )


async def _look_at_folders(settings: Settings, seconds: float, say: Say) -> None:
    """The folders that are set. One on a network may not answer."""
    for check, folder, look in (
        (local.PROMPTS, settings.prompts.folder, local.prompts),
        (local.EXPORTS, settings.exports.folder, local.exports),
    ):
        if folder is not None:
            say(await bounded(check, seconds, partial(in_daemon_thread, partial(look, folder))))


async def _ask(settings: Settings, seconds: float, configured: CheckResult, login: str, say: Say) -> None:
    """What is asked of the sign-in service and of Partner Center. login: the command that signs in."""
    network = Network(settings, seconds)
    if settings.auth.mode == "token":
        service = CheckResult(SIGN_IN_SERVICE, "ok", "not used (auth.mode = token)")
    else:
        service = await bounded(SIGN_IN_SERVICE, seconds, network.sign_in_service)
    say(service)
    partner_center = await bounded(PARTNER_CENTER, seconds, network.partner_center)
    say(partner_center)
    say(network.clock())
    if not configured.is_good:
        for check in (account.TOKEN_STORE, account.SIGNED_IN, account.ROLE):
            say(not_checked(check, configured.check))
        return
    token = await _sign_in(settings, seconds, service, login, say)
    if token and partner_center.is_good:
        say(await bounded(account.ROLE, seconds, partial(account.role, token, settings, seconds)))
    else:
        say(not_checked(account.ROLE, account.SIGNED_IN if token is None else PARTNER_CENTER))


async def _sign_in(settings: Settings, seconds: float, service: CheckResult, login: str, say: Say) -> str | None:
    """A token of whoever is signed in."""
    async with token_provider(settings) as tokens:
        stored = await bounded(account.TOKEN_STORE, seconds, partial(account.token_store, tokens, settings))
        say(stored)
        if stored.is_late or not service.is_good:
            say(not_checked(account.SIGNED_IN, stored.check if stored.is_late else service.check))
            return None
        found = await bounded(account.SIGNED_IN, seconds, partial(account.signed_in, tokens, settings, login))
        result, token = (found, None) if isinstance(found, CheckResult) else found
        say(result)
        return token
