"""``verify``: ask Slack whether tokens work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.batch import Outcome, failed, for_each_profile
from slack_token_tui.cli.fresh_token import exit_code_of, explained
from slack_token_tui.event_loop import run
from slack_token_tui.problems import explain
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens import refresh as refreshing
from slack_token_tui.tokens import verify as verifying


def verify_profiles(names: Sequence[str], every: bool, as_json: bool) -> int:
    """Ask Slack who each token speaks for, and write down what it says."""
    return for_each_profile(names, every, as_json, _verified)


def _verified(store: ProfileStore, name: str) -> Outcome:
    renewal = refreshing.refresh(store, name)
    profile = renewal.profile
    if renewal.trouble is not None and profile.unusable_reason(datetime.now(UTC)):
        explanation = explained(renewal.trouble)
        return failed(name, explanation, exit_code_of(explanation))
    said = verifying.note(store, profile, run(verifying.ask(profile)))
    if said.error is not None:
        explanation = explain(said.error.code, {"name": name, **said.error.facts})
        dead = said.profile.unusable_reason(datetime.now(UTC)) is not None
        return failed(name, explanation, exit_codes.SIGN_IN_NEEDED if dead else exit_code_of(explanation))
    now = said.profile
    if said.unnoted is not None:
        output.say(f"{name}: {explain(said.unnoted.code, said.unnoted.facts).happened} So this is not noted there.")
    output.say(f"{name}: good. {now.whose}")
    scopes = list(now.scopes)
    return exit_codes.DONE, {
        "ok": True,
        "profile": name,
        "user": now.user_name,
        "team": now.team_name,
        "scopes": scopes,
    }
