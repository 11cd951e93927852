"""What is known of a sign-in while it goes on, and the question before a token that is here alone is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual import work
from textual.content import Content
from textual.timer import Timer

from slack_token_tui.oauth.events import Step
from slack_token_tui.oauth.exchange import UnusableResponse
from slack_token_tui.oauth.session import SignIn
from slack_token_tui.problems import Explanation
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import SavedProfile
from slack_token_tui.tui.actions import SIGN_IN
from slack_token_tui.tui.screens.base import AppScreen
from slack_token_tui.tui.screens.dialogs import ConfirmScreen
from slack_token_tui.tui.widgets.sign_in_form import SignInForm


class SignInGround(AppScreen[str | None]):
    """The ground that the rooms of a sign-in stand on. It ends with the name of the profile that was saved, or None."""

    room = SIGN_IN

    def __init__(self, older: Profile | None = None, app: SlackApp | None = None) -> None:
        """
        Args:
            older: the profile to sign in again, with everything filled in; None for a new one.
            app: what to sign in with; the one used last when None.
        """
        super().__init__()
        self._older = older
        self._app = app
        self._sign_in: SignIn | None = None
        self._failure: Explanation | None = None
        self._kept: SavedProfile | None = None
        self._url: str | None = None
        self._tunnel: str | None = None
        self._errors: AppScreen[str | None] | None = None
        self._no_browser = self._page_said = ""
        self._waiting = False
        self._listening = False
        self._countdown: Timer | None = None
        self._ended = asyncio.Event()  # the sign-in that was begun last

    @property
    def _form(self) -> SignInForm:
        return self.query_one(SignInForm)

    @property
    def _sent(self) -> str:
        """The redirect address that this sign-in has sent, once there is one."""
        request = self._sign_in.request if self._sign_in else None
        return request.redirect_uri if request else ""

    @property
    def _unusable(self) -> UnusableResponse | None:
        """What Slack sent instead of a token that can be used."""
        return self._sign_in.unusable if self._sign_in else None

    @property
    def holds_unsaved(self) -> bool:
        """Whether a token is here alone."""
        return self._sign_in is not None and self._sign_in.holds_unsaved

    @work(exclusive=True, group="question", exit_on_error=False)
    async def unless_unsaved(self, go_on: Callable[[], object]) -> None:
        """Go on; but let a new token be saved first, and ask when it cannot be: going on would throw it away."""
        if self._sign_in is not None and self._sign_in.hurry():
            await self._ended.wait()
            if (kept := self._sign_in.kept) is not None:
                self.app.notify(f"The token came, and was saved as {kept.profile.name}.", markup=False)
        if self.holds_unsaved:
            question = Content.assemble(
                ("Throw the new token away?\n\n", "bold"),
                "Slack has given it, and it is not saved: w saves it again when what is in the way is mended. "
                "Going on forgets it here; at Slack it stays valid until it expires or is revoked.",
            )
            if not await self.app.push_screen_wait(ConfirmScreen(question, "Throw it away", "Keep it here")):
                return
            if self._sign_in is not None:
                self._sign_in.discard()
        go_on()

    # What the screen itself does, and the other rooms call.

    def _begin(self) -> None:
        raise NotImplementedError

    def _show_form(self) -> None:
        raise NotImplementedError

    def _show_saved(self, kept: SavedProfile) -> None:
        raise NotImplementedError

    def _count_down(self) -> None:
        raise NotImplementedError

    async def _fail(self, step: Step, explanation: Explanation) -> None:
        raise NotImplementedError
