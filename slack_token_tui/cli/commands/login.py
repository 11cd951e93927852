"""``login``: sign in without the TUI. Each change of its state is a line on stderr."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.arguments import add_slack_url_option, seconds_between
from slack_token_tui.problems import InvalidInput, Problem
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.secret import Secret
from slack_token_tui.store.errors import ProfileError, StorageError

if TYPE_CHECKING:
    import asyncio

    from slack_token_tui.oauth.session import Services, SignInRequest, SignInSession
    from slack_token_tui.store.apps import SlackApp
    from slack_token_tui.store.profiles import ProfileStore, SavedProfile

EXAMPLE = "slack-token-tui login acme --client-id 2141029472.691202649728 --scopes users:read,channels:read"
_QUESTION_TIMEOUT_SECONDS = 120
"""How long to wait for the answer to a question. The token is already saved at that point."""
_FOREGROUND_POLL_SECONDS = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``login``."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="profile name (default: from the workspace)")
    parser.add_argument("--client-id", metavar="ID", help="Client ID of your app (default: the app used last)")
    parser.add_argument(
        "--client-secret-stdin",
        action="store_true",
        help="read a client secret from the first line of standard input (apps without PKCE only)",
    )
    parser.add_argument(
        "--scopes", metavar="LIST", help="user scopes, separated by commas (default: the scopes used last)"
    )
    parser.add_argument(
        "--redirect-uri",
        metavar="URI",
        action="append",
        default=[],
        help="redirect URL registered with the app, repeatable",
    )
    add_slack_url_option(parser)
    parser.add_argument("--oauth", choices=("v2_user", "v2"), help="endpoint pair (default: v2_user)")
    parser.add_argument("--no-browser", action="store_true", help="only print the URL")
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=seconds_between(0.1, 86_400, "must be 0.1 to 86400 seconds"),
        default=300.0,
        help="how long to wait for the browser (default: 300)",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


class _StdinLines:
    """Lines of standard input, read without ``sys.stdin``.

    A thread that waits in ``sys.stdin`` would still hold the lock of its buffer when the process exits.
    """

    def __init__(self) -> None:
        self._pending = b""

    def __iter__(self) -> Iterator[str]:
        while (line := self.read_line()) is not None:
            yield line

    def read_line(self) -> str | None:
        """Return the next line, or None at the end of input."""
        while b"\n" not in self._pending:
            while _is_in_background():
                time.sleep(_FOREGROUND_POLL_SECONDS)
            try:
                received = os.read(0, 4096)
            except OSError:
                if _is_in_background():  # it was put there while it read
                    continue
                received = b""
            if not received:
                line, self._pending = self._pending, b""
                return line.decode(errors="replace") or None
            self._pending += received
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode(errors="replace")


def _is_in_background() -> bool:
    """Return whether a shell runs this in the background, where another process reads the terminal's input."""
    try:
        return sys.platform != "win32" and os.isatty(0) and os.tcgetpgrp(0) != os.getpgrp()
    except OSError:  # not the controlling terminal
        return False


def run(options: argparse.Namespace) -> int:
    """Sign in, save the profile and return the exit code. No token is ever printed to stdout or stderr."""
    from slack_token_tui import event_loop
    from slack_token_tui.desktop import browser
    from slack_token_tui.oauth.session import Services, SignInRequest
    from slack_token_tui.store.profiles import ProfileStore

    if sys.platform != "win32":
        # To read from the terminal after Ctrl+Z and bg is then an error. By default it would stop the process.
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    store, stdin_lines = ProfileStore(), _StdinLines()
    app, scopes = _resolve_app(options, store, stdin_lines)
    services = Services(store, open_browser=None if options.no_browser else browser.open_url)
    request = SignInRequest(app, scopes, options.name, options.timeout)
    return event_loop.run(_sign_in(request, services, stdin_lines, as_json=options.json))


