"""Through a company's proxy, by its certificates: it works, or all say in the same words what is in the way."""

import anyio
import httpx2
import pytest

from pc_mcp.auth import SignInError
from pc_mcp.auth.app_only import AppTokens
from pc_mcp.auth.registration import Registration
from pc_mcp.commands.doctor.network import Network
from pc_mcp.partner_center import errors
from pc_mcp.runtime.network import BoundedClient
from pc_mcp.settings import Settings
from tests.double import asking, customer
from tests.network.company import HOST, URL, proxying, serving_https

DEAD = "https://pc-mcp.example"


async def refusal(url: str = URL) -> errors.PartnerCenterError:
    async with asking(url) as client:
        with pytest.raises(errors.PartnerCenterError) as caught:
            await client.customer("1")
    return caught.value


async def in_all_words(url: str = URL) -> set[str]:
    """What tools, sign-in and doctor say of it, behind who cannot be reached."""
    said = [(await refusal(url)).reason]
    registration = Registration(client_id="app", authority=url, tenant="t", scope="s/x", known=False)
    async with AppTokens(registration, lambda: "secret") as tokens:
        with pytest.raises(SignInError) as caught:
            await tokens.account()
    said.append(str(caught.value))
    configured = Settings(partner_center={"base_url": url}, auth={"authority": url, "tenant_id": "t"})
    network = Network(configured, 10)
    for finding in (await network.sign_in_service(), await network.partner_center()):
        assert finding.state == "wrong"
        said.append(f"{finding.found}. {finding.mend}")
    assert all(" cannot be reached: " in words for words in said)
    return {words.partition(" cannot be reached: ")[2] for words in said}


async def test_a_proxy_that_wants_a_name_and_a_company_that_opens_connections_work(tmp_path, monkeypatch):
    async with serving_https(tmp_path, customer()) as (service, port, authority), proxying(to=port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://adele:pa%40ss@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        async with asking(URL) as client:
            assert (await client.customer("1")).id
        with BoundedClient(seconds=10, most_bytes=2**20) as blocking:
            assert (await anyio.to_thread.run_sync(blocking.get, URL)).status_code == 200
    assert len(service.requests) == 2
    assert len(proxy.heads) == 2
    for head in proxy.heads:
        assert head.startswith(f"CONNECT {HOST}:443 HTTP/1.1")
        assert httpx2.BasicAuth("adele", "pa@ss")._auth_header in head


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_a_socks_proxy_works(tmp_path, monkeypatch, scheme):
    async with serving_https(tmp_path, customer()) as (_, port, authority), proxying(to=port) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        async with asking(URL) as client:
            assert (await client.customer("1")).id
    assert proxy.heads == [HOST]


async def test_a_proxy_that_wants_a_sign_in_is_named_and_asked_once(monkeypatch):
    async with proxying(status=407) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        error = await refusal()
        assert len(proxy.heads) == 1
        (words,) = await in_all_words()
    assert isinstance(error, errors.ProxyRefused)
    assert words.startswith(
        f"the proxy 127.0.0.1:{proxy.port} wants a sign-in (HTTP 407). Give HTTPS_PROXY a user name"
    )
    assert "Ignore" not in str(error)


async def test_a_password_that_a_proxy_does_not_take_is_to_be_corrected_and_not_told(monkeypatch):
    async with proxying(status=407) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://adele:pa55word@127.0.0.1:{proxy.port}")
        (words,) = await in_all_words()
    assert "Correct the user name and password in ALL_PROXY" in words
    assert "pa55word" not in words
    assert "Give" not in words


@pytest.mark.parametrize("status", [302, 403, 502, 503])
async def test_a_proxy_that_lets_nobody_through_is_named_and_asked_once(monkeypatch, status):
    async with proxying(status=status) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        error = await refusal()
        assert len(proxy.heads) == 1
        (words,) = await in_all_words()
    assert type(error) is errors.ProxyRefused
    assert f"127.0.0.1:{proxy.port} refused to connect to it (HTTP {status}). Ask the network's administrator" in words
    assert "HTTPS_PROXY" in words


async def test_a_certificate_that_is_not_trusted_is_named_and_looked_at_once(tmp_path, monkeypatch):
    async with serving_https(tmp_path, customer()) as (_, port, _authority), proxying(to=port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        error = await refusal()
        assert len(proxy.heads) == 1
        (words,) = await in_all_words()
    assert type(error) is errors.CertificateNotTrusted
    assert words.startswith("its certificate is not trusted (")
    assert "set SSL_CERT_FILE to a file with the proxy's certificate" in words


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
async def test_what_is_set_already_is_not_advised(tmp_path, monkeypatch, variable):
    (other := tmp_path / "other").mkdir()
    async with serving_https(other, customer()) as (*_, of_somebody_else):
        named = of_somebody_else if variable == "SSL_CERT_FILE" else other
        async with serving_https(tmp_path, customer()) as (_, port, _authority), proxying(to=port) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
            monkeypatch.setenv(variable, str(named))
            (words,) = await in_all_words()
    assert f"add the proxy's root certificate (PEM) to what {variable} names" in words
    assert "set SSL_CERT_FILE" not in words


async def test_a_certificate_of_another_host_is_not_said_to_be_the_companys(tmp_path, monkeypatch):
    async with serving_https(tmp_path, customer()) as (_, port, authority), proxying(to=port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        (words,) = await in_all_words(DEAD)
    assert "Check the address in the settings" in words


async def test_a_proxy_that_is_not_there_is_named(monkeypatch):
    async with proxying() as proxy:
        pass
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    error = await refusal()
    assert f"the connection was refused (through the proxy 127.0.0.1:{proxy.port})" in str(error)


async def test_a_proxy_that_cannot_be_one_is_told_by_tools_and_sign_in_too(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks4://127.0.0.1:1")
    (words,) = await in_all_words()
    assert words.startswith("ALL_PROXY names no proxy that can be used. Set ALL_PROXY to an address such as")
