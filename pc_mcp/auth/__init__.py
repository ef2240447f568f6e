"""Who is signed in, and the tokens.

MSAL, the keyring and what they bring cost time, so `entra`, `store` and `app_only` are imported
where a token is first needed, not here.
"""

from pc_mcp.auth.errors import (
    AccountChanged,
    AccountChoiceNeeded,
    NotConfigured,
    SignInError,
    SignInNeeded,
    SignInRefused,
    SignInUnavailable,
)
from pc_mcp.auth.quiet import quietly
from pc_mcp.auth.tokens import Account, ConfiguredAccount, Refusal, StaticToken, Status, TokenProvider, Unconfigured

__all__ = [
    "Account",
    "AccountChanged",
    "AccountChoiceNeeded",
    "ConfiguredAccount",
    "NotConfigured",
    "Refusal",
    "SignInError",
    "SignInNeeded",
    "SignInRefused",
    "SignInUnavailable",
    "StaticToken",
    "Status",
    "TokenProvider",
    "Unconfigured",
    "quietly",
]
