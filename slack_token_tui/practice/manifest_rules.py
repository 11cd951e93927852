"""Validate app manifests as Slack does.

Sources: Slack's ``manifest.schema.1.0.0.json`` and ``manifest.schema.2.0.0.json``, and its docs on PKCE and token
rotation.
"""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Any
from urllib.parse import SplitResult, urlsplit

_TOP = frozenset(
    {
        "$schema",
        "_metadata",
        "display_information",
        "features",
        "oauth_config",
        "settings",
        "functions",
        "workflows",
        "datastores",
        "outgoing_domains",
        "types",
        "external_auth_providers",
        "mcp_servers",
        "app_directory",
    }
)
_DISPLAY = {"name": (1, 35), "description": (1, 140), "long_description": (175, 4000)}
_OAUTH = frozenset({"redirect_urls", "scopes", "token_management_enabled", "pkce_enabled"})
_SCOPE_LISTS = frozenset({"user", "bot", "user_optional", "bot_optional"})
_SETTINGS = frozenset(
    {
        "allowed_ip_address_ranges",
        "event_subscriptions",
        "incoming_webhooks",
        "interactivity",
        "org_deploy_enabled",
        "socket_mode_enabled",
        "is_hosted",
        "token_rotation_enabled",
        "siws_links",
        "hermes_app_type",
        "function_runtime",
        "is_mcp_enabled",
    }
)
_SWITCHES = ("org_deploy_enabled", "socket_mode_enabled", "is_hosted", "token_rotation_enabled", "is_mcp_enabled")
_BOT_ONLY = re.compile(
    r"app_mentions:read|assistant:write|bot|channels:(join|manage)|chat:write\.(public|customize)|"
    r"conversations\.connect:\w+|metadata\.message:read|search:read\.enterprise|workflow\.steps:execute|"
    r"mcp:connect|remote_files:write|(datastore|triggers):\w+"
)
_GRID_ONLY = re.compile(r"(admin|auditlogs)[.:].*|admin")
_NOT_IN_A_MANIFEST = frozenset({"app_configurations:read", "app_configurations:write", "hosting:read", "hosting:write"})


def find_problems(manifest: object, names_taken: Set[str] = frozenset()) -> list[str]:
    """Return why Slack would reject ``manifest``, one line per problem. Empty if it would create the app.

    Args:
        manifest: the parsed JSON value.
        names_taken: names of the other apps in the workspace. An app name is unique in a workspace.
    """
    if not isinstance(manifest, dict):
        return ["the manifest must be an object"]
    problems = _find_unknown_keys("", manifest, _TOP)
    problems += _check_display(manifest.get("display_information"), names_taken)
    oauth, settings = manifest.get("oauth_config", {}), manifest.get("settings", {})
    if not isinstance(oauth, dict) or not isinstance(settings, dict):
        return [*problems, "oauth_config and settings must be objects"]
    problems += _find_unknown_keys("oauth_config", oauth, _OAUTH)
    problems += _find_unknown_keys("settings", settings, _SETTINGS)
    problems += [
        f"settings.{key} must be true or false" for key in _SWITCHES if not isinstance(settings.get(key, False), bool)
    ]
    pkce = oauth.get("pkce_enabled", False)
    if not isinstance(pkce, bool):
        problems.append("oauth_config.pkce_enabled must be true or false")
    redirects = oauth.get("redirect_urls", [])
    problems += find_redirect_problems(redirects, pkce=pkce is True)
    problems += _check_scopes(oauth.get("scopes", {}))
    if settings.get("token_rotation_enabled") and not redirects:
        problems.append("token rotation needs a redirect URL")
    return problems


def _find_unknown_keys(place: str, record: dict[str, Any], allowed: Set[str]) -> list[str]:
    return [f"unknown key {key!r} in {place or 'the manifest'}" for key in record if key not in allowed]


def _check_display(display: object, names_taken: Set[str]) -> list[str]:
    if not isinstance(display, dict) or "name" not in display:
        return ["display_information.name is required"]
    wrong = _find_unknown_keys("display_information", display, {*_DISPLAY, "background_color"})
    for key, (least, most) in _DISPLAY.items():
        value = display.get(key, "x" * least)
        if not isinstance(value, str) or not least <= len(value) <= most:
            wrong.append(f"display_information.{key} must have {least} to {most} characters")
    color = display.get("background_color", "#000")
    if not isinstance(color, str) or not re.fullmatch(r"#(?:[0-9a-fA-F]{3}){1,2}", color):
        wrong.append("display_information.background_color must be # and 3 or 6 hex digits")
    name = display["name"]
    if isinstance(name, str) and not name.isprintable():
        wrong.append("display_information.name contains unprintable characters")
    if isinstance(name, str) and name in names_taken:
        wrong.append("the workspace already has an app with this name")
    return wrong


def find_redirect_problems(redirects: object, *, pkce: bool) -> list[str]:
    """Return the problems of an app's redirect URLs, one line each."""
    if not isinstance(redirects, list) or not all(isinstance(item, str) for item in redirects):
        return ["oauth_config.redirect_urls must be a list of strings"]
    problems = []
    if len(redirects) > 1000 or len(set(redirects)) != len(redirects):
        problems.append("oauth_config.redirect_urls must have up to 1000 unique URLs")
    for url in redirects:
        parts = url_parts(url)
        if parts is None or len(url) > 2500 or "://" not in url or parts.fragment:
            problems.append(f"{url[:60]} is not a valid redirect URL")
        elif parts.scheme == "http" and not (pkce and parts.hostname == "localhost"):
            problems.append(f"{url[:60]} must use https, or localhost with pkce_enabled")
        elif parts.scheme not in {"http", "https"} and not pkce:
            problems.append(f"{url[:60]} has a custom scheme, which needs pkce_enabled")
    return problems


def url_parts(url: str) -> SplitResult | None:
    """Return the parts of ``url``, or None if it has invalid characters or an invalid host."""
    try:
        return urlsplit(url) if is_visible_ascii(url) else None
    except ValueError:
        return None


def is_visible_ascii(text: str) -> bool:
    """Return whether ``text`` is safe in a header: only ASCII, without spaces, line breaks or control characters."""
    return re.fullmatch(r"[\x21-\x7e]+", text) is not None


def _check_scopes(scopes: object) -> list[str]:
    if not isinstance(scopes, dict):
        return ["oauth_config.scopes must be an object"]
    wrong = _find_unknown_keys("oauth_config.scopes", scopes, _SCOPE_LISTS)
    for kind, listed in scopes.items():
        if not isinstance(listed, list) or len(listed) > 255 or not all(isinstance(scope, str) for scope in listed):
            wrong.append(f"oauth_config.scopes.{kind} must be a list of up to 255 strings")
            continue
        for scope in listed:
            if not 0 < len(scope) <= 50 or (kind.startswith("user") and _BOT_ONLY.fullmatch(scope)):
                wrong.append(f"invalid scope {scope[:50]}")
            if _GRID_ONLY.fullmatch(scope) or scope in _NOT_IN_A_MANIFEST:
                wrong.append(f"invalid scope {scope[:50]} in this workspace")
        base = kind.removesuffix("_optional")
        plain = scopes.get(base, [])
        if kind != base and not (isinstance(plain, list) and all(scope in plain for scope in listed)):
            wrong.append(f"every scope in oauth_config.scopes.{kind} must also be in oauth_config.scopes.{base}")
    return wrong
