"""The application itself signs in: each credential works, a wrong one gives words that say what to mend."""

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from mcp import Client

from pc_mcp.sandbox import Sandbox, ScriptedResponse, documents
from tests.conftest import signing_in

PASSWORD = "password-of-the-file"


@pytest.fixture
def sandbox(service: Sandbox) -> Sandbox:
    return service


def app(sandbox: Sandbox, **auth: Any) -> dict[str, Any]:
    """The section `auth` of an unattended script."""
    return signing_in(sandbox, mode="app", client_id=sandbox.entra.confidential_client_id) | auth


def pfx(sandbox: Sandbox, folder, password: str = "", *, key: bool = True):
    own = sandbox.entra.app_certificate
    private = load_pem_private_key(own.private_key.encode(), None) if key else None
    certificate = x509.load_pem_x509_certificate(own.certificate.encode())
    lock = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    path = folder / "app.pfx"
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"app", private, certificate, None, lock))
    return path


def pem(sandbox: Sandbox, folder, password: str = "") -> dict[str, str]:
    own = sandbox.entra.app_certificate
    key = load_pem_private_key(own.private_key.encode(), None)
    lock = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    (folder / "app.pem").write_text(own.certificate)
    (folder / "app.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    return {"certificate_path": str(folder / "app.pem"), "private_key_path": str(folder / "app.key")}


def assertion(sandbox: Sandbox, folder, **changes: Any) -> dict[str, str]:
    path = folder / "assertion"
    path.write_text(sandbox.entra.federated_assertion(**changes) + "\n")
    return {"assertion_path": str(path)}


def configured(kind: str, sandbox: Sandbox, folder) -> dict[str, str]:
    match kind:
        case "secret":
            return {"client_secret": sandbox.entra.client_secret}
        case "pfx":
            return {"certificate_path": str(pfx(sandbox, folder))}
        case "pfx with a password":
            return {"certificate_path": str(pfx(sandbox, folder, PASSWORD)), "certificate_password": PASSWORD}
        case "pem":
            return pem(sandbox, folder)
        case "pem with a password":
            return pem(sandbox, folder, PASSWORD) | {"certificate_password": PASSWORD}
    return assertion(sandbox, folder)


async def asked(client: Client) -> tuple[bool, str]:
    """Whether a question of an agent was answered, and how."""
    result = await client.call_tool("find_customers", {"limit": 1})
    return not result.is_error, result.content[0].text


def token_requests(sandbox: Sandbox) -> list[dict[str, str]]:
    return [request.form for request in sandbox.entra.requests if request.path.endswith("/token")]


@pytest.mark.parametrize(
    "kind", ["secret", "pfx", "pfx with a password", "pem", "pem with a password", "federated assertion"]
)
async def test_each_credential_signs_the_application_in(connect, sandbox, kind, tmp_path):
    async with connect(auth=app(sandbox, **configured(kind, sandbox, tmp_path))) as client:
        answered, text = await asked(client)
        assert answered, text
        assert (await asked(client))[0]
    (request,) = token_requests(sandbox)
    assert request["grant_type"] == "client_credentials"
    assert request["scope"] == "https://api.partnercenter.microsoft.com/.default"
    assert ("client_secret" in request) == (kind == "secret")


async def test_sign_in_says_as_what_it_is_signed_in_and_sign_out_that_there_is_nothing_to_do(connect, sandbox):
    async with connect(auth=app(sandbox, client_secret=sandbox.entra.client_secret)) as client:
        signed_in = await client.call_tool("sign_in", {})
        signed_out = await client.call_tool("sign_out", {})
    facts = signed_in.structured_content
    assert (facts["signed_in"], facts["mode"]) == (True, "app")
    assert facts["username"] == sandbox.entra.confidential_client_id
    assert facts["tenant"] == sandbox.tenant_id
    assert facts["expires_at"]
    assert "nothing to sign in or out" in signed_out.content[0].text


NO_CREDENTIAL = "needs exactly one of auth.client_secret, auth.certificate_path and auth.assertion_path"


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"client_secret": ""},
        {"private_key_path": "app.key"},
        {"client_secret": "a", "certificate_path": "app.pfx"},
        {"client_secret": "a", "assertion_path": "assertion"},
        {"certificate_path": "app.pfx", "assertion_path": "assertion"},
        {"client_secret": "a", "certificate_path": "app.pfx", "assertion_path": "assertion"},
    ],
)
async def test_there_must_be_exactly_one_credential(connect, sandbox, credentials):
    async with connect(auth=app(sandbox, **credentials)) as client:
        answered, text = await asked(client)
    assert not answered
    assert NO_CREDENTIAL in text.replace("\\", "")
    assert sandbox.entra.requests == []


