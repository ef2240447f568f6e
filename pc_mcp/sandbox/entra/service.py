"""The sign-in service as one object: what runs, what it was asked, what a test may change."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, MutableSequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pc_mcp.sandbox.entra.accounts import (
    CLIENT_SECRET,
    CONFIDENTIAL_CLIENT_ID,
    PUBLIC_CLIENT_ID,
    Account,
    Directory,
)
from pc_mcp.sandbox.entra.admission import Admission
from pc_mcp.sandbox.entra.app import EntraRequest, SignInApp
from pc_mcp.sandbox.entra.browser import Browser
from pc_mcp.sandbox.entra.certificates import AppCertificate, tls_files
from pc_mcp.sandbox.entra.clients import Clients, federated_assertion
from pc_mcp.sandbox.entra.grants import Ledger
from pc_mcp.sandbox.entra.switches import EntraSwitches
from pc_mcp.sandbox.entra.token_endpoint import TokenEndpoint
from pc_mcp.sandbox.entra.tokens import Issuer

if TYPE_CHECKING:
    from pc_mcp.sandbox.world import World


@dataclass
class Entra:
    """A sign-in service at `base_url`, whose authority certificate is in `ca_file` (PEM).

    `switches` may be turned while it runs, but not replaced; `requests` grows with each request
    and may be cleared.
    `server_file` is the key and certificate that it listens with.
    """

    base_url: str
    ca_file: Path
    server_file: Path
    directory: Directory
    requests: MutableSequence[EntraRequest] = field(default_factory=list)
    switches: EntraSwitches = field(default_factory=EntraSwitches)
    client_id: str = PUBLIC_CLIENT_ID
    confidential_client_id: str = CONFIDENTIAL_CLIENT_ID
    client_secret: str = CLIENT_SECRET

    def __post_init__(self) -> None:
        self._issuer = Issuer(self.base_url, self.switches)
        self._clients = Clients(self.base_url, self.switches)

    @property
    def tenant_id(self) -> str:
        """The partner's tenant, a GUID."""
        return self.directory.partner_tenant_id

    @property
    def authority(self) -> str:
        """The partner's authority, as MSAL wants it; `organizations` in place of the GUID works too."""
        return f"{self.base_url}/{self.tenant_id}"

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Who can sign in: Admin agent, Sales agent, Helpdesk agent, one with a hostile name, and
        one of another tenant."""
        return self.directory.accounts

    @property
    def app_certificate(self) -> AppCertificate:
        """A certificate that is registered for the confidential client, with its key."""
        return self._clients.app_certificate

    @property
    def app_certificates(self) -> list[str]:
        """PEM texts of all registered certificates; another one may be appended."""
        return self._clients.certificates

    def federated_assertion(self, **changes: str | int) -> str:
        """What a workload shows as the confidential client; see `clients.federated_assertion`."""
        return federated_assertion(**changes)  # type: ignore[arg-type]

    def expire_access_tokens(self) -> None:
        """Partner Center refuses every access token issued until now, as if its time were over."""
        self._issuer.live.clear()

    def app(self) -> SignInApp:
        """The service itself."""
        ledger = Ledger()
        return SignInApp(
            self.base_url,
            self.directory,
            Browser(self.base_url, self.directory, ledger, self.switches),
            TokenEndpoint(self.base_url, ledger, self._clients, self._issuer, self.switches),
            self.switches,
            self.requests,
        )

    def admit(self, token: str) -> None:
        """Partner Center's check of a token; raises `ServiceError`."""
        Admission(self.base_url, self.directory, self._issuer, self.switches).admit(token)


@contextlib.contextmanager
def entra_at(port: int, world: World, requests: MutableSequence[EntraRequest]) -> Iterator[Entra]:
    """The sign-in service of `world`'s partner, to be served on that port of 127.0.0.1.

    Its files are in a folder of their own, which is gone when the block ends.
    """
    with TemporaryDirectory(prefix="pc-mcp-sandbox-") as folder:
        ca_file, server_file = Path(folder, "ca.pem"), Path(folder, "server.pem")
        authority, server = tls_files()
        ca_file.write_bytes(authority)
        server_file.write_bytes(server)
        directory = Directory(world.seed, world.partner_tenant_id)
        yield Entra(f"https://localhost:{port}", ca_file, server_file, directory, requests)
