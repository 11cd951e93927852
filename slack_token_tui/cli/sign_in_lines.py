"""The lines that a sign-in prints: one for each change of its state."""

from __future__ import annotations

import math
from collections.abc import Iterator

from slack_token_tui.desktop.browser import NotOpened, Opened
from slack_token_tui.oauth.state import IgnoredCallbacks, Phase, SignInState


def lines(old: SignInState, new: SignInState, now: float) -> Iterator[str]:
    """Yield one message for each difference that the user should know about.

    Args:
        old: the state that the lines so far describe.
        new: the state now.
        now: the time on the clock of the sign-in, in seconds.
    """
    if new.redirect_uri != old.redirect_uri:
        yield _port_line(new)
    if new.url is not None and new.url != old.url:
        yield f"Open       {new.url}\n           If the page you land on won't load, paste its URL here"
    if new.browser != old.browser:
        match new.browser:
            case Opened(name):
                yield f"Opened     in {name}. Waiting for you to click Allow"
            case NotOpened(reason):
                yield f"Browser    not opened: {_cause(reason)}. Open the URL above in any browser"
    if new.tunnel is not None and old.tunnel is None:
        command = new.tunnel.command
        before = f"\n           To skip pasting, run this on your computer first: {command}" if command else ""
        yield f"Remote     Open the URL on your computer, then paste the URL of the page you land on{before}"
    if new.hint and not old.hint:
        yield "Waiting    If Slack shows an error page, look up its text: slack-token-tui explain 'TEXT'"
    yield from _ignored_lines(old.ignored, new.ignored)
    if new.phase is not old.phase:
        yield from _phase_lines(old, new, now)


def _port_line(state: SignInState) -> str:
    if state.port is not None:
        skipped = ", ".join(map(str, state.port.skipped))
        in_use = f". Already in use: {skipped}" if skipped else ""
        return f"Listening  {state.redirect_uri} ({' and '.join(state.port.families)}){in_use}"
    if state.paste_reason is None:
        return f"Callback   Paste the full URL of the page you land on. It starts with {state.redirect_uri}"
    return f"Callback   {state.paste_reason.happened} Paste the full URL of the page you land on"


def _cause(reason: str) -> str:
    """Return the cause in a sentence such as ``This is an SSH session, so …`` to complete another sentence."""
    cause = reason.partition(", so ")[0].rstrip(".")
    return cause[:1].lower() + cause[1:]


def _ignored_lines(old: IgnoredCallbacks | None, new: IgnoredCallbacks | None) -> Iterator[str]:
    """Yield the first ignored callback, and the count each time it reaches another power of ten."""
    if new is None or new == old:
        return
    explanation, is_new = new.explanation, old is None or old.explanation != new.explanation
    if new.is_important:
        if is_new:
            yield f"Note       {explanation.happened} {explanation.remedies[0]}"
    elif is_new:
        yield f"Ignored    {_responses(new.count)}. {explanation.title}"
    elif old is not None and int(math.log10(new.count)) > int(math.log10(old.count)):
        yield f"Ignored    {_responses(new.count)} so far"


def _responses(count: int) -> str:
    return "1 response" if count == 1 else f"{count} responses"


def _phase_lines(old: SignInState, new: SignInState, now: float) -> Iterator[str]:
    if old.phase is Phase.WAITING and new.ignored is not None and new.ignored.count > 1:
        yield f"Ignored    {_responses(new.ignored.count)} in total"
    match new.phase:
        case Phase.EXCHANGING if old.phase is Phase.WAITING:
            yield "Approved   Slack sent the code"
            yield "Exchanging the code for a token"
        case Phase.EXCHANGING:
            yield "Exchanging the code again"
        case Phase.RETRYING if new.retry_reason is not None and new.retry_at is not None:
            seconds = max(1, math.ceil(new.retry_at - now))
            yield f"Waiting    {new.retry_reason.title}. Sending the code again in {seconds} s"
        case Phase.VERIFYING:
            yield "Verifying  the token with Slack"
        case Phase.SAVING if new.identity is not None:
            who = new.identity
            where = who.team_name or who.team_id or "the organization"
            yield f"Signed in  as {who.user_name or who.user_id} in {where}"
        case Phase.SAVING if new.unverified is not None:
            yield f"Unverified {new.unverified.title}. The token is saved anyway"
