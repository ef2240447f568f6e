"""Where what was read is kept."""

from collections.abc import Mapping

from pc_mcp.inventory.store.filters import OF_KINDS, DeviceFilter, Finding, GroupBy, Grouping
from pc_mcp.inventory.store.freed_memory import let_go
from pc_mcp.inventory.store.kinds import policy_key
from pc_mcp.inventory.store.sqlite import SQLiteStore
from pc_mcp.inventory.store.store import DeviceOrder, DeviceRow, Duplicates, Scope, Store, TooSlow
from pc_mcp.inventory.store.tally import Label, Tally

__all__ = [
    "OF_KINDS",
    "DeviceFilter",
    "DeviceOrder",
    "DeviceRow",
    "Duplicates",
    "Finding",
    "GroupBy",
    "Grouping",
    "Label",
    "Scope",
    "Store",
    "Tally",
    "TooSlow",
    "let_go",
    "new_store",
    "policy_key",
]


def new_store(policy_names: Mapping[str, str], *, reveal_product_keys: bool) -> Store:
    """An empty store, in memory.

    policy_names: the names of policies by `policy_key`; a device names its policy by either.
    """
    return SQLiteStore(policy_names, reveal_product_keys=reveal_product_keys)
