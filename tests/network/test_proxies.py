"""One rule says through which proxy a host is asked: that of httpx2, but for loopback, which needs none."""

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pc_mcp.runtime.network import NetworkRefused, route_to

API = "https://api.partnercenter.microsoft.com"
SIGN_IN = "https://login.microsoftonline.com"
PROXY = "http://proxy.example:8080"


def places(monkeypatch, environment, *urls):
    with monkeypatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        return [route_to(url).place for url in urls or (API,)]


@pytest.mark.parametrize(
    ("no_proxy", "through"),
    [
        ("corp.example,*", [None, None]),
        (" * ", [None, None]),
        ("*.microsoft.com", [None, "proxy.example:8080"]),
        (".microsoft.com", [None, "proxy.example:8080"]),
        ("microsoft.com , microsoftonline.com", [None, None]),
        ("https://api.partnercenter.microsoft.com", [None, "proxy.example:8080"]),
        ("http://api.partnercenter.microsoft.com", ["proxy.example:8080"] * 2),
        ("api.partnercenter.microsoft.com:443", ["proxy.example:8080"] * 2),
        ("api.partnercenter.microsoft.com:8443", ["proxy.example:8080"] * 2),
        ("10.0.0.0/8,::1,[::1]:443,fd00::/8,,https://api…,api…", ["proxy.example:8080"] * 2),
        ("soft.com", ["proxy.example:8080"] * 2),
    ],
)
def test_what_goes_without_a_proxy_is_read_as_httpx2_does(monkeypatch, no_proxy, through):
    environment = {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}
    assert places(monkeypatch, environment, API, SIGN_IN) == through


def test_an_address_in_digits_goes_without_a_proxy_by_its_network(monkeypatch):
    environment = {"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8,fd00::/8,192.168.1.1:8443"}
    urls = "https://10.1.2.3", "https://[fd00::1]", "https://[fe80::1]", "https://192.168.1.1"
    assert places(monkeypatch, environment, *urls) == [None, None, *["proxy.example:8080"] * 2]


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(
    names=st.lists(
        st.sampled_from(["*", "*.", ".", "microsoft.com", "api.partnercenter", "https://", "all://", "10.0.0.0/8"])
        | st.text(alphabet="a.:*/[]@%… -1é", max_size=12),
        max_size=4,
    ),
    proxy=st.sampled_from([PROXY, "proxy.example:1", "https://[::1]:3128", "socks5h://u:p@socks.example"]),
    variable=st.sampled_from(["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"]),
)
def test_whatever_the_environment_says_a_client_of_httpx2_decides_the_same(monkeypatch, names, proxy, variable):
    with monkeypatch.context() as patch:
        patch.setenv(variable, proxy)
        patch.setenv("NO_PROXY", ",".join(names))
        with httpx2.Client(verify=False) as client:
            for url in (API, SIGN_IN, "https://10.1.2.3:8443"):
                transport = client._transport_for_url(httpx2.URL(url))
                assert (transport is client._transport) == (route_to(url).place is None)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("blank", ["", " ", "\t"])
def test_a_blank_proxy_is_none(monkeypatch, variable, blank):
    assert places(monkeypatch, {variable: blank}) == [None]


def test_a_blank_proxy_leaves_it_to_the_one_for_everything(monkeypatch):
    assert places(monkeypatch, {"HTTPS_PROXY": " ", "ALL_PROXY": PROXY}) == ["proxy.example:8080"]


@pytest.mark.parametrize(
    "spaced", [" http://proxy.example:8080 ", "proxy.example:8080 ", " proxy.example:8080", "http://proxy.example:8080"]
)
def test_space_around_a_proxy_does_not_count(monkeypatch, spaced):
    assert places(monkeypatch, {"HTTPS_PROXY": spaced}) == ["proxy.example:8080"]


@pytest.mark.parametrize(
    "wrong",
    ["socks4://a:1", "socks://a:1", "http://", "http://[::1", "http://a:b", "http://:x@:99999/", "ftp://a", "a\x1b:1"],
)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_that_is_none_is_refused_in_words_for_what_needs_it_alone(monkeypatch, variable, wrong):
    monkeypatch.setenv(variable, wrong)
    with pytest.raises(NetworkRefused, match=f"{variable} names no proxy that can be used. Set {variable} to"):
        route_to(API)
    for own in ("https://localhost:1", "https://127.0.0.1:1", "https://[::1]:1", "http://127.0.0.1:1"):
        assert route_to(own).place is None
    monkeypatch.setenv("NO_PROXY", "partnercenter.microsoft.com")
    assert route_to(API).place is None


def test_where_a_proxy_is_shown_its_password_is_not(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://adele:pa55word@proxy.example:8080")
    assert route_to(API).place == "proxy.example:8080"
    assert "pa55word" not in repr(route_to(API))
