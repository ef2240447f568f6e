"""The clouds that Partner Center runs in ("Partner Center REST URLs")."""

from enum import StrEnum
from urllib.parse import urlsplit

import httpx2

from pc_mcp.runtime.network import LOOPBACK_HOSTS


class Cloud(StrEnum):
    """A Microsoft cloud, by the name that settings use."""

    GLOBAL = "global"
    US_GOVERNMENT = "us_government"
    CHINA = "china"

    @classmethod
    def _missing_(cls, value: object) -> "Cloud | None":
        """`Global` and `US Government` too."""
        return next((cloud for cloud in cls if _letters(str(value)) == _letters(cloud)), None)

    @property
    def base_url(self) -> str:
        """The root of the REST API. The US Government cloud uses the global one."""
        if self is Cloud.CHINA:
            return "https://partner.partnercenterapi.microsoftonline.cn"
        return "https://api.partnercenter.microsoft.com"

    @property
    def authority(self) -> str:
        """The root of the sign-in service."""
        return {
            Cloud.GLOBAL: "https://login.microsoftonline.com",
            Cloud.US_GOVERNMENT: "https://login.microsoftonline.us",
            Cloud.CHINA: "https://login.partner.microsoftonline.cn",
        }[self]


def _letters(name: str) -> str:
    return "".join(filter(str.isalpha, name.casefold()))


def checked_authority(url: str) -> str:
    """`url` without a trailing slash, as the root of a sign-in service: tenants are added to it.

    Raises ValueError unless it is https, which MSAL insists on, and names a host and nothing more.
    """
    checked = checked_base_url(url)
    if not checked.startswith("https://"):
        raise ValueError("must begin with https://")
    if urlsplit(checked).path:
        raise ValueError("must have no path; auth.tenant_id says which tenant")
    return checked


def checked_base_url(url: str) -> str:
    """`url` without a trailing slash or `/v1`, which the client adds itself.

    Raises ValueError unless it is https (http is for loopback) and names a host and nothing that
    does not belong into a base URL.
    """
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
        httpx2.URL(url.strip())  # what sends must be able to read it, too
    except (ValueError, httpx2.InvalidURL):
        raise ValueError("is no valid URL") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError("must be a URL such as https://api.partnercenter.microsoft.com")
    if parts.scheme == "http" and host not in LOOPBACK_HOSTS:
        raise ValueError("must begin with https:// (http:// is for 127.0.0.1 and localhost only)")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("must have no user name, password, query or fragment")
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"
