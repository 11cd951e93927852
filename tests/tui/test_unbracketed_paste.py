"""A paste in a terminal that does not mark it arrives as keys, but is still a paste."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from textual import events

from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tui.unbracketed_paste import PasteRecognizer
from tests.support.browser import RecordingBrowser, issue_callback_url
from tests.support.store import save_last_app
from tests.support.terminal import Terminal

URL = "http://localhost:28417/callback?code=practice-b&state=qrstu"


class Typist:
    """Feeds a parser. What it has read is ``events``: each paste as ``paste TEXT``, each key by its name."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.parser = PasteRecognizer(clock=lambda: self.seconds)
        self.events: list[str] = []

    def _record(self, messages: Iterable[object]) -> None:
        for message in messages:
            if isinstance(message, events.Paste):
                self.events.append(f"paste {message.text}")
            elif isinstance(message, events.Key):
                self.events.append(message.key)

    def read(self, *reads: str, seconds_between: float = 0.01) -> None:
        for data in reads:
            self._record(self.parser.feed(data))
            self._record(self.parser.tick())
            self.seconds += seconds_between

    def wait(self, seconds: float = 0.2) -> None:
        self.seconds += seconds
        self._record(self.parser.tick())


def read(*reads: str, seconds_between: float = 0.01) -> list[str]:
    typist = Typist()
    typist.read(*reads, seconds_between=seconds_between)
    typist.wait()
    return typist.events


def test_text_that_is_read_at_once_is_a_paste() -> None:
    assert read(URL) == [f"paste {URL}"]
    assert read("1234567.8901234567890") == ["paste 1234567.8901234567890"]
    assert read("Zugang für alle") == ["paste Zugang für alle"]


def test_parts_of_a_paste_are_joined_until_it_is_silent() -> None:
    assert read(URL[:20], URL[20:23], URL[23:]) == [f"paste {URL}"]
    typist = Typist()
    typist.read(URL)
    assert typist.events == [], "more of it may follow"
    typist.wait(0.05)
    assert typist.events == []
    typist.wait(0.06)
    assert typist.events == [f"paste {URL}"]
    typist.read("q")
    assert typist.events == [f"paste {URL}", "q"], "a key after it is a key"


def test_paste_without_a_tick_in_between_ends_too() -> None:
    typist = Typist()
    list(typist.parser.feed(URL))
    typist.seconds += 5
    typist.read("q")
    assert typist.events == [f"paste {URL}", "q"]


@pytest.mark.parametrize(
    ("reads", "expected"),
    [
        (["q"], ["q"]),
        (["jjj"], ["j", "j", "j"]),
        (["jjjjjjjjjjjj"], ["j"] * 12),
        (["abcdefg"], list("abcdefg")),
        (["abcdefgh\r"], [*"abcdefgh", "enter"]),
        (["\x1b[A\x1b[B\x1b[A"], ["up", "down", "up"]),
        (["abcdefgh\x03"], [*"abcdefgh", "ctrl+c"]),
    ],
)
def test_keys_are_keys(reads: list[str], expected: list[str]) -> None:
    assert read(*reads) == expected


def test_control_character_ends_a_paste_and_is_a_key() -> None:
    assert read(URL, "\r") == [f"paste {URL}", "enter"]


def test_enter_at_the_end_of_a_longer_paste_is_a_key_after_it() -> None:
    assert read(URL[:30], f"{URL[30:]}\r") == [f"paste {URL}", "enter"]


@pytest.mark.parametrize("report", ["\x1b[48;24;80;480;1040t", "\x1b[<35;1920;1080M", "\x1b[<35;1920;1080M\x1b[A"])
def test_report_that_is_cut_in_two_is_no_paste(report: str) -> None:
    for first in range(1, len(report)):
        assert not [event for event in read(report[:first], report[first:]) if event.startswith("paste")], first


def test_marked_paste_is_untouched_however_it_is_cut() -> None:
    marked = f"\x1b[200~{URL}\x1b[201~"
    assert read(marked) == [f"paste {URL}"]
    for first in range(1, len(marked)):
        assert read(marked[:first], marked[first:]) == [f"paste {URL}"], first
    for size in (3, 9, 20):
        parts = [marked[start : start + size] for start in range(0, len(marked), size)]
        assert read(*parts) == [f"paste {URL}"], size
    assert read(marked, "q", URL) == [f"paste {URL}", "q", f"paste {URL}"]


def test_typing_slowly_is_never_a_paste() -> None:
    assert read(*"abcdefghijklm") == list("abcdefghijklm")


def test_pasted_url_in_such_a_terminal_signs_in(
    store: ProfileStore,
    workspace: Workspace,
    app: SlackApp,
    child_environment: dict[str, str],
    tmp_path: Path,
) -> None:
    """As keys, the ``e`` in it would open the error lookup, and the rest would be searched there."""
    save_last_app(store, app)
    browser = RecordingBrowser(tmp_path)
    terminal = Terminal({**child_environment, "BROWSER": browser.program, "DISPLAY": ":0"}, "-m", "slack_token_tui")
    terminal.wait_for_text("Get your first Slack token")
    terminal.press(b"a")
    terminal.wait_for_text("What can the token do?")
    terminal.press(b"\r")
    terminal.wait_until(lambda _: browser.was_opened)
    terminal.press(issue_callback_url(workspace, browser.take_url()).encode())
    terminal.wait_for_text("Saved as")
    terminal.press(b"\x03\x03")
    assert terminal.wait_for_exit() == 0
    assert store.names()


def test_pasted_client_id_in_such_a_terminal_is_used(store: ProfileStore, child_environment: dict[str, str]) -> None:
    terminal = Terminal(child_environment, "-m", "slack_token_tui")
    terminal.wait_for_text("Get your first Slack token")
    terminal.press(b"a")
    terminal.wait_for_text("Client ID")
    terminal.press(b"\t\t")  # out of its field
    terminal.press(b"2141029472.691202649728")
    terminal.wait_for_text("2141029472.691202649728")
    terminal.press(b"\x03\x03")
    assert terminal.wait_for_exit() == 0


def test_pasted_token_in_such_a_terminal_is_recognized(store: ProfileStore, child_environment: dict[str, str]) -> None:
    terminal = Terminal(child_environment, "-m", "slack_token_tui")
    terminal.wait_for_text("Get your first Slack token")
    terminal.press(b"i")
    terminal.wait_for_text("Import a token")
    terminal.press(b"xoxp-" + b"1" * 10 + b"-canary-0000")
    terminal.wait_for_text("user token")
    terminal.press(b"\x03\x03")
    assert terminal.wait_for_exit() == 0
