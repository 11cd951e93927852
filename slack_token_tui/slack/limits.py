"""How long Slack's tokens live, in seconds, and how much an app's manifest holds. Slack: token rotation; manifest schema."""

ROTATING_TOKEN_SECONDS = 43_200
"""A rotating access token lives 12 hours."""
MAX_TOKEN_SECONDS = 46_800
"""13 hours. A longer life is not believed: the token would be trusted long after its death."""
MAX_SCOPES = 255
"""Slack's manifest schema allows an app no more."""
MAX_APP_NAME_LENGTH = 35
"""Slack's manifest schema: ``display_information.name``."""
MAX_URL_LENGTH = 8_000
"""Slack publishes no limit; browsers and servers cut what is much longer."""
MAX_WORKSPACES = 200
"""An organisation's list is shown and kept up to here: a profile's file has a limit, and nobody reads further."""
