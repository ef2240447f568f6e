"""A headless Chromium that trusts the sandbox's sign-in service, and notes where it is sent."""

import base64
import hashlib
import shlex
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from selenium import webdriver

from pc_mcp.sandbox import Sandbox, World, running

PATIENCE = 15
"""Seconds that anything may take on a busy machine."""

_TELL = "import socket, sys; socket.create_connection(('127.0.0.1', {port})).sendall(sys.argv[1].encode())"
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def sandbox(world: World) -> Iterator[Sandbox]:
    with running(world, entra=True) as sandbox:
        sandbox.entra.switches.device_code_interval = 1
        yield sandbox


@pytest.fixture(scope="module")
def chromium(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """The browser; without one on this machine the test is skipped."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    browser = next(filter(None, map(shutil.which, names)), None)
    driver = shutil.which("chromedriver")
    if not browser or not driver:
        pytest.skip("needs Chromium and its driver; on Debian: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    own = (
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
        f"--ignore-certificate-errors-spki-list={_pin(sandbox)}",
    )
    for flag in (*_FLAGS, *own):
        options.add_argument(flag)
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)) as chromium:
        chromium.set_page_load_timeout(PATIENCE)
        yield chromium


def _pin(sandbox: Sandbox) -> str:
    """The sign-in service's public key, as Chromium's list of exceptions wants it."""
    certificate = x509.load_pem_x509_certificate(Path(sandbox.entra.server_file).read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


class Opened:
    """Stands in `BROWSER`: tells the addresses that a program wants to be opened."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        program = _TELL.format(port=server.getsockname()[1])
        self.command = f"{shlex.quote(sys.executable)} -c {shlex.quote(program)} %s"

    def address(self) -> str:
        """The next one. Waits for it."""
        connection, _ = self._server.accept()
        with connection:
            connection.settimeout(PATIENCE)
            return connection.makefile().read()


@pytest.fixture
def opened(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        opened = Opened(server)
        monkeypatch.setenv("BROWSER", opened.command)
        monkeypatch.setenv("SSL_CERT_FILE", str(sandbox.ca_file))
        yield opened
