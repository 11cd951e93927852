"""Proof Key for Code Exchange (RFC 7636), S256 only: Slack knows no other method, and ``plain`` proves nothing."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256

from slack_token_tui.secret import Secret

METHOD = "S256"
_VERIFIER_BYTES = 48
"""48 random bytes are 64 characters: within the 43 to 128 of RFC 7636 §4.1."""


@dataclass(frozen=True)
class Pkce:
    """A code verifier and its challenge, fresh for one authorization request."""

    code_verifier: Secret
    code_challenge: str

    @classmethod
    def generate(cls) -> Pkce:
        """Return a new pair from the system's random source (RFC 7636 §4.1, §7.1)."""
        verifier = secrets.token_urlsafe(_VERIFIER_BYTES)
        return cls(Secret(verifier), challenge(verifier))


def challenge(verifier: str) -> str:
    """Return BASE64URL(SHA256(verifier)) without padding (RFC 7636 §4.2)."""
    return urlsafe_b64encode(sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")
