"""Commands, one module per command: its example, its arguments, and what it does.

A module is imported for ``--help`` and completion too, so slow imports (the store, Slack, asyncio) are in functions.
"""
