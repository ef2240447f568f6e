"""The accounts that are signed in, in MSAL's cache: who they are, and how one is added and taken out."""

import json
from dataclasses import dataclass
from typing import Any

import msal

from pc_mcp.runtime.ids import GUID


@dataclass(frozen=True, slots=True)
class KeptAccount:
    """An account that is signed in. `expires_at` is its access token's, in seconds since 1970, if one is kept."""

    home_account_id: str
    username: str
    tenant: str
    expires_at: float | None


class AccountCache(msal.SerializableTokenCache):  # type: ignore[misc]
    """MSAL's cache, with what else is kept beside it (`extra`). Use it within `TokenStore.with_cache`."""

    def __init__(self) -> None:
        super().__init__()
        self.extra: dict[str, Any] = {}

    @property
    def pinned_tenant(self) -> str | None:
        """The tenant of the first sign-in, which later ones must be in."""
        tenant = self.extra.get("tenant")
        return tenant if isinstance(tenant, str) and GUID.fullmatch(tenant) else None  # it becomes part of an address

    def keep(self, signed_in: str, tenant: str) -> None:
        """Adds what a sign-in brought, another cache serialized."""
        kept = self.sections()
        for section, entries in json.loads(signed_in).items():
            kept.setdefault(section, {}).update(entries)
        self.extra["tenant"] = tenant
        self._put(kept)

    def accounts(self) -> list[KeptAccount]:
        """Who is signed in, by what is kept alone: whoever has a refresh token."""
        kept = self.sections()
        renewable = {entry.get("home_account_id") for entry in kept.get("RefreshToken", {}).values()}
        ends: dict[str, float] = {}
        for entry in kept.get("AccessToken", {}).values():
            holder = str(entry.get("home_account_id", ""))
            ends[holder] = max(ends.get(holder, 0.0), float(entry.get("expires_on", 0)))
        return [
            KeptAccount(holder, str(entry.get("username", "")), str(entry.get("realm", "")), ends.get(holder))
            for entry in kept.get("Account", {}).values()
            if (holder := str(entry.get("home_account_id", ""))) in renewable
        ]

    def drop(self, home_account_id: str) -> None:
        """Signs one account out."""
        self._put(
            {
                section: {k: entry for k, entry in entries.items() if entry.get("home_account_id") != home_account_id}
                for section, entries in self.sections().items()
            }
        )

    def clear(self) -> None:
        """Signs everybody out."""
        self.extra = {}
        self._put({})

    def take(self, content: dict[str, Any] | None, extra: dict[str, Any]) -> None:
        """Holds what was read, in the place of all that it held; None: nothing."""
        self.deserialize(None if content is None else json.dumps(content))
        self.extra = extra

    def sections(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What is held, as the file has it."""
        sections: dict[str, dict[str, dict[str, Any]]] = json.loads(self.serialize())
        return sections

    def _put(self, sections: dict[str, dict[str, dict[str, Any]]]) -> None:
        self.deserialize(json.dumps(sections))
        self.has_state_changed = True
