"""Product keys: only their last characters are shown, unless a setting reveals them."""

from pc_mcp.inventory.text import MASK, SHOWN_CHARACTERS, visible_or_none

__all__ = ["MASK", "masked", "tail"]


def tail(product_key: str) -> str:
    """The characters that may be shown; of a short key none, since the rest could be guessed."""
    return product_key[-SHOWN_CHARACTERS:] if len(product_key) > 2 * SHOWN_CHARACTERS else ""


def masked(product_key: str | None, *, reveal: bool) -> str | None:
    """A product key as it may be shown, such as `*****13579`."""
    key = visible_or_none(product_key)
    return key if key is None or reveal else MASK + tail(key)
