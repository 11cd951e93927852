"""Who and what there is on a practice Slack: workspaces, people, apps."""

from __future__ import annotations

from dataclasses import dataclass

CLIENT_ID = "1111111111.2222222222222"
"""The practice app. Slack's Client IDs are digits, a dot, digits."""


@dataclass(frozen=True)
class Team:
    """A workspace."""

    id: str
    name: str
    domain: str
    is_organization: bool = False
    """A whole Enterprise organisation, ``E…``, chosen instead of one of its workspaces."""


@dataclass(frozen=True)
class Person:
    """Somebody who can be signed in as."""

    id: str
    name: str


@dataclass
class App:
    """A Slack app as its settings pages would describe it."""

    client_id: str = CLIENT_ID
    app_id: str = "A0PRACTICE"
    name: str = "Practice App"
    redirect_urls: tuple[str, ...] = tuple(f"http://localhost:{port}/callback" for port in (28417, 28418, 28419))
    scopes: frozenset[str] | None = None
    """User Token Scopes; None allows any."""
    pkce_enabled: bool = True
    client_secret: str = "practice-client-secret"
    rotation: bool = True
    signing_secret: str = "practice-signing-secret"


def confidential_app() -> App:
    """Return an app as they were before PKCE: it has a client secret, and Slack takes only https redirects of it."""
    return App(
        client_id="3333333333.4444444444444",
        app_id="A0SECRET",
        name="Practice App with a secret",
        redirect_urls=("https://tokens.example.com/done",),
        pkce_enabled=False,
    )
