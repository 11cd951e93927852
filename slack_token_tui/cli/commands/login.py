"""``login``: sign in without the TUI. Prints the same events to stderr, one line each."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing, suppress
from functools import partial
from typing import TYPE_CHECKING

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.arguments import add_slack_url_option, seconds_between
from slack_token_tui.problems import InvalidInput
from slack_token_tui.sanitize import escape_unprintable
from slack_token_tui.secret import Secret
from slack_token_tui.store.errors import ProfileError, StorageError

if TYPE_CHECKING:
    import asyncio

    from slack_token_tui.oauth import events
    from slack_token_tui.oauth.session import SignInSession
    from slack_token_tui.store.apps import SlackApp
    from slack_token_tui.store.profiles import ProfileStore

EXAMPLE = "slack-token-tui login acme --client-id 2141029472.691202649728 --scopes users:read,channels:read"
_QUESTION_TIMEOUT_SECONDS = 120
"""How long to wait for the answer to a question. The token is already saved at that point."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``login``."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="name of the profile; the workspace’s own by default")
    parser.add_argument("--client-id", metavar="ID", help="your app’s Client ID; the one used last by default")
    parser.add_argument(
        "--client-secret-stdin",
        action="store_true",
        help="read a client secret from the first line of standard input (apps without PKCE only)",
    )
    parser.add_argument(
        "--scopes", metavar="LIST", help="user scopes, separated by commas (default: those of last time)"
    )
    parser.add_argument(
        "--redirect-uri",
        metavar="URI",
        action="append",
        default=[],
        help="a redirect address registered with the app; may be given several times",
    )
    add_slack_url_option(parser)
    parser.add_argument("--oauth", choices=("v2_user", "v2"), help="the endpoint pair (default: v2_user)")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=seconds_between(0.1, 86_400, "give a number of seconds between 0.1 and 86400"),
        default=300.0,
        help="how long to wait for the browser (default: 300)",
    )
    parser.add_argument("--json", action="store_true", help="print one result object on standard output")


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
            try:
                received = os.read(0, 4096)
            except OSError:
                received = b""
            if not received:
                line, self._pending = self._pending, b""
                return line.decode(errors="replace") or None
            self._pending += received
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode(errors="replace")


def run(options: argparse.Namespace) -> int:
    """Sign in, save the profile and return the exit code. No token is ever printed to stdout or stderr."""
    from slack_token_tui import event_loop
    from slack_token_tui.desktop import browser
    from slack_token_tui.oauth.session import SignInSession
    from slack_token_tui.store.profiles import ProfileStore

    store, lines = ProfileStore(), _StdinLines()
    app, scopes = _resolve_app(options, store, lines)
    sign_in = SignInSession(
        app,
        scopes,
        store,
        name=options.name,
        open_browser=None if options.no_browser else browser.open_url,
        timeout_seconds=options.timeout,
    )
    try:
        return event_loop.run(_run_with_signals(sign_in, lines, as_json=options.json))
    except _StoppedBySignal as stopped:
        if sign_in.saved is not None and sign_in.saved.profile.name in store.names():
            output.print_message("slack-token-tui: stopped. The token had come already, and was saved.")
            output.print_message(f"  Use it: slack-token-tui token {sign_in.saved.profile.name}")
        elif sign_in.has_unsaved_token:
            output.print_message("slack-token-tui: stopped. The token had come already, and could not be saved.")
            output.print_message(f"  {sign_in.save_to_fallback()}")
        else:
            output.print_message("slack-token-tui: stopped. Nothing was saved, and the port is closed.")
            output.print_message(f"  {sign_in.describe_unusable() or 'Start again: slack-token-tui login'}")
        return stopped.exit_code
    except Exception:  # a bug: save the token before main() reports it
        if sign_in.has_unsaved_token:
            output.print_message(f"  {sign_in.save_to_fallback()}")
        raise


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
            raise InvalidInput("A client secret has 32 letters and digits. This one has other bytes.") from None
        secret = Secret((secret_input or "").strip())
        if not secret.reveal():
            raise InvalidInput("No client secret came on standard input.")
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
        raise InvalidInput("No app is known here yet: give its Client ID with --client-id.") from None


