"""The token goes to a base URL that is https, or loopback, and to no other host."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pc_mcp.partner_center.errors import UnexpectedRedirect
from pc_mcp.runtime.clouds import Cloud, checked_base_url
from pc_mcp.settings import ConfigurationError, PartnerCenterSettings, load_settings
from tests.double import asking, customer, page, raw, serving


@pytest.mark.parametrize(
    ("cloud", "root"),
    [
        ("global", "https://api.partnercenter.microsoft.com"),
        ("us_government", "https://api.partnercenter.microsoft.com"),
        ("china", "https://partner.partnercenterapi.microsoftonline.cn"),
    ],
)
def test_each_cloud_has_its_root(cloud, root):
    assert Cloud(cloud).base_url == root
    assert PartnerCenterSettings(cloud=cloud).api_root == root
    assert checked_base_url(root) == root


def test_a_base_url_goes_before_the_cloud():
    section = PartnerCenterSettings(cloud=Cloud.CHINA, base_url="https://gateway.example/v1")
    assert section.api_root == "https://gateway.example"


@pytest.mark.parametrize(
    ("given_url", "root"),
    [
        ("https://host.example", "https://host.example"),
        ("https://host.example/", "https://host.example"),
        ("https://host.example/v1", "https://host.example"),
        ("https://host.example/v1/", "https://host.example"),
        ("https://host.example//", "https://host.example"),
        ("https://host.example/api/v1", "https://host.example/api"),
        ("https://host.example/apiv1", "https://host.example/apiv1"),
        ("https://host.example:8443", "https://host.example:8443"),
        ("  https://host.example \n", "https://host.example"),
        ("HTTPS://host.example", "https://host.example"),
        ("https://host.example?", "https://host.example"),
        ("https://host.example/v1#", "https://host.example"),
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost"),
        ("http://LOCALHOST:1", "http://LOCALHOST:1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_base_url_is_taken_without_what_the_client_adds_itself(given_url, root):
    assert checked_base_url(given_url) == root


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "host.example",
        "//host.example",
        "ftp://host.example",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///v1",
        "https://:443",
        "https://[::1",
        "https://host.example:99999",
        "https://host.example:x",
        "https://exa\nmple.com",
        "https://exa\x00mple.com",
        "https://user@host.example",
        "https://user:secret@host.example",
        "https://:secret@host.example",
        "https://@host.example",
        "https://host.example/?key=1",
        "https://host.example/#part",
        "http://host.example",
        "http://api.partnercenter.microsoft.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://127.0.0.1@host.example",
        "http://127.0.0.1\\.host.example",
        "http://127.0.0.1\\@host.example",
        "http://127.0.0.1%2f.host.example",
        "http://0.0.0.0",
        "http://192.168.1.1",
        "http://[::2]",
    ],
)
def test_a_base_url_that_is_not_safe_or_no_url_is_refused(url):
    with pytest.raises(ValueError, match=r"^(must|is no valid URL)"):
        checked_base_url(url)


@settings(deadline=None)
@given(st.text(st.characters()) | st.text("htps:/@[]%?#\\.127localv :\n").map("https://{}".format))
def test_any_text_is_a_base_url_or_refused(url):
    try:
        root = checked_base_url(url)
    except ValueError:
        return
    assert root.startswith(("https://", "http://"))
    assert not root.endswith("/")


def test_the_error_for_a_base_url_does_not_show_its_password(tmp_path, monkeypatch):
    monkeypatch.setenv("PC_MCP_PARTNER_CENTER__BASE_URL", "https://user:s3cret@host.example")
    (config := tmp_path / "config.toml").touch()
    with pytest.raises(ConfigurationError, match=r"partner_center\.base_url is wrong: must have no user") as caught:
        load_settings(config)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_host_carries_nothing_there(status):
    async with serving(customer()) as elsewhere:
        answer = raw(status=status, Location=f"{elsewhere.base_url}/v1/customers/1")
        async with serving(answer) as service, asking(service.base_url) as client:
            with pytest.raises(UnexpectedRedirect, match=r"keep the token safe.*base_url"):
                await client.customer("1")
    assert elsewhere.requests == []
    assert len(service.requests) == 1


async def test_a_redirect_to_the_same_host_is_not_followed_either():
    answer = raw(status=302, Location="/v1/customers/2")
    async with serving(answer) as service, asking(service.base_url) as client:
        with pytest.raises(UnexpectedRedirect):
            await client.customer("1")
    assert len(service.requests) == 1


async def test_links_to_another_host_are_not_followed():
    async with serving(page({"id": "1"})) as elsewhere:
        uri = f"{elsewhere.base_url}/v1/customers/c/deviceBatches/b/devices"
        token = [{"key": "MS-ContinuationToken", "value": "two"}]
        first = page({"id": "1"}, links={"next": {"uri": uri, "method": "GET", "headers": token}})
        async with serving(first, page({"id": "2"})) as service, asking(service.base_url) as client:
            got = [[device.id for device in read.items] async for read in client.devices("c", "b")]
    assert got == [["1"], ["2"]]
    assert len(service.requests) == 2
    assert elsewhere.requests == []


async def test_the_link_of_a_batch_to_another_host_is_not_followed():
    async with serving(page({"id": "1"})) as elsewhere:
        batch = {"id": "b", "devicesLink": {"uri": f"{elsewhere.base_url}/devices", "method": "GET"}}
        async with serving(page(batch), page({"id": "2"})) as service, asking(service.base_url) as client:
            [[found]] = [read.items async for read in client.device_batches("c")]
            _ = [read async for read in client.devices("c", found.id)]
    assert [request.target for request in service.requests] == [
        "/v1/customers/c/deviceBatches",
        "/v1/customers/c/deviceBatches/b/devices",
    ]
    assert elsewhere.requests == []


@pytest.mark.parametrize("odd", ["//{}", "@{}", "\\\\{}", "http://{}/", "?{}", "#{}", "\r\nHost: {}"])
async def test_no_id_leads_to_another_host(odd):
    async with serving(customer()) as elsewhere, serving(page()) as service:
        host = elsewhere.base_url.removeprefix("http://")
        async with asking(service.base_url) as client:
            async for _ in client.devices(odd.format(host), odd.format(host)):
                pass
    assert elsewhere.requests == []
    assert service.base_url == f"http://{service.requests[0].headers['host']}"


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
async def test_a_proxy_of_the_environment_does_not_see_what_is_sent_to_loopback(monkeypatch, variable):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with serving(customer()) as proxy, serving(customer()) as service:
        monkeypatch.setenv(variable, proxy.base_url)
        async with asking(service.base_url) as client:
            await client.customer("1")
    assert proxy.requests == []
    assert len(service.requests) == 1
