"""How tests sign in to a token store, and look at what it keeps."""

import json
import stat
from pathlib import Path
from typing import Any

from pc_mcp.auth.store import TokenStore

NAME = "client global https://login.example.invalid"
SECRET = "the-refresh-token"
ACCOUNT = {"home_account_id": "a", "environment": "b", "realm": "c"}
TENANT = "0b3c1f1e-52d1-4b0e-9c53-1f6d5a3e8b21"
ACCESS = (
    b'{"cache": {"AccessToken": {"k": {"home_account_id": "a", "environment": "b", "realm": "r", "secret": "c", '
    b'"target": "s", "cached_at": "1", "expires_on": %b}}}}'
)
KEY = "a.b-login.example.invalid-refreshtoken-client--scope"
ENTRY = {
    "credential_type": "RefreshToken",
    "home_account_id": "a.b",
    "environment": "login.example.invalid",
    "client_id": "client",
    "target": "scope",
    "secret": SECRET,
}


def written(section: str, **fields: Any) -> bytes:
    """A file that was tampered with: an entry that is as it should be but for `fields`."""
    whole = {"secret": SECRET, "target": "s", "cached_at": "1", "expires_on": "2", **ACCOUNT, **fields}
    return json.dumps({"cache": {section: {"k": whole}}}).encode()


def sign_in(store: TokenStore, secret: str = SECRET, tenant: str = TENANT) -> None:
    signed_in = json.dumps({"RefreshToken": {KEY: ENTRY | {"secret": secret}}})
    store.with_cache(lambda: store.cache.keep(signed_in, tenant))


def put(store: TokenStore, secret: str) -> None:
    """What MSAL does with a refresh token that came with a token. Within `with_cache`."""
    (entry,) = store.cache.search("RefreshToken")
    store.cache.update_rt(entry, secret)


def rotate(store: TokenStore, secret: str) -> None:
    store.with_cache(lambda: put(store, secret))


def secret_in(store: TokenStore) -> str | None:
    """The refresh token that the store has."""
    return store.with_cache(lambda: next((str(e["secret"]) for e in store.cache.search("RefreshToken")), None))


def tenant_in(store: TokenStore) -> str | None:
    return store.with_cache(lambda: store.cache.pinned_tenant)


def the_file(folder: Path) -> Path:
    (file,) = folder.glob("tokens-*.bin")
    return file


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
