"""The command line. Each command imports what it needs when it runs."""

import argparse
import contextlib
import gc
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pc_mcp import __version__
from pc_mcp.commands.grammar import Parser, address, seconds, subcommands
from pc_mcp.commands.sandbox import add_sandbox
from pc_mcp.commands.terminal import say_aside
from pc_mcp.runtime.failures import Failure
from pc_mcp.runtime.nearest_name import did_you_mean, nearest_names
from pc_mcp.runtime.places import Places, forget_what_is_no_folder
from pc_mcp.runtime.streams import NotWritten, open_closed_streams, say_what_cannot_be_written, write_no_more

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Parser]

    from pc_mcp.settings import Settings

_CLAUDE = "claude"
INTERRUPTED = 130
VERSION = f"pc-mcp {__version__}"
FOR_ASSISTANTS = (
    "pc-mcp serve is for assistants, which start it themselves and speak MCP with it; to see it work, run: pc-mcp "
    "demo; to connect an assistant: pc-mcp install (Ctrl+C ends this)"
)
DEMO = (
    "Six questions of a support agent, asked through a real MCP client (stdio) of pc-mcp, which reads a simulated "
    "Partner Center: 27 customers, one of them with 100,000 devices. The server signs in to a simulated Entra ID; no "
    "account is needed."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status: 0, 1 for a failure, 2 for wrong usage or settings."""
    open_closed_streams()
    say_what_cannot_be_written()
    forget_what_is_no_folder(os.environ)
    try:
        Places().bring_home()
        return _run(sys.argv[1:] if arguments is None else arguments)
    except Failure as error:
        if isinstance(error, NotWritten):
            write_no_more(1)
        _tell(f"pc-mcp: {error}")
        return error.exit_status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of what is printed has left
        write_no_more(1)
        return 1


def _run(arguments: Sequence[str]) -> int:
    try:
        options = parser().parsed(arguments)
        status = int(options.command(options))
    except SystemExit:  # argparse has printed the help or the version, or has said what is wrong
        sys.stdout.flush()
        raise
    sys.stdout.flush()
    return status


def _tell(words: str) -> None:
    try:
        say_aside(words)
    except OSError:
        write_no_more(2)


def parser() -> Parser:
    """The command line's grammar; its help is also what `docs/commands.md` is made of."""
    main_parser = Parser(
        prog="pc-mcp",
        description="An MCP server for the zero-touch (Windows Autopilot) devices that a partner uploaded "
        "to Partner Center.",
    )
    main_parser.first = ("demo", "install", "doctor")
    main_parser.add_argument("-V", "--version", action="version", version=VERSION)
    main_parser.set_defaults(command=lambda _: _help(None))
    commands = main_parser.add_subparsers(metavar="COMMAND")

    _add_serving(commands)
    _add_accounts(commands)
    _add_clients(commands)
    add_sandbox(commands)
    _add_help(commands)
    return main_parser


def _add_serving(commands: "Commands") -> None:
    serve = commands.add_parser(
        "serve", help="serve MCP clients", description="Serve MCP clients over stdio, or over HTTP."
    )
    _add_config(serve)
    serve.add_argument(
        "--http",
        type=address,
        metavar="HOST:PORT",
        help="serve Streamable HTTP on a loopback address instead of stdio; port 0 takes a free one",
    )
    serve.add_argument("--sandbox", action="store_true", help="serve simulated data; needs no sign-in")
    secret = serve.add_mutually_exclusive_group()
    secret.add_argument(
        "--new-secret",
        action="store_true",
        help="make another secret for callers over HTTP; without --http, do nothing else",
    )
    secret.add_argument("--no-secret", action="store_true", help="answer callers over HTTP without a secret")
    serve.set_defaults(command=_serve)

    demo = commands.add_parser(
        "demo",
        help="see it work, on simulated data",
        description="Ask six questions of a support agent, on simulated data, through a real MCP client.",
    )
    demo.set_defaults(command=_demo)


def _add_accounts(commands: "Commands") -> None:
    login = commands.add_parser(
        "login", help="sign in", description="Sign in to Partner Center, in the browser or with a code."
    )
    _add_config(login)
    login.add_argument("--device-code", action="store_true", help="sign in with a code, on any device")
    login.add_argument(
        "--keep-in-file",
        action="store_true",
        help="keep the sign-in in a file that only you can read, not encrypted: for where no keyring can",
    )
    login.set_defaults(command=_login)

    logout = commands.add_parser(
        "logout", help="sign out", description="Forget the sign-in on this computer. Revokes nothing."
    )
    _add_config(logout)
    logout.set_defaults(command=_logout)

    status = commands.add_parser(
        "status", help="who is signed in", description="Say who is signed in, where that is kept, and until when."
    )
    _add_config(status)
    status.add_argument("--json", action="store_true", help="as JSON")
    status.set_defaults(command=_status)


def _add_clients(commands: "Commands") -> None:
    from pc_mcp.commands.install.clients import CLIENTS

    install = commands.add_parser(
        "install",
        help="connect an assistant",
        description="Connect a client: add pc-mcp to its configuration, beside which a backup is kept.",
    )
    install.add_argument("--sandbox", action="store_true", help="connect the simulated data; needs no sign-in")
    install.add_argument("--http", metavar="URL", help="connect it to a server that runs: pc-mcp serve --http")
    install.add_argument("--client-id", metavar="ID", help="the application's id; written into the configuration file")
    install.add_argument("--tenant-id", metavar="ID", help="your own tenant's id or domain; written there as well")
    _add_config(install)

    uninstall = commands.add_parser(
        "uninstall", help="disconnect an assistant", description="Take pc-mcp out of a client's configuration."
    )
    for command, work in ((install, _install), (uninstall, _uninstall)):
        command.add_argument("client", nargs="?", type=_client, metavar="CLIENT", help=", ".join(CLIENTS))
        command.add_argument("--dry-run", action="store_true", help="show what would change, and write nothing")
        command.set_defaults(command=work, parser=command)

    doctor = commands.add_parser(
        "doctor",
        help="find out what is wrong",
        description="Check configuration, network, clock, sign-in, role and connected clients; signs nobody in. "
        "Ends with 1 if something is wrong.",
    )
    _add_config(doctor)
    doctor.add_argument(
        "--client",
        type=_client,
        metavar="CLIENT",
        help="look with the environment and the configuration file that this client's server gets",
    )
    doctor.add_argument("--json", action="store_true", help="as JSON")
    doctor.add_argument("--timeout", type=seconds, default=10, metavar="SECONDS", help="longest time of one check (10)")
    doctor.set_defaults(command=_doctor)


def _client(text: str) -> str:
    from pc_mcp.commands.install.clients import CLIENTS

    if (name := text.casefold()) in CLIENTS:
        return name
    # Two of them have a maker's name in theirs, which may be all that is written, or misspelt.
    meant = _CLAUDE if nearest_names(text, {*CLIENTS, _CLAUDE}) == [_CLAUDE] else text
    known = f"The clients are: {', '.join(CLIENTS)}."
    raise argparse.ArgumentTypeError(f"there is no client {text!r}.{did_you_mean(meant, CLIENTS)} {known}")


def _add_help(commands: "Commands") -> None:
    help_ = commands.add_parser("help", help="explain a command", description="Explain a command, or show them all.")
    help_.add_argument("topic", nargs="?", metavar="COMMAND", help="which one")
    help_.set_defaults(command=lambda options: _help(options.topic))

    version = commands.add_parser("version", help="say which version this is", description="Say which version this is.")
    version.set_defaults(command=_version)


def _add_config(command: argparse.ArgumentParser) -> None:
    command.add_argument("--config", type=Path, metavar="FILE", help="configuration file (TOML)")


def _help(topic: str | None) -> int:
    whole = parser()
    commands = subcommands(whole)
    if topic is not None and topic not in commands:
        whole.unknown_command(topic)
    print((whole if topic is None else commands[topic]).format_help(), end="")
    return 0


def _version(_: argparse.Namespace) -> int:
    print(VERSION)
    return 0


def _login(options: argparse.Namespace) -> int:
    from pc_mcp.commands.account import login

    return login(_configured(options), device_code=options.device_code, keep_in_file=options.keep_in_file)


def _logout(options: argparse.Namespace) -> int:
    from pc_mcp.commands.account import logout

    return logout(_configured(options))


def _status(options: argparse.Namespace) -> int:
    from pc_mcp.commands.account import status

    return status(_configured(options), as_json=options.json)


def _install(options: argparse.Namespace) -> int:
    from pc_mcp.commands.install.commands import install, install_over_http, name_clients

    if options.client is None:
        say_aside("pc-mcp install: which client is to be connected? Run: pc-mcp install CLIENT, with one of")
        return name_clients(connected=False)
    ids = {"client_id": options.client_id, "tenant_id": options.tenant_id}
    if options.http is not None:
        if options.sandbox or any(given is not None for given in ids.values()):
            options.parser.error("--http takes the server as it runs: leave out --sandbox, --client-id and --tenant-id")
        return install_over_http(options.client, options.http, config=options.config, dry_run=options.dry_run)
    return install(
        options.client,
        sandbox=options.sandbox,
        config=options.config,
        dry_run=options.dry_run,
        ids={name: given for name, given in ids.items() if given is not None},
    )


def _uninstall(options: argparse.Namespace) -> int:
    from pc_mcp.commands.install.commands import name_clients, uninstall

    if options.client is None:
        say_aside("pc-mcp uninstall: which client? Run: pc-mcp uninstall CLIENT, with one of")
        return name_clients(connected=True)
    return uninstall(options.client, dry_run=options.dry_run)


def _doctor(options: argparse.Namespace) -> int:
    from pc_mcp.commands.doctor.command import doctor

    return doctor(options.config, in_json=options.json, seconds=options.timeout, client=options.client)


def _configured(options: argparse.Namespace) -> "Settings":
    """The settings; errors are logged, what else there is to know is printed by the command."""
    from pc_mcp.commands.configured import configured

    return configured(options.config, level="error")


def _serve(options: argparse.Namespace) -> int:
    if options.http is None and (options.new_secret or options.no_secret):
        return _make_another_secret(options)
    if options.http is None and sys.stdin and sys.stdin.isatty():
        say_aside(FOR_ASSISTANTS)
    with contextlib.ExitStack() as stack:
        with _nothing_collected():
            from pc_mcp.commands.configured import configured
            from pc_mcp.protocol.server import build_server

            overrides = {}
            if options.sandbox:
                from pc_mcp.commands.simulated import sandbox_settings

                overrides = stack.enter_context(sandbox_settings())
            settings = configured(options.config, overrides)
            server = build_server(settings, simulated=options.sandbox)
            serve: Callable[[], None]
            if options.http is None:
                from pc_mcp.protocol.stdio import serve_stdio

                serve = partial(serve_stdio, server)
            else:
                from pc_mcp.commands.serve_http import over_http

                secret = {"new_secret": options.new_secret, "no_secret": options.no_secret}
                serve = over_http(server, settings, options.http, **secret)
        serve()
    return 0


def _make_another_secret(options: argparse.Namespace) -> int:
    from pc_mcp.commands.serve_http import make_another_secret
    from pc_mcp.settings import load_settings

    return make_another_secret(load_settings(options.config), no_secret=options.no_secret)


@contextlib.contextmanager
def _nothing_collected() -> Iterator[None]:
    """What is loaded to serve stays until the end: looking through it for garbage takes a tenth of the start."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def _demo(_: argparse.Namespace) -> int:
    # A terminal gets lines of its width, a pipe one line; what is imported below takes a second.
    width = shutil.get_terminal_size().columns if sys.stdout and sys.stdout.isatty() else len(DEMO)
    print(textwrap.fill(DEMO, max(width, 20)), end="\n\n", flush=True)

    from pc_mcp.commands.demo import show
    from pc_mcp.commands.install.commands import how_to_connect
    from pc_mcp.commands.simulated import environment_of, settings_of
    from pc_mcp.sandbox import running

    with running(entra=True) as sandbox:
        partner_center, auth = settings_of(sandbox)
        sections = {"partner_center": partner_center, "auth": auth}
        show(sections, environment_of(sandbox), sandbox.requests, how_to_connect())
    return 0
