"""The pages that messages name, with where they are: a wheel and the bundle bring none of them along."""

_REPOSITORY = "in the repository of pc-mcp"

SIGN_IN_GUIDE = f"docs/sign-in.md {_REPOSITORY}"
SETTINGS_GUIDE = f"docs/settings.md {_REPOSITORY}"
