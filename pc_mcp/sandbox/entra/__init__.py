"""A simulated Microsoft Entra ID sign-in service: https on loopback, no network, no secrets.

`pc_mcp.sandbox.running(entra=True)` starts one beside the simulated Partner Center, which then
accepts its tokens. Only what Microsoft's documentation describes is simulated, and of that only
what a client of Partner Center meets.
"""

from pc_mcp.sandbox.entra.accounts import (
    CLIENT_SECRET,
    CONFIDENTIAL_CLIENT_ID,
    PARTNER_CENTER,
    PUBLIC_CLIENT_ID,
    Account,
)
from pc_mcp.sandbox.entra.app import EntraRequest
from pc_mcp.sandbox.entra.certificates import AppCertificate
from pc_mcp.sandbox.entra.service import Entra
from pc_mcp.sandbox.entra.switches import EntraSwitches

__all__ = [
    "CLIENT_SECRET",
    "CONFIDENTIAL_CLIENT_ID",
    "PARTNER_CENTER",
    "PUBLIC_CLIENT_ID",
    "Account",
    "AppCertificate",
    "Entra",
    "EntraRequest",
    "EntraSwitches",
]
