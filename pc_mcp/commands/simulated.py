"""What makes a process use the sandbox, whatever the user's own settings are."""

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator

from pc_mcp.runtime.variables import process_environment
from pc_mcp.sandbox import Sandbox, running
from pc_mcp.settings import AuthSettings, PartnerCenterSettings


@contextlib.contextmanager
def sandbox_settings() -> Iterator[dict[str, dict[str, object]]]:
    """Runs a sandbox and yields the settings that make a server use it, whatever the user's own are.

    Meanwhile the process has the environment that this needs.
    """
    with running(entra=True, requests_kept=1) as sandbox:
        partner_center, auth = settings_of(sandbox)
        with process_environment({**os.environ, **environment_of(sandbox)}):
            yield {
                "partner_center": PartnerCenterSettings().model_dump() | partner_center,
                "auth": AuthSettings().model_dump() | auth,
            }


def settings_of(sandbox: Sandbox) -> tuple[dict[str, str], dict[str, str]]:
    """The sections `partner_center` and `auth` of somebody who signs in to the sandbox."""
    auth = {
        "authority": sandbox.authority.removesuffix(f"/{sandbox.tenant_id}"),
        "tenant_id": sandbox.tenant_id,
        "client_id": sandbox.client_id,
        "flow": "browser",
        "token_store": "memory",
    }
    return {"base_url": sandbox.base_url}, auth


def environment_of(sandbox: Sandbox) -> dict[str, str]:
    """What makes a process trust the sandbox's sign-in service, ask it directly, and sign in there without a hand."""
    return {
        "NO_PROXY": "*",
        "no_proxy": "*",
        "SSL_CERT_FILE": str(sandbox.ca_file),
        "BROWSER": f"{shlex.quote(sys.executable)} -P -m pc_mcp.sandbox.person %s",
    }
