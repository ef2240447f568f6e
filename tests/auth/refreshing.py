"""A process that shares a token store: `python -m tests.auth.refreshing FOLDER AUTHORITY TENANT CLIENT COUNT`.

Refreshes COUNT times, once it is told to by a line on standard input, and prints what failed; with
a COUNT of 0 it takes the lock, says so, and keeps it.
"""

import sys
from pathlib import Path

import anyio

from pc_mcp.auth.entra import Entra
from pc_mcp.auth.registration import Registration
from pc_mcp.auth.store import TokenStore

SCOPE = "https://api.partnercenter.microsoft.com/user_impersonation"


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def registration(authority: str, tenant: str, client_id: str) -> Registration:
    return Registration(client_id, authority, tenant, SCOPE, known=False)


def shared(folder: Path, kind: str = "keyring") -> TokenStore:
    return TokenStore(folder, "shared", kind)  # type: ignore[arg-type]


async def _refresh(entra: Entra, count: int) -> None:
    for _ in range(count):
        result, account = await entra.silent(lambda accounts: accounts[0] if accounts else None, force_refresh=True)
        if not account or not result or "access_token" not in result:
            say("failed:", (result or {}).get("error_codes") if account else "nobody is signed in")


def _hold() -> None:
    say("held")
    sys.stdin.readline()


def main(folder: str, authority: str, tenant: str, client_id: str, count: str) -> None:
    store = shared(Path(folder))
    if count == "0":
        store.with_cache(_hold)
        return
    entra = Entra(registration(authority, tenant, client_id), store)
    say("ready")
    sys.stdin.readline()
    anyio.run(_refresh, entra, int(count))
    entra.close()
    say("done", store.place)


if __name__ == "__main__":
    main(*sys.argv[1:])