def _resolve_app(
    options: argparse.Namespace, store: ProfileStore, lines: _StdinLines
) -> tuple[SlackApp, tuple[str, ...]]:
    """Return the app and the scopes to sign in with.

    Raises:
        InvalidInput: something is missing or invalid.
    """
    from getpass import getpass

    from slack_token_tui.oauth.resolve_app import NoAppConfigured, resolve_app

    secret = None
    if options.client_secret_stdin:
        at_a_terminal = sys.stdin is not None and sys.stdin.isatty()
        try:
            secret_input = getpass("Client secret (not shown): ") if at_a_terminal else lines.read_line()
        except UnicodeDecodeError:
            raise InvalidInput("Invalid client secret. A client secret is 32 letters and digits.") from None
        secret = Secret((secret_input or "").strip())
        if not secret.reveal():
            raise InvalidInput("No client secret on standard input.")
    try:
        return resolve_app(
            store,
            name=options.name,
            client_id=options.client_id,
            client_secret=secret,
            scopes=options.scopes,
            redirect_uris=tuple(options.redirect_uri),
            slack_url=options.slack_url,
            oauth=options.oauth,
        )
    except NoAppConfigured:
        raise InvalidInput("No app yet. Pass --client-id, or run slack-token-tui to create one.") from None


async def _sign_in(request: SignInRequest, services: Services, stdin_lines: _StdinLines, *, as_json: bool) -> int:
    """Sign in and print each change of the state. A signal stops the sign-in safely."""
    import asyncio
    import threading

    from slack_token_tui.cli.sign_in_lines import lines
    from slack_token_tui.oauth.session import INTERRUPTIBLE_PHASES, SignInSession
    from slack_token_tui.oauth.state import SignInState

    shown = SignInState()

    def show(state: SignInState) -> None:
        nonlocal shown
        for line in lines(shown, state, services.clock()):
            output.print_message(line)
        shown = state
        terminal_input.stop_if_unanswerable()

    session = SignInSession(request, services, show)
    terminal_input = _TerminalInput(session, services.clock)
    loop, signals, stops = asyncio.get_running_loop(), list[int](), set[asyncio.Task[object]]()

    def stop(number: int) -> None:
        terminal_input.stop_asking()
        if not signals and not session.state.is_ended and session.state.phase not in INTERRUPTIBLE_PHASES:
            output.print_message("Stopping   once the token is saved. This can take a minute.")
        signals.append(number)
        stops.add(asyncio.ensure_future(session.stop()))

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            with suppress(NotImplementedError):  # Windows
                loop.add_signal_handler(getattr(signal, name), partial(stop, getattr(signal, name)))
    threading.Thread(target=_read_lines, args=(stdin_lines, terminal_input, loop), daemon=True).start()
    _print_request(request, services.store)
    report: Callable[[], Awaitable[int]]
    try:
        saved = await session.run()
        report = partial(_report_saved, saved, session, terminal_input, as_json=as_json)
    except Problem as problem:
        report = partial(_report_failed, problem, session, terminal_input, as_json=as_json)
    except BaseException:  # a bug, or the end of the event loop: main() reports it
        await _stop_and_report(session)
        raise
    if signals:
        await _report_stopped(session, as_json=as_json)
        return _signal_exit_code(signals[0])
    code = await report()
    return _signal_exit_code(signals[0]) if signals else code


def _signal_exit_code(number: int) -> int:
    return exit_codes.INTERRUPTED if number == signal.SIGINT else 128 + number


async def _report_stopped(session: SignInSession, *, as_json: bool) -> None:
    """Print what happened to the token of a sign-in that a signal has stopped."""
    result, failure = await session.stop(), session.state.failure
    if result.saved is not None and failure is not None:  # it is saved, and Slack has refused it
        output.report_explanation(failure.explanation, as_json=as_json)
        return
    if result.saved is not None:
        output.print_message("slack-token-tui: stopped. The token had already been received and is saved.")
        output.print_message(f"  Use it: slack-token-tui token {result.saved.profile.name}")
    elif result.rescued_path is not None or result.unsaved or result.unusable is not None:
        verb = "saved" if result.unusable is None else "used"
        output.print_message(f"slack-token-tui: stopped. The token had already been received but couldn't be {verb}.")
        await _stop_and_report(session)
    else:
        output.print_message("slack-token-tui: stopped. Nothing was saved.")
        output.print_message("  Start again: slack-token-tui login")
    if as_json:
        stopped = Problem("sign_in_stopped").explain()
        saved = result.saved
        output.print_json(output.explanation_record(stopped) if saved is None else _saved_record(saved))


