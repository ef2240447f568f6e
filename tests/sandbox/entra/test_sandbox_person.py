"""The person at the browser, as a command and as `BROWSER`."""

import os
import subprocess
import sys
import webbrowser

import pytest

from pc_mcp.sandbox.entra import PARTNER_CENTER
from pc_mcp.sandbox.person import GaveUp, sign_in

SCOPES = [f"{PARTNER_CENTER}/user_impersonation"]
PERSON = [sys.executable, "-P", "-m", "pc_mcp.sandbox.person"]


def played(sandbox, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SSL_CERT_FILE": str(sandbox.ca_file)}
    return subprocess.run([*PERSON, *arguments], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_command_signs_in_quietly(sandbox, app, listener, entra):
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=listener.uri, response_mode="form_post")
    done = played(sandbox, flow["auth_uri"], entra.accounts[1].username)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    answer = app.acquire_token_by_auth_code_flow(flow, listener.answer)
    assert answer["id_token_claims"]["oid"] == entra.accounts[1].object_id


@pytest.mark.slow
def test_the_command_types_in_a_device_code(sandbox, app):
    flow = app.initiate_device_flow(SCOPES)
    done = played(sandbox, flow["verification_uri"], "--code", flow["user_code"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    answer = app.acquire_token_by_device_flow(flow, exit_condition=lambda flow: True)
    assert "access_token" in answer


@pytest.mark.slow
def test_the_command_says_why_it_gave_up(sandbox, entra):
    done = played(sandbox, f"{entra.base_url}/nothing")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("404: Not found")
    assert played(sandbox, "https://localhost:1/").returncode == 1


@pytest.mark.slow
def test_it_can_be_the_browser(sandbox, app, listener, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(sandbox.ca_file))
    browser = webbrowser.get(f"{' '.join(PERSON)} %s")
    flow = app.initiate_auth_code_flow(SCOPES, redirect_uri=listener.uri, response_mode="form_post")
    assert browser.open(flow["auth_uri"])
    assert "access_token" in app.acquire_token_by_auth_code_flow(flow, listener.answer)


def test_it_gives_up_on_pages_without_end(trust, entra):
    with pytest.raises(GaveUp, match="no end"):
        sign_in(f"{entra.base_url}/devicelogin", code="ABCDEFGH", context=trust, most_pages=0)