async def test_the_tenant_must_be_configured(connect, sandbox):
    auth = app(sandbox, client_secret=sandbox.entra.client_secret, tenant_id=None)
    async with connect(auth=auth) as client:
        answered, text = await asked(client)
        assert (await client.call_tool("sign_out", {})).structured_content["signed_in"] is False
    assert not answered
    assert "needs auth.tenant_id, the partner's own tenant" in text.replace("\\", "")


async def test_a_wrong_secret_is_named_and_not_shown(connect, sandbox):
    async with connect(auth=app(sandbox, client_secret="wrong-secret")) as client:
        answered, text = await asked(client)
    assert not answered
    assert "The client secret is wrong. Check auth.client_secret" in text.replace("\\", "")
    assert "AADSTS7000215" in text
    assert "wrong-secret" not in text


async def test_an_unknown_application_is_named(connect, sandbox):
    auth = app(sandbox, client_secret="x", client_id="11111111-1111-1111-1111-111111111111")
    async with connect(auth=auth) as client:
        answered, text = await asked(client)
    assert not answered
    assert "Check auth.client_id and auth.tenant_id" in text.replace("\\", "")


async def test_a_certificate_that_nobody_registered_is_named(connect, sandbox, tmp_path):
    sandbox.entra.app_certificates[:] = []
    async with connect(auth=app(sandbox, **pem(sandbox, tmp_path))) as client:
        answered, text = await asked(client)
    assert not answered
    assert "The certificate is not registered with the application, or has expired" in text


@pytest.mark.parametrize("changes", [{"issuer": "https://other.example.invalid"}, {"subject": "other"}])
async def test_a_federated_assertion_of_somebody_else_is_named(connect, sandbox, tmp_path, changes):
    async with connect(auth=app(sandbox, **assertion(sandbox, tmp_path, **changes))) as client:
        answered, text = await asked(client)
    assert not answered
    assert "could not prove who it is" in text
    assert "other" not in text


async def test_the_assertion_file_is_read_each_time_it_is_needed(connect, sandbox, tmp_path):
    sandbox.entra.switches.token_life_seconds = 1
    async with connect(auth=app(sandbox, **assertion(sandbox, tmp_path, life_seconds=-60))) as client:
        assert not (await asked(client))[0]
        assertion(sandbox, tmp_path)
        answered, text = await asked(client)
    assert answered, text


def text_in(folder, text: bytes, name: str = "app.pfx"):
    path = folder / name
    path.write_bytes(text)
    return str(path)


UNUSABLE = "The certificate of auth.certificate_path, or its key, cannot be used"


