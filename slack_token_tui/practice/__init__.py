"""A practice Slack on loopback.

It imports nothing from the rest of the package, so that each side catches bugs in the other.
"""
