"""Home: the profiles at the left, the highlighted one at the right, and all that can be done with them."""

from slack_token_tui.tui.screens.home.screen import HomeScreen

__all__ = ["HomeScreen"]
