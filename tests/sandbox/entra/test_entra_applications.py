"""Applications that sign in as themselves: by a secret, a certificate, a federated assertion."""

import time

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import NoEncryption, load_pem_private_key, pkcs12

from pc_mcp.sandbox.entra import PARTNER_CENTER, Entra

SCOPES = [f"{PARTNER_CENTER}/.default"]
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def credentials(entra: Entra, kind: str, folder) -> object:
    own = entra.app_certificate
    certificate = x509.load_pem_x509_certificate(own.certificate.encode())
    if kind == "x5t":
        return {"private_key": own.private_key, "thumbprint": certificate.fingerprint(hashes.SHA1()).hex()}
    if kind == "x5t#S256":
        return {"private_key": own.private_key, "public_certificate": own.certificate}
    if kind == "pfx":
        key = load_pem_private_key(own.private_key.encode(), None)
        path = folder / "app.pfx"
        path.write_bytes(pkcs12.serialize_key_and_certificates(b"app", key, certificate, None, NoEncryption()))
        return {"private_key_pfx_path": str(path)}
    if kind == "federated":
        return {"client_assertion": entra.federated_assertion}
    return entra.client_secret


@pytest.mark.parametrize("kind", ["secret", "x5t", "x5t#S256", "pfx", "federated"])
def test_an_application_signs_in_as_itself(confidential, entra, kind, tmp_path):
    answer = confidential(credentials(entra, kind, tmp_path)).acquire_token_for_client(SCOPES)
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (claims["aud"], claims["tid"]) == (PARTNER_CENTER, entra.tenant_id)
    assert (claims["appid"], claims["idtyp"]) == (entra.confidential_client_id, "app")
    assert claims.keys().isdisjoint({"scp", "upn", "amr"})
    assert "refresh_token" not in answer


def test_a_certificate_that_nobody_registered_is_refused_until_it_is(confidential, entra):
    credential = credentials(entra, "x5t", None)
    entra.app_certificates[:] = [entra.ca_file.read_text()]
    assert confidential(credential).acquire_token_for_client(SCOPES)["error_codes"] == [700027]
    entra.app_certificates.append(entra.app_certificate.certificate)
    assert "access_token" in confidential(credential).acquire_token_for_client(SCOPES)


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"aud": "https://elsewhere.example.invalid"}, 700027),
        ({"sub": "another"}, 700027),
        ({"iss": "another"}, 700027),
        ({"exp": 1000}, 700024),
    ],
)
def test_an_assertion_must_be_about_this_application_and_for_this_service(entra, http, changes, number):
    own = entra.app_certificate
    thumbprint = x509.load_pem_x509_certificate(own.certificate.encode()).fingerprint(hashes.SHA256())
    path = f"/{entra.tenant_id}/oauth2/v2.0/token"
    now = int(time.time())
    claims = {
        "aud": f"{entra.base_url}{path}",
        "iss": entra.confidential_client_id,
        "sub": entra.confidential_client_id,
        "jti": "1",
        "nbf": now,
        "exp": now + 60,
    } | changes
    header = {"x5t#S256": jwt.utils.base64url_encode(thumbprint).decode()}
    form = {
        "grant_type": "client_credentials",
        "client_id": entra.confidential_client_id,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": jwt.encode(claims, own.private_key, "PS256", header),
        "scope": SCOPES[0],
    }
    answer = http.post(path, data=form)
    assert (answer.status_code, answer.json()["error_codes"]) == (401, [number])


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"issuer": "https://another.example.invalid"}, 700211),
        ({"audience": "another"}, 700212),
        ({"subject": "another"}, 700213),
        ({"life_seconds": -60}, 700024),
    ],
)
def test_a_federated_assertion_must_match_what_is_registered(confidential, entra, changes, number):
    credential = {"client_assertion": lambda: entra.federated_assertion(**changes)}
    answer = confidential(credential).acquire_token_for_client(SCOPES)
    assert (answer["error"], answer["error_codes"]) == ("invalid_client", [number])


@pytest.mark.parametrize(
    ("form", "number"),
    [
        ({}, 7000218),
        ({"client_secret": "wrong"}, 7000215),
        ({"client_assertion_type": ASSERTION_TYPE}, 700027),
        ({"client_assertion_type": ASSERTION_TYPE, "client_assertion": "no.token.atall"}, 700027),
        ({"client_assertion_type": "saml", "client_assertion": "x"}, 7000218),
    ],
)
def test_a_confidential_client_must_prove_who_it_is(entra, http, form, number):
    form = {"grant_type": "client_credentials", "client_id": entra.confidential_client_id} | form
    answer = http.post(f"/{entra.tenant_id}/oauth2/v2.0/token", data=form)
    assert (answer.status_code, answer.json()["error_codes"]) == (401, [number])


def test_the_public_client_has_no_secret(entra, http):
    entra.switches.public_client_not_allowed = True
    form = {"grant_type": "refresh_token", "client_id": entra.client_id, "client_secret": entra.client_secret}
    answer = http.post(f"/{entra.tenant_id}/oauth2/v2.0/token", data=form)
    assert answer.json()["error_codes"] == [7000215]


@pytest.mark.parametrize(
    ("scope", "number"),
    [
        (f"{PARTNER_CENTER}/user_impersonation", 1002012),
        ("https://vault.example.invalid/.default", 500011),
    ],
)
def test_an_application_asks_for_all_its_permissions_to_a_known_resource(confidential, entra, scope, number):
    answer = confidential(entra.client_secret).acquire_token_for_client([scope])
    assert answer["error_codes"] == [number]


def test_an_application_must_name_its_tenant(entra, http):
    form = {
        "grant_type": "client_credentials",
        "client_id": entra.confidential_client_id,
        "client_secret": entra.client_secret,
        "scope": SCOPES[0],
    }
    answer = http.post("/organizations/oauth2/v2.0/token", data=form)
    assert answer.json()["error_codes"] == [50059]
