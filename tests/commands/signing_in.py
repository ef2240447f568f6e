"""What a `pc-mcp` process is told to sign in to a sandbox that runs with its sign-in service."""

import shlex
import sys
from pathlib import Path

from pc_mcp.sandbox import Sandbox
from tests.commands.processes import environment

# A person without hands: opens the page and signs in as the first account, or as another one.
PERSON = f"{shlex.quote(sys.executable)} -P -m pc_mcp.sandbox.person %s"


def signing_in_to(sandbox: Sandbox, home: Path, *, measured: bool = False, **variables: str) -> dict[str, str]:
    """An environment with a home, and thus a token store, of its own; a person sits at its browser."""
    return (
        environment(
            home,
            measured=measured,
            XDG_DATA_HOME=str(home / "data"),
            SSL_CERT_FILE=str(sandbox.ca_file),
            BROWSER=PERSON,
            PC_MCP_PARTNER_CENTER__BASE_URL=sandbox.base_url,
            PC_MCP_AUTH__AUTHORITY=sandbox.authority.removesuffix(f"/{sandbox.tenant_id}"),
            PC_MCP_AUTH__TENANT_ID=sandbox.tenant_id,
            PC_MCP_AUTH__CLIENT_ID=sandbox.client_id,
            PC_MCP_AUTH__TOKEN_STORE="file",
        )
        | variables
    )
