"""Sign in: the form first, then the steps, and at the end who one is and where the token went."""

from slack_token_tui.tui.screens.sign_in.screen import SignInScreen

__all__ = ["SignInScreen"]
