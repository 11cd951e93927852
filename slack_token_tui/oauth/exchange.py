"""The second half of a sign-in, from the code to the saved profile. A token that Slack gives survives every end of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from slack_token_tui.oauth import events
from slack_token_tui.oauth.app_memory import add_registered_scopes
from slack_token_tui.oauth.callback import AuthorizationCode
from slack_token_tui.oauth.events import Event, Step
from slack_token_tui.oauth.pages import Page
from slack_token_tui.oauth.request import AuthorizationRequest
from slack_token_tui.problems import Explanation, error_location
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client import Client, SlackClient
from slack_token_tui.slack.errors import RateLimited, SlackError, SlackUnreachable
from slack_token_tui.slack.responses import Identity, TokenResponse, find_tokens
from slack_token_tui.slack.token_types import REFRESH
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.atomic_file import StorageError
from slack_token_tui.store.fallback_dir import import_command, save_tokens_to_fallback
from slack_token_tui.store.profile import Profile, new_profile
from slack_token_tui.store.profiles import ProfileStore, SavedProfile
from slack_token_tui.store.quarantine import QuarantinedResponse, quarantine_sign_in
from slack_token_tui.tokens.revoke import Revocation, revoke_tokens

ExplainCode = Callable[[str, dict[str, str]], Explanation]
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class UnusableTokenResponse:
    """Slack issued a token, and the response cannot be used.

    Attributes:
        tokens: what looks like a token in it.
        quarantined: where the response is saved; None when it could not be.
    """

    tokens: tuple[Secret, ...]
    quarantined: QuarantinedResponse | None


class CodeExchange:
    """Exchanges the code, asks Slack who the grant speaks for, saves the profile. Iterate over :meth:`events` once.

    From the moment that the code goes out, whoever cancels waits for the answer; what came is saved before anything else.

    Attributes:
        kept: what was saved, also on the way out.
        unusable: what Slack sent instead of a token that can be used.
    """

    def __init__(
        self,
        app: SlackApp,
        request: AuthorizationRequest,
        store: ProfileStore,
        name: str | None,
        explain: ExplainCode,
        tell_browser: Callable[[Page], None],
    ) -> None:
        """
        Args:
            app: with its client secret, if it has one.
            request: that the code answers.
            store: where the profile will be kept.
            name: the profile's name, if one is wished for.
            explain: a code of the catalogue and the values of this case.
            tell_browser: what the browser that still waits is shown.
        """
        self.saved: SavedProfile | None = None
        self.unusable: UnusableTokenResponse | None = None
        self._app = app
        self._request = request
        self._store = store
        self._name = name
        self._explain = explain
        self._tell_browser = tell_browser
        self._granted_at = datetime.now(UTC)
        self._exchange_task: asyncio.Future[TokenResponse] | None = None
        self._verify_timeout: asyncio.Timeout | None = None
        self._skips_verification = False
        self._unsaved: Profile | None = None

    @property
    def has_unsaved_token(self) -> bool:
        """Whether there is a grant, or one on its way, that is not saved yet or could not be, and is here alone."""
        return self._unsaved is not None or self._exchange_task is not None

    def skip_verification(self) -> None:
        """Somebody wants to leave: do not wait for Slack to say who the grant speaks for, save it."""
        if self._verify_timeout is not None and not self._skips_verification:
            self._verify_timeout.reschedule(0)
        self._skips_verification = True

    async def events(self, code: AuthorizationCode) -> AsyncGenerator[Event, None]:
        """Yield what happens. The last event is Saved or Failed."""
        async with SlackClient(self._app.endpoints) as slack:
            yield events.Exchanging()
            try:
                token_response = await self._exchange(slack, code)
            except SlackError as error:
                never_asked = isinstance(error, SlackUnreachable) and not isinstance(error, RateLimited)
                yield self._fail(Step.EXCHANGE, Page.UNREACHABLE if never_asked else Page.REFUSED, error)
                return
            try:
                yield events.Verifying()
                identity, problem = await self._verify(slack, token_response)
                if identity is not None:
                    yield events.Verified(identity)
                elif problem is not None:
                    yield events.Unverified(self._explain(problem.code, problem.facts))
            except (GeneratorExit, asyncio.CancelledError):
                self._save_now()
                raise
        try:
            saved = await self._save_with_identity(token_response, identity)
        except StorageError as error:
            yield self._fail(Step.SAVE, Page.NOT_SAVED, error)
            return
        self._tell_browser(Page.SAVED)
        yield events.Saved(saved)

    async def save_again(self, *, in_file: bool = False) -> SavedProfile:
        """Save the grant that could not be saved.

        Args:
            in_file: in a file, when the settings say keyring.

        Raises:
            StorageError: it still cannot be. The grant stays here.
        """
        assert self._unsaved is not None, "has_unsaved_token says when there is one"
        saved = await asyncio.get_running_loop().run_in_executor(None, self._save_profile, self._unsaved, in_file)
        self.saved, self._unsaved = saved, None
        return saved

    async def revoke_unusable(self) -> tuple[Revocation, ...]:
        """Revoke what looks like a token in the response that cannot be used. When all are revoked, forget it."""
        assert self.unusable is not None, "there is one to revoke"
        is_refresh = {token: token.reveal().startswith(REFRESH.prefix) for token in self.unusable.tokens}
        tokens = [("refresh token" if is_refresh[token] else "access token", token) for token in self.unusable.tokens]
        answers = await revoke_tokens(self._request.endpoints, tokens)
        if all(answer.revoked or answer.allows_removal for answer in answers):
            if self.unusable.quarantined is not None:
                self.unusable.quarantined.delete()
            self.unusable = None
        return answers

    def discard(self) -> None:
        """Forget the grant that could not be saved. A person has decided so."""
        self._unsaved = None

    def save_to_fallback(self) -> str:
        """Put the grant that could not be saved into a file of its own, and return what to say of that; "" without one."""
        if self._unsaved is None:
            return ""
        try:
            path = save_tokens_to_fallback(self._store.home, self._unsaved)
        except StorageError:
            page = self._unsaved.endpoints.apps_url
            return f"The new token could be kept nowhere. At Slack it works until it ends, or is revoked: {page}"
        command = import_command(path)
        return f"The new token is in {path}, readable by you alone. When what is in the way is mended: {command}"

    def describe_unusable(self) -> str:
        """Return what to say of a token that Slack issued and that cannot be used; "" without one."""
        if self.unusable is None:
            return ""
        if self.unusable.quarantined is None:
            return "Slack issued a token anyway. Its response could not be saved."
        return (
            f"Slack issued a token anyway. Its response is saved in {self.unusable.quarantined}. Only you can read it."
        )

    # ── its three steps ──

    async def _exchange(self, slack: SlackClient, code: AuthorizationCode) -> TokenResponse:
        verifier = self._request.pkce.code_verifier if self._request.pkce else None
        client = Client(self._app.client_id, self._app.client_secret)
        asking = slack.exchange(client, code.code, verifier, self._request.redirect_uri)
        self._exchange_task = asyncio.ensure_future(asking)
        try:
            token_response = await asyncio.shield(self._exchange_task)
            self._hold(token_response)
            return token_response
        except asyncio.CancelledError:
            # Slack may have given a token by now: it is waited for, as long as a request may take.
            try:
                self._hold(await wait_until_done(self._exchange_task))
            except SlackError as error:
                self._quarantine(error.response)
            except Exception:  # noqa: S110 - no token came, and leaving goes on
                pass
            self._save_now()
            raise
        except SlackError as error:
            self._quarantine(error.response)
            raise
        except Exception as error:
            raise _unexpected_error(error) from None
        finally:
            self._exchange_task = None

    async def _verify(
        self, slack: SlackClient, token_response: TokenResponse
    ) -> tuple[Identity | None, SlackError | None]:
        """Return who the grant speaks for, or what prevented Slack from saying; neither after :meth:`hurry`."""
        try:
            async with asyncio.timeout(0 if self._skips_verification else None) as self._verify_timeout:
                return await slack.verify(token_response.access_token), None
        except TimeoutError:  # only hurry()'s: a time limit of Slack's is a SlackError
            return None, None
        except SlackError as error:
            return None, error
        except Exception as error:  # the token is saved in any case
            return None, _unexpected_error(error)
        finally:
            self._verify_timeout = None

    async def _save_with_identity(self, token_response: TokenResponse, identity: Identity | None) -> SavedProfile:
        with suppress(Exception):  # the profile without its identity is there already
            self._unsaved = self._new_profile(token_response, identity)
        assert self._unsaved is not None, "the exchange has set it"
        # A future of the executor, not a task: it is under way at once, and no cancel of ours can stop it any more.
        saving = asyncio.get_running_loop().run_in_executor(None, self._save_profile, self._unsaved)
        try:
            saved = await asyncio.shield(saving)
        except asyncio.CancelledError:
            with suppress(StorageError):
                self.saved, self._unsaved = await wait_until_done(saving), None
            raise
        self.saved, self._unsaved = saved, None
        return saved

    def _hold(self, token_response: TokenResponse) -> None:
        """Hold the grant as a profile that can be saved or rescued; quarantine its tokens if that is impossible."""
        try:
            self._unsaved = self._new_profile(token_response, None)
        except Exception as error:
            tokens = [
                token.reveal()
                for token in (token_response.refresh_token, token_response.access_token)
                if token is not None
            ]
            self._quarantine(Secret("\n".join(tokens)))
            raise _unexpected_error(error) from None

    def _quarantine(self, response: Secret | None) -> None:
        if response is not None:
            self.unusable = UnusableTokenResponse(find_tokens(response), quarantine_sign_in(self._store.home, response))

    def _save_now(self) -> None:
        """Save what is here alone; ``kept`` and ``has_unsaved_token`` say what came of it."""
        if self._unsaved is not None:
            with suppress(StorageError):
                self.saved, self._unsaved = self._save_profile(self._unsaved), None
                self._tell_browser(Page.SAVED)

    def _save_profile(self, profile: Profile, in_file: bool = False) -> SavedProfile:
        try:
            saved = self._store.save_sign_in(profile, self._name, in_keyring=False if in_file else None)
        except StorageError:
            raise
        except Exception as error:  # whatever it is, the token is still here, and can be saved again or rescued
            raise StorageError("unexpected", detail=error_location(error)) from None
        with suppress(Exception):  # a convenience, after the token is safe
            add_registered_scopes(self._store.home, self._app, profile.scopes)
        return saved

    def _new_profile(self, token_response: TokenResponse, identity: Identity | None) -> Profile:
        return new_profile(
            token_response=token_response,
            identity=identity,
            client_id=self._request.client_id,
            endpoints=self._request.endpoints,
            redirect_uri=self._request.redirect_uri,
            requested_scopes=self._request.scopes,
            granted_at=self._granted_at,
            verified_at=datetime.now(UTC) if identity else None,
        )

    def _fail(self, step: Step, page: Page, error: SlackError | StorageError) -> Event:
        self._tell_browser(page)
        return events.Failed(step, self._explain(error.code, error.facts))


def _unexpected_error(error: Exception) -> SlackError:
    return SlackError("unexpected", {"detail": error_location(error)})


async def wait_until_done(work: asyncio.Future[_Result]) -> _Result:
    """Wait for ``work`` however often this is cancelled: it ends by itself, and what it brings must not be lost."""
    while True:
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            if work.cancelled():  # with the loop itself
                raise
