"""A profile that a practice Slack gave, ready to be refreshed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from slack_token_tui.practice.models import CLIENT_ID
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from tests.support.profiles import in_, profile


def granted(store: ProfileStore, slack: PracticeSlack, name: str = "acme", **changes: Any) -> Profile:
    """Save a profile whose tokens ``slack`` knows; its access token has eight minutes left unless ``changes`` say otherwise."""
    workspace = slack.workspace
    app, team, person = workspace.apps[0], workspace.teams[0], workspace.people[0]
    access, refresh, _ = workspace.tokens.issue(app, team, person, ("users:read",))
    assert refresh is not None
    values: dict[str, Any] = {
        "name": name,
        "access_token": Secret(access),
        "refresh_token": Secret(refresh),
        "client_id": CLIENT_ID,
        "endpoints": Endpoints(slack.base),
        "team_id": team.id,
        "user_id": person.id,
        "expires_at": in_(minutes=8),
        "refresh_issued_at": in_(hours=-12),
    }
    saved = store.save_sign_in(profile(**values), name).profile
    changed = replace(saved, **changes)
    store.write(changed)
    return changed


def journals(store: ProfileStore) -> list[Path]:
    """Return what unfinished refreshes have left."""
    return list((store.home / "journal").glob("*"))
