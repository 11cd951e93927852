"""Text of the app setup screen: the steps to a Client ID, the request for an admin, Slack's page, and the manifest."""

from __future__ import annotations

import shlex

from textual.content import Content
from textual.style import Style

from slack_token_tui.slack.endpoints import SLACK, Endpoints
from slack_token_tui.slack.manifest import Manifest
from slack_token_tui.tui.widgets.field import MUTED

_KEY = "bold $text-primary"


def format_steps(manifest: Manifest, endpoints: Endpoints, *, can_open_browser: bool) -> Content:
    """Return the three steps to a Client ID. If ``can_open_browser`` is false, they say what to do instead."""
    page, fits = manifest.page_url(endpoints), manifest.prefilled_url(endpoints) is not None
    if fits and can_open_browser:
        first = Content.assemble(("o", _KEY), " opens Slack’s page with everything filled in.")
    elif fits:
        first = Content.assemble(
            ("u", _KEY),
            " copies the address of Slack’s page, which stands below too. Open it where you have a browser.",
        )
    elif can_open_browser:
        first = Content.assemble(
            ("o", _KEY), " copies the manifest and opens Slack’s page: with so many scopes its address cannot hold it."
        )
    else:
        first = Content.assemble(("c", _KEY), f" copies the manifest. Open {page} where you have a browser.")
    menu_step = "" if fits else "From a manifest, "
    paste_step = "" if fits else "paste, "
    return Content.assemble(
        (f"{manifest.name} is ready to be made\n\n", "bold"),
        "1. ",
        first,
        f" Choose {menu_step}your workspace, {paste_step}then Next and Create.\n",
        "2. The page that follows is Basic Information. Under App Credentials stands the Client ID: copy it. The "
        "secrets below it are not needed; leave them there.\n",
        "3. Paste it here.",
    )


def format_alternatives(manifest: Manifest, endpoints: Endpoints) -> Content:
    """Return the text for users who can't create apps, the URL of Slack's page, and the manifest."""
    page = manifest.page_url(endpoints)
    return Content.assemble(
        ("\nNot allowed to make apps? ", "bold"),
        ("m", _KEY),
        " copies a message to somebody who is: what the app may do and why, the manifest, and what to send back. "
        "Sign in with the Client ID that comes back. In a shell:\n",
        (_manifest_command(manifest, endpoints), MUTED),
        ("\n\nThe page (", MUTED),
        ("u", _KEY),
        (" copies its address)\n", MUTED),
        Content.styled(page, Style(link=page)),
        ("\n\nThe manifest (", MUTED),
        ("c", _KEY),
        (" copies it)\n", MUTED),
        manifest.to_json(),
    )


def _manifest_command(manifest: Manifest, endpoints: Endpoints) -> str:
    """Return the shell command that prints the request for an admin."""
    words = ["slack-token-tui", "manifest", "--message", "--name", manifest.name, "--scopes", ",".join(manifest.scopes)]
    if not manifest.rotation:
        words.append("--no-rotation")
    if endpoints.base != SLACK:
        words += ["--slack-url", endpoints.base]
    return shlex.join(words)
