"""What tests of the tools have in common: the folder for exports."""

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "exports [of] the `team`"
    folder.mkdir()
    return folder
