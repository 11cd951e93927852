"""``login``: the sign-in without the TUI. The same events, one line each on stderr."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from getpass import getpass

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.commands.remove import report_removal
from slack_token_tui.cli.commands.show import masked_record
from slack_token_tui.desktop import browser
from slack_token_tui.oauth import events
from slack_token_tui.oauth.resolve_app import NoAppKnown, chosen_app
from slack_token_tui.oauth.session import TIME_LIMIT_SECONDS, SignIn
from slack_token_tui.sanitize import harmless
from slack_token_tui.secret import Secret
from slack_token_tui.slack.scope_catalog import unknown_in_words
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.atomic_file import StoreError
from slack_token_tui.store.hot_path import ProfileFileError
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import place_in_words
from slack_token_tui.tokens.revoke import remove

_ANSWER_SECONDS = 120
"""How long a question waits for its answer. The token is saved by then."""


@dataclass(frozen=True)
class LoginOptions:
    """What was typed after ``login``; None where nothing was."""

    name: str | None = None
    client_id: str | None = None
    client_secret_stdin: bool = False
    scopes: str | None = None
    redirect_uris: tuple[str, ...] = ()
    slack_url: str | None = None
    oauth: str | None = None
    no_browser: bool = False
    timeout_seconds: float = TIME_LIMIT_SECONDS
    as_json: bool = False


class _Lines:
    """Lines of standard input, read without Python's buffer: its lock would be held at exit by a waiting thread."""

    def __init__(self) -> None:
        self._pending = b""

    def __iter__(self) -> Iterator[str]:
        while (line := self.next()) is not None:
            yield line

    def next(self) -> str | None:
        """Return the next line, or None at the end."""
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


def login(options: LoginOptions) -> int:
    """Sign in and save the profile; return the exit code. A token appears neither on stdout nor on stderr."""
    store, lines = ProfileStore(), _Lines()
    try:
        app, scopes = _app_and_scopes(options, store, lines)
    except ValueError as error:
        return output.usage(str(error), "See: slack-token-tui login --help", as_json=options.as_json)
    sign_in = SignIn(
        app,
        scopes,
        store,
        name=options.name,
        open_browser=None if options.no_browser else browser.open_url,
        time_limit_seconds=options.timeout_seconds,
    )
    try:
        return asyncio.run(_followed(sign_in, lines, as_json=options.as_json))
    except _Stopped as stopped:
        if sign_in.kept is not None:
            output.say("slack-token-tui: stopped. The token had come already, and was saved.")
            output.say(f"  Use it: slack-token-tui token {sign_in.kept.profile.name}")
        elif sign_in.holds_unsaved:
            output.say("slack-token-tui: stopped. The token had come already, and could not be saved.")
            output.say(f"  {sign_in.rescue()}")
        else:
            output.say("slack-token-tui: stopped. Nothing was saved, and the port is closed.")
            output.say(f"  {sign_in.about_unusable() or 'Start again: slack-token-tui login'}")
        return stopped.exit_code
    except Exception:  # a bug: the token is safe before main() reports it
        if sign_in.holds_unsaved:
            output.say(f"  {sign_in.rescue()}")
        raise


def _app_and_scopes(options: LoginOptions, store: ProfileStore, lines: _Lines) -> tuple[SlackApp, tuple[str, ...]]:
    """Return what to sign in with.

    Raises:
        ValueError: with a sentence, when something is missing or cannot be what it should be.
    """
    secret = None
    if options.client_secret_stdin:
        at_a_terminal = sys.stdin is not None and sys.stdin.isatty()
        try:
            given = getpass("Client secret (not shown): ") if at_a_terminal else lines.next()
        except UnicodeDecodeError:
            raise ValueError("A client secret has 32 letters and digits. This one has other bytes.") from None
        secret = Secret((given or "").strip())
        if not secret.reveal():
            raise ValueError("No client secret came on standard input.")
    try:
        return chosen_app(
            store,
            name=options.name,
            client_id=options.client_id,
            client_secret=secret,
            scopes=options.scopes,
            redirect_uris=options.redirect_uris,
            slack_url=options.slack_url,
            oauth=options.oauth,
        )
    except NoAppKnown:
        raise ValueError("No app is known here yet: give its Client ID with --client-id.") from None