class _StoppedBySignal(Exception):
    """A signal stopped the sign-in."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.exit_code = exit_codes.INTERRUPTED if signal_number == signal.SIGINT else 128 + signal_number


async def _run_with_signals(sign_in: SignInSession, lines: _StdinLines, *, as_json: bool) -> int:
    """Print the events until the sign-in ends. A signal stops it cleanly and closes the port."""
    import asyncio
    import threading

    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    caught_signals: list[int] = []

    terminal_input = _TerminalInput(sign_in)

    def stop(number: int) -> None:
        terminal_input.stop_asking()
        if not sign_in.skip_verification():
            task.cancel()
        elif not caught_signals:
            output.print_message("Stopping   as soon as the token is saved that Slack gives; half a minute at most")
        caught_signals.append(number)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            number = getattr(signal, name)
            with suppress(NotImplementedError):  # Windows
                loop.add_signal_handler(number, partial(stop, number))
    threading.Thread(target=_read_lines, args=(lines, terminal_input, loop), daemon=True).start()
    try:
        exit_code = await _print_events(sign_in, terminal_input, as_json=as_json)
        if caught_signals:
            raise _StoppedBySignal(caught_signals[0])
        return exit_code
    except asyncio.CancelledError:
        if caught_signals:
            raise _StoppedBySignal(caught_signals[0]) from None
        raise


class _TerminalInput:
    """Handler for typed lines. A line answers the open question, or else is a URL pasted for the sign-in."""

    def __init__(self, sign_in: SignInSession) -> None:
        self._sign_in = sign_in
        self._bare_code: str | None = None
        self._question: asyncio.Future[str] | None = None
        self._is_stopped = False

    async def ask(self, question: str, *, default: bool) -> bool:
        """Ask a yes/no question and return whether the answer is yes.

        Args:
            question: text of the question. It is repeated until the answer is yes or no.
            default: result if the user presses Enter, if there is no terminal, or after the timeout.
        """
        import asyncio

        answers = {"": default, "y": True, "yes": True, "n": False, "no": False}
        at_a_terminal = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
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
            if answer in answers:
                return answers[answer]
        return default

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
        refusal = self._sign_in.paste(text, accept_bare_code=is_confirmed)
        self._bare_code = text if refusal is not None and refusal.code == "pasted_bare_code" else None
        if refusal is not None:
            output.print_message(f"  {refusal.title}. {refusal.remedies[0]}.")
        if self._bare_code is not None:
            output.print_message("  To use the code alone all the same, type yes.")

    def handle_end_of_input(self) -> None:
        """Handle the end of standard input. The callback listener is not affected."""
        self.stop_asking()
        if self._question is None and not self._sign_in.has_response:
            minutes = max(1, round(self._sign_in.remaining_seconds / 60))
            output.print_message(
                f"Note       standard input has ended, so only the browser can answer: {minutes} min at most"
            )


def _read_lines(lines: _StdinLines, typed: _TerminalInput, loop: asyncio.AbstractEventLoop) -> None:
    with suppress(RuntimeError):  # the event loop is closed
        for line in lines:
            loop.call_soon_threadsafe(typed.handle_line, line)
        loop.call_soon_threadsafe(typed.handle_end_of_input)


class _IgnoredResponses:
    """Reporter for ignored responses. Prints the first one, then the count at each tenfold increase, then the total."""

    def __init__(self) -> None:
        self._count = self._reported = 0

    def report(self, event: events.UnexpectedCallback) -> None:
        """Print ``event`` if it is the first one or the count has grown tenfold."""
        if event.explanation.code in {"out_of_files", "port_lost"}:
            output.print_message(f"Note       {event.explanation.happened} {event.explanation.remedies[0]}")
            return
        self._count = event.count
        if self._reported == 0:
            output.print_message(f"Ignored    {_response_count(event.count)}: {event.explanation.title.lower()}")
            self._reported = event.count
        elif event.count >= 10 * self._reported:
            self.report_total()

    def report_total(self) -> None:
        """Print the total, unless that count was already printed."""
        if self._count > self._reported:
            output.print_message(f"Ignored    {_response_count(self._count)} so far")
            self._reported = self._count


def _response_count(count: int) -> str:
    return "1 response" if count == 1 else f"{count} responses"


async def _print_events(sign_in: SignInSession, terminal_input: _TerminalInput, *, as_json: bool) -> int:
    from slack_token_tui.oauth import events
    from slack_token_tui.slack.scope_catalog import describe_unknown_scopes

    output.warn_about_key_log()
    output.print_message(f"Slack      {sign_in.app.endpoints.host}")
    output.print_message(f"Will keep  the token in {_describe_storage(sign_in)}")
    if sign_in.app.browser:
        output.print_message(f"Opens with {sign_in.app.browser}")
    if unknown := describe_unknown_scopes(sign_in.scopes):
        output.print_message(f"Note       {unknown}")
    ignored = _IgnoredResponses()
    async with aclosing(sign_in.events()) as stream:
        async for event in stream:
            if isinstance(event, events.UnexpectedCallback):
                ignored.report(event)
                continue
            if not isinstance(event, events.StillWaiting):
                ignored.report_total()
            if isinstance(event, events.Saved):
                return await _report_saved(event, sign_in, terminal_input, as_json=as_json)
            if isinstance(event, events.Failed):
                return await _report_failed(event, sign_in, terminal_input, as_json=as_json)
            output.print_message(format_event(event))
    raise AssertionError("the stream ends with Saved or Failed")


async def _report_failed(
    event: events.Failed, sign_in: SignInSession, terminal_input: _TerminalInput, *, as_json: bool
) -> int:
    code = output.report_explanation(event.explanation, as_json=as_json)
    if sign_in.has_unsaved_token:
        output.print_message(f"  {sign_in.save_to_fallback()}")
    if sign_in.unusable is not None:
        output.print_message(f"  {sign_in.describe_unusable()}")
        if not as_json and await terminal_input.ask("  Revoke this token now? [y/N]", default=False):
            for revocation in await sign_in.revoke_unusable():
                output.print_message(f"  {revocation.sentence}")
    return code


def _describe_storage(sign_in: SignInSession) -> str:
    from slack_token_tui.store.settings import describe_storage

    in_keyring = None
    if sign_in.name is not None:
        with suppress(ProfileError):
            in_keyring = sign_in.store.read(sign_in.name).in_keyring
    return describe_storage(sign_in.store.home, in_keyring=in_keyring)


async def _report_saved(
    event: events.Saved, sign_in: SignInSession, terminal_input: _TerminalInput, *, as_json: bool
) -> int:
    import asyncio
    from datetime import UTC, datetime

    from slack_token_tui.cli.commands.show import masked_dict
    from slack_token_tui.event_loop import run_to_completion, wait_until_done

    saved, name = event.saved, sign_in.name
    if saved.replaced and name not in (None, saved.profile.name):
        output.print_message(f"Note       this account is kept as {saved.profile.name} already, so {name} was not used")
    if saved.taken_name:
        output.print_message(f"Note       {saved.taken_name} belongs to another account, so a free name was taken")
    verb = "Updated" if saved.replaced else "Saved"
    output.print_message(f"{verb:<10} {saved.profile.name} in {saved.path}")
    if not saved.replaced and not as_json:
        # Anyone who sees the link can open it first and sign in with another account. Only the user can tell.
        question = f"Signed in  as {saved.profile.account_label}. Press Enter if this is you, or type no to undo it:"
        if not await terminal_input.ask(question, default=True):
            undo = run_to_completion(_undo, sign_in.store, saved.profile.name)
            return await wait_until_done(asyncio.ensure_future(undo))  # half of a removal is worse than all of it
    output.print_message(f"Use it     slack-token-tui token {saved.profile.name}")
    if as_json:
        record = masked_dict(saved.profile, datetime.now(UTC))
        answer = {"ok": True, "replaced": saved.replaced, "file": str(saved.path), "profile": record}
        output.print_json(answer)
    return exit_codes.SUCCESS


def _undo(store: ProfileStore, name: str) -> int:
    from slack_token_tui.cli.commands.remove import report_removal
    from slack_token_tui.tokens.revoke import remove_profile

    try:
        return report_removal(remove_profile(store, name), as_json=False) or exit_codes.REFUSED
    except StorageError as error:
        return output.report(error)


def format_event(event: events.Event) -> str:
    """Return ``event`` as a message for the terminal."""
    from slack_token_tui.desktop import browser
    from slack_token_tui.oauth import events

    match event:
        case events.Listening(redirect_uri, families, passed_over):
            others = "".join(f"; passed over {holder}" for holder in passed_over)
            return f"Listening  {redirect_uri} ({' and '.join(families)}){others}"
        case events.PasteRequired(redirect_uri, None):
            return f"By paste   the browser will end on {redirect_uri}: paste that whole address here"
        case events.PasteRequired(_, explanation) if explanation is not None:
            return f"By paste   {explanation.happened} Paste the address that the browser ends on here"
        case events.BrowserOpening(url):
            return f"Open       {url}\n           or paste the address that the browser ends on here"
        case events.BrowserResult(browser.Opened(name)):
            return f"Opened     in {name}; waiting for you to press Allow"
        case events.BrowserResult(browser.NotOpened(reason)):
            return f"No browser {reason} Open the address above in any browser"
        case events.RemoteBrowser(tunnel):
            before = (
                "" if tunnel is None else f"\n           or type this there first, and nothing needs pasting: {tunnel}"
            )
            return f"Elsewhere  open the address where your browser is, and paste here what it ends on{before}"
        case events.StillWaiting():
            return (
                "Nothing yet. If Slack’s page shows an error, it never comes here: "
                "slack-token-tui explain bad_redirect_uri names the commonest"
            )
        case events.Approved():
            return "Approved   the code is here"
        case events.Exchanging():
            return "Exchanging the code for a token"
        case events.Verifying():
            return "Asking     Slack who the token speaks for"
        case events.Verified(identity):
            where = identity.team_name or identity.team_id or "the organisation"
            return f"Signed in  as {identity.user_name or identity.user_id} in {where}"
        case events.Unverified(explanation):
            return f"Unverified {explanation.title}. The token is saved all the same"
    raise AssertionError(event)
