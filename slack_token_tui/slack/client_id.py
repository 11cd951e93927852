"""Parsing of pasted Client IDs, with a specific message for other values.

Slack's Basic Information page shows six values that look similar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import parse_qs, urlsplit

from slack_token_tui.problems import InvalidInput
from slack_token_tui.slack.token_types import token_type_of

_CLIENT_ID = re.compile(r"\d{1,20}\.\d{1,20}")
_CLIENT_ID_IN_TEXT = re.compile(r"(?<![\d.])\d{9,20}\.\d{9,20}(?![\d.])")
"""In longer text, shorter numbers with a dot may be a version, an amount or a timestamp."""
_SECRET_IN_TEXT = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9a-f]{32}|[0-9A-F]{32})(?![0-9A-Fa-f])")
_TOKEN_IN_TEXT = re.compile(r"xox[a-z][-.][\w.-]+|(?:xapp|xwfp)-[\w-]+")
_APP_ID = re.compile(r"A[A-Z0-9]{8,14}")
_APP_ID_IN_PATH = re.compile(r"/(?:apps|app-settings/T[A-Z0-9]+)/(A[A-Z0-9]{8,14})(?:/|$)")
_SETTINGS_HOSTS = frozenset({"api.slack.com", "app.slack.com", "api.slack-gov.com", "app.slack-gov.com"})
_CLIENT_ID_FORM = "A Client ID looks like 2141029472.691202649728."
_WHERE = "from Basic Information → App Credentials"


class PastedKind(Enum):
    """Kind of text pasted into a Client ID field."""

    CLIENT_ID = auto()
    SECRET = auto()
    APP_ID = auto()
    SETTINGS_PAGE = auto()
    TOKEN = auto()
    VERIFICATION_TOKEN = auto()
    EMPTY = auto()
    OTHER = auto()

    @property
    def is_secret(self) -> bool:
        """Whether the text must not be shown."""
        return self in (PastedKind.SECRET, PastedKind.TOKEN, PastedKind.VERIFICATION_TOKEN)


@dataclass(frozen=True)
class PastedText:
    """A pasted text and its kind.

    Attributes:
        kind: what the text is.
        message: a sentence for the user. It never repeats the text, which may be a secret.
        client_id: the Client ID, if the text contains one.
        app_id: the App ID, if the text contains one. The app's settings page shows the Client ID.
    """

    kind: PastedKind
    message: str
    client_id: str | None = None
    app_id: str | None = None


def recognize(text: str) -> PastedText:
    """Return the kind of ``text``, its Client ID if it contains one, and otherwise where to find the Client ID."""
    text = text.strip()
    if not text:
        return PastedText(PastedKind.EMPTY, f"Enter your app's Client ID, {_WHERE}.")
    if _CLIENT_ID.fullmatch(text):
        return PastedText(PastedKind.CLIENT_ID, "That's a Client ID.", text)
    if _APP_ID.fullmatch(text):
        return PastedText(
            PastedKind.APP_ID, f"That's the App ID. The Client ID is just below it. {_CLIENT_ID_FORM}", app_id=text
        )
    client_ids = set(_CLIENT_ID_IN_TEXT.findall(text))
    if len(client_ids) == 1 and "://" not in text:
        return PastedText(PastedKind.CLIENT_ID, "Found the Client ID in the pasted text.", client_ids.pop())
    if (token := _TOKEN_IN_TEXT.search(text)) and (token_type := token_type_of(token.group())):
        return PastedText(
            PastedKind.TOKEN,
            f"That's {token_type.with_article}. {_CLIENT_ID_FORM} "
            + (
                token_type.unsupported_reason
                or "To import a token, press i on the home screen or run slack-token-tui import."
            ),
        )
    if _SECRET_IN_TEXT.search(text):
        return PastedText(
            PastedKind.SECRET,
            "That's a client secret or a signing secret. You don't need either one. It was not saved. "
            f"The Client ID is above them. {_CLIENT_ID_FORM}",
        )
    if "://" in text and not any(character.isspace() for character in text):
        return _recognize_url(text)
    if len(client_ids) == 1:
        return PastedText(PastedKind.CLIENT_ID, "Found the Client ID in the pasted text.", client_ids.pop())
    if re.fullmatch(r"[A-Za-z0-9]{24}", text):
        return PastedText(
            PastedKind.VERIFICATION_TOKEN,
            f"That's a verification token, which Slack has retired. {_CLIENT_ID_FORM}",
        )
    return PastedText(PastedKind.OTHER, _CLIENT_ID_FORM)


def _recognize_url(text: str) -> PastedText:
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        return PastedText(PastedKind.OTHER, _CLIENT_ID_FORM)
    client_id = parse_qs(parts.query).get("client_id", [""])[0]
    if parts.path.startswith("/oauth/") and _CLIENT_ID.fullmatch(client_id):
        return PastedText(PastedKind.CLIENT_ID, "Found the Client ID in the authorize URL.", client_id)
    if host in _SETTINGS_HOSTS:
        match = _APP_ID_IN_PATH.search(parts.path)
        return PastedText(
            PastedKind.SETTINGS_PAGE,
            f"That's the app's settings page. Copy the Client ID {_WHERE}.",
            app_id=match.group(1) if match else None,
        )
    return PastedText(PastedKind.OTHER, f"That's a URL. Enter the Client ID {_WHERE}.")


def parse_client_id(text: str) -> str:
    """Return the Client ID in ``text``, such as ``2141029472.691202649728``.

    Raises:
        ValueError: there is none. The message says what the text is without repeating it, because it may be a secret.
    """
    pasted = recognize(text)
    if pasted.client_id is None:
        raise InvalidInput(pasted.message)
    return pasted.client_id
