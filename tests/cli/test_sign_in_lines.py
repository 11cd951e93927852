"""What ``login`` prints for each change of its state. Nothing is printed twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slack_token_tui.cli.sign_in_lines import lines
from slack_token_tui.desktop.browser import NotOpened, Opened
from slack_token_tui.desktop.port_holders import PortHolder
from slack_token_tui.oauth.state import IgnoredCallbacks, Phase, Port, SignInState, Tunnel
from slack_token_tui.problems import explain
from slack_token_tui.slack.responses import Identity

START = SignInState()
URI = "http://localhost:28417/callback"
WAITING = SignInState(Phase.WAITING, 300.0, URI, Port(("IPv4", "IPv6")), url="https://slack.com/oauth")
MISMATCH = explain("state_mismatch")


def print_change(old: SignInState, **changes: object) -> list[str]:
    """Return the lines for a change of ``old``."""
    return list(lines(old, replace(old, **changes), 0.0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "changes", "words"),
    [
        (START, {"redirect_uri": URI, "port": Port(("IPv4", "IPv6"))}, [f"Listening  {URI} (IPv4 and IPv6)"]),
        (
            START,
            {"redirect_uri": URI, "port": Port(("IPv4",), (PortHolder(28416, "node", 7),))},
            [f"Listening  {URI} (IPv4). Already in use: node (process 7) on 28416"],
        ),
        (
            START,
            {"redirect_uri": "https://x.example/"},
            ["Callback   Paste the full URL of the page you land on. It starts with https://x.example/"],
        ),
        (
            START,
            {"redirect_uri": URI, "paste_reason": explain("no_loopback")},
            ["Callback   Neither 127.0.0.1 nor ::1"],
        ),
        (START, {"phase": Phase.WAITING, "url": "https://slack.com/oauth"}, ["Open       https://slack.com/oauth"]),
        (WAITING, {"browser": Opened("Firefox")}, ["Opened     in Firefox. Waiting for you to click Allow"]),
        (
            WAITING,
            {"browser": NotOpened("Running in a container (Docker), so the browser won't open automatically.")},
            ["Browser    not opened: running in a container (Docker). Open the URL above in any browser"],
        ),
        (WAITING, {"browser": NotOpened("No display.")}, ["Browser    not opened: no display. Open "]),
        (WAITING, {"tunnel": Tunnel("ssh -L 1")}, ["Remote     Open the URL on your computer"]),
        (WAITING, {"hint": True}, ["Waiting    If Slack shows an error page"]),
        (WAITING, {"deadline": 900.0}, []),
        (
            WAITING,
            {"ignored": IgnoredCallbacks(1, MISMATCH)},
            ["Ignored    1 response. Response from a different sign-in"],
        ),
        (WAITING, {"phase": Phase.EXCHANGING}, ["Approved   ", "Exchanging the code for a token"]),
        (replace(WAITING, phase=Phase.RETRYING), {"phase": Phase.EXCHANGING}, ["Exchanging the code again"]),
        (
            replace(WAITING, phase=Phase.EXCHANGING),
            {"phase": Phase.RETRYING, "retry_at": 3.2, "retry_reason": explain("name_not_found")},
            ["Waiting    Couldn't resolve slack.com. Sending the code again in 4 s"],
        ),
        (replace(WAITING, phase=Phase.EXCHANGING), {"phase": Phase.VERIFYING}, ["Verifying  the token with Slack"]),
        (
            replace(WAITING, phase=Phase.VERIFYING),
            {"phase": Phase.SAVING, "identity": Identity("U1", "jane", "T1", "Acme")},
            ["Signed in  as jane in Acme"],
        ),
        (
            replace(WAITING, phase=Phase.VERIFYING),
            {"phase": Phase.SAVING, "unverified": explain("network_timeout")},
            ["Unverified "],
        ),
        (replace(WAITING, phase=Phase.VERIFYING), {"phase": Phase.SAVING}, []),
    ],
)
def test_change_of_the_state_is_printed_once(old: SignInState, changes: dict[str, object], words: list[str]) -> None:
    said = print_change(old, **changes)
    assert len(said) == len(words)
    assert all(line.startswith(start) for line, start in zip(said, words, strict=True))
    new = replace(old, **changes)  # type: ignore[arg-type]
    assert list(lines(new, new, 0.0)) == []


def test_titles_are_printed_unchanged() -> None:
    ignored = IgnoredCallbacks(1, explain("state_missing"))
    assert print_change(WAITING, ignored=ignored) == [
        "Ignored    1 response. The URL is incomplete (no state parameter)"
    ]


def test_thousands_of_ignored_callbacks_are_a_few_lines() -> None:
    said, old = [], WAITING
    for count in range(1, 5001, 7):
        new = replace(WAITING, ignored=IgnoredCallbacks(count, MISMATCH))
        said += lines(old, new, 0.0)
        old = new
    said += lines(old, replace(old, phase=Phase.EXCHANGING), 0.0)
    ignored = [line for line in said if line.startswith("Ignored")]
    assert len(ignored) == 5
    assert ignored[-1] == "Ignored    4999 responses in total"
