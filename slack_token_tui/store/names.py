"""Names for new profiles: the workspace's own short name first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import count
from urllib.parse import urlsplit

from slack_token_tui.store.hot_path import is_valid_name
from slack_token_tui.store.profile import Profile

_MAX_SLUG_LENGTH = 48
"""Leaves room for ``-jane`` or a number within the 64 characters of a name."""


def slugify(text: str | None) -> str:
    """Return ``text`` in the characters of a profile's name, or "" when nothing of it can be kept."""
    plain = unicodedata.normalize("NFKD", text or "").encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_MAX_SLUG_LENGTH].strip("-")


def candidate_names(profile: Profile) -> Iterator[str]:
    """Yield names for ``profile`` without end, the best first: ``acme``, ``acme-jane``, ``acme-2``, ``acme-3`` …

    The workspace's subdomain comes from the address that ``auth.test`` gave, so workspaces named in any script get a
    name that can be typed.
    """
    known = (_subdomain(profile.workspace_url or ""), profile.team_name, profile.team_id, profile.enterprise_id)
    workspace = next(filter(None, map(slugify, known)), "slack")
    if not is_valid_name(workspace):
        workspace = f"{workspace}-slack"
    yield workspace
    if user := slugify(profile.user_name) or slugify(profile.user_id):
        yield f"{workspace}-{user}"[:64]
    for number in count(2):
        yield f"{workspace}-{number}"


def _subdomain(workspace_url: str) -> str:
    try:
        host = urlsplit(workspace_url).hostname or ""
    except ValueError:  # a profile's file may hold anything
        return ""
    return host.split(".")[0] if host.count(".") >= 2 else ""
