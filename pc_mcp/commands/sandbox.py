"""The command `sandbox`: the simulated Partner Center alone, and how it is told to go wrong."""

import argparse
from typing import TYPE_CHECKING

from pc_mcp.commands.grammar import Parser, address, milliseconds, number, percent
from pc_mcp.runtime.failures import AddressRefused

if TYPE_CHECKING:
    from pc_mcp.sandbox.entra import Entra


def add_sandbox(commands: "argparse._SubParsersAction[Parser]") -> None:
    """Adds the command to the others."""
    sandbox = commands.add_parser(
        "sandbox",
        help="run the simulated Partner Center alone",
        description="Run the simulated Partner Center on loopback, for any REST client to talk to.",
    )
    sandbox.add_argument("--listen", type=address, default=("127.0.0.1", 8710), metavar="HOST:PORT")
    sandbox.add_argument("--seed", type=int, default=2026, help="another seed makes other data (2026)")
    sandbox.add_argument("--latency-ms", type=milliseconds, default=0, metavar="N", help="wait before each answer")
    sandbox.add_argument("--throttle-every", type=number, default=0, metavar="N", help="429 on every Nth request")
    sandbox.add_argument(
        "--retry-after",
        type=number,
        default=1,
        metavar="SECONDS",
        help="Retry-After of a 429; 0: without one",
    )
    sandbox.add_argument("--fail-every", type=number, default=0, metavar="N", help="fail on every Nth request")
    sandbox.add_argument("--fail-status", type=int, choices=(500, 502, 503, 504), default=503, help="how (503)")
    sandbox.add_argument(
        "--throttle-per-second", type=number, default=0, metavar="N", help="429 beyond N requests a second"
    )
    sandbox.add_argument(
        "--fail-percent", type=percent, default=0, metavar="N", help="fail at random: 500, 502, 503, 504 or a reset"
    )
    sandbox.add_argument("--gzip", action="store_true", help="pack bodies for clients that accept gzip")
    sandbox.add_argument("--byte-order-mark", action="store_true", help="begin bodies with a byte-order mark")
    sandbox.add_argument("--links-next", action="store_true", help="give continuation tokens in links.next")
    sandbox.set_defaults(command=_sandbox)


def _sandbox(options: argparse.Namespace) -> int:
    from pc_mcp.sandbox import SANDBOX_TOKEN, Switches, World, serve_forever

    def say(base_url: str) -> None:
        print(f"The sandbox is listening on {base_url}. Try:")
        print(f'  curl -H "Authorization: Bearer {SANDBOX_TOKEN}" "{base_url}/customers?size=5"', flush=True)

    def say_entra(entra: "Entra") -> None:
        print(f"People sign in at {entra.authority}, as the application {entra.client_id};")
        print(f"trust the certificate {entra.ca_file} for it.", flush=True)

    switches = Switches(
        latency_seconds=options.latency_ms / 1000,
        throttle_every=options.throttle_every,
        retry_after_seconds=options.retry_after or None,
        fail_every=options.fail_every,
        fail_status=options.fail_status,
        throttle_per_second=options.throttle_per_second,
        fail_randomly=options.fail_percent / 100,
        gzip=options.gzip,
        byte_order_mark=options.byte_order_mark,
        links_next=options.links_next,
    )
    host, port = options.listen
    try:
        serve_forever(host, port, World(options.seed), switches, on_ready=say, on_entra=say_entra)
    except (ValueError, OSError) as error:
        raise AddressRefused(f"the sandbox cannot listen on {host}:{port}: {error}") from None
    return 0
