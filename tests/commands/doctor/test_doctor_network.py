"""What `pc-mcp doctor` says of the network: services, certificates, proxies, the clock."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from anyio.from_thread import start_blocking_portal

from tests.commands.doctor.results import closed_port, states
from tests.double import raw, serving


@contextlib.contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """The address of a double of Partner Center that gives the same answer to everything."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serving(answer)) as service:
        yield service.base_url


@pytest.mark.slow
def test_a_tenant_that_does_not_exist_is_named(doctor, login):
    login()
    wrong = "11111111-1111-4111-8111-111111111111"
    found = doctor(1, PC_MCP_AUTH__TENANT_ID=wrong)
    assert found["sign-in service"][0] == "wrong"
    assert f"does not know the tenant {wrong}. Set auth.tenant_id" in found["sign-in service"][1]
    assert found["signed in"] == ("not checked", "waits for sign-in service")


def test_services_that_cannot_be_reached_are_named(doctor):
    port = closed_port()
    found = doctor(
        1,
        PC_MCP_PARTNER_CENTER__BASE_URL=f"http://127.0.0.1:{port}",
        PC_MCP_AUTH__AUTHORITY=f"https://127.0.0.1:{port}",
    )
    for check in ("sign-in service", "Partner Center"):
        assert found[check][0] == "wrong"
        assert f"127.0.0.1:{port} cannot be reached: the connection was refused. Check" in found[check][1]
    assert found["clock"] == ("not checked", "no service said what time it is")
    unknown = doctor(1, PC_MCP_AUTH__AUTHORITY="https://pc-mcp.invalid")
    assert "its name is not known" in unknown["sign-in service"][1]


def test_partner_center_alone_out_of_reach_leaves_the_role_open(doctor, login):
    login()
    found = doctor(1, PC_MCP_PARTNER_CENTER__BASE_URL=f"http://127.0.0.1:{closed_port()}")
    assert states(found) == {"Partner Center": "wrong", "role": "not checked", "clients": "warning"} | {
        "clock": "not checked"
    }
    assert found["role"][1] == "waits for Partner Center"


def test_a_certificate_that_is_not_trusted_is_called_that(doctor):
    found = doctor(1, SSL_CERT_FILE=None, SSL_CERT_DIR=None)
    assert found["sign-in service"][0] == "wrong"
    assert "its certificate is not trusted (" in found["sign-in service"][1]
    assert "set SSL_CERT_FILE to a file with the proxy's certificate" in found["sign-in service"][1]


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_certificate_file_that_cannot_be_used_stops_what_needs_it(doctor, tmp_path, content):
    file = tmp_path / "company.pem"
    if content is not None:
        file.write_text(content)
    found = doctor(1, SSL_CERT_FILE=str(file))
    assert found["certificates"][0] == "wrong"
    assert "cannot be used. Let SSL_CERT_FILE" in found["certificates"][1]
    assert [words for state, words in found.values() if state == "not checked"] == ["waits for certificates"] * 6


def test_a_proxy_is_named_without_its_password(doctor):
    port = closed_port()
    found = doctor(
        1, HTTPS_PROXY=f"http://adele:pa55word@127.0.0.1:{port}", PC_MCP_AUTH__AUTHORITY="https://pc-mcp.invalid"
    )
    # Partner Center is on loopback here, which is asked through no proxy.
    words = f"sign-in service through 127.0.0.1:{port}, Partner Center directly; SSL_CERT_FILE="
    assert found["certificates"][1].startswith(words)
    assert f"the connection was refused (through the proxy 127.0.0.1:{port})" in found["sign-in service"][1]
    assert "pa55word" not in str(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "proxy",
    ["http://:x@:99999/", "http://[::1", "socks4://127.0.0.1:1080", "http://a:b", "http://", "http://a\x1b[31m:1"],
)
def test_a_proxy_that_is_none_stops_what_needs_it(doctor, login, proxy):
    login()
    assert doctor(0, HTTPS_PROXY=proxy)["certificates"][1].startswith("no proxy;")
    found = doctor(1, HTTPS_PROXY=proxy, PC_MCP_AUTH__AUTHORITY="https://pc-mcp.invalid")
    assert found["certificates"] == (
        "wrong",
        "HTTPS_PROXY names no proxy that can be used. Set HTTPS_PROXY to an address such as "
        "http://proxy.example.com:8080 (http://, https://, socks5:// or socks5h://), or unset it.",
    )
    assert found["sign-in service"] == ("not checked", "waits for certificates")
    assert doctor(1, NO_PROXY="invalid,*")["certificates"][1].startswith("no proxy;")


@pytest.mark.parametrize(
    ("minutes", "state", "words"),
    [
        (-7, "wrong", "this computer's is 7 minutes ahead. Set"),
        (180, "wrong", "this computer's is 3 hours behind. Set"),
        (4, "ok", "agrees with the services' within 2"),
    ],
)
def test_a_clock_that_is_wrong_by_more_than_five_minutes_is_found(doctor, minutes, state, words):
    then = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    with answering(raw(status=401, Date=then)) as url:
        found = doctor(1, PC_MCP_PARTNER_CENTER__BASE_URL=url)
    assert found["clock"][0] == state
    assert words in found["clock"][1]


@pytest.mark.parametrize("date", ["yesterday", "Thu, 99 Foo 2026 99:00:00 GMT", "\u202e\x1b[31m"])
def test_a_time_that_nobody_can_read_is_none(doctor, date):
    with answering(raw(status=401, Date=date.encode().decode("latin-1"))) as url:
        assert doctor(1, PC_MCP_PARTNER_CENTER__BASE_URL=url)["clock"][0] == "not checked"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (200, "does not answer as it should (HTTP 200). Check partner_center.base_url"),
        (302, "does not answer as it should (HTTP 302)"),
        (404, "does not answer as it should (HTTP 404)"),
        (511, "captive portal"),
        (407, "the proxy wants a sign-in"),
        (429, "fails at the moment (HTTP 429)"),
        (503, "fails at the moment (HTTP 503). Try again in a minute."),
    ],
)
def test_an_answer_that_is_not_partner_centers_is_called_that(doctor, status, words):
    hotel = raw(b"<h1>Sign in to the hotel</h1>", status, Location="https://portal.example.invalid/")
    with answering(hotel) as url:
        found = doctor(1, PC_MCP_PARTNER_CENTER__BASE_URL=url)
    assert found["Partner Center"][0] == "wrong"
    assert words in found["Partner Center"][1]
    assert "hotel" not in str(found)


def test_a_sign_in_service_that_fails_is_called_that(doctor, sandbox):
    sandbox.entra.switches.outage = "everywhere"
    assert "fails at the moment (HTTP 503)" in doctor(1)["sign-in service"][1]
