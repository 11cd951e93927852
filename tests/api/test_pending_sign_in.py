"""A sign-in of a script or a notebook: interrupted, outrun by the browser, run twice, and at the end of the program."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import slack_token_tui as stt
from slack_token_tui import jupyter
from slack_token_tui.jupyter import card, status_line
from slack_token_tui.oauth.state import Failure, Phase, Port, SignInState
from slack_token_tui.practice.models import CLIENT_ID
from slack_token_tui.practice.server import PracticeSlack, simulate_browser
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.problems import explain
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore, SavedProfile
from tests.support.cli import run_python
from tests.support.ports import get_port, is_port_open, occupied_ports
from tests.support.practice import DelayedExchange
from tests.support.profiles import profile
from tests.support.terminal import Terminal
from tests.support.waiting import wait_until

jupyter_client = pytest.importorskip("jupyter_client", reason="LOUD: no jupyter_client, so no kernel was started")

START = """
import slack_token_tui as stt
pending = stt.sign_in({name!r}, client_id={client_id!r}, scopes="users:read", slack_url={slack!r},
                      redirect_uris={redirects!r}, open_browser=False)
"""


def start_code(app: SlackApp, name: str | None = None) -> str:
    """Return code that starts a sign-in as ``pending``."""
    return START.format(name=name, client_id=CLIENT_ID, slack=app.endpoints.base, redirects=app.redirect_uris)


def start_sign_in(app: SlackApp, name: str | None = None) -> Any:
    return stt.sign_in(
        name,
        client_id=CLIENT_ID,
        scopes="users:read",
        slack_url=app.endpoints.base,
        redirect_uris=app.redirect_uris,
        open_browser=False,
    )


# ── scripts ──

SCRIPT_THAT_ENDS = """
print(pending.url, flush=True)
input()
print("the script ends", flush=True)
"""
SCRIPT_THAT_IS_INTERRUPTED = """
import os, signal, threading, sys
print(pending.url, flush=True)
threading.Thread(target=lambda: (sys.stdin.readline(), os.kill(os.getpid(), signal.SIGINT)), daemon=True).start()
try:
    pending.wait()
except KeyboardInterrupt:
    print("interrupted", flush=True)
sys.stdin.readline()
"""


SCRIPT_THAT_CATCHES_AN_INTERRUPT = """
print(pending.url, flush=True)
try:
    pending.wait()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


class Script:
    """A Python program that starts a sign-in and prints its URL first."""

    def __init__(self, code: str, env: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        )
        self.url = self.read_line()

    def read_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def say(self, line: str = "") -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()


def test_program_that_ends_during_the_exchange_saves_the_token(
    store: ProfileStore, app: SlackApp, delayed_exchange: DelayedExchange, child_environment: dict[str, str]
) -> None:
    script = Script(start_code(app) + SCRIPT_THAT_ENDS, child_environment)
    threading.Thread(target=simulate_browser, args=(script.url,), daemon=True).start()
    assert delayed_exchange.token_issued.wait(30)
    script.say()
    assert script.read_line() == "the script ends"
    delayed_exchange.may_respond.set()
    assert script.process.wait(60) == 0
    assert len(store.names()) == 1


