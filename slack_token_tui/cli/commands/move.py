"""``move``: move tokens and client secrets to the keyring or to files, and set the storage for new sign-ins."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING

from slack_token_tui.cli import exit_codes, output
from slack_token_tui.problems import InvalidInput
from slack_token_tui.store.hot_path import resolve_name

if TYPE_CHECKING:
    from slack_token_tui.cli.batch import CommandResult
    from slack_token_tui.store.apps import SlackApp
    from slack_token_tui.store.profiles import ProfileStore

EXAMPLE = "slack-token-tui move --all --to keyring --from-now-on"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``move``."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="profile names")
    parser.add_argument("--to", choices=("keyring", "file"), required=True, help="where to save the tokens")
    parser.add_argument("--all", action="store_true", help="all profiles, and the client secrets of apps")
    parser.add_argument("--from-now-on", action="store_true", help="save new sign-ins there too")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")


def run(options: argparse.Namespace) -> int:
    """Move tokens to the system keyring, or back to files.

    With ``--all``, move all profiles and client secrets. With ``--from-now-on``, store new sign-ins there too.
    """
    from slack_token_tui.cli.batch import all_names, finish_batch, report_problem, run_for
    from slack_token_tui.store.apps import list_apps, unreadable_apps
    from slack_token_tui.store.profiles import ProfileStore

    if options.all and options.names:
        raise InvalidInput("Profile names and --all can't be combined.", "Use one of them")
    if not options.names and not options.all and not options.from_now_on:
        raise InvalidInput("No profile was given.", "Pass a profile name, --all or --from-now-on")
    store, to_keyring = ProfileStore(), options.to == "keyring"
    names = all_names(store) if options.all else options.names
    apps = list_apps(store.home) if options.all else []  # before anything is moved: it may fail
    unreadable = unreadable_apps(store.home) if options.all else []
    outcomes = [run_for(name, partial(_move_tokens, store, name, to_keyring)) for name in names]
    outcomes += [report_problem(PurePath(error.facts["file"]).stem, error, kind="app") for error in unreadable]
    outcomes += [
        run_for(app.display_name, partial(_move_client_secret, store, app, to_keyring), kind="app")
        for app in apps
        if app.is_confidential
    ]
    if options.from_now_on:
        outcomes.append(run_for("settings", partial(_set_default_storage, store, to_keyring), kind="settings"))
    return finish_batch(outcomes, as_json=options.json)


def _move_tokens(store: ProfileStore, name: str, to_keyring: bool) -> CommandResult:
    from slack_token_tui.tokens.keyring_migration import move_tokens

    move_tokens(store, resolve_name(str(store.home), name), to_keyring=to_keyring)
    output.print_message(f"{name}: tokens are now in {'the keyring' if to_keyring else 'its file'}")
    return exit_codes.SUCCESS, {"ok": True, "profile": name, "kept_in": _storage_name(to_keyring)}


def _move_client_secret(store: ProfileStore, app: SlackApp, to_keyring: bool) -> CommandResult:
    from slack_token_tui.store.apps import move_secret

    move_secret(store.home, app, to_keyring=to_keyring)
    output.print_message(f"{app.display_name}: client secret is now in {'the keyring' if to_keyring else 'its file'}")
    return exit_codes.SUCCESS, {"ok": True, "client_id": app.client_id, "kept_in": _storage_name(to_keyring)}


def _set_default_storage(store: ProfileStore, to_keyring: bool) -> CommandResult:
    from slack_token_tui.store.settings import change_settings

    change_settings(store.home, storage=_storage_name(to_keyring))
    output.print_message(f"New sign-ins are saved in {'the keyring' if to_keyring else 'files'}")
    return exit_codes.SUCCESS, {"ok": True, "new_sign_ins_kept_in": _storage_name(to_keyring)}


def _storage_name(to_keyring: bool) -> str:
    return "keyring" if to_keyring else "file"
