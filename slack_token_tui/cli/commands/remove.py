"""``rename``, ``remove`` and ``import``: what is kept, and under which name."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from getpass import getpass

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.commands.list import masked_record
from slack_token_tui.event_loop import run
from slack_token_tui.problems import explain
from slack_token_tui.slack.client_id import checked_client_id
from slack_token_tui.slack.endpoints import SLACK, Endpoints, checked_base
from slack_token_tui.slack.errors import SlackError
from slack_token_tui.store.atomic_file import StoreError
from slack_token_tui.store.hot_path import ChoiceError, ProfileFileError, chosen_name, is_allowed_new_name
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens.import_token import checked_tokens, import_token
from slack_token_tui.tokens.rename import rename
from slack_token_tui.tokens.revoke import Removal, delete_unreadable, left_at_slack, remove, what_ends


def rename_profile(old: str, new: str, as_json: bool) -> int:
    """Rename ``old`` to ``new``; nothing is overwritten."""
    store = ProfileStore()
    try:
        renamed = rename(store, chosen_name(str(store.home), old), new)
    except (ChoiceError, FileNotFoundError, ProfileFileError, StoreError) as error:
        return output.trouble(error, old, as_json=as_json)
    output.say(f"{old} is called {new} now")
    if as_json:
        output.print_json({"ok": True, "profile": renamed.name})
    return exit_codes.DONE


def remove_profile(argument: str, keep_grant: bool, yes: bool, as_json: bool) -> int:
    """Revoke both tokens at Slack, show its answer to each, delete the profile, and say what stays at Slack."""
    store = ProfileStore()
    try:
        name = chosen_name(str(store.home), argument)
        try:
            profile: Profile | None = store.read(name)
        except ProfileFileError:
            if not keep_grant:
                raise
            profile = None
        if not yes:
            if sys.stdin is None or not sys.stdin.isatty():
                return output.usage(
                    "There is nobody to ask.", "Add --yes to remove it without a question", as_json=as_json
                )
            output.say(what_ends(profile, store.path(name), keep_grant=keep_grant))
            sys.stderr.write("Remove it? [y/N] ")
            sys.stderr.flush()
            if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
                output.say("Nothing was changed.")
                return exit_codes.SAID_NO
        if profile is None:
            delete_unreadable(store, name)
            output.say(f"{name} is deleted. Its file could not be read, so Slack was asked nothing")
            if as_json:
                output.print_json({"ok": True, "profile": name, "answers": [], "authorization": None})
            return exit_codes.DONE
        if not keep_grant:
            output.warn_of_key_log()
        removal = remove(store, name, keep_grant=keep_grant)
    except (ChoiceError, FileNotFoundError, ProfileFileError, StoreError) as error:
        return output.trouble(error, argument, as_json=as_json)
    return report_removal(removal, as_json=as_json)


def report_removal(removal: Removal, *, as_json: bool) -> int:
    """Report what Slack said of each token and whether the profile is gone; return the exit code."""
    profile = removal.profile
    for one in removal.revocations:
        output.say(one.sentence)
    if removal.error is not None:
        output.say(f"{profile.name} is still here: its tokens are ended, its file could not be deleted")
        return output.store_trouble(removal.error, as_json=as_json)
    answers = [{"token": one.kind, "ended": one.ended, "answer": one.answer} for one in removal.revocations]
    if not removal.deleted:
        answer = next(one.answer for one in removal.revocations if not one.ended and not one.is_good_enough)
        explanation = explain("not_revoked", {"name": profile.name, "detail": answer})
        later = explain(answer).again == "later"
        return output.explained(explanation, exit_codes.TRY_LATER if later else exit_codes.SAID_NO, as_json=as_json)
    page = left_at_slack(profile)
    output.say(f"{profile.name} is deleted")
    output.say("What stays at Slack: your authorization of the app. End it under Configuration → Your authorization:")
    output.say(f"  {page}")
    for path in removal.set_aside:
        output.say(f"An answer of Slack’s that could not be used may hold a living token: {path}")
    if as_json:
        output.print_json({"ok": True, "profile": profile.name, "answers": answers, "authorization": page})
    return exit_codes.DONE


def _given_token() -> str:
    if sys.stdin is None:
        return ""
    try:
        return getpass("Token (not shown): ") if sys.stdin.isatty() else sys.stdin.read(64 * 1024)
    except UnicodeDecodeError:
        raise ValueError("A token has only ASCII letters, digits and dashes. This one has other bytes.") from None


def import_profile(name: str | None, client_id: str | None, slack_url: str | None, as_json: bool) -> int:
    """Take a token from standard input, or a hidden prompt; name its kind, ask Slack whose it is, keep it."""
    store = ProfileStore()
    try:
        if name is not None and not is_allowed_new_name(name):
            raise ValueError(explain("profile_name_invalid").happened)
        app = checked_client_id(client_id) if client_id else ""
        endpoints = Endpoints(checked_base(slack_url or SLACK))
        text = _given_token()
        kind, access_token, refresh_token = checked_tokens(text, app)
    except ValueError as error:
        hint = "Give the access token on standard input; on a second line its refresh token, with --client-id"
        return output.usage(str(error), hint, as_json=as_json)
    output.warn_of_key_log()
    output.say(f"That is {kind.with_article}. Asking {endpoints.host} whose it is")
    try:
        kept = run(
            import_token(store, kind, access_token, refresh_token, client_id=app, endpoints=endpoints, name=name)
        )
    except SlackError as error:
        explanation = explain(error.code, error.facts)
        return output.explained(explanation, output.exit_code_of(explanation), as_json=as_json)
    except StoreError as error:
        return output.trouble(error, name, as_json=as_json)
    profile = kept.profile
    output.say(f"Saved as {profile.name} in {kept.path}")
    if kind.rotates and refresh_token is None:
        output.say("  Without its refresh token it cannot be renewed: it works until it expires, 12 hours at most")
    if as_json:
        output.print_json({"ok": True, "profile": masked_record(profile, datetime.now(UTC))})
    return exit_codes.DONE