def test_program_that_ends_while_it_waits_for_the_browser_ends_at_once(
    app: SlackApp, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    """The sign-in would wait for five minutes."""
    script = Script(start_code(app) + SCRIPT_THAT_ENDS, child_environment)
    script.say()
    assert script.process.wait(60) == 0
    assert not is_port_open(get_port(app.redirect_uris[0]))


def test_interrupted_wait_returns_during_the_exchange_and_the_token_is_saved(
    store: ProfileStore, app: SlackApp, delayed_exchange: DelayedExchange, child_environment: dict[str, str]
) -> None:
    script = Script(start_code(app) + SCRIPT_THAT_IS_INTERRUPTED, child_environment)
    threading.Thread(target=simulate_browser, args=(script.url,), daemon=True).start()
    assert delayed_exchange.token_issued.wait(30)
    script.say()
    assert script.read_line() == "interrupted", "before Slack's response"
    delayed_exchange.may_respond.set()
    assert wait_until(store.names)
    script.say()
    assert script.process.wait(60) == 0


def test_ask_ends_when_the_browser_was_faster(
    store: ProfileStore, app: SlackApp, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    code = start_code(app) + "print('saved as', pending.ask().name)\nprint('still', input('alive? '))"
    terminal = Terminal(child_environment, "-c", code)
    terminal.wait_for_text("Paste the URL")
    simulate_browser(find_url(terminal))
    terminal.wait_for_text("saved as acme-practice")
    terminal.wait_for_text("alive?")
    terminal.press(b"yes\r")
    terminal.wait_for_text("still yes")
    assert terminal.wait_for_exit() == 0


def test_ctrl_c_in_ask_stops_the_sign_in(
    app: SlackApp, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    code = (
        start_code(app) + "try:\n    pending.ask()\nexcept KeyboardInterrupt:\n    print('inter' + 'rupted')\ninput()"
    )
    terminal = Terminal(child_environment, "-c", code)
    terminal.wait_for_text("Paste the URL")
    terminal.press(b"\x03")
    terminal.wait_for_text("interrupted")
    assert wait_until(lambda: not is_port_open(get_port(app.redirect_uris[0])))
    terminal.press(b"\r")
    assert terminal.wait_for_exit() == 0


def find_url(terminal: Terminal) -> str:
    text = terminal.output.decode().replace("\r\n", "")
    return text[text.index("Allow: ") + 7 :].split("Paste")[0].strip()


SCRIPT_WITH_A_THREAD = """
import threading
print(pending.url, flush=True)
threading.Thread(target=lambda: print("thread got", pending.wait().name, flush=True)).start()
"""


def test_thread_that_outlives_the_main_thread_gets_its_profile(
    app: SlackApp, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    script = Script(start_code(app) + SCRIPT_WITH_A_THREAD, child_environment)
    simulate_browser(script.url)
    assert script.read_line() == "thread got acme-practice"
    assert script.process.wait(60) == 0


def test_ask_after_the_end_returns_the_profile_and_leaves_ctrl_c_alone(app: SlackApp, slack: PracticeSlack) -> None:
    before = signal.getsignal(signal.SIGINT)
    pending = start_sign_in(app)
    simulate_browser(str(pending.url))
    assert pending.wait(30).name == pending.ask().name == "acme-practice"
    assert signal.getsignal(signal.SIGINT) is before


# ── the same cell again ──


def test_link_is_printed_even_if_it_takes_long_to_get_ready(
    app: SlackApp, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(jupyter, "START_TIMEOUT_SECONDS", 0.0)
    pending = start_sign_in(app)
    printed = ""

    def is_printed() -> bool:
        nonlocal printed
        printed += capsys.readouterr().err
        return f"Open this link and click Allow: {pending.url}\n" in printed

    assert wait_until(is_printed), printed
    pending.cancel()


def test_second_ctrl_c_does_not_lose_a_token_that_slack_is_asked_for(
    store: ProfileStore, app: SlackApp, delayed_exchange: DelayedExchange, child_environment: dict[str, str]
) -> None:
    """The first one ends the wait, the second one the end of the program, which waits for Slack."""
    script = Script(start_code(app) + SCRIPT_THAT_CATCHES_AN_INTERRUPT, child_environment)
    threading.Thread(target=simulate_browser, args=(script.url,), daemon=True).start()
    assert delayed_exchange.token_issued.wait(30)
    script.process.send_signal(signal.SIGINT)
    assert script.read_line() == "interrupted"
    assert script.process.stderr is not None
    assert any("Waiting for Slack's response" in line for line in iter(script.process.stderr.readline, ""))
    interrupted = threading.Event()

    def interrupt() -> None:
        while not interrupted.wait(1):  # Python forgets one that comes just before it waits
            script.process.send_signal(signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    assert any("KeyboardInterrupt" in line for line in iter(script.process.stderr.readline, ""))
    interrupted.set()
    delayed_exchange.may_respond.set()
    script.process.wait(60)
    assert len(store.names()) == 1, script.process.stderr.read()


SLOW_START = """
import os, signal, sys, threading
from slack_token_tui.store.profiles import ProfileStore
check_writable = ProfileStore.check_writable
begun, may_go_on = threading.Event(), threading.Event()
def check_late(self, name=None):
    begun.set()
    may_go_on.wait(30)
    check_writable(self, name)
ProfileStore.check_writable = check_late
threading.Thread(target=lambda: (begun.wait(30), os.kill(os.getpid(), signal.SIGINT)), daemon=True).start()
try:
    {start}
except KeyboardInterrupt:
    may_go_on.set()
{start}
print(pending.url, flush=True)
pending.cancel()
"""


def test_interrupted_start_leaves_no_sign_in_behind(
    app: SlackApp, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    """Nobody holds the object of the first one, so nobody could stop it, and it would keep the first port."""
    start = start_code(app, "mine").strip()
    program = SLOW_START.format(start="exec(START)\n").replace("exec(START)", f"exec({start!r})")
    done = run_python(program, env=child_environment)
    assert str(get_port(app.redirect_uris[0])) in done.stdout, done


CLOSED_STDERR = """
import os, sys
read_end, write_end = os.pipe()
os.close(read_end)
sys.stderr = os.fdopen(write_end, "w", buffering=1)
"""


def test_sign_in_works_without_a_standard_error(
    store: ProfileStore, app: SlackApp, slack: PracticeSlack, child_environment: dict[str, str]
) -> None:
    code = f"{CLOSED_STDERR}{start_code(app)}print(pending.url, flush=True)\nprint(pending.wait().name, flush=True)\n"
    script = Script(code + "os._exit(0)", child_environment)
    simulate_browser(script.url)
    assert script.read_line() == "acme-practice"


def test_user_is_told_that_other_programs_hold_the_ports(
    app: SlackApp, slack: PracticeSlack, capsys: pytest.CaptureFixture[str]
) -> None:
    with occupied_ports(app.redirect_uris):
        pending = start_sign_in(app)
        printed, html, text = capsys.readouterr().err, pending._repr_html_(), repr(pending)
        pending.cancel()
    for shown in (printed, html):
        assert "are used by" in shown and "ask()" in shown
    assert "paste the URL" in text


def test_token_that_slack_refuses_at_once_is_no_profile_and_its_place_is_said(
    store: ProfileStore, app: SlackApp, slack: PracticeSlack
) -> None:
    slack.workspace.verify_error = "token_revoked"
    pending = start_sign_in(app, "mine")
    simulate_browser(pending.url)
    with pytest.raises(stt.SignInFailed, match="new_token_refused") as caught:
        pending.wait()
    assert "saved as mine" in str(caught.value) and "Slack rejected the new token" in repr(pending)
    with pytest.raises(stt.SignInNeeded):
        stt.token("mine")


def test_sign_in_that_was_faster_than_its_replacement_is_returned(
    store: ProfileStore, app: SlackApp, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start_sign_in(app, "mine")
    cancel = jupyter.PendingSignIn.cancel

    def cancel_late(pending: jupyter.PendingSignIn) -> None:
        simulate_browser(str(pending.url))
        pending.wait(30)
        cancel(pending)

    monkeypatch.setattr(jupyter.PendingSignIn, "cancel", cancel_late)
    assert start_sign_in(app, "mine") is first
    assert store.names() == ["mine"]


def test_same_call_again_replaces_the_sign_in_and_takes_over_its_port(app: SlackApp, slack: PracticeSlack) -> None:
    pendings = [start_sign_in(app, "mine") for _ in range(4)]
    assert [pending.done for pending in pendings] == [True, True, True, False]
    port = str(get_port(app.redirect_uris[0]))
    assert all(port in str(pending.url) for pending in pendings)
    simulate_browser(str(pendings[-1].url))
    assert pendings[-1].wait(30).name == "mine"


def test_same_call_again_during_the_exchange_returns_the_same_sign_in(
    app: SlackApp, delayed_exchange: DelayedExchange
) -> None:
    first = start_sign_in(app)
    threading.Thread(target=simulate_browser, args=(first.url,), daemon=True).start()
    assert delayed_exchange.token_issued.wait(30)
    second = start_sign_in(app)
    delayed_exchange.may_respond.set()
    assert second is first and second.wait(30).name == "acme-practice"


def test_unspent_code_can_be_sent_again(app: SlackApp, workspace: Workspace, slack: PracticeSlack) -> None:
    workspace.retry_after_seconds = 31
    pending = start_sign_in(app)
    simulate_browser(str(pending.url), wrong="exchange:ratelimited")
    with pytest.raises(stt.SignInFailed, match="ratelimited"):
        pending.wait(30)
    assert "retry_exchange" in pending._repr_html_()
    assert pending.retry_exchange().wait(30).name == "acme-practice"
    with pytest.raises(ValueError, match="no code"):
        pending.retry_exchange()


# ── a real kernel ──


class Kernel:
    """A running IPython kernel."""

    def __init__(self, manager: Any, client: Any) -> None:
        self.manager = manager
        self.client = client

    def start(self, code: str) -> str:
        """Start to run ``code`` and return the ID of the request once it runs."""
        text = f"print('it runs', flush=True)\n{code}"
        # Otherwise what is run soon after an error is aborted.
        request = str(self.client.execute(text, allow_stdin=True, stop_on_error=False))
        while "it runs" not in str(self.client.get_iopub_msg(timeout=60)["content"].get("text")):
            pass
        return request

    def finish(self, request: str) -> dict[str, Any]:
        """Wait for the reply to ``request``."""
        while (reply := self.client.get_shell_msg(timeout=60))["parent_header"]["msg_id"] != request:
            pass
        content: dict[str, Any] = reply["content"]
        return content

    def run(self, code: str) -> str:
        """Run ``code`` and return what it prints."""
        request, text = str(self.client.execute(code)), ""
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") == request:
                if message["msg_type"] == "stream":
                    text += message["content"]["text"]
                if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                    break
        assert self.finish(request)["status"] == "ok"
        return text.strip()


@pytest.fixture
def kernel(child_environment: dict[str, str]) -> Iterator[Kernel]:
    manager, client = jupyter_client.manager.start_new_kernel(kernel_name="python3", env=child_environment)
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_stop_button_ends_the_await(kernel: Kernel, app: SlackApp, slack: PracticeSlack) -> None:
    kernel.run(start_code(app))
    request = kernel.start("await pending")
    assert wait_until(lambda: is_port_open(get_port(app.redirect_uris[0])))
    kernel.manager.interrupt_kernel()
    assert kernel.finish(request)["status"] == "error"
    assert wait_until(lambda: not is_port_open(get_port(app.redirect_uris[0])))
    assert kernel.run("print(1)") == "1"


def test_stop_button_during_the_exchange_leaves_it_to_the_background(
    kernel: Kernel, store: ProfileStore, app: SlackApp, delayed_exchange: DelayedExchange
) -> None:
    url = kernel.run(start_code(app) + "print(pending.url)").split()[-1]
    threading.Thread(target=simulate_browser, args=(url,), daemon=True).start()
    request = kernel.start("await pending")
    assert delayed_exchange.token_issued.wait(30)
    kernel.manager.interrupt_kernel()
    assert kernel.finish(request)["status"] == "error"
    delayed_exchange.may_respond.set()
    assert wait_until(store.names)
    assert "saved as" in kernel.run("print(pending.line)")


def test_prompt_in_a_notebook_ends_when_the_browser_was_faster(
    kernel: Kernel, app: SlackApp, slack: PracticeSlack
) -> None:
    url = kernel.run(start_code(app) + "print(pending.url)").split()[-1]
    request = kernel.start("print(pending.ask().name)")
    assert kernel.client.get_stdin_msg(timeout=60)["content"]["prompt"].startswith("Paste the URL")
    simulate_browser(url)
    assert kernel.finish(request)["status"] == "ok"
    assert "saved as acme-practice" in kernel.run("print(pending.line)")


def test_kernel_that_is_shut_down_during_the_exchange_saves_the_token(
    kernel: Kernel, store: ProfileStore, app: SlackApp, delayed_exchange: DelayedExchange
) -> None:
    url = kernel.run(start_code(app) + "print(pending.url)").split()[-1]
    threading.Thread(target=simulate_browser, args=(url,), daemon=True).start()
    assert delayed_exchange.token_issued.wait(30)
    kernel.manager.request_shutdown()
    threading.Timer(0.5, delayed_exchange.may_respond.set).start()
    assert wait_until(store.names)


# ── what a notebook shows ──


def test_card_shows_the_link_only_while_somebody_has_to_press_allow() -> None:
    waiting = SignInState(Phase.WAITING, url="https://slack.com/oauth?a=1&b=<")
    assert "href='https://slack.com/oauth?a=1&amp;b=&lt;'" in card(waiting, "waiting")
    assert "href" not in card(replace(waiting, phase=Phase.EXCHANGING), "asking")
    assert "<script>" not in card(waiting, "<script>")


@pytest.mark.parametrize(
    ("state", "line"),
    [
        (SignInState(), "starting"),
        (SignInState(Phase.WAITING, port=Port(("IPv4",))), "waiting for you to click Allow"),
        (SignInState(Phase.WAITING), "waiting for you to click Allow and paste the URL of the page you land on"),
        (SignInState(Phase.EXCHANGING), "waiting for Slack"),
        (
            SignInState(Phase.RETRYING, retry_reason=explain("name_not_found")),
            "Couldn't resolve slack.com. Trying again",
        ),
        (SignInState(Phase.SAVED, result=SavedProfile(profile(), Path("x"))), "saved as acme"),
        (SignInState(Phase.FAILED, failure=Failure(Phase.WAITING, explain("sign_in_stopped"))), "canceled"),
    ],
)
def test_status_line_of_a_state(state: SignInState, line: str) -> None:
    assert status_line(state, "acme") == line
