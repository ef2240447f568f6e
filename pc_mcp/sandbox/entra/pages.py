"""The pages that a person sees: plain HTML that works without scripts and styles.

The one script posts the answer to the application; there is a button for whoever has none.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pc_mcp.sandbox.entra.accounts import Account

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem}"
    "ul{list-style:none;padding:0}button,input{font:inherit;padding:.6rem 1rem;margin:.2rem 0}"
    "li button{width:100%;text-align:start}small{display:block}"
)
_SUBMIT = "document.forms[0].submit()"
_NOTE = "<p>This is a simulated sign-in service: nothing here is real, and no password is asked for.</p>"


def pick_page(
    accounts: Iterable[Account], action: str, hidden: Mapping[str, str], redirect_uri: str = ""
) -> HTMLResponse:
    """Asks which account is to sign in; `action` gets `account` (empty for "Cancel") and `hidden`.

    The answer of `action` may redirect to `redirect_uri`.
    """
    buttons = "".join(
        f'<li><button type="submit" name="account" value="{escape(a.username)}">'
        f"<bdi>{escape(a.name)}</bdi> <small>{escape(a.username)}</small></button></li>"
        for a in accounts
    )
    form = (
        f'<form method="post" action="{escape(action)}">{_inputs(hidden)}<ul>{buttons}</ul>'
        '<button type="submit" name="account" value="" formnovalidate>Cancel</button></form>'
    )
    # Browsers hold the redirect after a form to the same rule as the form.
    return _page("Pick an account", form, forms_to=f"'self' {_origin(redirect_uri)}".strip())


def code_page(action: str, problem: str = "") -> HTMLResponse:
    """Asks for the code that a device shows; `action` gets `user_code`."""
    alert = f'<p role="alert" id="problem">{escape(problem)}</p>' if problem else ""
    described = ' aria-invalid="true" aria-describedby="problem"' if problem else ""
    form = (
        f'{alert}<form method="post" action="{escape(action)}"><p><label for="code">Code</label> '
        '<input id="code" name="user_code" required autofocus autocomplete="off" autocapitalize="characters"'
        f"{described}></p>"
        '<button type="submit">Next</button></form>'
    )
    return _page("Enter the code shown on your device", form, 400 if problem else 200)


def post_page(redirect_uri: str, fields: Mapping[str, str]) -> HTMLResponse:
    """Posts `fields` to the application (`response_mode=form_post`)."""
    form = (
        f'<form method="post" action="{escape(redirect_uri)}">{_inputs(fields)}'
        '<button type="submit">Continue</button></form>'
        f"<script>{_SUBMIT}</script>"
    )
    return _page("Return to the application", form, forms_to=_origin(redirect_uri))


def message_page(title: str, text: str, status: int = 200) -> HTMLResponse:
    """Says something, and that is all."""
    return _page(title, f"<p>{escape(text)}</p>", status)


def _page(title: str, body: str, status: int = 200, forms_to: str = "'self'") -> HTMLResponse:
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}{_NOTE}</main></body></html>"
    )
    policy = (
        f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_SUBMIT)};"
        f" form-action {forms_to}; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(html, status, headers)


def _inputs(fields: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )


def _origin(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if uri else ""


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
