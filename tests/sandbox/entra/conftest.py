"""A sandbox with a sign-in service, unmodified MSAL, and an application's loopback listener."""

import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

import httpx2
import msal
import pytest

from pc_mcp.sandbox import Sandbox, World, running
from pc_mcp.sandbox.entra import PARTNER_CENTER, Entra
from pc_mcp.sandbox.person import sign_in

SCOPES = [f"{PARTNER_CENTER}/user_impersonation"]


@pytest.fixture
def sandbox(world: World) -> Iterator[Sandbox]:
    with running(world, entra=True) as sandbox:
        yield sandbox


@pytest.fixture
def entra(sandbox: Sandbox) -> Entra:
    return sandbox.entra


@pytest.fixture
def trust(sandbox: Sandbox) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=sandbox.ca_file)


class Http(httpx2.Client):
    """MSAL sends a client assertion as bytes, which httpx2 would write as `b'…'` into a form."""

    def post(self, url, *, data=None, **options):
        text = {k: v.decode() if isinstance(v, bytes) else v for k, v in (data or {}).items()}
        return super().post(url, data=text, **options)


@pytest.fixture
def http(trust: ssl.SSLContext, entra: Entra) -> Iterator[httpx2.Client]:
    with Http(base_url=entra.base_url, verify=trust, timeout=10) as http:
        yield http


@pytest.fixture
def public(http: httpx2.Client, entra: Entra) -> Callable[..., msal.PublicClientApplication]:
    """A public client with an empty cache; 400 answers are kept for a minute in `http_cache`."""

    def made(authority: str = "", **options) -> msal.PublicClientApplication:
        where = authority or entra.authority
        options = {"http_cache": {}, "instance_discovery": False, "http_client": http} | options
        return msal.PublicClientApplication(entra.client_id, authority=where, **options)

    return made


@pytest.fixture
def app(public) -> msal.PublicClientApplication:
    return public()


@pytest.fixture
def confidential(http: httpx2.Client, entra: Entra) -> Callable[..., msal.ConfidentialClientApplication]:
    def made(credential: object, authority: str = "") -> msal.ConfidentialClientApplication:
        return msal.ConfidentialClientApplication(
            entra.confidential_client_id,
            credential,
            authority=authority or entra.authority,
            http_cache={},
            instance_discovery=False,
            http_client=http,
        )

    return made


class Listener:
    """The redirect URI of an application: keeps what the browser brings it."""

    def __init__(self) -> None:
        answers = self.answers = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answered(urlsplit(self.path).query)

            def do_POST(self) -> None:
                self.answered(self.rfile.read(int(self.headers["Content-Length"])).decode())

            def answered(self, text: str) -> None:
                answers.append((self.command, dict(parse_qsl(text))))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"<p>Thank you</p>")

            def log_message(self, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://localhost:{self.server.server_port}/back"

    @property
    def answer(self) -> dict[str, str]:
        return self.answers[-1][1]


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    thread = threading.Thread(target=listener.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield listener
    listener.server.shutdown()
    thread.join()
    listener.server.server_close()


@pytest.fixture
def signed_in(listener: Listener, trust: ssl.SSLContext):
    """Signs in with a browser, as an account or the first that is offered; MSAL's answer."""

    def done(app: msal.PublicClientApplication, account: str = "", **options) -> dict:
        mode = {"response_mode": "form_post"} | options
        flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=listener.uri, **mode)
        sign_in(flow["auth_uri"], account, context=trust)
        return app.acquire_token_by_auth_code_flow(flow, listener.answer)

    return done


@pytest.fixture
def refreshed():
    """Gets a token silently, never one that is kept; MSAL's answer."""

    def done(app: msal.PublicClientApplication, **options) -> dict:
        (account,) = app.get_accounts()
        options = {"force_refresh": True} | options
        return app.acquire_token_silent_with_error(SCOPES, account, **options)

    return done
