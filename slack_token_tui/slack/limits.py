"""How long Slack's tokens live, in seconds, and how many scopes an app has. Slack: using token rotation; manifest schema."""

ROTATING_LIFE_SECONDS = 43_200
"""A rotating access token lives 12 hours."""
LONGEST_LIFE_SECONDS = 46_800
"""13 hours. A longer life is not believed: the token would be trusted long after its death."""
MOST_SCOPES = 255
"""Slack's manifest schema allows an app no more."""