async def _stop_and_report(session: SignInSession) -> None:
    """Stop ``session``, and print where a token is that could not be saved."""
    from slack_token_tui.oauth.session import describe_stop

    result = await session.stop()
    if result.saved is None and (words := describe_stop(result, session.request.app.endpoints.apps_url)):
        output.print_message(f"  {words}")


class _TerminalInput:
    """Handler for typed lines. A line answers the open question, or else is a URL pasted for the sign-in."""

    def __init__(self, session: SignInSession, clock: Callable[[], float]) -> None:
        self._session = session
        self._clock = clock
        self._bare_code: str | None = None
        self._question: asyncio.Future[str] | None = None
        self._is_stopped = False
        self._has_ended = self._is_end_handled = self._is_answered = False
        self._stopping: asyncio.Future[Any] | None = None
        self.dead_end: Problem | None = None

    def stop_if_unanswerable(self) -> None:
        """Stop the sign-in if standard input has ended and no port is open. If one is, say that only it can answer."""
        import asyncio

        state = self._session.state
        if not self._has_ended or self._is_answered or state.phase != "waiting" or self._is_end_handled:
            return
        self._is_end_handled = True
        if state.port is None:
            self.dead_end = Problem("paste_impossible")
            self._stopping = asyncio.ensure_future(self._session.stop())
        else:
            minutes = max(1, round((state.deadline - self._clock()) / 60))
            output.print_message(f"Note       Standard input has ended. Waiting up to {minutes} min for the browser")

    async def ask(self, question: str, *, default: bool, default_unattended: bool | None = None) -> bool:
        """Ask a yes/no question and return whether the answer is yes.

        Args:
            question: text of the question. It is repeated until the answer is yes or no.
            default: result if the user presses Enter.
            default_unattended: result if there is no terminal, or after the timeout. None means the same.
        """
        import asyncio

        answers = {"": default, "y": True, "yes": True, "n": False, "no": False}
        has_terminal = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
        at_a_terminal = has_terminal and not _is_in_background()
        deadline = time.monotonic() + _QUESTION_TIMEOUT_SECONDS
        while at_a_terminal and not self._is_stopped:
            self._question = asyncio.get_running_loop().create_future()
            sys.stderr.write(escape_unprintable(f"{question} "))
            sys.stderr.flush()
            try:
                answer = await asyncio.wait_for(self._question, deadline - time.monotonic())
            except TimeoutError:
                output.print_message("")
                break
            finally:
                self._question = None
            if answer in answers and not self._is_stopped:
                return answers[answer]
        return default if default_unattended is None else default_unattended

    def stop_asking(self) -> None:
        """Stop asking questions, because the program is exiting or standard input has ended."""
        self._is_stopped = True
        if self._question is not None:
            self.handle_line("")

    def handle_line(self, line: str) -> None:
        """Use ``line`` as the answer to the open question, or else as pasted text."""
        text = line.strip()
        if self._question is not None:
            if not self._question.done():
                self._question.set_result(text.lower())
        elif text:
            self._paste(text)

    def _paste(self, text: str) -> None:
        is_confirmed = self._bare_code is not None and text.lower() == "yes"
        text = self._bare_code if is_confirmed and self._bare_code else text
        self._bare_code = None
        try:
            self._session.paste(text, accept_bare_code=is_confirmed)
            self._is_answered = True
        except Problem as rejected:
            explanation = rejected.explain()
            output.print_message(f"  {explanation.title}. {explanation.remedies[0]}.")
            if rejected.code == "pasted_bare_code":
                self._bare_code = text
                output.print_message("  To use only the code anyway, type yes.")

    def handle_end_of_input(self) -> None:
        """Handle the end of standard input. The callback listener is not affected."""
        self.stop_asking()
        self._has_ended = True
        self.stop_if_unanswerable()


