"""A practice Slack on loopback.

It imports nothing from the rest of the package, so that a mistake in one is caught by the other.
"""
