"""What tests of the token store have in common: a keyring that remembers, and a folder."""

from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend

from tests.auth.keyrings import (
    Remembering,
)


@pytest.fixture(autouse=True)
def chosen() -> Iterator[Callable[[KeyringBackend], None]]:
    """Chooses another keyring than the one that remembers; afterwards the machine's own is back."""
    before = keyring.get_keyring()
    keyring.set_keyring(Remembering())
    yield keyring.set_keyring
    keyring.set_keyring(before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pc-mcp"
