"""Which of a few names somebody meant who misspelt one: a command, a setting, a tool, an argument.

For names that come from outside, or of which there are many, see `inventory.nearest`.
"""

import difflib
from collections.abc import Callable, Iterable

_LONGEST = 100
_ALIKE = 0.5
_MOST = 3


def nearest_names(word: str, names: Iterable[str]) -> list[str]:
    """The few names that begin like `word`, else the one that is most like it, if any is.

    Case, which of dashes, underscores and spaces, and dashes around a name do not count.
    """
    plain = {_plain(name): name for name in names}
    wanted = _plain(word[:_LONGEST])
    near = [name for name in plain if len(wanted) > 1 and name.startswith(wanted)]
    if not near or len(near) > _MOST:
        near = difflib.get_close_matches(wanted, plain, 1, cutoff=_ALIKE)
    return [plain[name] for name in near]


def did_you_mean(word: str, names: Iterable[str], written: Callable[[str], str] = str) -> str:
    """`nearest_names` as a question behind a sentence; nothing where none is near. written: how a name is written."""
    near = " or ".join(map(written, nearest_names(word, names)))
    return f" Did you mean {near}?" if near else ""


def _plain(name: str) -> str:
    return name.casefold().replace("_", "-").replace(" ", "-").strip("-")
