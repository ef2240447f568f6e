"""Which of the accounts that are signed in is meant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pc_mcp.auth.errors import AccountChoiceNeeded, SignInRefused

_MOST_NAMES = 10
_MOST_SHOWN = 120  # characters of a name


@dataclass(frozen=True, slots=True)
class WantedAccount:
    """The one that is configured by its user name, or (None) the only one that there is."""

    username: str | None

    def is_it(self, username: str) -> bool:
        return not self.username or username.casefold() == self.username.casefold()

    def check(self, claims: Mapping[str, Any]) -> None:
        """Refuses another account than the configured one, before it is kept. Raises `SignInRefused`."""
        if not self.is_it(str(claims.get("preferred_username", ""))):
            raise SignInRefused(
                "Another account signed in than the one that auth.account names. Nothing was kept: sign in with the "
                "configured account, or change auth.account."
            )

    def among(self, accounts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """The one of MSAL's accounts, if it is there. Raises `AccountChoiceNeeded`."""
        wanted = [account for account in accounts if self.is_it(str(account.get("username", "")))]
        if len(wanted) > 1:
            names = listed(str(account.get("username", "")) for account in wanted)
            raise AccountChoiceNeeded(
                f"Several accounts are signed in: {names}. Set auth.account to the one to use, or sign the others "
                "out with: pc-mcp logout"
            )
        return wanted[0] if wanted else None


def listed(usernames: Iterable[str]) -> str:
    """Names of accounts in a sentence, and not too many."""
    names = sorted(map(printable, usernames))
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def printable(value: object) -> str:
    """What of a name can be seen, and not too much of it."""
    return "".join(char for char in str(value or "") if char.isprintable())[:_MOST_SHOWN]
