"""Who can sign in, and to what: tenants, accounts, applications and resources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pc_mcp.sandbox.entra.refusals import Refusal
from pc_mcp.sandbox.seeded import guid, source

PUBLIC_CLIENT_ID = "0c7a4f6e-52d1-4b0e-9c53-1f6d5a3e8b21"
"""An application with public client flows and the redirect URI `http://localhost`."""

CONFIDENTIAL_CLIENT_ID = "9a1d3e57-8c42-4f6b-a0d9-6be2c47f1035"
CLIENT_SECRET = "sandbox-client-secret"
"""What the confidential client may show in place of a certificate; no secret."""

PARTNER_CENTER = "https://api.partnercenter.microsoft.com"
GRAPH = "https://graph.microsoft.com"
RESOURCES = {PARTNER_CENTER: "user_impersonation", GRAPH: "User.Read"}
"""The resources that tokens are for, each with the one permission that it offers."""

ANY_ORGANIZATION = "organizations"
"""The tenant in the path when any work account may sign in."""

Role: TypeAlias = Literal["Admin agent", "Sales agent", "Helpdesk agent", ""]


@dataclass(frozen=True)
class Account:
    """A work account; `username` is its user principal name, `role` the one in Partner Center."""

    username: str
    name: str
    role: Role
    tenant_id: str
    object_id: str


class Directory:
    """The partner's tenant and a second one, with their accounts; the same for the same seed."""

    def __init__(self, seed: int, partner_tenant_id: str) -> None:
        self.partner_tenant_id = partner_tenant_id
        self.other_tenant_id = guid(source(seed, "other tenant"))
        self.accounts = (
            self._account(seed, "adele.vance@bellowscloud.com", "Adele Vance", "Admin agent"),
            self._account(seed, "diego.siciliani@bellowscloud.com", "Diego Siciliani", "Sales agent"),
            self._account(seed, "lynne.robbins@bellowscloud.com", "Lynne Robbins", "Helpdesk agent"),
            self._account(seed, "nestor.wilke@bellowscloud.com", HOSTILE_NAME, "Admin agent"),
            self._account(seed, "pradeep.gupta@relecloud.com", "Pradeep Gupta", ""),
        )

    def _account(self, seed: int, username: str, name: str, role: Role) -> Account:
        tenant_id = self.partner_tenant_id if role else self.other_tenant_id
        return Account(username, name, role, tenant_id, guid(source(seed, "account", username)))

    def tenant(self, segment: str) -> str:
        """The tenant id, or `organizations`, that a path names.

        Raises `Refusal` for `common`, which is for applications that take personal accounts too,
        and for tenants that do not exist.
        """
        name = segment.lower()
        if name == "common":
            raise Refusal(50194)
        if name not in (ANY_ORGANIZATION, self.partner_tenant_id, self.other_tenant_id):
            raise Refusal(90002, segment)
        return name

    def accounts_of(self, tenant: str) -> list[Account]:
        """The accounts that may sign in there."""
        return [a for a in self.accounts if tenant in (ANY_ORGANIZATION, a.tenant_id)]

    def account(self, username: str, tenant: str) -> Account:
        """The account of that name, in any case; `Refusal` when it does not belong to the tenant."""
        for account in self.accounts:
            if account.username == username.lower():
                if account not in self.accounts_of(tenant):
                    raise Refusal(50020, username)
                return account
        raise Refusal(50034, username)

    def by_object_id(self, object_id: str) -> Account | None:
        """The account of that id, if there is one."""
        return next((a for a in self.accounts if a.object_id == object_id), None)


HOSTILE_NAME = (
    "</h1><script>alert(1)</script>| **Nestor** \u202eekliW\u202c\x1b[31m "
    "[Sign in again](https://login.example.invalid/)"
)
"""A display name that means to harm whoever shows it."""
