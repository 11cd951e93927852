"""``move``: where tokens and client secrets are kept, now and from now on."""

from __future__ import annotations

from functools import partial

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.cli.batch import Outcome, answered_for, concluded
from slack_token_tui.store.apps import SlackApp, move_secret, remembered_apps
from slack_token_tui.store.hot_path import chosen_name
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import change_settings
from slack_token_tui.tokens.keyring_migration import move


def move_profiles(names: list[str], every: bool, to_keyring: bool, from_now_on: bool, as_json: bool) -> int:
    """Keep tokens in the operating system's keyring, or in files again; of all profiles, then client secrets too."""
    if every and names:
        return output.usage("Names and --all were given.", "Name profiles, or use --all", as_json=as_json)
    if not names and not every and not from_now_on:
        return output.usage("No profile was named.", "Name one or more, or use --all or --from-now-on", as_json=as_json)
    store = ProfileStore()
    outcomes = [
        answered_for(name, partial(_profile, store, name, to_keyring)) for name in (store.names() if every else names)
    ]
    if every:
        apps = [app for app in remembered_apps(store.home) if app.is_confidential]
        outcomes += [answered_for(app.shown_name, partial(_secret, store, app, to_keyring), kind="app") for app in apps]
    if from_now_on:
        outcomes.append(answered_for("settings", partial(_settings, store, to_keyring), kind="settings"))
    return concluded(outcomes, as_json=as_json)


def _profile(store: ProfileStore, name: str, to_keyring: bool) -> Outcome:
    move(store, chosen_name(str(store.home), name), to_keyring=to_keyring)
    output.say(f"{name}: its tokens are in {'the keyring' if to_keyring else 'its file'} now")
    return exit_codes.DONE, {"ok": True, "profile": name, "kept_in": _place(to_keyring)}


def _secret(store: ProfileStore, app: SlackApp, to_keyring: bool) -> Outcome:
    move_secret(store.home, app, to_keyring=to_keyring)
    output.say(f"{app.shown_name}: its client secret is in {'the keyring' if to_keyring else 'its file'} now")
    return exit_codes.DONE, {"ok": True, "client_id": app.client_id, "kept_in": _place(to_keyring)}


def _settings(store: ProfileStore, to_keyring: bool) -> Outcome:
    change_settings(store.home, storage=_place(to_keyring))
    output.say(f"New sign-ins will be kept in {'the keyring' if to_keyring else 'files'}")
    return exit_codes.DONE, {"ok": True, "new_sign_ins_kept_in": _place(to_keyring)}


def _place(to_keyring: bool) -> str:
    return "keyring" if to_keyring else "file"