class _Stopped(Exception):
    """A signal ended the sign-in."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.exit_code = exit_codes.INTERRUPTED if signal_number == signal.SIGINT else 128 + signal_number


async def _followed(sign_in: SignIn, lines: _Lines, *, as_json: bool) -> int:
    """Follow the events to their end; a signal ends them in order, with the port closed."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    caught: list[int] = []

    typed = _TypedLines(sign_in)

    def stop(number: int) -> None:
        typed.stop()
        if not sign_in.hurry():
            task.cancel()
        elif not caught:
            output.say("Stopping   as soon as the token is saved that Slack gives; half a minute at most")
        caught.append(number)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            number = getattr(signal, name)
            with suppress(NotImplementedError):  # Windows
                loop.add_signal_handler(number, partial(stop, number))
    threading.Thread(target=_read_typed, args=(lines, typed, loop), daemon=True).start()
    try:
        exit_code = await _narrated(sign_in, typed, as_json=as_json)
        if caught:
            raise _Stopped(caught[0])
        return exit_code
    except asyncio.CancelledError:
        if caught:
            raise _Stopped(caught[0]) from None
        raise


class _TypedLines:
    """Each line that is typed answers the open question; while none is open, it is a pasted URL for the sign-in."""

    def __init__(self, sign_in: SignIn) -> None:
        self._sign_in = sign_in
        self._bare_code: str | None = None
        self._question: asyncio.Future[str] | None = None
        self._is_over = False

    async def ask(self, question: str, *, otherwise: bool) -> bool:
        """Return whether a person says yes to ``question``.

        Args:
            question: what is asked, until the answer is yes or no.
            otherwise: what Enter means, and what counts without a terminal or without an answer in time.
        """
        words = {"": otherwise, "y": True, "yes": True, "n": False, "no": False}
        at_a_terminal = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
        deadline = time.monotonic() + _ANSWER_SECONDS
        while at_a_terminal and not self._is_over:
            self._question = asyncio.get_running_loop().create_future()
            sys.stderr.write(harmless(f"{question} "))
            sys.stderr.flush()
            try:
                answer = await asyncio.wait_for(self._question, deadline - time.monotonic())
            except TimeoutError:
                output.say("")
                break
            if answer in words:
                return words[answer]
        return otherwise

    def stop(self) -> None:
        """Ask nothing more: the program ends, or standard input has ended."""
        self._is_over = True
        if self._question is not None:
            self.take("")

    def take(self, line: str) -> None:
        """Use one line."""
        text = line.strip()
        if self._question is not None:
            if not self._question.done():
                self._question.set_result(text.lower())
        elif text:
            self._paste(text)

    def _paste(self, text: str) -> None:
        meant = self._bare_code is not None and text.lower() == "yes"
        text = self._bare_code if meant and self._bare_code else text
        refusal = self._sign_in.paste(text, bare_code_is_meant=meant)
        self._bare_code = text if refusal is not None and refusal.code == "pasted_bare_code" else None
        if refusal is not None:
            output.say(f"  {refusal.title}. {refusal.remedies[0]}.")
        if self._bare_code is not None:
            output.say("  To use the code alone all the same, type yes.")

    def end(self) -> None:
        """Standard input has ended. That changes nothing for the listener."""
        self.stop()
        if self._question is None and not self._sign_in.has_answer:
            minutes = max(1, round(self._sign_in.seconds_left / 60))
            output.say(f"Note       standard input has ended, so only the browser can answer: {minutes} min at most")


def _read_typed(lines: _Lines, typed: _TypedLines, loop: asyncio.AbstractEventLoop) -> None:
    with suppress(RuntimeError):  # the loop has ended meanwhile
        for line in lines:
            loop.call_soon_threadsafe(typed.take, line)
        loop.call_soon_threadsafe(typed.end)


class _IgnoredResponses:
    """Says what the first ignored response was, then each tenfold count, then the total."""

    def __init__(self) -> None:
        self._count = self._said = 0

    def tell(self, event: events.UnexpectedCallback) -> None:
        """Say it, if it is worth a line."""
        if event.explanation.code in {"out_of_files", "port_lost"}:
            output.say(f"Note       {event.explanation.happened} {event.explanation.remedies[0]}")
            return
        self._count = event.count
        if self._said == 0:
            output.say(f"Ignored    {_counted(event.count)}: {event.explanation.title.lower()}")
            self._said = event.count
        elif event.count >= 10 * self._said:
            self.end()

    def end(self) -> None:
        """Say how many there were, if that was not said."""
        if self._count > self._said:
            output.say(f"Ignored    {_counted(self._count)} so far")
            self._said = self._count


def _counted(count: int) -> str:
    return "1 response" if count == 1 else f"{count} responses"


