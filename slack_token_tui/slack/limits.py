"""How long Slack's tokens live, in seconds, and how much an app's manifest holds. Slack: token rotation; manifest schema."""

ROTATING_LIFE_SECONDS = 43_200
"""A rotating access token lives 12 hours."""
LONGEST_LIFE_SECONDS = 46_800
"""13 hours. A longer life is not believed: the token would be trusted long after its death."""
MOST_SCOPES = 255
"""Slack's manifest schema allows an app no more."""
LONGEST_APP_NAME = 35
"""Slack's manifest schema: ``display_information.name``."""
LONGEST_ADDRESS = 8_000
"""Slack publishes no limit; browsers and servers cut what is much longer."""
MOST_WORKSPACES = 200
"""An organisation's list is shown and kept up to here: a profile's file has a limit, and nobody reads further."""
