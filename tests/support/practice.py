"""What a practice Slack issued: tokens, a profile that can be refreshed, and an exchange that is held up."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

from slack_token_tui.practice.models import CLIENT_ID, Person
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.practice.workspace import Workspace
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.profile import Profile, Tokens
from slack_token_tui.store.profiles import ProfileStore
from tests.support.profiles import profile, time_from_now
from tests.support.store import change_profile


class DelayedExchange(NamedTuple):
    """Two events around the response to a code exchange."""

    token_issued: threading.Event
    """Set by the practice Slack when it has issued the token and not responded yet."""
    may_respond: threading.Event
    """Set by the test when the response may arrive."""


def issue_tokens(workspace: Workspace, *scopes: str, team: int = 0, person: int = 0) -> tuple[str, str]:
    """Issue an access token and a refresh token for the first app. ``team`` and ``person`` are positions."""
    access, refresh, _ = workspace.tokens.issue(
        workspace.apps[0], workspace.teams[team], workspace.people[person], scopes or ("users:read",)
    )
    return access, str(refresh)


def issue_profile(
    store: ProfileStore,
    slack: PracticeSlack,
    name: str = "acme",
    *,
    refresh_token: Secret | None = None,
    **changes: Any,
) -> Profile:
    """Save a profile with tokens of ``slack``. Unless ``changes`` say otherwise, it expires in eight minutes.

    Args:
        refresh_token: the refresh token to save instead of the one that was issued.
    """
    workspace = slack.workspace
    access, refresh = issue_tokens(workspace)
    new = profile(
        name=name,
        client_id=CLIENT_ID,
        endpoints=Endpoints(slack.base),
        team_id=workspace.teams[0].id,
        user_id=workspace.people[0].id,
        expires_at=time_from_now(minutes=8),
        refresh_issued_at=time_from_now(hours=-12),
    )
    saved = store.save_sign_in(new, Tokens(Secret(access), refresh_token or Secret(refresh)), name).profile
    return change_profile(store, saved.name, **changes)


def issue_profiles(store: ProfileStore, workspace: Workspace, base: str, count: int, *, hours_left: float = -1) -> None:
    """Save profiles ``p00``, ``p01`` and so on of different people, whose Slack is reached at ``base``."""
    first = len(store.names())
    workspace.people = tuple(Person(f"U0{number:02}", f"person{number}") for number in range(first + count))
    for number in range(first, first + count):
        access, refresh = issue_tokens(workspace, person=number)
        new = profile(
            client_id=CLIENT_ID,
            endpoints=Endpoints(base),
            team_id=workspace.teams[0].id,
            user_id=workspace.people[number].id,
            expires_at=time_from_now(hours=hours_left),
            refresh_issued_at=time_from_now(hours=-12),
        )
        store.save_sign_in(new, Tokens(Secret(access), Secret(refresh)), f"p{number:02}")
