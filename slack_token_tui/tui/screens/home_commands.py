"""Home's profiles and what its keys do with them: copy, verify, refresh, rename, move, remove, import."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import TYPE_CHECKING

from textual import work
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from slack_token_tui.problems import Explanation, explain, place_of
from slack_token_tui.store.atomic_file import StoreError
from slack_token_tui.store.hot_path import ProfileFileError
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import Unreadable
from slack_token_tui.store.settings import change_settings, read_settings
from slack_token_tui.tokens.refresh_result import NEEDS_SIGN_IN, standing_trouble
from slack_token_tui.tui.actions import HOME
from slack_token_tui.tui.screens.base import AppScreen
from slack_token_tui.tui.widgets.profile_detail import ProfileDetail
from slack_token_tui.tui.widgets.profile_list import Entry, ProfileList
from slack_token_tui.tui.widgets.time_format import left

if TYPE_CHECKING:
    from slack_token_tui.tui.auto_refresh import RefreshScheduler

_REVEAL_SECONDS = 10.0


class HomeCommands(AppScreen[None]):
    """The commands of home, and the profiles that they act on."""

    room = HOME

    def __init__(self) -> None:
        super().__init__()
        self._upkeep: RefreshScheduler
        self._seen_at: object = None
        self._furnished = False
        self._revealed: tuple[str, str] | None = None
        self._many: str | None = None
        self._asked_about: str | None = None
        self._is_partly_read = False
        self._told_of: str | None = None
        self._said: Explanation | None = None
        self._store_problem: Explanation | None = None

    @property
    def _list(self) -> ProfileList:
        return self.query_one(ProfileList)

    @property
    def highlighted(self) -> Entry | None:
        """The entry under the cursor."""
        return self._list.current

    def _files_have_changed(self) -> bool:
        """Every save replaces a file, and so changes its directory: one look tells what other programs have done."""
        home = self.token_app.store.home
        seen = []
        for path in (home / "profiles", home):
            try:
                seen.append(path.stat().st_mtime_ns)
            except OSError:
                seen.append(0)
        changed = seen != self._seen_at
        self._seen_at = seen
        return changed

    def read(self, highlight: str | None = None, *, only_first: int | None = None) -> None:
        """Read the profiles again, and keep the cursor where it was unless told otherwise.

        Args:
            highlight: where the cursor goes.
            only_first: read no more than these; :meth:`read_rest` brings the others.
        """
        self._files_have_changed()
        profiles = self._list
        profiles.default = read_settings(self.token_app.store.home).get("default_profile")
        problem: Explanation | None = None
        try:
            entries = list(islice(self.token_app.store.entries(), only_first))
        except StoreError as error:
            entries, problem = [], explain(error.code, error.facts)
        self._is_partly_read = len(entries) == only_first
        profiles.show(entries, self.token_app.start.now(), highlight)
        there = bool(profiles.entries)
        self.query_one("#home").display = there
        welcome = self.query_one("#welcome")
        welcome.display = not there
        if not there and (not welcome.children or problem != self._store_problem):
            from slack_token_tui.tui.widgets.welcome import Welcome

            card = Welcome(self.token_app.store.home, problem)
            if welcome.children:
                self.call_later(self._replace_welcome, card)
            else:
                welcome.mount(card)
        self._store_problem = problem
        self._show_detail()
        if there and self.is_current and self.focused is None:
            profiles.focus()
        self.refresh_bindings()

    async def _replace_welcome(self, card: Widget) -> None:
        welcome = self.query_one("#welcome")
        await welcome.remove_children()
        await welcome.mount(card)

    def read_rest(self) -> None:
        """Read what the first frame has left out."""
        if self._is_partly_read:
            self.read()
        else:
            self._show_detail()
            self.refresh_bindings()

    def _told(self, name: str, entry: Entry | None) -> None:
        """Something about a profile has changed; the upkeep says so."""
        now = self.token_app.start.now()
        if entry is None:
            self.read()
            return
        self._list.replace(entry, now)
        self._list.mark(frozenset(self._upkeep.busy), frozenset(self._upkeep.troubles), now)
        if self.highlighted is not None and self.highlighted.name == name:
            self._show_detail()

    def _show_detail(self) -> None:
        entry = self.highlighted
        detail = self.query_one(ProfileDetail)
        detail.display = entry is not None
        if entry is not None and self._furnished:
            now, path = self.token_app.start.now(), self.token_app.store.path(entry.name)
            revealed = self._revealed[1] if self._revealed and self._revealed[0] == entry.name else None
            detail.show(entry, path, now, self._trouble_of(entry), revealed)

    def _trouble_of(self, entry: Entry) -> Explanation | None:
        if isinstance(entry, Unreadable):
            return explain(entry.error.code, {"file": entry.error.path, "detail": entry.error.detail or "damaged"})
        if trouble := self._upkeep.troubles.get(entry.name) or standing_trouble(entry):
            return explain(trouble.code, trouble.facts)
        why = None if entry.is_renewable else entry.unusable_reason(self.token_app.start.now())
        return explain("sign_in_needed", {"name": entry.name, "detail": why}) if why else None

    def _change_settings(self, **changes: str | None) -> bool:
        try:
            change_settings(self.token_app.store.home, **changes)
        except (StoreError, ProfileFileError) as error:
            facts = error.facts if isinstance(error, StoreError) else {"file": error.path, "detail": error.detail}
            self._say(explain(error.code, facts))
            return False
        return True

    @property
    def _to_explain(self) -> Explanation | None:
        """What F1 tells more about: what was said last, else what is wrong with the highlighted profile."""
        entry = self.highlighted
        return self._said or (None if entry is None or not self._furnished else self._trouble_of(entry))

    def _say(self, explanation: Explanation) -> None:
        self._notice(f"{explanation.title}. {explanation.happened} {explanation.remedies[0]}. F1 tells more.")
        self._said = explanation
        self.refresh_bindings()

    def _notice(self, text: str) -> None:
        self._said = None
        notice = self.query_one("#notice", Static)
        notice.update(Content(text))
        notice.set_class(bool(text), "-shown")

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
        from slack_token_tui.tui.screens.dialogs import CopyAsScreen

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

    def action_verify(self) -> None:
        """Ask Slack about the highlighted token."""
        if isinstance(entry := self.highlighted, Profile):
            self._verify_one(entry.name)

    @work(exclusive=True, group="one", exit_on_error=False)
    async def _verify_one(self, name: str) -> None:
        if await self._answer_about(name, self._upkeep.verify(name)):
            self.notify(f"{name} is good.", markup=False)

    async def _answer_about(self, name: str, asking: Awaitable[bool]) -> bool:
        """Wait for what came of ``asking`` about ``name``, until the person no longer wants to; say what went wrong."""
        self._notice("")
        self._asked_about = name
        try:
            fine = await asking
        finally:
            self._asked_about = None
        if not fine and (trouble := self._upkeep.troubles.get(name)):
            explanation = explain(trouble.code, trouble.facts)
            self._notice(f"{name}: {explanation.title}. {explanation.remedies[0]}.")
        return fine

    def action_refresh(self) -> None:
        """Renew the highlighted token."""
        if isinstance(entry := self.highlighted, Profile):
            self._refresh_one(entry)

    @work(exclusive=True, group="one", exit_on_error=False)
    async def _refresh_one(self, old: Profile) -> None:
        insist = old.refresh_refused is not None
        if not await self._answer_about(old.name, self._upkeep.refresh(old.name, insist=insist, asked=True)):
            return
        new = await asyncio.to_thread(self.token_app.store.read, old.name)
        works = left(new.expires_at, self.token_app.start.now()) if new.expires_at else "ever"
        fresh = (
            f"{old.name} is less than an hour old and was left alone"
            if new.generation == old.generation
            else f"{old.name} renewed"
        )
        self.notify(f"{fresh}. It works for {works}.", markup=False)

    def action_verify_all(self) -> None:
        """Ask Slack about every token."""
        names = [one.name for one in self._list.entries if isinstance(one, Profile)]

        def verdict(fine: int) -> str:
            bad = len(names) - fine
            return "all are good" if not bad else f"{fine} good, {bad} with trouble, marked !; o sorts them to the top"

        self._do_all("Verifying", names, self._upkeep.verify, verdict)

    def action_refresh_all(self) -> None:
        """Renew every token that is an hour old."""

        profiles = [one for one in self._list.entries if isinstance(one, Profile)]
        before = {one.name: one.generation for one in profiles if one.is_renewable}

        async def renew(name: str) -> bool:
            return await self._upkeep.refresh(name, asked=True)

        def verdict(fine: int) -> str:
            now = {one.name: one.generation for one in self._list.entries if isinstance(one, Profile)}
            renewed = sum(now.get(name, generation) != generation for name, generation in before.items())
            parts = [f"{renewed} renewed"]
            parts += [f"{fine - renewed} less than an hour old and left alone"] if fine > renewed else []
            parts += [f"{len(before) - fine} with trouble, marked !"] if fine < len(before) else []
            return ", ".join(parts)

        if not before:
            refused = any(one.has_refresh_token for one in profiles)
            self._notice(
                "None can be renewed. Press s on those whose renewal Slack has refused."
                if refused
                else "None of them has a refresh token: they work until they are revoked, or expire."
            )
            return
        self._do_all("Renewing", list(before), renew, verdict)

    def _do_all(
        self, verb: str, names: list[str], do: Callable[[str], Awaitable[bool]], verdict: Callable[[int], str]
    ) -> None:
        if self._many is None:
            self._many = verb
            self._all_of(verb, names, do, verdict)

    @work(exclusive=True, group="many", exit_on_error=False)
    async def _all_of(
        self, verb: str, names: list[str], do: Callable[[str], Awaitable[bool]], verdict: Callable[[int], str]
    ) -> None:
        def progress(done: int) -> None:
            self._notice(f"{verb} {done} of {len(names)} · Esc stops")

        progress(0)
        try:
            fine = await self._upkeep.all_of(names, do, progress)
            self._notice(f"{verb} {len(names)}: {verdict(fine)}.")
            self._list.rearrange(self.token_app.start.now())
        finally:
            self._many = None

    def cancel_running(self) -> bool:
        """Stop what a person has started and still waits for, if anything is."""
        if self._asked_about is not None:
            self._notice(f"No longer waiting for Slack’s answer about {self._asked_about}. What it sends is saved.")
            self.workers.cancel_group(self, "one")
            return True
        if self._many is None:
            return False
        self._notice(f"{self._many} was stopped. What Slack had answered is saved.")
        self._many = None
        self.workers.cancel_group(self, "many")
        return True

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
        from slack_token_tui.tui.screens.dialogs import NameScreen

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
        from slack_token_tui.tui.screens.dialogs import ImportScreen

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