@pytest.mark.parametrize(
    "broken",
    [
        lambda sandbox, folder: {"certificate_path": text_in(folder, b"no certificate")},
        lambda sandbox, folder: {"certificate_path": text_in(folder, b"")},
        lambda sandbox, folder: {"certificate_path": str(pfx(sandbox, folder, key=False))},
        lambda sandbox, folder: {"certificate_path": str(pfx(sandbox, folder, PASSWORD))},
        lambda sandbox, folder: {"certificate_path": str(pfx(sandbox, folder, PASSWORD)), "certificate_password": "x"},
        lambda sandbox, folder: pem(sandbox, folder, PASSWORD),
        lambda sandbox, folder: pem(sandbox, folder, PASSWORD) | {"certificate_password": "x"},
        lambda sandbox, folder: pem(sandbox, folder) | {"certificate_password": "x"},
        lambda sandbox, folder: pem(sandbox, folder) | {"private_key_path": text_in(folder, b"\xff\xfe", "key")},
        lambda sandbox, folder: pem(sandbox, folder) | {"certificate_path": text_in(folder, b"no PEM", "cert")},
    ],
    ids=[
        "no pfx",
        "empty",
        "pfx without key",
        "pfx password missing",
        "pfx password wrong",
        "pem password missing",
        "pem password wrong",
        "pem password needless",
        "key is no text",
        "certificate is no pem",
    ],
)
async def test_a_certificate_that_cannot_be_used_is_named(connect, sandbox, tmp_path, broken):
    async with connect(auth=app(sandbox, **broken(sandbox, tmp_path))) as client:
        answered, text = await asked(client)
    assert not answered
    assert UNUSABLE in text.replace("\\", "")
    assert PASSWORD not in text


@pytest.mark.parametrize("setting", ["certificate_path", "assertion_path", "private_key_path"])
async def test_a_file_that_is_not_there_is_named(connect, sandbox, tmp_path, setting):
    files = pem(sandbox, tmp_path) if setting == "private_key_path" else {}
    async with connect(auth=app(sandbox, **files | {setting: str(tmp_path / "absent")})) as client:
        answered, text = await asked(client)
    assert not answered
    assert "absent, which a setting of auth names, cannot be read" in text.replace("\\", "")


async def test_an_assertion_that_is_no_text_is_named(connect, sandbox, tmp_path):
    async with connect(auth=app(sandbox, assertion_path=text_in(tmp_path, b"\xff\xfe"))) as client:
        answered, text = await asked(client)
    assert not answered
    assert "cannot be read" in text


async def test_a_token_that_partner_center_refuses_is_renewed(connect, sandbox):
    auth = app(sandbox, client_secret=sandbox.entra.client_secret)
    async with connect(auth=auth) as client:
        assert (await asked(client))[0]
        sandbox.entra.expire_access_tokens()
        result = await client.call_tool(
            "list_configuration_policies", {"customer": documents.CUSTOMER_ID}
        )  # is read each time
    assert not result.is_error, result.content
    assert len(token_requests(sandbox)) == 2


async def test_a_token_that_is_always_refused_is_renewed_once_and_no_more(connect, sandbox):
    sandbox.switches.scripted.append(ScriptedResponse("/customers", status=401, body=b"{}", times=10))
    async with connect(auth=app(sandbox, client_secret=sandbox.entra.client_secret)) as client:
        answered, text = await asked(client)
    assert not answered
    assert "401" in text
    assert len(token_requests(sandbox)) == 2


async def test_a_resource_that_wants_a_user_says_to_sign_in_as_one(connect, sandbox):
    body = b'{"code": 900329, "description": "hidden"}'
    sandbox.switches.scripted.append(ScriptedResponse("/customers", status=403, body=body))
    async with connect(auth=app(sandbox, client_secret=sandbox.entra.client_secret)) as client:
        answered, text = await asked(client)
    assert not answered
    assert "does not accept an application without a user" in text
    assert "Sign in as a user" in text
    assert "hidden" not in text


async def test_an_outage_of_the_sign_in_service_is_said_and_passes(connect, sandbox):
    sandbox.entra.switches.outage = "everywhere"
    async with connect(auth=app(sandbox, client_secret=sandbox.entra.client_secret)) as client:
        answered, text = await asked(client)
        assert not answered
        assert "The sign-in service cannot be reached" in text
        sandbox.entra.switches.outage = "nowhere"
        answered, text = await asked(client)
    assert answered, text


async def test_a_token_endpoint_that_fails_is_no_refusal(connect, sandbox):
    sandbox.entra.switches.outage = "token"
    async with connect(auth=app(sandbox, client_secret=sandbox.entra.client_secret)) as client:
        answered, text = await asked(client)
    assert not answered
    assert "ask again in a minute" in text
