"""The lines that a sign-in prints: what has changed between two of its states."""

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
        yield f"Open       {new.url}\n           or paste the address that the browser ends on here"
    if new.browser != old.browser:
        match new.browser:
            case Opened(name):
                yield f"Opened     in {name}; waiting for you to press Allow"
            case NotOpened(reason):
                yield f"No browser {reason} Open the address above in any browser"
    if new.tunnel is not None and old.tunnel is None:
        command = new.tunnel.command
        before = f"\n           or type this there first, and nothing needs pasting: {command}" if command else ""
        yield f"Elsewhere  open the address where your browser is, and paste here what it ends on{before}"
    if new.hint and not old.hint:
        yield (
            "Nothing yet. If Slack’s page shows an error, it never comes here: "
            "slack-token-tui explain bad_redirect_uri names the commonest"
        )
    yield from _ignored_lines(old.ignored, new.ignored)
    if new.phase is not old.phase:
        yield from _phase_lines(old, new, now)


def _port_line(state: SignInState) -> str:
    if state.port is not None:
        others = "".join(f"; passed over {holder}" for holder in state.port.skipped)
        return f"Listening  {state.redirect_uri} ({' and '.join(state.port.families)}){others}"
    if state.paste_reason is None:
        return f"By paste   the browser will end on {state.redirect_uri}: paste that whole address here"
    return f"By paste   {state.paste_reason.happened} Paste the address that the browser ends on here"


def _ignored_lines(old: IgnoredCallbacks | None, new: IgnoredCallbacks | None) -> Iterator[str]:
    """Yield the first ignored callback, and the count each time that it has grown tenfold."""
    if new is None or new == old:
        return
    explanation, is_new = new.explanation, old is None or old.explanation != new.explanation
    if new.is_important:
        if is_new:
            yield f"Note       {explanation.happened} {explanation.remedies[0]}"
    elif is_new:
        yield f"Ignored    {_responses(new.count)}: {explanation.title.lower()}"
    elif old is not None and int(math.log10(new.count)) > int(math.log10(old.count)):
        yield f"Ignored    {_responses(new.count)} so far"


def _responses(count: int) -> str:
    return "1 response" if count == 1 else f"{count} responses"


def _phase_lines(old: SignInState, new: SignInState, now: float) -> Iterator[str]:
    if old.phase is Phase.WAITING and new.ignored is not None and new.ignored.count > 1:
        yield f"Ignored    {_responses(new.ignored.count)} in all"
    match new.phase:
        case Phase.EXCHANGING if old.phase is Phase.WAITING:
            yield "Approved   the code is here"
            yield "Exchanging the code for a token"
        case Phase.EXCHANGING:
            yield "Exchanging the same code again"
        case Phase.RETRYING if new.retry_reason is not None and new.retry_at is not None:
            seconds = max(1, math.ceil(new.retry_at - now))
            yield f"Waiting    {new.retry_reason.title}. The code is sent again in {seconds} s; no need to press Allow again"
        case Phase.VERIFYING:
            yield "Asking     Slack who the token speaks for"
        case Phase.SAVING if new.identity is not None:
            who = new.identity
            where = who.team_name or who.team_id or "the organisation"
            yield f"Signed in  as {who.user_name or who.user_id} in {where}"
        case Phase.SAVING if new.unverified is not None:
            yield f"Unverified {new.unverified.title}. The token is saved all the same"
