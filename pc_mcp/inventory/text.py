"""How text of the service and of questions stands in what we say: so that it never passes for ours."""

from pc_mcp.inventory.product_keys import without_keys
from pc_mcp.runtime.text import PIPE, SHOWN_PIPE, visible

ABSENT, NONE = "-", "(none)"
"""What an answer shows in the place of a value that is absent: in a row, and where values are counted."""


def in_quotes(clean: str) -> str:
    """Text that is clean already, in quotation marks, which it cannot end, so that it never passes for ours."""
    return '"' + clean.replace('"', "'") + '"'


def quoted(text: str, length: int = 80) -> str:
    """Text of the service or of a question as it may stand in a sentence of an error."""
    shown = without_keys(visible(text)).replace(PIPE, SHOWN_PIPE)
    return in_quotes(shown if len(shown) <= length else shown[: length - 1] + "…")
