"""Commands of the home screen: copy, verify, refresh, rename, move, remove, import. They know no Textual widgets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from slack_token_tui.problems import Kind, Problem
from slack_token_tui.store.profile import Profile
from slack_token_tui.tokens.refresh_result import YOUNG_TOKEN_TTL_SECONDS, RefreshPolicy
from slack_token_tui.tui.auto_refresh import BatchResult, RefreshScheduler
from slack_token_tui.tui.options import LaunchOptions
from slack_token_tui.tui.profiles_model import Entry, ProfilesModel, version_of
from slack_token_tui.tui.widgets.time_format import format_time_left

if TYPE_CHECKING:
    from slack_token_tui.desktop.clipboard import Copied, NotCopied
    from slack_token_tui.secret import Secret
    from slack_token_tui.tokens.fresh_token import FreshToken

_Result = TypeVar("_Result")
REVEAL_SECONDS = 10.0


class HomeHost(Protocol):
    """What the commands need of the screen."""

    def notify(self, message: str) -> None:
        """Show a notification."""

    def show_notice(self, text: str) -> None:
        """Show ``text`` above the footer until something else happens. "" removes it."""

    def show_problem(self, problem: Problem) -> None:
        """Show a problem in place of the notice."""

    def reload(self, highlight: str | None = None) -> None:
        """Read the profiles again, and move the cursor to ``highlight`` if given."""

    def show_detail(self) -> None:
        """Show the highlighted profile again, because a token was revealed or hidden."""

    async def ask(self, dialog: Any) -> Any:
        """Open ``dialog`` and return its answer."""

    async def change_settings(self, **changes: str | None) -> None:
        """Save settings in the order of the calls."""

    async def copy(self, text: Secret, name: str | None) -> Copied | NotCopied:
        """Copy ``text`` to the clipboard. A token is cleared later; ``name`` is that of its profile."""


class HomeCommands:
    """The commands. Each is awaited in the background; the profile was chosen when the key was pressed.

    Attributes:
        revealed: version of the profile whose token is shown in plain text, and the token, or None.
        pending: names of the profiles whose request the user waits for.
        batch: what is being done for all profiles, or None.
    """

    def __init__(
        self, model: ProfilesModel, scheduler: RefreshScheduler, host: HomeHost, options: LaunchOptions
    ) -> None:
        self.revealed: tuple[tuple[str, int] | None, str] | None = None
        self.pending: list[str] = []
        self.batch: str | None = None
        self._model = model
        self._scheduler = scheduler
        self._host = host
        self._options = options
        self._declined_version: tuple[str, int] | None = None
        """Version of the profile whose young token was left alone by the last refresh."""

    # ── tokens ──

    async def copy(self, profile: Profile, format_id: str = "token") -> None:
        """Copy a valid token of ``profile``, refreshed first if it is due, in one of the export formats."""
        from slack_token_tui.desktop.clipboard import Copied
        from slack_token_tui.secret import Secret
        from slack_token_tui.tokens import export_formats

        home, until = self._options.home, ""
        if export_formats.FORMATS[format_id].contains_token:
            if (fresh := await self._fresh_token(profile)) is None:
                return
            profile = fresh.profile
            text = export_formats.format_secret(profile, fresh.access_token, format_id, home=home)
            outcome = await self._host.copy(text, profile.name)
            if profile.expires_at:
                until = f" It works for {format_time_left(profile.expires_at, self._model.now())}."
        else:
            outcome = await self._host.copy(Secret(export_formats.preview(profile, format_id, home)), None)
        if isinstance(outcome, Copied):
            what = profile.name if format_id == "token" else f"{profile.name} as {format_id}"
            self._host.notify(outcome.message(what) + until)
            self._host.show_notice("")
        else:
            shell = "" if self._options.is_demo else f" In a shell: slack-token-tui token {profile.name}"
            self._host.show_notice(f"Not copied. {outcome.reason}{shell}")

    async def copy_as(self, profile: Profile) -> None:
        """Ask for an export format, then copy."""
        from slack_token_tui.tui.screens.dialogs import CopyAsDialog

        format_id = await self._host.ask(CopyAsDialog(profile, self._options.home))
        if format_id is not None:
            await self.copy(profile, format_id)

    async def reveal(self, entry: Profile) -> None:
        """Show the token in plain text for ten seconds."""
        if (fresh := await self._fresh_token(entry)) is None:
            return
        self.revealed = revealed = (version_of(fresh.profile), fresh.access_token.reveal())
        self._host.show_detail()
        try:
            await asyncio.sleep(REVEAL_SECONDS)
        finally:  # Esc ends the wait
            if self.revealed is revealed:
                self.hide()

    def hide(self) -> None:
        """Hide a revealed token."""
        self.revealed = None
        self._host.show_detail()

    async def _fresh_token(self, entry: Profile) -> FreshToken | None:
        """Return a valid token of ``entry``, refreshed first if due. Show the problem and return None otherwise."""
        is_due = entry.is_due(self._model.now())
        if is_due:
            self._host.show_notice(f"{entry.name} is about to expire; asking Slack for a new token … Esc stops")
        self.pending.append(entry.name)
        try:
            fresh = await self._scheduler.fresh_token(entry.name)
        except Problem as problem:
            self._show_token_problem(entry.name, problem, is_due=is_due)
            return None
        finally:
            self.pending.remove(entry.name)
        self._host.show_notice("")
        return fresh

    def _show_token_problem(self, name: str, problem: Problem, *, is_due: bool) -> None:
        explanation = problem.explain()
        if problem.kind is Kind.NOT_FOUND:
            self._show_gone(name)
        elif problem.kind is Kind.SIGN_IN:
            self._host.show_notice(f"{explanation.happened} Press s to sign in again.")
        elif is_due and problem.kind is not Kind.STORAGE:
            self._host.show_notice(f"{name} could not be renewed: {explanation.title}. Press r to try again.")
        else:
            self._host.show_problem(problem)

    def _show_gone(self, name: str) -> None:
        self._host.reload()
        self._host.show_notice(f"{name} is gone: another program has removed or renamed it.")

    # ── requests ──

    async def verify(self, name: str) -> None:
        """Verify a profile with Slack."""
        verification = await self._wait_for(name, self._scheduler.verify(name))
        if verification is not None:
            save_error, problem = verification.save_error, verification.refresh_problem
            note = "" if save_error is None else f" {save_error.explain().happened} So this is not noted there."
            note += "" if problem is None else f" It could not be renewed: {problem.explain().title}."
            self._host.notify(f"{name} is good.{note}")

    async def refresh(self, profile: Profile) -> None:
        """Refresh a profile. A token under an hour old is refreshed at the second request."""
        name, version = profile.name, version_of(profile)
        policy = RefreshPolicy(YOUNG_TOKEN_TTL_SECONDS, insist=version == self._declined_version)
        result = await self._wait_for(name, self._scheduler.refresh(name, policy, is_requested=True))
        if result is None:
            return
        expires_at = result.profile.expires_at
        works = f"for {format_time_left(expires_at, self._model.now())}" if expires_at else "until revoked"
        if result.profile.generation != profile.generation:
            self._declined_version = None
            self._host.notify(f"{name} renewed. It works {works}.")
        else:
            self._declined_version = version
            words = (
                "is less than an hour old and was left alone, because Slack keeps only two tokens alive"
                if expires_at
                else "does not expire and was left alone"
            )
            self._host.notify(f"{name} {words}. It works {works}. r again renews it.")

    async def _wait_for(self, name: str, operation: Awaitable[_Result]) -> _Result | None:
        """Await ``operation`` on profile ``name`` until the user cancels it. If it fails, show why and return None."""
        self._host.show_notice("")
        self.pending.append(name)
        try:
            return await operation
        except Problem as problem:
            if problem.kind is Kind.NOT_FOUND:
                self._show_gone(name)
            else:
                explanation = problem.explain()
                self._host.show_notice(f"{name}: {explanation.title}. {explanation.remedies[0]}.")
            return None
        finally:
            self.pending.remove(name)

    # ── all profiles ──

    async def verify_all(self) -> None:
        """Verify every profile with Slack."""
        names = [profile.name for profile in self._model.profiles]

        def summarize(result: BatchResult) -> str:
            if result.succeeded == len(names):
                return "all are good"
            trouble = f"{result.failed} with trouble, marked !; o sorts them to the top"
            return f"{result.succeeded} good, {trouble}"

        await self._run_batch("Verifying", names, self._scheduler.verify_all, summarize)

    async def refresh_all(self) -> None:
        """Refresh every token that is more than an hour old."""
        profiles = self._model.profiles
        before = {profile.name: profile.generation for profile in profiles if profile.is_refreshable}

        async def refresh(names: Sequence[str], progress: Callable[[int], None]) -> BatchResult:
            return await self._scheduler.refresh_all(names, RefreshPolicy(YOUNG_TOKEN_TTL_SECONDS), progress)

        def summarize(result: BatchResult) -> str:
            generations = {profile.name: profile.generation for profile in self._model.profiles}
            refreshed = sum(generations.get(name, generation) != generation for name, generation in before.items())
            young = result.succeeded - refreshed
            parts = [f"{refreshed} renewed"]
            parts += [f"{young} less than an hour old and left alone"] if young > 0 else []
            parts += [f"{result.failed} with trouble, marked !"] if result.failed else []
            return ", ".join(parts)

        if not before:
            refused = any(profile.has_refresh_token for profile in profiles)
            self._host.show_notice(
                "None can be renewed. Press s on those whose renewal Slack has refused."
                if refused
                else "None of them has a refresh token: they work until they are revoked, or expire."
            )
            return
        await self._run_batch("Renewing", list(before), refresh, summarize)

    async def _run_batch(
        self,
        verb: str,
        names: list[str],
        run: Callable[[Sequence[str], Callable[[int], None]], Awaitable[BatchResult]],
        summarize: Callable[[BatchResult], str],
    ) -> None:
        if self.batch is not None:
            if self.batch != verb:
                self._host.notify(f"{self.batch} is not finished. Esc stops it.")
            return

        def progress(done: int) -> None:
            self._host.show_notice(f"{verb} {done} of {len(names)} · Esc stops")

        self.batch = verb
        try:
            progress(0)
            result = await run(names, progress)
            summary = f"{verb} {len(names)}: {summarize(result)}."
            if result.left_alone:
                explanation = result.left_alone[0].explain()
                count = len(result.left_alone)
                summary += f" {count} skipped. {explanation.happened} Press D to check the connection to Slack."
            self._host.show_notice(summary)
        finally:
            self.batch = None

    # ── profiles ──

    async def make_default(self, name: str) -> None:
        """Make a profile the default, or clear the default if it is that profile."""
        is_default = self._model.default == name
        await self._host.change_settings(default_profile=None if is_default else name)
        self._host.reload()
        words = "There is no default now" if is_default else f"{name} is what commands without a name use now"
        self._host.notify(f"{words}.")

    async def rename(self, entry: Profile) -> None:
        """Ask for a new name and rename the profile."""
        from slack_token_tui.tokens.rename import rename
        from slack_token_tui.tui.screens.dialogs import RenameDialog

        async def run_rename(new: str, is_stopped: Callable[[], bool]) -> None:
            await asyncio.to_thread(partial(rename, self._model.store, entry.name, new, unless=is_stopped))

        self._host.reload(await self._host.ask(RenameDialog(entry.name, run_rename)))

    async def move_tokens(self, entry: Profile) -> None:
        """Move the tokens to the keyring or back to the file."""
        from slack_token_tui.tokens.keyring_migration import move_tokens

        to_keyring = not entry.in_keyring
        place = "the operating system’s keyring" if to_keyring else "its file"
        self._host.show_notice(f"Moving the tokens of {entry.name} into {place} …")
        try:
            await asyncio.to_thread(partial(move_tokens, self._model.store, entry.name, to_keyring=to_keyring))
            self._host.show_notice("")
            self._host.notify(f"The tokens of {entry.name} are in {place} now.")
        except Problem as problem:
            self._host.show_problem(problem.with_facts(name=entry.name))
        self._host.reload()

    async def remove(self, entry: Entry) -> None:
        """Ask, revoke the tokens and delete the profile."""
        from slack_token_tui.tui.screens.remove import RemoveDialog

        await self._host.ask(RemoveDialog(self._model.store, entry))
        self._host.reload()

    async def import_token(self) -> None:
        """Ask for an existing token and save it."""
        from slack_token_tui.slack.client_id import parse_client_id
        from slack_token_tui.tokens.import_token import import_token, parse_tokens
        from slack_token_tui.tui.screens.dialogs import ImportDialog

        async def run_import(access: str, refresh: str, client_id: str) -> str:
            parsed_client_id = parse_client_id(client_id) if client_id else ""
            token_type, access_token, refresh_token = parse_tokens(f"{access}\n{refresh}", parsed_client_id)
            saved = await import_token(
                self._model.store,
                token_type,
                access_token,
                refresh_token,
                client_id=parsed_client_id,
                endpoints=self._options.slack_app.endpoints if self._options.slack_app else None,
            )
            return saved.profile.name

        name = await self._host.ask(ImportDialog(run_import))
        if name is not None:
            self._host.reload(name)
            self._host.notify(f"Saved as {name}.")
