"""Slack's token lifetimes in seconds, and limits for app manifests, URLs and workspace lists.

Slack: token rotation; manifest schema.
"""

ROTATING_TOKEN_SECONDS = 43_200
"""Lifetime of a rotating access token: 12 hours."""
MAX_TOKEN_SECONDS = 46_800
"""13 hours. A longer ``expires_in`` is capped: otherwise the token would be used long after it has expired."""
MAX_SCOPES = 255
"""Maximum number of an app's scopes in Slack's manifest schema."""
MAX_APP_NAME_LENGTH = 35
"""Maximum length of ``display_information.name`` in Slack's manifest schema."""
MAX_URL_LENGTH = 8_000
"""Slack publishes no limit, but browsers and servers truncate much longer URLs."""
MAX_WORKSPACES = 200
"""Maximum number of an organization's workspaces shown and saved. Profile files have a size limit."""
