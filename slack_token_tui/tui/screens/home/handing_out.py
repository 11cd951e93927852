"""Handing a token out at home: copied, copied as something, shown for ten seconds. Never a dead one."""

from __future__ import annotations

import asyncio

from textual import work

from slack_token_tui.problems import explain
from slack_token_tui.store.atomic_file import StoreError
from slack_token_tui.store.hot_path import ProfileFileError
from slack_token_tui.store.profile import Profile
from slack_token_tui.tokens.refresh_result import NEEDS_SIGN_IN
from slack_token_tui.tui.screens.home.shown import ShownProfiles
from slack_token_tui.tui.widgets.time_format import left

_REVEAL_SECONDS = 10.0


class HandsOut(ShownProfiles):
    """Copy and show."""

    # Which profile is meant is decided at the key press: by the time a worker runs, the cursor may be elsewhere.

    def action_copy(self) -> None:
        """Copy the highlighted token, unless it is known to be dead."""
        if isinstance(entry := self.highlighted, Profile):
            self._copy(entry, "token")

    def action_copy_as(self) -> None:
        """Choose a form first."""
        if isinstance(entry := self.highlighted, Profile):
            self._copy(entry, None)

    @work(exclusive=True, group="copy", exit_on_error=False)
    async def _copy(self, profile: Profile | None, format_id: str | None) -> None:
        from slack_token_tui.desktop.clipboard import Copied
        from slack_token_tui.tokens import export_formats
        from slack_token_tui.tui.screens.asking import CopyAsScreen

        assert profile is not None
        at = self.token_app.start.home
        if format_id is None and (format_id := await self.app.push_screen_wait(CopyAsScreen(profile, at))) is None:
            return
        until = ""
        try:
            if export_formats.FORMATS[format_id].holds_token:
                if (profile := await self._living(profile)) is None:
                    return
                outcome = await self.token_app.copy_secret(export_formats.secret_text(profile, format_id, at=at))
                if profile.expires_at:
                    until = f" It works for {left(profile.expires_at, self.token_app.start.now())}."
            else:
                outcome = await self.token_app.copy_text(export_formats.preview(profile, format_id, at))
        except StoreError as error:
            self._say(explain(error.code, error.facts))
            return
        if isinstance(outcome, Copied):
            what = profile.name if format_id == "token" else f"{profile.name} as {format_id}"
            self.notify(outcome.sentence(what) + until, markup=False)
            self._notice("")
        else:
            shell = "" if self.token_app.start.is_demo else f" In a shell: slack-token-tui token {profile.name}"
            self._notice(f"Not copied. {outcome.reason}{shell}")

    async def _living(self, entry: Profile) -> Profile | None:
        """Return ``entry`` with a living token, refreshed first when due; otherwise say what is wrong."""
        now = self.token_app.start.now()
        if entry.is_due(now):
            self._notice(f"{entry.name} is about to expire; asking Slack for a new token …")
            await self._upkeep.refresh(entry.name)
            self._notice("")
        try:
            store = self.token_app.store
            profile = await asyncio.to_thread(lambda: store.with_tokens(store.read(entry.name)))
        except FileNotFoundError:
            self.read()
            self._told_of = self.highlighted.name if self.highlighted else None  # said beside whoever has its place now
            self._notice(f"{entry.name} is gone: another program has removed or renamed it. Nothing was copied.")
            return None
        except ProfileFileError as error:
            self._say(explain(error.code, {"file": error.path, "detail": error.detail}))
            return None
        except StoreError as error:
            self._say(explain(error.code, {"name": entry.name, **error.facts}))
            return None
        if why := profile.unusable_reason(now):
            trouble = self._upkeep.troubles.get(entry.name)
            if trouble is not None and trouble.code not in NEEDS_SIGN_IN:
                explanation = explain(trouble.code, trouble.facts)
                self._notice(f"{entry.name} could not be renewed: {explanation.title}. Press r to try again.")
            else:
                explanation = explain("sign_in_needed", {"name": profile.name, "detail": why})
                self._notice(f"{explanation.happened} Press s to sign in again.")
            return None
        return profile

    def action_reveal(self) -> None:
        """Show the token in clear, for ten seconds; pressed again, hide it."""
        if self._revealed is not None:
            self._revealed = None
            self._show_detail()
        elif isinstance(entry := self.highlighted, Profile):
            self._reveal(entry)

    @work(exclusive=True, group="reveal", exit_on_error=False)
    async def _reveal(self, entry: Profile) -> None:
        profile = await self._living(entry)
        if profile is None or profile.access_token is None:
            return
        self._revealed = (profile.name, profile.access_token.reveal())
        self._show_detail()
        await asyncio.sleep(_REVEAL_SECONDS)
        self._revealed = None
        self._show_detail()
