"""The service as such: its documents, its tenants, its faults, how it starts and ends."""

import signal
import ssl
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

import httpx2
import pytest

from pc_mcp.sandbox import running, serve_forever
from pc_mcp.sandbox.entra import EntraRequest


def configuration_of(http, tenant: str, **options):
    return http.get(f"/{tenant}/v2.0/.well-known/openid-configuration", **options)


def trusting(entra) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=entra.ca_file)


def test_the_configuration_names_every_endpoint(http, entra):
    body = configuration_of(http, entra.tenant_id.upper()).json()
    assert body["issuer"] == f"{entra.authority}/v2.0"
    assert body["token_endpoint"] == f"{entra.authority}/oauth2/v2.0/token"
    assert http.get(body["jwks_uri"]).json()["keys"][0]["alg"] == "RS256"
    assert configuration_of(http, "organizations").json()["issuer"] == f"{entra.base_url}/{{tenantid}}/v2.0"


@pytest.mark.parametrize(
    ("tenant", "error", "number"),
    [("common", "invalid_request", 50194), ("nowhere", "invalid_tenant", 90002)],
)
def test_common_and_unknown_tenants_are_refused(http, public, entra, tenant, error, number):
    answer = configuration_of(http, tenant)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.json()["error_codes"] == [number]
    with pytest.raises(ValueError, match=f"AADSTS{number}|Unable to get authority configuration"):
        public(f"{entra.base_url}/{tenant}")
    assert f"AADSTS{number}" in http.get(f"/{tenant}/oauth2/v2.0/authorize").text


@pytest.mark.parametrize("path", ["/", "/nothing", "/x/oauth2/v2.0/token"])
def test_what_is_not_there_is_not_found(http, path):
    assert http.get(path).status_code == 404


def test_nobody_trusts_it_without_its_certificate(entra):
    with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx2.get(f"{entra.base_url}/", verify=ssl.create_default_context())


def test_the_certificate_holds_for_the_address_too_and_under_strict_rules(entra, trust):
    trust.verify_flags |= ssl.VERIFY_X509_STRICT
    port = urlsplit(entra.base_url).port
    assert httpx2.get(f"https://127.0.0.1:{port}/", verify=trust).status_code == 404


def test_requests_are_recorded_as_they_came(http, entra):
    http.post("/devicelogin?x=%20y", data={"user_code": "A B", "empty": ""}, headers={"X-Test": "1"})
    (request,) = entra.requests
    assert isinstance(request, EntraRequest)
    assert (request.method, request.path, request.status) == ("POST", "/devicelogin?x=%20y", 400)
    assert request.form == {"user_code": "A B", "empty": ""}
    assert request.headers["x-test"] == "1"


def token_path(entra) -> str:
    return f"/{entra.tenant_id}/oauth2/v2.0/token"


def test_an_outage_hits_everything_or_tokens_alone(http, entra):
    entra.switches.outage = "token"
    answer = http.post(token_path(entra))
    assert (answer.status_code, answer.text.startswith("<html>")) == (503, True)
    assert configuration_of(http, entra.tenant_id).is_success
    entra.switches.outage = "everywhere"
    assert configuration_of(http, entra.tenant_id).status_code == 503


def test_a_hanging_service_answers_nothing(http, entra):
    entra.switches.hang = "token"
    with pytest.raises(httpx2.ReadTimeout):
        http.post(token_path(entra), timeout=0.05)
    assert configuration_of(http, entra.tenant_id).is_success
    entra.switches.hang = "everywhere"
    with pytest.raises(httpx2.ReadTimeout):
        configuration_of(http, entra.tenant_id, timeout=0.05)


def test_latency_comes_before_each_answer(http, entra):
    entra.switches.latency_seconds = 0.05
    started = time.monotonic()
    assert configuration_of(http, entra.tenant_id).is_success
    assert time.monotonic() - started >= 0.05


class Noticed(str):
    """A switch's value that tells when somebody looks at it."""

    asked = threading.Event()

    def __eq__(self, other: object) -> bool:
        self.asked.set()
        return super().__eq__(other)

    __hash__ = str.__hash__


def test_it_stops_at_once_while_a_request_hangs(caplog):
    ended: list[httpx2.TransportError] = []

    def ask(url: str, trust: ssl.SSLContext) -> None:
        try:
            httpx2.get(url, verify=trust, timeout=30)
        except httpx2.TransportError as error:
            ended.append(error)

    with running(entra=True) as sandbox:
        entra = sandbox.entra
        entra.switches.hang = Noticed("everywhere")
        thread = threading.Thread(target=ask, args=[f"{entra.base_url}/", trusting(entra)])
        thread.start()
        assert Noticed.asked.wait(10)
        started = time.monotonic()
    assert time.monotonic() - started < 2
    thread.join(10)
    assert len(ended) == 1
    assert caplog.records == []


def test_the_sandbox_knows_its_sign_in_service_and_cleans_up_after_it():
    with running(entra=True) as sandbox:
        entra = sandbox.entra
        assert sandbox.authority == entra.authority == f"{entra.base_url}/{sandbox.tenant_id}"
        assert sandbox.tenant_id == sandbox.world.partner_tenant_id
        assert sandbox.client_id == entra.client_id
        assert sandbox.ca_file.read_text().startswith("-----BEGIN CERTIFICATE-----")
        assert "PRIVATE" not in sandbox.ca_file.read_text()
    assert not sandbox.ca_file.parent.exists()


@pytest.mark.slow
def test_a_sandbox_without_sign_in_says_how_to_get_it_and_loads_nothing_for_it():
    with running() as sandbox, pytest.raises(RuntimeError, match=r"running\(entra=True\)"):
        sandbox.entra  # noqa: B018
    script = (
        "import sys; from pc_mcp.sandbox import running\n"
        "with running(): assert not {'cryptography', 'jwt'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_foreground_server_serves_it_too_and_hands_it_over_first():
    seen: list = []

    def stop(base_url: str) -> None:
        url = f"{seen[0].authority}/v2.0/.well-known/openid-configuration"
        assert httpx2.get(url, verify=trusting(seen[0])).is_success
        seen.append(base_url)
        signal.raise_signal(signal.SIGINT)

    serve_forever(on_ready=stop, on_entra=seen.append)
    assert seen[1].startswith("http://127.0.0.1:")
    assert not seen[0].ca_file.exists()
