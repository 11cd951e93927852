"""Sign in to Slack from a terminal, and keep the user tokens you get."""

__version__ = "0.1.0"
