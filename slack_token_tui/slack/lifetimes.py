"""How long Slack's tokens live, in seconds. Slack: using token rotation."""

ROTATING_LIFE_SECONDS = 43_200
"""A rotating access token lives 12 hours."""
LONGEST_LIFE_SECONDS = 46_800
"""13 hours. A longer life is not believed: the token would be trusted long after its death."""
