"""What `serve --http` says to whoever starts it, and the secret that it asks callers for."""

import logging
from collections.abc import Callable
from functools import partial

from pc_mcp.commands.terminal import say
from pc_mcp.protocol.http import serve_http
from pc_mcp.protocol.http_secret import Secret, SecretFile, secret_of
from pc_mcp.protocol.server import Server
from pc_mcp.settings import ConfigurationError, Settings

logger = logging.getLogger(__name__)


def over_http(
    server: Server, settings: Settings, address: tuple[str, int], *, new_secret: bool, no_secret: bool
) -> Callable[[], None]:
    """What serves at `address`, host and port, until a signal comes. Raises a `Failure`, as what it returns does."""
    secret = None if no_secret else secret_of(settings.http)
    if secret:
        secret.renew() if new_secret else secret.kept()
    return partial(serve_http, server, *address, partial(_announce, secret), secret)


def make_another_secret(settings: Settings, *, no_secret: bool) -> int:
    """The options of `serve` about secrets, without `--http`; the exit status is 0. Raises a `Failure`."""
    if no_secret:
        raise ConfigurationError("--no-secret is for callers over HTTP: give --http HOST:PORT as well.")
    secret = secret_of(settings.http)
    if isinstance(secret, SecretFile):
        # Said before it is done: who does not see it would not know why the clients are refused.
        say(f"Making another secret for callers over HTTP, in {secret.where}.")
    secret.renew()
    say("Servers take it from now on, without a restart. Clients that send the old one are refused:")
    say("connect each of them again, with: pc-mcp install CLIENT --http URL")
    return 0


def _announce(secret: Secret | None, url: str) -> None:
    logger.setLevel(logging.INFO)  # who started it needs this, whatever else is logged
    logger.info("listening on %s", url)
    if secret is None:
        logger.warning("no secret is asked for (--no-secret): every account of this computer can ask with your rights")
    else:
        logger.info(
            "callers send the secret from %s; a client gets it by: pc-mcp install CLIENT --http %s", secret.where, url
        )
