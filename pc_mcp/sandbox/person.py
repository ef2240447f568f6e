"""Plays the person at the browser: `python -P -m pc_mcp.sandbox.person URL [ACCOUNT] [--code CODE]`.

As `BROWSER="python -P -m pc_mcp.sandbox.person %s"` it signs in where a person would, without
being told anything but the URL. The certificate of the sign-in service is trusted when
`SSL_CERT_FILE` names it.
"""

from __future__ import annotations

import argparse
import ssl
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import httpx2

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_PAGES = 10


class GaveUp(Exception):
    """The person got stuck; says where."""


@dataclass
class Form:
    """The first form of a page: where it goes, its hidden fields, whom its buttons offer."""

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    accounts: list[str] = field(default_factory=list)
    asks_code: bool = False


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.form: Form | None = None
        self.text: list[str] = []
        self._hidden = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        name, value = values.get("name", ""), values.get("value", "")
        self._hidden = tag in ("style", "script", "title")
        if tag == "form" and self.form is None:
            self.form = Form(values.get("action", ""))
        elif self.form and tag == "input" and values.get("type") == "hidden":
            self.form.fields[name] = value
        elif self.form and tag == "input":
            self.form.asks_code = name == "user_code"
        elif self.form and tag == "button" and name == "account" and value:
            self.form.accounts.append(value)

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.text.append(data.strip())


def sign_in(
    url: str,
    account: str = "",
    code: str = "",
    context: ssl.SSLContext | None = None,
    most_pages: int = _MOST_PAGES,
) -> str:
    """Open `url` and do what its pages ask, until one asks nothing; returns what that one says.

    Picks `account` (a user principal name), or the first that is offered, and types in `code`.
    Trusts what `context` trusts, by default the system and `SSL_CERT_FILE`. Raises `GaveUp` when
    a page is an error, when the account is not offered, a code is asked for and there is none, or
    there are more than `most_pages`, and `httpx2.TransportError` when nobody answers.
    """
    verify = context or ssl.create_default_context()
    with httpx2.Client(verify=verify, follow_redirects=True, trust_env=False, timeout=30) as client:
        answer = client.get(url)
        for _ in range(most_pages):
            page = _Page(answer.text)
            said = " ".join(page.text)
            if answer.is_error:
                raise GaveUp(f"{answer.status_code}: {said}")
            if page.form is None:
                return said
            fields = _filled_in(page.form, account, code)
            answer = client.post(urljoin(str(answer.url), page.form.action), data=fields)
    raise GaveUp(f"there is no end to the pages of {url}")


def _filled_in(form: Form, account: str, code: str) -> dict[str, str]:
    fields = dict(form.fields)
    if form.asks_code:
        if not code:
            raise GaveUp("the page asks for a code, and there is none")
        fields["user_code"] = code
    if form.accounts:
        wanted = account or form.accounts[0]
        if wanted not in form.accounts:
            raise GaveUp(f"the page does not offer {wanted}")
        fields["account"] = wanted
    return fields


def main(arguments: Sequence[str] | None = None) -> int:
    """Sign in as the command line says; 0 when it went well, else 1 and the reason on stderr."""
    parser = argparse.ArgumentParser(prog="python -P -m pc_mcp.sandbox.person", description=__doc__)
    parser.add_argument("url", metavar="URL")
    parser.add_argument("account", metavar="ACCOUNT", nargs="?", default="", help="default: the first offered")
    parser.add_argument("--code", default="", help="the device code to type in")
    options = parser.parse_args(arguments)
    try:
        sign_in(options.url, options.account, options.code)
    except (GaveUp, httpx2.HTTPError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
