"""Name suggestions for new profiles, based on the workspace."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import count
from urllib.parse import urlsplit

from slack_token_tui.store.hot_path import is_valid_name
from slack_token_tui.store.profile import Profile

_MAX_SLUG_LENGTH = 48
"""Leaves room for ``-jane`` or a number. A profile name has up to 64 characters."""


def slugify(text: str | None) -> str:
    """Return ``text`` reduced to the characters of a profile name, or "" if none are left."""
    ascii_text = unicodedata.normalize("NFKD", text or "").encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")[:_MAX_SLUG_LENGTH].strip("-")


def suggest_name(
    workspace_url: str | None, team_name: str | None, team_id: str | None, enterprise_id: str | None
) -> str:
    """Return the best name for a profile of this workspace or organization.

    It is the subdomain of the workspace URL from ``auth.test``, if there is one. It can be typed even if the workspace
    name uses a non-Latin script.
    """
    sources = (_subdomain(workspace_url or ""), team_name, team_id, enterprise_id)
    workspace = next(filter(None, map(slugify, sources)), "slack")
    return workspace if is_valid_name(workspace) else f"{workspace}-slack"


def candidate_names(profile: Profile) -> Iterator[str]:
    """Yield an infinite sequence of names for ``profile``, best first: ``acme``, ``acme-jane``, ``acme-2``, ``acme-3`` …"""
    workspace = suggest_name(profile.workspace_url, profile.team_name, profile.team_id, profile.enterprise_id)
    yield workspace
    if user := slugify(profile.user_name) or slugify(profile.user_id):
        yield f"{workspace}-{user}"[:64]
    for number in count(2):
        yield f"{workspace}-{number}"


def _subdomain(workspace_url: str) -> str:
    try:
        host = urlsplit(workspace_url).hostname or ""
    except ValueError:  # the URL may come from a hand-edited profile file
        return ""
    return host.split(".")[0] if host.count(".") >= 2 else ""
