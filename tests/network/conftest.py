"""An environment without proxies and certificates of this machine."""

import os
import re

import pytest

_NETWORK = re.compile(r"(.*_)?PROXY|SSL_CERT_\w+", re.IGNORECASE)


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch):
    for name in [name for name in os.environ if _NETWORK.fullmatch(name)]:
        monkeypatch.delenv(name)
