"""Commands, one module per command: its example, its arguments, and what it does.

A module is imported for ``--help`` and completion too. So the functions import what is slow: the store, Slack, asyncio.
"""
