"""Who is signed in, and the tokens: the seam between the REST client and a way of signing in."""

from pc_mcp.auth.tokens import NotConfigured, StaticToken, TokenProvider

__all__ = ["NotConfigured", "StaticToken", "TokenProvider"]
