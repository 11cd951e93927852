"""Manifest of a Slack app for use with this program. Slack: app manifests (schema 1.0.0); using PKCE."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from slack_token_tui.problems import InvalidInput
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.limits import MAX_APP_NAME_LENGTH, MAX_SCOPES, MAX_URL_LENGTH
from slack_token_tui.slack.scope_catalog import find_scope

DEFAULT_NAME = "My Slack Tokens"


@dataclass(frozen=True)
class Manifest:
    """The manifest of an app to create.

    Attributes:
        name: the app's name on Slack's consent page. 1 to 35 characters, unique in its workspace.
        scopes: user scopes. There are no bot scopes, because Slack does not allow them with a localhost redirect.
        redirect_uris: registered with the app. Slack compares every character.
        rotation: whether to turn on token rotation. It can't be turned off later. Without it, Slack may still rotate the
            tokens of a sign-in on localhost.
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
                "description": "Personal user tokens for scripts and tools",
            },
            "oauth_config": {
                "redirect_urls": list(self.redirect_uris),
                "scopes": {"user": list(self.scopes)},
                "pkce_enabled": True,
            },
            "settings": {
                "org_deploy_enabled": self._needs_org_install,
                "socket_mode_enabled": False,
                "token_rotation_enabled": self.rotation,
            },
        }

    def to_json(self) -> str:
        """Return the manifest as indented JSON, to paste into Slack's page."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def prefilled_url(self, endpoints: Endpoints) -> str | None:
        """Return the link that fills in the manifest on Slack's page, or None if it is too long for some browsers."""
        compact = json.dumps(self.to_dict(), separators=(",", ":"), ensure_ascii=False)
        url = f"{endpoints.apps_url}?new_app=1&manifest_json={quote(compact, safe='')}"
        return url if len(url) <= MAX_URL_LENGTH else None

    def page_url(self, endpoints: Endpoints) -> str:
        """Return the link to Slack's page. It fills in the manifest if possible."""
        return self.prefilled_url(endpoints) or f"{endpoints.apps_url}?new_app=1"

    def admin_request(self, endpoints: Endpoints, reasons: Sequence[str]) -> str:
        """Return a message that asks an admin to create the app, for users who can't create apps.

        Args:
            endpoints: the Slack host to create the app on.
            reasons: one line per scope that says what it lets the app do.
        """
        redirect_uri = self.redirect_uris[0]
        my_computer = " on my own computer" if redirect_uri.startswith("http://localhost") else ""
        rotation = (
            "Token rotation is on, so a leaked access token expires soon."
            if self.rotation
            else "Token rotation isn't requested. Slack may still rotate the tokens."
        )
        install = (
            ["4. Install it on the whole organization, as an Org Owner or Admin."] if self._needs_org_install else []
        )
        return "\n".join(
            [
                f"Could you create a Slack app for me? It's called {self.name}.",
                "I need a user token for my own scripts and tools. It acts as me and can't see more than I can.",
                "",
                'The app requests these user scopes ("you" is the person who signs in):',
                *(f"- {reason}" for reason in reasons),
                "",
                "It has no bot user. It signs in with PKCE, so it needs no client secret.",
                f"After I click Allow, Slack sends my browser to {redirect_uri}{my_computer}.",
                rotation,
                "",
                "To create it (about two minutes):",
                f"1. Open {endpoints.apps_url}?new_app=1, choose From a manifest, then our workspace.",
                "2. Choose JSON, paste the manifest below, and click Next, then Create.",
                "3. If our workspace requires app approval, approve the app.",
                *install,
                f"{4 + len(install)}. Send me the Client ID from Basic Information → App Credentials.",
                "",
                "Please don't send the client secret or the signing secret. I don't need them.",
                "",
                "Manifest:",
                self.to_json(),
                "",
            ]
        )

    @property
    def _needs_org_install(self) -> bool:
        return any(find_scope(name).needs_org_install for name in self.scopes)


def create_manifest(name: str, scopes: tuple[str, ...], redirect_uris: tuple[str, ...], *, rotation: bool) -> Manifest:
    """Return a validated manifest.

    Raises:
        ValueError: Slack would not accept it. The message is a sentence for the user.
    """
    name = " ".join(name.split())
    if not name:
        raise InvalidInput("Enter an app name. Slack shows it on the consent page.")
    if len(name) > MAX_APP_NAME_LENGTH:
        raise InvalidInput(
            f"Slack accepts app names of up to {MAX_APP_NAME_LENGTH} characters. This one has {len(name)}."
        )
    if not name.isprintable():
        raise InvalidInput("The app name contains unprintable characters.")
    if not scopes:
        raise InvalidInput("Choose at least one scope.")
    if len(scopes) > MAX_SCOPES:
        raise InvalidInput(f"Slack accepts up to {MAX_SCOPES} scopes. You chose {len(scopes)}.")
    return Manifest(name, scopes, redirect_uris, rotation)
