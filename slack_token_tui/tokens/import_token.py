"""Import an existing token: detect its type, verify it with Slack, and save it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from slack_token_tui.problems import InvalidInput
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client import SlackClient
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.errors import SlackRefused
from slack_token_tui.slack.limits import ROTATING_TOKEN_SECONDS
from slack_token_tui.slack.token_types import REFRESH_TOKEN, TokenType, token_type_of
from slack_token_tui.store.names import suggest_name
from slack_token_tui.store.profile import Profile, Tokens
from slack_token_tui.store.profiles import ProfileStore, SavedProfile


def parse_tokens(text: str, client_id: str) -> tuple[TokenType, Secret, Secret | None]:
    """Return the type, the access token and the optional refresh token in ``text``.

    Each line holds one token. Lines that start with ``#`` are comments.

    Raises:
        ValueError: the tokens can't be imported. The message is meant for the user and never contains the input.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    if not lines:
        raise InvalidInput("No token received.")
    token_type = token_type_of(lines[0])
    if token_type is None:
        raise InvalidInput(
            "That isn't a Slack token. Paste only the token (xoxp-… or xoxe.xoxp-…), without quotes, Bearer or a "
            "variable name."
        )
    if token_type.unsupported_reason:
        raise InvalidInput(f"That's {token_type.with_article} ({token_type.prefix}…). {token_type.unsupported_reason}")
    if not all(33 <= ord(character) <= 126 for line in lines for character in line):
        raise InvalidInput("A token can't contain spaces or non-ASCII characters.")
    if len(lines) == 1:
        return token_type, Secret(lines[0]), None
    if len(lines) > 2 or token_type_of(lines[1]) is not REFRESH_TOKEN or not token_type.rotates:
        raise InvalidInput(
            "Only a rotating token (xoxe.xoxp-…) can have a second line, for its refresh token (xoxe-…)."
        )
    if not client_id:
        raise InvalidInput("Enter the Client ID of the app too. The refresh token needs it.")
    return token_type, Secret(lines[0]), Secret(lines[1])


async def import_token(
    store: ProfileStore,
    token_type: TokenType,
    access_token: Secret,
    refresh_token: Secret | None,
    *,
    client_id: str = "",
    endpoints: Endpoints | None = None,
    name: str | None = None,
) -> SavedProfile:
    """Verify ``access_token`` with Slack and save it as a profile.

    Args:
        store: the store to save the profile in.
        token_type: the token type, as returned by :func:`parse_tokens`.
        access_token, refresh_token: the tokens, as returned by :func:`parse_tokens`.
        client_id: the app's Client ID, if available.
        endpoints: the Slack that issued the token. Defaults to slack.com.
        name: the preferred profile name, or None to choose one.

    Raises:
        SlackError: Slack could not be reached or refused the token, or a saved profile prevents the import. Nothing
            was saved.
        StorageError: the profile could not be saved.
    """
    endpoints = endpoints or Endpoints()
    async with SlackClient(endpoints) as slack:
        identity = await slack.verify(access_token)
    now = datetime.now(UTC).replace(microsecond=0)
    tokens = Tokens(access_token, refresh_token)
    suggested = suggest_name(identity.workspace_url, identity.team_name, identity.team_id, identity.enterprise_id)
    unidentified = Profile(suggested, client_id, endpoints, signed_in_at=now)
    profile = unidentified.with_identity(identity, now).with_masks(tokens)
    if refresh_token is not None:
        profile = replace(profile, refresh_issued_at=now)
    if token_type.rotates:
        lifetime_seconds = identity.expires_in_seconds or ROTATING_TOKEN_SECONDS
        profile = replace(profile, expires_at=now + timedelta(seconds=lifetime_seconds))
    return await asyncio.to_thread(
        _save_unless_duplicate, store, profile, tokens, name
    )  # locks, disks and keyrings can block


def _save_unless_duplicate(store: ProfileStore, profile: Profile, tokens: Tokens, name: str | None) -> SavedProfile:
    for entry in store.entries():
        # Compare the masks first, so that the keyring is queried only for a likely duplicate.
        if (
            isinstance(entry, Profile)
            and entry.masked_token == profile.masked_token
            and store.read_with_tokens(entry.name)[1].access_token == tokens.access_token
        ):
            raise SlackRefused("token_already_kept", name=entry.name)

    def check_replaced(saved: Profile) -> None:
        if saved.is_refreshable and not profile.is_refreshable:
            raise SlackRefused("renewable_already_kept", name=saved.name)

    return store.save_sign_in(profile, tokens, name, check_replaced=check_replaced)