async def _narrated(sign_in: SignIn, typed: _TypedLines, *, as_json: bool) -> int:
    output.warn_of_key_log()
    output.say(f"Slack      {sign_in.app.endpoints.host}")
    output.say(f"Will keep  the token in {_place(sign_in)}")
    if sign_in.app.browser:
        output.say(f"Opens with {sign_in.app.browser}")
    if unknown := unknown_in_words(sign_in.scopes):
        output.say(f"Note       {unknown}")
    ignored = _IgnoredResponses()
    async with aclosing(sign_in.events()) as stream:
        async for event in stream:
            if isinstance(event, events.UnexpectedCallback):
                ignored.tell(event)
                continue
            if not isinstance(event, events.NothingYet):
                ignored.end()
            if isinstance(event, events.Saved):
                return await _saved(event, sign_in, typed, as_json=as_json)
            if isinstance(event, events.Failed):
                return await _failed(event, sign_in, typed, as_json=as_json)
            output.say(line_of(event))
    raise AssertionError("the stream ends with Saved or Failed")


async def _failed(event: events.Failed, sign_in: SignIn, typed: _TypedLines, *, as_json: bool) -> int:
    code = output.explained(event.explanation, output.exit_code_of(event.explanation), as_json=as_json)
    if sign_in.holds_unsaved:
        output.say(f"  {sign_in.rescue()}")
    if sign_in.unusable is not None:
        output.say(f"  {sign_in.about_unusable()}")
        if not as_json and await typed.ask("  Revoke this token now? [y/N]", otherwise=False):
            for answer in await sign_in.revoke_unusable():
                output.say(f"  {answer.sentence}")
    return code


def _place(sign_in: SignIn) -> str:
    in_keyring = None
    if sign_in.name is not None:
        with suppress(FileNotFoundError, ProfileFileError):
            in_keyring = sign_in.store.read(sign_in.name).in_keyring
    return place_in_words(sign_in.store.home, in_keyring=in_keyring)


async def _saved(event: events.Saved, sign_in: SignIn, typed: _TypedLines, *, as_json: bool) -> int:
    kept, name = event.kept, sign_in.name
    if kept.replaced and name not in (None, kept.profile.name):
        output.say(f"Note       this account is kept as {kept.profile.name} already, so {name} was not used")
    if kept.name_taken:
        output.say(f"Note       {kept.name_taken} belongs to another account, so a free name was taken")
    verb = "Updated" if kept.replaced else "Saved"
    output.say(f"{verb:<10} {kept.profile.name} in {kept.path}")
    if not kept.replaced and not as_json:
        # Anyone who sees the link can open it first with another account. Only a person can tell.
        question = f"Signed in  as {kept.profile.whose}. Press Enter if this is you, or type no to undo it:"
        if not await typed.ask(question, otherwise=True):
            return await asyncio.to_thread(_undo, sign_in.store, kept.profile.name)
    output.say(f"Use it     slack-token-tui token {kept.profile.name}")
    if as_json:
        record = masked_record(kept.profile, datetime.now(UTC))
        answer = {"ok": True, "replaced": kept.replaced, "file": str(kept.path), "profile": record}
        output.print_json(answer)
    return exit_codes.DONE


def _undo(store: ProfileStore, name: str) -> int:
    try:
        return report_removal(remove(store, name), as_json=False) or exit_codes.SAID_NO
    except (FileNotFoundError, ProfileFileError, StoreError) as error:
        return output.trouble(error, name, as_json=False)


def line_of(event: events.Event) -> str:
    """Return one line that says what happened."""
    match event:
        case events.Listening(redirect_uri, families, passed_over):
            others = "".join(f"; passed over {holder}" for holder in passed_over)
            return f"Listening  {redirect_uri} ({' and '.join(families)}){others}"
        case events.PasteOnly(redirect_uri, None):
            return f"By paste   the browser will end on {redirect_uri}: paste that whole address here"
        case events.PasteOnly(_, explanation) if explanation is not None:
            return f"By paste   {explanation.happened} Paste the address that the browser ends on here"
        case events.BrowserOpening(url):
            return f"Open       {url}\n           or paste the address that the browser ends on here"
        case events.BrowserAnswered(browser.Opened(name)):
            return f"Opened     in {name}; waiting for you to press Allow"
        case events.BrowserAnswered(browser.NotOpened(reason)):
            return f"No browser {reason} Open the address above in any browser"
        case events.BrowserElsewhere(tunnel):
            before = (
                "" if tunnel is None else f"\n           or type this there first, and nothing needs pasting: {tunnel}"
            )
            return f"Elsewhere  open the address where your browser is, and paste here what it ends on{before}"
        case events.NothingYet():
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
