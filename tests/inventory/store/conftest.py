"""Every engine passes the same tests, which know the protocol only."""

import pytest

from pc_mcp.inventory import store

ENGINES = {"in memory": store.new_store}


@pytest.fixture(scope="session", params=ENGINES.values(), ids=ENGINES)
def new_store(request):
    """Makes an empty store: `new_store(policy_names, reveal_product_keys=…)`."""
    return request.param
