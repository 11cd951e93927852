"""What a Client ID looks like, and what was given when it is something else."""

from __future__ import annotations

import re

_CLIENT_ID = re.compile(r"\d{1,20}\.\d{1,20}")


def checked_client_id(text: str) -> str:
    """Return ``text`` as a Client ID: digits, a dot, digits (``2141029472.691202649728``).

    Raises:
        ValueError: with a sentence that names what was given instead, without the value: it may be a secret.
    """
    text = text.strip()
    if _CLIENT_ID.fullmatch(text):
        return text
    if not text:
        raise ValueError("Enter your app’s Client ID: your app → Basic Information → App Credentials.")
    if re.fullmatch(r"[0-9a-f]{32}", text):
        raise ValueError("That looks like a secret. Only the Client ID is needed: digits, a dot, digits.")
    if re.fullmatch(r"A[A-Z0-9]{8,}", text):
        raise ValueError("That is the App ID. The Client ID stands just below it: digits, a dot, digits.")
    if re.match(r"xox|xapp-|xwfp-", text):
        raise ValueError("That looks like a token. Enter the app’s Client ID here: digits, a dot, digits.")
    if "://" in text:
        raise ValueError("That is an address. Enter the Client ID: your app → Basic Information → App Credentials.")
    raise ValueError("A Client ID is digits, a dot, digits: 2141029472.691202649728.")
