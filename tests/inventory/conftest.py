"""A world that keeps the pages it has made, because many tests here read the same customers."""

from functools import lru_cache

import pytest

from pc_mcp.sandbox import World


class KeptWorld(World):
    """Holds the pages of all but the largest customers."""

    def __init__(self):
        super().__init__()
        self.device_page = lru_cache(maxsize=700)(super().device_page)


@pytest.fixture(scope="session")
def world():
    return KeptWorld()
