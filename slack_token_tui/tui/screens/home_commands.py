"""Profiles on the home screen and their commands: copy, verify, refresh, rename, move, remove, import."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from slack_token_tui.problems import Explanation, Kind, Problem
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import UnreadableProfile
from slack_token_tui.store.settings import read_settings
from slack_token_tui.tokens.refresh_result import (
    YOUNG_TOKEN_TTL_SECONDS,
    RefreshPolicy,
    recorded_problem,
    sign_in_needed,
)
from slack_token_tui.tui.actions import HOME
from slack_token_tui.tui.background import background
from slack_token_tui.tui.screens.base import AppScreen
from slack_token_tui.tui.widgets.profile_detail import ProfileDetail
from slack_token_tui.tui.widgets.profile_list import Entry, ProfileList
from slack_token_tui.tui.widgets.time_format import format_time_left

if TYPE_CHECKING:
    from slack_token_tui.tokens.fresh_token import FreshToken
    from slack_token_tui.tui.auto_refresh import RefreshScheduler

_Result = TypeVar("_Result")
_REVEAL_SECONDS = 10.0


class HomeCommands(AppScreen[None]):
    """Commands of the home screen and the profiles that they act on."""

    screen_id = HOME

    def __init__(self) -> None:
        super().__init__()
        self._scheduler: RefreshScheduler
        self._directory_mtimes: object = None
        self._is_fully_mounted = False
        self._revealed: tuple[str, str] | None = None
        self._batch_name: str | None = None
        self._pending: list[str] = []
        """Names of the profiles whose request the user waits for."""
        self._left_alone: tuple[str, int] | None = None
        """Name and generation of the profile whose young token was left alone by the last refresh."""
        self._is_partly_read = False
        self._notice_profile: str | None = None
        self._last_explanation: Explanation | None = None
        self._store_problem: Explanation | None = None

    @property
    def _list(self) -> ProfileList:
        return self.query_one(ProfileList)

    @property
    def highlighted(self) -> Entry | None:
        """The highlighted entry, or None."""
        return self._list.highlighted_entry

    def _have_files_changed(self) -> bool:
        """Return whether files have changed since the last call, for example by another program.

        Every save replaces a file and thus changes its directory, so the mtime of the directory is enough.
        """
        home = self.token_app.store.home
        seen = []
        for path in (home / "profiles", home):
            try:
                seen.append(path.stat().st_mtime_ns)
            except OSError:
                seen.append(0)
        changed = seen != self._directory_mtimes
        self._directory_mtimes = seen
        return changed

    def reload(self, highlight: str | None = None, *, only_first: int | None = None) -> None:
        """Reload the profiles. The cursor stays on its profile by default.

        Args:
            highlight: name of the profile to move the cursor to.
            only_first: maximum number of profiles to read. :meth:`reload_if_partial` reads the others.
        """
        self._have_files_changed()
        profiles = self._list
        profiles.default = read_settings(self.token_app.store.home).get("default_profile")
        problem: Explanation | None = None
        try:
            entries = list(islice(self.token_app.store.entries(), only_first))
        except StorageError as error:
            entries, problem = [], error.explain()
        self._is_partly_read = len(entries) == only_first
        profiles.show(entries, self.token_app.options.now(), highlight)
        has_profiles = bool(profiles.entries)
        self.query_one("#home").display = has_profiles
        welcome = self.query_one("#welcome")
        welcome.display = not has_profiles
        if not has_profiles and (not welcome.children or problem != self._store_problem):
            from slack_token_tui.tui.widgets.welcome import Welcome

            card = Welcome(self.token_app.store.home, problem)
            if welcome.children:
                self.call_later(self._replace_welcome, card)
            else:
                welcome.mount(card)
        self._store_problem = problem
        self._show_detail()
        if has_profiles and self.is_current and self.focused is None:
            profiles.focus()
        self.refresh_bindings()

    async def _replace_welcome(self, card: Widget) -> None:
        welcome = self.query_one("#welcome")
        await welcome.remove_children()
        await welcome.mount(card)

    def reload_if_partial(self) -> None:
        """Read the profiles that the first frame has left out."""
        if self._is_partly_read:
            self.reload()
        else:
            self._show_detail()
            self.refresh_bindings()

    def _update_entry(self, name: str, entry: Entry | None) -> None:
        """Update the list after a profile has changed. The scheduler calls this, at the end also without a screen."""
        if not self.is_running:
            return
        now = self.token_app.options.now()
        if entry is None:
            self.reload()
            return
        self._list.replace(entry, now)
        self._list.mark(frozenset(self._scheduler.busy), frozenset(self._scheduler.problems), now)
        if self.highlighted is not None and self.highlighted.name == name:
            self._show_detail()

    def _show_detail(self) -> None:
        entry = self.highlighted
        detail = self.query_one(ProfileDetail)
        detail.display = entry is not None
        if entry is not None and self._is_fully_mounted:
            now, path = self.token_app.options.now(), self.token_app.store.path(entry.name)
            revealed = self._revealed[1] if self._revealed and self._revealed[0] == entry.name else None
            detail.show(entry, path, now, self._explain_entry(entry), revealed)

    def _explain_entry(self, entry: Entry) -> Explanation | None:
        if isinstance(entry, UnreadableProfile):
            return entry.error.explain()
        problem = self._scheduler.problems.get(entry.name) or recorded_problem(entry)
        if problem is None and not entry.is_refreshable:
            problem = sign_in_needed(entry, self.token_app.options.now())
        return None if problem is None else problem.explain()

    @property
    def _current_explanation(self) -> Explanation | None:
        """What F1 explains: the last error shown, or the problem of the highlighted profile."""
        entry = self.highlighted
        return self._last_explanation or (
            None if entry is None or not self._is_fully_mounted else self._explain_entry(entry)
        )

    def show_problem(self, problem: Problem) -> None:
        """Show a problem in the notice. F1 tells more."""
        explanation = problem.explain()
        self._show_notice(f"{explanation.summary} F1 tells more.")
        self._last_explanation = explanation
        self.refresh_bindings()

    def _show_notice(self, text: str) -> None:
        self._last_explanation = None
        notice = self.query_one("#notice", Static)
        notice.update(Content(text))
        notice.set_class(bool(text), "-shown")

    # The profile is chosen at the key press, because the cursor may have moved by the time a worker runs.

    def action_copy(self) -> None:
        if isinstance(entry := self.highlighted, Profile):
            self._copy(entry, "token")

    def action_copy_as(self) -> None:
        if isinstance(entry := self.highlighted, Profile):
            self._copy(entry, None)

    @background("copy")
    async def _copy(self, profile: Profile, format_id: str | None) -> None:
        from slack_token_tui.desktop.clipboard import Copied
        from slack_token_tui.tokens import export_formats
        from slack_token_tui.tui.screens.dialogs import CopyAsDialog

        at = self.token_app.options.home
        if format_id is None and (format_id := await self.app.push_screen_wait(CopyAsDialog(profile, at))) is None:
            return
        until = ""
        if export_formats.FORMATS[format_id].contains_token:
            if (fresh := await self._fresh_token(profile)) is None:
                return
            profile = fresh.profile
            text = export_formats.format_secret(profile, fresh.access_token, format_id, home=at)
            outcome = await self.token_app.copy_secret(text, profile.name)
            if profile.expires_at:
                until = f" It works for {format_time_left(profile.expires_at, self.token_app.options.now())}."
        else:
            outcome = await self.token_app.copy_text(export_formats.preview(profile, format_id, at))
        if isinstance(outcome, Copied):
            what = profile.name if format_id == "token" else f"{profile.name} as {format_id}"
            self.notify(outcome.message(what) + until, markup=False)
            self._show_notice("")
        else:
            shell = "" if self.token_app.options.is_demo else f" In a shell: slack-token-tui token {profile.name}"
            self._show_notice(f"Not copied. {outcome.reason}{shell}")

    async def _fresh_token(self, entry: Profile) -> FreshToken | None:
        """Return a valid token of ``entry``, refreshed first if due. Show the problem and return None otherwise."""
        is_due = entry.is_due(self.token_app.options.now())
        if is_due:
            self._show_notice(f"{entry.name} is about to expire; asking Slack for a new token … Esc stops")
        self._pending.append(entry.name)
        try:
            fresh = await self._scheduler.fresh_token(entry.name)
        except Problem as problem:
            self._show_token_problem(entry.name, problem, is_due=is_due)
            return None
        finally:
            self._pending.remove(entry.name)
        self._show_notice("")
        return fresh

    def _show_token_problem(self, name: str, problem: Problem, *, is_due: bool) -> None:
        explanation = problem.explain()
        if problem.kind is Kind.NOT_FOUND:
            self._show_gone(name)
        elif problem.kind is Kind.SIGN_IN:
            self._show_notice(f"{explanation.happened} Press s to sign in again.")
        elif is_due and problem.kind is not Kind.STORAGE:
            self._show_notice(f"{name} could not be renewed: {explanation.title}. Press r to try again.")
        else:
            self.show_problem(problem)

    def _show_gone(self, name: str) -> None:
        self.reload()
        # Show the notice next to the profile that is now in its row.
        self._notice_profile = self.highlighted.name if self.highlighted else None
        self._show_notice(f"{name} is gone: another program has removed or renamed it.")

    def action_reveal(self) -> None:
        """Show the token in plain text for ten seconds, or hide it again."""
        if self._revealed is not None:
            self._revealed = None
            self._show_detail()
        elif isinstance(entry := self.highlighted, Profile):
            self._reveal(entry)

    @background("reveal")
    async def _reveal(self, entry: Profile) -> None:
        fresh = await self._fresh_token(entry)
        if fresh is None:
            return
        self._revealed = (fresh.profile.name, fresh.access_token.reveal())
        self._show_detail()
        await asyncio.sleep(_REVEAL_SECONDS)
        self._revealed = None
        self._show_detail()

    def action_verify(self) -> None:
        if isinstance(entry := self.highlighted, Profile):
            self._verify_one(entry.name)

    @background("request", exclusive=False)
    async def _verify_one(self, name: str) -> None:
        verification = await self._wait_for(name, self._scheduler.verify(name))
        if verification is not None:
            save_error, problem = verification.save_error, verification.refresh_problem
            note = "" if save_error is None else f" {save_error.explain().happened} So this is not noted there."
            note += "" if problem is None else f" It could not be renewed: {problem.explain().title}."
            self.notify(f"{name} is good.{note}", markup=False)

    async def _wait_for(self, name: str, operation: Awaitable[_Result]) -> _Result | None:
        """Await ``operation`` on profile ``name`` until the user cancels it. If it fails, show why and return None."""
        self._show_notice("")
        self._pending.append(name)
        try:
            return await operation
        except Problem as problem:
            if problem.kind is Kind.NOT_FOUND:
                self._show_gone(name)
            else:
                explanation = problem.explain()
                self._show_notice(f"{name}: {explanation.title}. {explanation.remedies[0]}.")
            return None
        finally:
            self._pending.remove(name)

    def action_refresh(self) -> None:
        if isinstance(entry := self.highlighted, Profile):
            self._refresh_one(entry)

    @background("request", exclusive=False)
    async def _refresh_one(self, profile: Profile) -> None:
        """Refresh a profile. A token under an hour old is refreshed at the second request."""
        name, version = profile.name, (profile.name, profile.generation)
        policy = RefreshPolicy(YOUNG_TOKEN_TTL_SECONDS, insist=version == self._left_alone)
        result = await self._wait_for(name, self._scheduler.refresh(name, policy, is_requested=True))
        if result is None:
            return
        expires_at = result.profile.expires_at
        works = f"for {format_time_left(expires_at, self.token_app.options.now())}" if expires_at else "until revoked"
        if result.profile.generation != profile.generation:
            self._left_alone = None
            self.notify(f"{name} renewed. It works {works}.", markup=False)
        else:
            self._left_alone = version
            words = (
                "is less than an hour old and was left alone, because Slack keeps only two tokens alive"
                if expires_at
                else "does not expire and was left alone"
            )
            self.notify(f"{name} {words}. It works {works}. r again renews it.", markup=False)

    def action_verify_all(self) -> None:
        names = [entry.name for entry in self._list.entries if isinstance(entry, Profile)]

        def summarize(fine: int) -> str:
            bad = len(names) - fine
            return "all are good" if not bad else f"{fine} good, {bad} with trouble, marked !; o sorts them to the top"

        self._start_batch("Verifying", names, self._scheduler.verify, summarize)

    def action_refresh_all(self) -> None:
        profiles = [entry for entry in self._list.entries if isinstance(entry, Profile)]
        before = {profile.name: profile.generation for profile in profiles if profile.is_refreshable}

        async def refresh(name: str) -> None:
            await self._scheduler.refresh(name, RefreshPolicy(YOUNG_TOKEN_TTL_SECONDS), is_requested=True)

        def summarize(fine: int) -> str:
            generations = {entry.name: entry.generation for entry in self._list.entries if isinstance(entry, Profile)}
            refreshed = sum(generations.get(name, generation) != generation for name, generation in before.items())
            parts = [f"{refreshed} renewed"]
            parts += [f"{fine - refreshed} less than an hour old and left alone"] if fine > refreshed else []
            parts += [f"{len(before) - fine} with trouble, marked !"] if fine < len(before) else []
            return ", ".join(parts)

        if not before:
            refused = any(profile.has_refresh_token for profile in profiles)
            self._show_notice(
                "None can be renewed. Press s on those whose renewal Slack has refused."
                if refused
                else "None of them has a refresh token: they work until they are revoked, or expire."
            )
            return
        self._start_batch("Renewing", list(before), refresh, summarize)

    def _start_batch(
        self, verb: str, names: list[str], do: Callable[[str], Awaitable[object]], verdict: Callable[[int], str]
    ) -> None:
        if self._batch_name is None:
            self._batch_name = verb
            self._run_batch(verb, names, do, verdict)
        elif self._batch_name != verb:
            self.notify(f"{self._batch_name} is not finished. Esc stops it.", markup=False)

    @background("batch")
    async def _run_batch(
        self, verb: str, names: list[str], do: Callable[[str], Awaitable[object]], verdict: Callable[[int], str]
    ) -> None:
        def progress(done: int) -> None:
            self._show_notice(f"{verb} {done} of {len(names)} · Esc stops")

        progress(0)
        try:
            fine = await self._scheduler.run_for_all(names, do, progress)
            self._show_notice(f"{verb} {len(names)}: {verdict(fine)}.")
            self._list.rebuild(self.token_app.options.now())
        finally:
            self._batch_name = None

    def cancel_running(self) -> bool:
        """Cancel the request or batch that the user is waiting for. Return whether there was one."""
        if self._pending:
            names = ", ".join(dict.fromkeys(self._pending))
            self._show_notice(f"No longer waiting for Slack’s answer about {names}. What it sends is saved.")
            for group in ("request", "copy", "reveal"):
                self.workers.cancel_group(self, group)
            return True
        if self._batch_name is None:
            return False
        self._show_notice(f"{self._batch_name} was stopped. What Slack had answered is saved.")
        self._batch_name = None
        self.workers.cancel_group(self, "batch")
        return True

    def action_make_default(self) -> None:
        """Make the highlighted profile the default, or clear the default if it is that profile."""
        if isinstance(entry := self.highlighted, Profile):
            self._make_default(entry.name, is_default=self._list.default == entry.name)

    @background("settings", exclusive=False)
    async def _make_default(self, name: str, *, is_default: bool) -> None:
        await self.token_app.change_settings(default_profile=None if is_default else name)
        self.reload()
        words = "There is no default now" if is_default else f"{name} is what commands without a name use now"
        self.notify(f"{words}.", markup=False)

    def action_rename(self) -> None:
        if isinstance(entry := self.highlighted, Profile):
            self._rename(entry)

    @background("profile_edit", exclusive=False)
    async def _rename(self, entry: Profile) -> None:
        from slack_token_tui.tokens.rename import rename
        from slack_token_tui.tui.screens.dialogs import RenameDialog

        async def run_rename(new: str, is_stopped: Callable[[], bool]) -> None:
            await asyncio.to_thread(partial(rename, self.token_app.store, entry.name, new, unless=is_stopped))

        new = await self.app.push_screen_wait(RenameDialog(entry.name, run_rename))
        self.reload(new)

    def action_move_tokens(self) -> None:
        if isinstance(entry := self.highlighted, Profile):
            self._move_tokens(entry)

    @background("profile_edit", exclusive=False)
    async def _move_tokens(self, entry: Profile) -> None:
        from slack_token_tui.tokens.keyring_migration import move_tokens

        to_keyring = not entry.in_keyring
        place = "the operating system’s keyring" if to_keyring else "its file"
        self._show_notice(f"Moving the tokens of {entry.name} into {place} …")
        try:
            await asyncio.to_thread(partial(move_tokens, self.token_app.store, entry.name, to_keyring=to_keyring))
            self._show_notice("")
            self.notify(f"The tokens of {entry.name} are in {place} now.", markup=False)
        except Problem as problem:
            self.show_problem(problem.with_facts(name=entry.name))
        self.reload()

    def action_remove(self) -> None:
        if (entry := self.highlighted) is not None:
            self._remove(entry)

    @background("profile_edit", exclusive=False)
    async def _remove(self, entry: Entry) -> None:
        from slack_token_tui.tui.screens.remove import RemoveDialog

        await self.app.push_screen_wait(RemoveDialog(self.token_app.store, entry))
        self.reload()

    @background("profile_edit", exclusive=False)
    async def action_import_token(self) -> None:
        from slack_token_tui.slack.client_id import parse_client_id
        from slack_token_tui.tokens.import_token import import_token, parse_tokens
        from slack_token_tui.tui.screens.dialogs import ImportDialog

        async def run_import(access: str, refresh: str, client_id: str) -> str:
            parsed_client_id = parse_client_id(client_id) if client_id else ""
            token_type, access_token, refresh_token = parse_tokens(f"{access}\n{refresh}", parsed_client_id)
            endpoints = self.token_app.options.slack_app.endpoints if self.token_app.options.slack_app else None
            saved = await import_token(
                self.token_app.store,
                token_type,
                access_token,
                refresh_token,
                client_id=parsed_client_id,
                endpoints=endpoints,
            )
            return saved.profile.name

        name = await self.app.push_screen_wait(ImportDialog(run_import))
        if name is not None:
            self.reload(name)
            self.notify(f"Saved as {name}.", markup=False)
