"""Which proxy is used for a host: as curl chooses it, and never one that does not matter."""

from __future__ import annotations

import urllib.request

import pytest

from slack_token_tui.slack import proxy as proxy_module
from slack_token_tui.slack.client import SlackClient
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.errors import SlackUnreachable
from slack_token_tui.slack.proxy import find_proxy

SLACK = "https://slack.com"


def chosen(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], base: str = SLACK) -> tuple[str, str] | None:
    """Return the variable and the URL of the proxy for ``base`` in an environment with ``variables``."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    proxy = find_proxy(base)
    return None if proxy is None else (proxy.variable, proxy.url)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://a:1"}, ("HTTPS_PROXY", "http://a:1")),
        ({"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:2"}, ("https_proxy", "http://a:1")),
        ({"https_proxy": "", "HTTPS_PROXY": "http://b:2"}, ("HTTPS_PROXY", "http://b:2")),
        ({"ALL_PROXY": "http://c:3"}, ("ALL_PROXY", "http://c:3")),
        ({"all_proxy": "socks://c:3", "https_proxy": "http://a:1"}, ("https_proxy", "http://a:1")),
        ({"all_proxy": "socks://c:3/"}, ("all_proxy", "socks5://c:3/")),
        ({"ALL_PROXY": "socks5h://c:3"}, ("ALL_PROXY", "socks5h://c:3")),
        ({"HTTP_PROXY": "http://a:1", "http_proxy": "nonsense://"}, None),
        ({"HTTPS_PROXY": "proxy.example.com:3128"}, ("HTTPS_PROXY", "http://proxy.example.com:3128")),
        ({"HTTPS_PROXY": "HTTP://proxy.example.com"}, ("HTTPS_PROXY", "http://proxy.example.com")),
        ({"HTTPS_PROXY": "http://[::1]:3128"}, ("HTTPS_PROXY", "http://[::1]:3128")),
    ],
)
def test_proxy_is_chosen_as_curl_does(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: tuple[str, str] | None
) -> None:
    assert chosen(monkeypatch, variables) == expected


@pytest.mark.parametrize(
    ("no_proxy", "base", "is_direct"),
    [
        ("slack.com", SLACK, True),
        (".slack.com", SLACK, True),
        ("slack.com.", SLACK, True),
        ("SLACK.COM", SLACK, True),
        ("lack.com", SLACK, False),
        ("com", SLACK, True),
        ("*", SLACK, True),
        ("*.slack.com", SLACK, False),
        ("localhost slack.com", SLACK, True),
        ("localhost,  slack.com", SLACK, True),
        ("slack.com:443", SLACK, True),
        ("slack.com:8443", SLACK, False),
        ("localhost,[::1]", SLACK, False),
        ("fe80::/10, 10.0.0.0/8", SLACK, False),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.1.2.3", "https://10.1.2.3", True),
        ("11.0.0.0/8", "https://10.1.2.3", False),
        ("[fd00::1]", "https://[fd00::1]", True),
        ("fd00::/8", "https://[fd00::1]:8443", True),
        ("10.0.0.0/99", "https://10.1.2.3", False),
        (",, ,", SLACK, False),
    ],
)
def test_no_proxy_excludes_hosts_as_curl_does(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, base: str, is_direct: bool
) -> None:
    assert (chosen(monkeypatch, {"HTTPS_PROXY": "http://a:1", "NO_PROXY": no_proxy}, base) is None) is is_direct


@pytest.mark.parametrize(
    "value",
    [
        "http://a:65536",
        "http://a:-1",
        "http://a:99999",
        "http://a:0",
        "http://a:port",
        "http://",
        "://a:1",
        "ftp://a:1",
        "socks4://a:1",
        "http://a b:1",
        "http://[::1",
        "http://a\n:1",
    ],
)
@pytest.mark.parametrize("variable", ["https_proxy", "ALL_PROXY"])
async def test_unusable_proxy_is_blamed_on_the_variable_that_applies(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("http_proxy", "also nonsense")
    with pytest.raises(SlackUnreachable) as caught:
        await SlackClient(Endpoints(SLACK)).prepare()
    assert caught.value.code == "proxy_unusable" and not caught.value.was_sent
    explanation = caught.value.explain()
    assert variable in explanation.happened


@pytest.mark.parametrize(
    "variables",
    [
        {"NO_PROXY": "localhost,[::1]"},
        {"no_proxy": "fe80::/10"},
        {"http_proxy": "http://a:99999"},
        {"all_proxy": "socks://a:1", "HTTPS_PROXY": "http://a:1"},
        {"ALL_PROXY": "nonsense://", "NO_PROXY": "slack.com"},
    ],
)
async def test_odd_variable_that_does_not_apply_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    async with SlackClient(Endpoints(SLACK)) as slack:
        await slack.prepare()


def test_user_name_and_password_are_in_the_url_and_in_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = "user:canary%40word"
    monkeypatch.setenv("HTTPS_PROXY", f"http://{credentials}@proxy.example.com:3128")
    proxy = find_proxy(SLACK)
    assert proxy is not None and "canary" in proxy.url
    assert proxy.display_url == "proxy.example.com:3128" and "canary" not in repr(proxy)


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_settings_of_the_system_are_used_without_a_variable(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    monkeypatch.setattr(proxy_module.sys, "platform", system)
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"https": "http://proxy.example.com:3128"})
    monkeypatch.setattr(urllib.request, "proxy_bypass", lambda host: host == "intranet.example.com")
    proxy = find_proxy(SLACK)
    assert proxy is not None and proxy.url == "http://proxy.example.com:3128"
    assert find_proxy("https://intranet.example.com") is None
    monkeypatch.setenv("HTTPS_PROXY", "http://other.example.com:1")
    proxy = find_proxy(SLACK)
    assert proxy is not None and proxy.url == "http://other.example.com:1"
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"https": "http://[broken"})
    with pytest.raises(SlackUnreachable, match="proxy_unusable") as caught:
        find_proxy(SLACK)
    assert "The proxy in the system's network settings can't be used" in caught.value.explain().happened
