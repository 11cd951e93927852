"""Commands of the home screen: copy, verify, refresh, rename, move, remove, import. They know no Textual widgets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from slack_token_tui.problems import Kind, Problem
from slack_token_tui.store.profile import Profile
from slack_token_tui.tokens.refresh_result import YOUNG_TOKEN_TTL_SECONDS, RefreshPolicy, is_about_profile
from slack_token_tui.tui.auto_refresh import BatchResult, RefreshScheduler
from slack_token_tui.tui.options import LaunchOptions
from slack_token_tui.tui.profiles_model import Entry, ProfilesModel, version_of
from slack_token_tui.tui.widgets.time_format import format_time_left

if TYPE_CHECKING:
    from slack_token_tui.desktop.clipboard import Copied, NotCopied
    from slack_token_tui.secret import Secret
    from slack_token_tui.tokens.fresh_token import FreshToken

_Result = TypeVar("_Result")
Severity = Literal["information", "success", "warning", "error"]
REVEAL_SECONDS = 10.0


class HomeHost(Protocol):
    """What the commands need of the screen."""

    def show_notice(self, text: str, severity: Severity = "information") -> None:
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
        """Version of the profile whose young token the last refresh has skipped."""

    # ── tokens ──

    async def copy(self, profile: Profile, format_id: str = "token") -> None:
        """Copy a valid token of ``profile``, refreshed first if it is due, in one of the export formats."""
        from slack_token_tui.desktop.clipboard import Copied
        from slack_token_tui.secret import Secret
        from slack_token_tui.tokens import export_formats

        home = self._options.home
        if export_formats.FORMATS[format_id].contains_token:
            if (fresh := await self._fresh_token(profile)) is None:
                return
            profile = fresh.profile
            text = export_formats.format_secret(profile, fresh.access_token, format_id, home=home)
            outcome = await self._host.copy(text, profile.name)
        else:
            outcome = await self._host.copy(Secret(export_formats.preview(profile, format_id, home)), None)
        if isinstance(outcome, Copied):
            what = profile.name if format_id == "token" else f"{profile.name} as {format_id}"
            self._host.show_notice(outcome.message(what), "success" if outcome.is_verified else "information")
        else:
            shell = "" if self._options.is_demo else f" In a shell, run: slack-token-tui token {profile.name}"
            self._host.show_notice(f"Not copied. {outcome.reason}{shell}", "warning")

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
            self._host.show_notice(f"Refreshing {entry.name}… Esc stops")
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
            self._host.show_notice(f"{explanation.happened} Press s to sign in again.", "error")
        elif is_due and problem.kind is not Kind.STORAGE:
            self._host.show_notice(f"Couldn't refresh {name}. {explanation.title}. Press r to try again.", "error")
        else:
            self._host.show_problem(problem)

    def _show_gone(self, name: str) -> None:
        self._host.reload()
        self._host.show_notice(f"Another program removed or renamed {name}.", "warning")

    # ── requests ──

    async def verify(self, name: str) -> None:
        """Verify a profile with Slack."""
        verification = await self._wait_for(name, self._scheduler.verify(name))
        if verification is not None:
            save_error, problem = verification.save_error, verification.refresh_problem
            note = "" if save_error is None else f" The result isn't saved. {save_error.explain().happened}"
            note += "" if problem is None else f" The refresh failed. {problem.explain().title}."
            self._host.show_notice(f"{name} works.{note}", "warning" if note else "success")

    async def refresh(self, profile: Profile) -> None:
        """Refresh a profile. A token under an hour old is refreshed at the second request."""
        name, version = profile.name, version_of(profile)
        policy = RefreshPolicy(YOUNG_TOKEN_TTL_SECONDS, insist=version == self._declined_version)
        result = await self._wait_for(name, self._scheduler.refresh(name, policy, is_requested=True))
        if result is None:
            return
        expires_at = result.profile.expires_at
        expires = f" It expires in {format_time_left(expires_at, self._model.now())}." if expires_at else ""
        if result.profile.generation != profile.generation:
            self._declined_version = None
            self._host.show_notice(f"Refreshed {name}.{expires}", "success")
        else:
            self._declined_version = version
            reason = "is under an hour old" if expires_at else "doesn't expire"
            self._host.show_notice(f"The token {reason}, so it wasn't refreshed.{expires} Press r again to refresh it.")

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
                self._show_request_problem(name, problem)
            return None
        finally:
            self.pending.remove(name)

    def _show_request_problem(self, name: str, problem: Problem) -> None:
        """Show why a request failed. What the details say about the profile is not repeated."""
        explanation = problem.explain()
        entry = next((each for each in self._model.profiles if each.name == name), None)
        if problem.kind is Kind.SIGN_IN:
            fix = "Press s to sign in again."
        elif entry is not None and entry.is_revoked and not is_about_profile(problem):
            fix = f"{name} is still marked as revoked."
        else:
            fix = f"{explanation.remedies[0]}." if explanation.remedies else ""
        self._host.show_notice(f"{explanation.title}. {fix}", "error")

    # ── all profiles that are shown ──

    async def verify_all(self) -> None:
        """Verify every profile that is shown with Slack."""
        names = [profile.name for profile in self._model.shown_profiles()]

        def summarize(result: BatchResult) -> str:
            if result.succeeded == len(names):
                return f"All {len(names)} work." if len(names) > 1 else f"{names[0]} works."
            return " ".join([f"{result.succeeded} of {len(names)} work.", *_count_failures(result)])

        await self._run_batch("Verifying", names, self._scheduler.verify_all, summarize)

    async def refresh_all(self) -> None:
        """Refresh the token of every profile that is shown, unless it is under an hour old."""
        profiles = self._model.shown_profiles()
        before = {profile.name: profile.generation for profile in profiles if profile.is_refreshable}

        async def refresh(names: Sequence[str], progress: Callable[[int], None]) -> BatchResult:
            return await self._scheduler.refresh_all(names, RefreshPolicy(YOUNG_TOKEN_TTL_SECONDS), progress)

        def summarize(result: BatchResult) -> str:
            generations = {profile.name: profile.generation for profile in self._model.profiles}
            refreshed = sum(generations.get(name, generation) != generation for name, generation in before.items())
            young = result.succeeded - refreshed
            parts = [f"Refreshed {refreshed}."]
            parts += [f"{young} under an hour old, so not refreshed."] if young > 0 else []
            return " ".join([*parts, *_count_failures(result)])

        if not before:
            refused = any(profile.has_refresh_token for profile in profiles)
            self._host.show_notice(
                "Slack refused to refresh these. Press s to sign in again."
                if refused
                else "These tokens can't be refreshed. Sign in again when one expires."
            )
            return
        await self._run_batch("Refreshing", list(before), refresh, summarize)

    async def _run_batch(
        self,
        verb: str,
        names: list[str],
        run: Callable[[Sequence[str], Callable[[int], None]], Awaitable[BatchResult]],
        summarize: Callable[[BatchResult], str],
    ) -> None:
        if self.batch is not None:
            if self.batch != verb:
                self._host.show_notice(f"{self.batch} is still running. Esc stops it.")
            return

        def progress(done: int) -> None:
            self._host.show_notice(f"{verb} {done} of {len(names)}… Esc stops")

        self.batch = verb
        try:
            progress(0)
            result = await run(names, progress)
        finally:
            self.batch = None
        severity: Severity = "success" if not (result.failed or result.unreached) else "warning"
        self._host.show_notice(summarize(result), severity)

    # ── profiles ──

    async def make_default(self, name: str) -> None:
        """Make a profile the default, or clear the default if it is that profile."""
        is_default = self._model.default == name
        await self._host.change_settings(default_profile=None if is_default else name)
        self._host.reload()
        words = "There is no default profile now." if is_default else f"{name} is now the default profile."
        self._host.show_notice(words, "success")

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
        place = "the system keyring" if to_keyring else "a file"
        self._host.show_notice(f"Moving the tokens of {entry.name} to {place}…")
        try:
            await asyncio.to_thread(partial(move_tokens, self._model.store, entry.name, to_keyring=to_keyring))
        except Problem as problem:
            self._host.reload()
            self._host.show_problem(problem.with_facts(name=entry.name))
            return
        self._host.reload()
        self._host.show_notice(f"The tokens of {entry.name} are now stored in {place}.", "success")

    async def remove(self, entry: Entry) -> None:
        """Ask, revoke the tokens and delete the profile."""
        from slack_token_tui.tui.screens.remove import RemoveDialog

        await self._host.ask(RemoveDialog(self._model.store, entry))
        self._host.reload()

    async def replace_leaked(self, entry: Profile) -> bool:
        """Ask, then revoke the tokens in Slack. Return whether they are revoked, so that the user can sign in again."""
        from textual.content import Content

        from slack_token_tui.event_loop import run_to_completion
        from slack_token_tui.tokens.revoke import is_complete, revoke_profile
        from slack_token_tui.tui.screens.dialogs import ConfirmDialog

        question = Content.assemble(
            (f"Replace the token of {entry.name}?\n\n", "bold"),
            "Slack revokes it now, and programs using it stop working. Then you sign in again to get a new one.",
        )
        if not await self._host.ask(ConfirmDialog(question, "Revoke and sign in")):
            return False
        self._host.show_notice(f"Revoking the tokens of {entry.name}…")
        try:
            revocations = await run_to_completion(partial(revoke_profile, self._model.store, entry.name))
        except Problem as problem:
            self._host.show_problem(problem.with_facts(name=entry.name))
            return False
        self._host.reload()
        is_revoked = is_complete(revocations)
        sentences = ". ".join(revocation.sentence for revocation in revocations)
        self._host.show_notice("" if is_revoked else f"{sentences}. Try again, or revoke it in Slack.", "error")
        return is_revoked

    async def import_token(self, pasted: tuple[str, str] = ("", "")) -> None:
        """Ask for an existing token and save it. ``pasted``, an access token and a refresh token, is filled in."""
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

        name = await self._host.ask(ImportDialog(run_import, pasted))
        if name is not None:
            self._host.reload(name)
            self._host.show_notice(f"Saved as {name}.", "success")


def _count_failures(result: BatchResult) -> list[str]:
    sentences = [f"{result.failed} failed (marked !). Press S to sort them first."] if result.failed else []
    if result.unreached:
        codes = (problem.explain() for problem in result.unreached if problem.code != "batch_left_alone")
        explanation = next(codes, result.unreached[0].explain())
        sentences.append(f"{len(result.unreached)} not checked. {explanation.title}. Press D to check the connection.")
    return sentences