def _read_lines(stdin_lines: _StdinLines, typed: _TerminalInput, loop: asyncio.AbstractEventLoop) -> None:
    with suppress(RuntimeError):  # the event loop is closed
        for line in stdin_lines:
            loop.call_soon_threadsafe(typed.handle_line, line)
        loop.call_soon_threadsafe(typed.handle_end_of_input)


def _print_request(request: SignInRequest, store: ProfileStore) -> None:
    from slack_token_tui.slack.scope_catalog import request_warnings

    output.warn_about_key_log()
    output.print_message(f"Slack      {request.app.endpoints.host}")
    _print_storage(store, request.name)
    if request.app.browser:
        output.print_message(f"Opens with {request.app.browser}")
    for warning in request_warnings(request.scopes):
        output.print_message(f"Note       {warning}")


def _print_storage(store: ProfileStore, name: str | None) -> None:
    from slack_token_tui.store.settings import storage_place

    in_keyring = None
    if name is not None:
        with suppress(ProfileError):
            in_keyring = store.read(name).in_keyring
    try:
        output.print_message(f"Saving to  {storage_place(store.home, in_keyring=in_keyring)}")
    except StorageError as error:
        output.print_message(f"Note       Tokens can't be saved yet. {error.explain().title}")


async def _report_failed(
    problem: Problem, session: SignInSession, terminal_input: _TerminalInput, *, as_json: bool
) -> int:
    from slack_token_tui.oauth.state import Command, allowed

    while Command.RETRY_EXCHANGE in allowed(session.state):
        explanation = problem.explain()
        question = f"{explanation.title}. The code is valid for a few more minutes. Send it again? [Y/n]"
        if as_json or not await terminal_input.ask(question, default=True, default_unattended=False):
            break
        try:
            return await _report_saved(await session.retry_exchange(), session, terminal_input, as_json=as_json)
        except Problem as again:
            problem = again
    code = output.report(terminal_input.dead_end or problem, as_json=as_json)
    await _stop_and_report(session)
    may_ask = session.state.unusable is not None and not as_json
    if may_ask and await terminal_input.ask("  Revoke this token now? [y/N]", default=False):
        for revocation in await session.revoke_unusable():
            output.print_message(f"  {revocation.sentence}")
    return code


async def _report_saved(
    saved: SavedProfile, session: SignInSession, terminal_input: _TerminalInput, *, as_json: bool
) -> int:
    import asyncio

    from slack_token_tui.event_loop import run_to_completion, wait_until_done

    store, name = session.services.store, session.request.name
    if saved.replaced and name not in (None, saved.profile.name):
        output.print_message(
            f"Note       This account is already saved as {saved.profile.name}, so {name} was not used"
        )
    if saved.taken_name:
        output.print_message(f"Note       {saved.taken_name} belongs to another account, so another name was used")
    verb = "Updated" if saved.replaced else "Saved"
    output.print_message(f"{verb:<10} {saved.profile.name} in {saved.path}")
    if not saved.replaced and not as_json:
        # Anyone who sees the link can open it first and sign in with another account. Only the user can tell.
        question = f"Signed in  as {saved.profile.account_label}. Is this you? Press Enter, or type no to undo:"
        if not await terminal_input.ask(question, default=True):
            undo = run_to_completion(_undo, store, saved.profile.name)
            return await wait_until_done(asyncio.ensure_future(undo))  # half of a removal is worse than all of it
    output.print_message(f"Use it     slack-token-tui token {saved.profile.name}")
    if as_json:
        output.print_json(_saved_record(saved))
    return exit_codes.SUCCESS


def _saved_record(saved: SavedProfile) -> dict[str, object]:
    """Return what ``--json`` prints for a saved profile."""
    from datetime import UTC, datetime

    from slack_token_tui.cli.commands.show import masked_dict

    record = masked_dict(saved.profile, datetime.now(UTC))
    return {"ok": True, "replaced": saved.replaced, "file": str(saved.path), "profile": record}


def _undo(store: ProfileStore, name: str) -> int:
    from slack_token_tui.cli.commands.remove import report_removal
    from slack_token_tui.tokens.revoke import remove_profile

    try:
        return report_removal(remove_profile(store, name), as_json=False) or exit_codes.REFUSED
    except StorageError as error:
        return output.report(error)
