"""Keeping house: the default, names, where tokens are kept, removing, and taking in a token from elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual import work

from slack_token_tui.crash import place_of
from slack_token_tui.problems import Explanation, explain
from slack_token_tui.store.atomic_file import StoreError
from slack_token_tui.store.hot_path import ProfileFileError
from slack_token_tui.store.profile import Profile
from slack_token_tui.tui.screens.home.shown import ShownProfiles
from slack_token_tui.tui.widgets.profile_list import Entry


class KeepsHouse(ShownProfiles):
    """Default, rename, move, remove, import."""

    def action_make_default(self) -> None:
        """Make the highlighted profile the default; the default itself stops being it."""
        if isinstance(entry := self.highlighted, Profile):
            is_it = self._list.default == entry.name
            if self._change_settings(default_profile=None if is_it else entry.name):
                self.read()
                words = "There is no default now" if is_it else f"{entry.name} is what commands without a name use now"
                self.notify(f"{words}.", markup=False)

    def action_rename(self) -> None:
        """Ask for another name."""
        if isinstance(entry := self.highlighted, Profile):
            self._rename(entry)

    @work(exclusive=True, group="house", exit_on_error=False)
    async def _rename(self, entry: Profile) -> None:
        from slack_token_tui.tokens.rename import rename
        from slack_token_tui.tui.screens.asking import NameScreen

        async def give(new: str) -> Explanation | None:
            return await self._tried(lambda: rename(self.token_app.store, entry.name, new), entry.name)

        new = await self.app.push_screen_wait(NameScreen(entry.name, give))
        self.read(new)

    def action_move_tokens(self) -> None:
        """Keep the tokens in the keyring, or in the file again."""
        if isinstance(entry := self.highlighted, Profile):
            self._move_tokens(entry)

    @work(exclusive=True, group="house", exit_on_error=False)
    async def _move_tokens(self, entry: Profile) -> None:
        from slack_token_tui.tokens.keyring_migration import move

        to_keyring = not entry.in_keyring
        place = "the operating system’s keyring" if to_keyring else "its file"
        self._notice(f"Moving the tokens of {entry.name} into {place} …")
        trouble = await self._tried(lambda: move(self.token_app.store, entry.name, to_keyring=to_keyring), entry.name)
        if trouble is None:
            self._notice("")
            self.notify(f"The tokens of {entry.name} are in {place} now.", markup=False)
        else:
            self._say(trouble)
        self.read()

    def action_remove(self) -> None:
        """Say exactly what will be revoked and deleted, ask, and do it."""
        if (entry := self.highlighted) is not None:
            self._remove(entry)

    @work(exclusive=True, group="house", exit_on_error=False)
    async def _remove(self, entry: Entry) -> None:
        from slack_token_tui.tui.screens.remove import RemoveScreen

        await self.app.push_screen_wait(RemoveScreen(self.token_app.store, entry))
        self.read()

    @work(exclusive=True, group="house", exit_on_error=False)
    async def action_import_token(self) -> None:
        """Take a token that somebody already has."""
        from slack_token_tui.slack.client_id import checked_client_id
        from slack_token_tui.slack.errors import SlackError
        from slack_token_tui.tokens.import_token import checked_tokens, import_token
        from slack_token_tui.tui.screens.asking import ImportScreen

        async def keep(access: str, refresh: str, client_id: str) -> str | Explanation:
            app = checked_client_id(client_id) if client_id else ""
            kind, access_token, refresh_token = checked_tokens(f"{access}\n{refresh}", app)
            endpoints = self.token_app.start.app.endpoints if self.token_app.start.app else None
            try:
                kept = await import_token(
                    self.token_app.store, kind, access_token, refresh_token, client_id=app, endpoints=endpoints
                )
            except SlackError as error:
                return explain(error.code, error.facts)
            except StoreError as error:
                return explain(error.code, error.facts)
            return kept.profile.name

        name = await self.app.push_screen_wait(ImportScreen(keep))
        if name is not None:
            self.read(name)
            self.notify(f"Saved as {name}.", markup=False)

    async def _tried(self, work: Callable[[], object], name: str) -> Explanation | None:
        """Do ``work`` in a thread; return what stood in its way."""
        try:
            await asyncio.to_thread(work)
        except FileNotFoundError:
            return explain("profile_not_found", {"name": name})
        except ProfileFileError as error:
            return explain(error.code, {"file": error.path, "detail": error.detail})
        except StoreError as error:
            return explain(error.code, {"name": name, **error.facts})
        except Exception as error:  # a defect is shown where it happened, and the program goes on
            return explain("unexpected", {"detail": place_of(error)})
        return None
