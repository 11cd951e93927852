"""Manifest of a Slack app for use with this program. Slack: app manifests (schema 1.0.0); using PKCE."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from slack_token_tui.problems import InvalidInput
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.limits import MAX_APP_NAME_LENGTH, MAX_SCOPES, MAX_URL_LENGTH

DEFAULT_NAME = "My Slack Tokens"


@dataclass(frozen=True)
class Manifest:
    """The manifest of an app to create.

    Attributes:
        name: the app's name on Slack's consent page. 1 to 35 characters, unique in its workspace.
        scopes: user scopes. There are no bot scopes, because Slack does not allow them with a localhost redirect.
        redirect_uris: registered with the app. Slack compares every character.
        rotation: whether access tokens expire after 12 hours and are refreshed. It can't be turned off later.
    """

    name: str
    scopes: tuple[str, ...]
    redirect_uris: tuple[str, ...]
    rotation: bool

    def to_dict(self) -> dict[str, object]:
        """Return the manifest in Slack's format."""
        return {
            "display_information": {
                "name": self.name,
                "description": "User tokens for the scripts and tools of one person",
            },
            "oauth_config": {
                "redirect_urls": list(self.redirect_uris),
                "scopes": {"user": list(self.scopes)},
                "pkce_enabled": True,
            },
            "settings": {
                "org_deploy_enabled": False,
                "socket_mode_enabled": False,
                "token_rotation_enabled": self.rotation,
            },
        }

    def to_json(self) -> str:
        """Return the manifest as indented JSON, to paste into Slack's page."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def prefilled_url(self, endpoints: Endpoints) -> str | None:
        """Return the URL of Slack's page with the manifest filled in, or None if it is too long for some browsers."""
        compact = json.dumps(self.to_dict(), separators=(",", ":"), ensure_ascii=False)
        url = f"{endpoints.apps_url}?new_app=1&manifest_json={quote(compact, safe='')}"
        return url if len(url) <= MAX_URL_LENGTH else None

    def page_url(self, endpoints: Endpoints) -> str:
        """Return the URL of Slack's page, with the manifest filled in if possible."""
        return self.prefilled_url(endpoints) or f"{endpoints.apps_url}?new_app=1"

    def admin_request(self, endpoints: Endpoints, reasons: Sequence[str]) -> str:
        """Return a message that asks an admin to create the app, for users who can't create apps.

        Args:
            endpoints: the Slack host to create the app on.
            reasons: one line per scope that says what it is for.
        """
        lifetime = (
            "Access tokens live for 12 hours and renew themselves (token rotation)."
            if self.rotation
            else "Tokens work until they are revoked (no token rotation)."
        )
        return "\n".join(
            [
                f"Could you make a Slack app for me? It is called “{self.name}”, and it gives me a user token for my own",
                "scripts. The token acts only as me and sees only what I can see.",
                "",
                "What it asks for, and why:",
                *(f"- {reason}" for reason in reasons),
                "",
                "It has no bot, no server and no client secret to keep: it signs in with PKCE, and the browser comes back",
                f"to my own machine ({self.redirect_uris[0]}).",
                lifetime,
                "",
                "How to make it (two minutes):",
                f"1. Open {endpoints.apps_url} → Create New App → From a manifest, and choose our workspace.",
                "2. Choose JSON, paste the text below, and press Next, then Create.",
                "3. If the workspace wants apps to be approved, approve it there too.",
                "4. Send me the Client ID (digits, a dot, digits): Basic Information → App Credentials. Please send nothing",
                "   else: the client secret and the signing secret are not needed and should stay where they are.",
                "",
                self.to_json(),
                "",
            ]
        )


def create_manifest(name: str, scopes: tuple[str, ...], redirect_uris: tuple[str, ...], *, rotation: bool) -> Manifest:
    """Return a validated manifest.

    Raises:
        ValueError: Slack would not accept it. The message is a sentence for the user.
    """
    name = " ".join(name.split())
    if not name:
        raise InvalidInput("Give the app a name: Slack shows it on the page where you press Allow.")
    if len(name) > MAX_APP_NAME_LENGTH:
        raise InvalidInput(f"Slack takes names of up to {MAX_APP_NAME_LENGTH} characters; this one has {len(name)}.")
    if not name.isprintable():
        raise InvalidInput("The name holds characters that cannot be shown.")
    if not scopes:
        raise InvalidInput("Choose at least one scope.")
    if len(scopes) > MAX_SCOPES:
        raise InvalidInput(f"Slack takes up to {MAX_SCOPES} scopes; these are {len(scopes)}.")
    return Manifest(name, scopes, redirect_uris, rotation)
