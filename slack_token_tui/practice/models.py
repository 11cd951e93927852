"""Data classes of the practice Slack: workspaces, people and apps."""

from __future__ import annotations

from dataclasses import dataclass

CLIENT_ID = "1111111111.2222222222222"
"""Client ID of the practice app. A Slack Client ID is digits, a dot, digits."""


@dataclass(frozen=True)
class Team:
    """A workspace."""

    id: str
    name: str
    domain: str
    is_organization: bool = False
    """Whether this is a whole Enterprise organization (``E…``), chosen instead of one of its workspaces."""


@dataclass(frozen=True)
class Person:
    """A person who can sign in."""

    id: str
    name: str


@dataclass
class App:
    """A Slack app, with the fields of its settings pages."""

    client_id: str = CLIENT_ID
    app_id: str = "A0PRACTICE"
    name: str = "Practice App"
    redirect_urls: tuple[str, ...] = tuple(f"http://localhost:{port}/callback" for port in (28417, 28418, 28419))
    scopes: frozenset[str] | None = None
    """User Token Scopes. None allows any scope."""
    pkce_enabled: bool = True
    client_secret: str = "practice-client-secret"
    rotation: bool = True
    signing_secret: str = "practice-signing-secret"


def confidential_app() -> App:
    """Return an app that does not use PKCE. It has a client secret, and Slack accepts only https redirect URLs for it."""
    return App(
        client_id="3333333333.4444444444444",
        app_id="A0SECRET",
        name="Practice App with a secret",
        redirect_urls=("https://tokens.example.com/done",),
        pkce_enabled=False,
    )
