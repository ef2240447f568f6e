"""The environment variables of this process: what those are called that several parts look at."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

ENV_PREFIX = "PC_MCP_"
"""What the names of settings begin with."""
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
REMOTE_SHELL = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


@contextmanager
def process_environment(environment: Mapping[str, str]) -> Iterator[None]:
    """This process, and what it starts, have no other variables meanwhile."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
