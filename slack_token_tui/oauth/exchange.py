"""The second half of a sign-in, from the code to the saved profile.

A token that Slack has issued is never lost, however the sign-in ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from slack_token_tui.event_loop import wait_until_done
from slack_token_tui.oauth import events
from slack_token_tui.oauth.app_memory import add_registered_scopes
from slack_token_tui.oauth.callback import AuthorizationCode
from slack_token_tui.oauth.events import Event, Step
from slack_token_tui.oauth.new_profile import new_profile
from slack_token_tui.oauth.pages import Page
from slack_token_tui.oauth.request import AuthorizationRequest
from slack_token_tui.problems import Explanation, error_location
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client import OAuthClient, SlackClient
from slack_token_tui.slack.errors import RateLimited, SlackError, SlackUnreachable
from slack_token_tui.slack.responses import Identity, TokenResponse, find_tokens
from slack_token_tui.slack.token_types import REFRESH_TOKEN
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.fallback_dir import import_command, save_tokens_to_fallback
from slack_token_tui.store.profile import Profile, Tokens
from slack_token_tui.store.profiles import ProfileStore, SavedProfile
from slack_token_tui.store.quarantine import QuarantinedResponse, quarantine_sign_in
from slack_token_tui.tokens.revoke import Revocation, revoke_tokens

ExplainCode = Callable[[str, dict[str, str]], Explanation]


@dataclass(frozen=True)
class UnusableTokenResponse:
    """A response in which Slack issued a token, but which cannot be used.

    Attributes:
        tokens: every string in the response that looks like a token.
        quarantined: where the response is saved, or None if it could not be saved.
    """

    tokens: tuple[Secret, ...]
    quarantined: QuarantinedResponse | None


class CodeExchange:
    """Code exchange, token verification and saving of the profile. Iterate over :meth:`events` once.

    Once the code is sent, cancellation waits for the response. A token in it is saved before cancellation continues.

    Attributes:
        saved: the saved profile, also if the sign-in was cancelled after the token was received.
        unusable: the response with a token that cannot be used, or None.
    """

    def __init__(
        self,
        app: SlackApp,
        request: AuthorizationRequest,
        store: ProfileStore,
        name: str | None,
        explain: ExplainCode,
        show_page: Callable[[Page], None],
    ) -> None:
        """
        Args:
            app: the Slack app, with its client secret if it has one.
            request: the authorization request that the code belongs to.
            store: where the profile is saved.
            name: the preferred profile name, or None.
            explain: called with a key of the problem catalog and the values to fill in.
            show_page: called with the page to show in the waiting browser.
        """
        self.saved: SavedProfile | None = None
        self.unusable: UnusableTokenResponse | None = None
        self._app = app
        self._request = request
        self._store = store
        self._name = name
        self._explain = explain
        self._show_page = show_page
        self._requested_at = datetime.now(UTC)
        self._exchange_task: asyncio.Future[TokenResponse] | None = None
        self._verify_timeout: asyncio.Timeout | None = None
        self._skips_verification = False
        self._unsaved: tuple[Profile, Tokens] | None = None

    @property
    def has_unsaved_token(self) -> bool:
        """Whether a token exists only in memory: requested, not saved yet, or failed to save."""
        return self._unsaved is not None or self._exchange_task is not None

    def skip_verification(self) -> None:
        """Stop waiting for verification and save the token at once, because the user wants to leave."""
        if self._verify_timeout is not None and not self._skips_verification:
            self._verify_timeout.reschedule(0)
        self._skips_verification = True

    async def events(self, code: AuthorizationCode) -> AsyncGenerator[Event, None]:
        """Yield the events of the exchange. The last one is Saved or Failed."""
        async with SlackClient(self._app.endpoints) as slack:
            yield events.Exchanging()
            try:
                token_response = await self._exchange(slack, code)
            except SlackError as error:
                is_unreachable = isinstance(error, SlackUnreachable) and not isinstance(error, RateLimited)
                yield self._fail(Step.EXCHANGE, Page.UNREACHABLE if is_unreachable else Page.REFUSED, error)
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
        self._show_page(Page.SAVED)
        yield events.Saved(saved)

    async def save_again(self, *, in_file: bool = False) -> SavedProfile:
        """Save the token that could not be saved before.

        Args:
            in_file: whether to save to a file even if the settings say keyring.

        Raises:
            StorageError: saving failed again. The token stays in memory.
        """
        assert self._unsaved is not None, "has_unsaved_token says when there is one"
        saved = await asyncio.get_running_loop().run_in_executor(None, self._save_profile, *self._unsaved, in_file)
        self.saved, self._unsaved = saved, None
        return saved

    async def revoke_unusable(self) -> tuple[Revocation, ...]:
        """Revoke every token in the unusable response and return the results.

        The response is deleted once each token is revoked or :attr:`Revocation.allows_removal` is true for it.
        """
        assert self.unusable is not None, "there is one to revoke"
        is_refresh = {token: token.reveal().startswith(REFRESH_TOKEN.prefix) for token in self.unusable.tokens}
        tokens = [("refresh token" if is_refresh[token] else "access token", token) for token in self.unusable.tokens]
        revocations = await revoke_tokens(self._request.endpoints, tokens)
        if all(revocation.revoked or revocation.allows_removal for revocation in revocations):
            if self.unusable.quarantined is not None:
                self.unusable.quarantined.delete()
            self.unusable = None
        return revocations

    def discard(self) -> None:
        """Discard the token that could not be saved, because the user chose to."""
        self._unsaved = None

    def save_to_fallback(self) -> str:
        """Write the unsaved token to the fallback directory and return a message about it, or "" if there is none."""
        if self._unsaved is None:
            return ""
        try:
            path = save_tokens_to_fallback(self._store.home, *self._unsaved)
        except StorageError:
            apps_url = self._request.endpoints.apps_url
            return f"The new token could be kept nowhere. At Slack it works until it ends, or is revoked: {apps_url}"
        command = import_command(path)
        return f"The new token is in {path}, readable by you alone. When what is in the way is mended: {command}"

    def describe_unusable(self) -> str:
        """Return a message about a token that Slack issued but that cannot be used, or "" if there is none."""
        if self.unusable is None:
            return ""
        if self.unusable.quarantined is None:
            return "Slack issued a token anyway. Its response could not be saved."
        return (
            f"Slack issued a token anyway. Its response is saved in {self.unusable.quarantined}. Only you can read it."
        )

    # ── exchange, verify, save ──

    async def _exchange(self, slack: SlackClient, code: AuthorizationCode) -> TokenResponse:
        verifier = self._request.pkce.code_verifier if self._request.pkce else None
        client = OAuthClient(self._app.client_id, self._app.client_secret)
        exchange = slack.exchange(client, code.code, verifier, self._request.redirect_uri)
        self._exchange_task = asyncio.ensure_future(exchange)
        try:
            token_response = await asyncio.shield(self._exchange_task)
            self._set_unsaved(token_response)
            return token_response
        except asyncio.CancelledError:
            # Slack may have issued a token by now, so wait for the response. The request timeout limits the wait.
            try:
                self._set_unsaved(await wait_until_done(self._exchange_task))
            except SlackError as error:
                self._quarantine(error.response)
            except Exception:  # noqa: S110 - no token was received, so the cancellation continues
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
        """Return the identity or the error that prevented verification, or two Nones after ``skip_verification``."""
        try:
            async with asyncio.timeout(0 if self._skips_verification else None) as self._verify_timeout:
                return await slack.verify(token_response.access_token), None
        except TimeoutError:  # only from skip_verification(): a request timeout is a SlackError
            return None, None
        except SlackError as error:
            return None, error
        except Exception as error:  # verification is optional: the token is saved anyway
            return None, _unexpected_error(error)
        finally:
            self._verify_timeout = None

    async def _save_with_identity(self, token_response: TokenResponse, identity: Identity | None) -> SavedProfile:
        with suppress(Exception):  # the profile without an identity is already in _unsaved
            self._unsaved = self._new_profile(token_response, identity), _tokens_of(token_response)
        assert self._unsaved is not None, "the exchange has set it"
        # An executor future, not a task: it starts at once, and cancelling this coroutine cannot stop it.
        save_future = asyncio.get_running_loop().run_in_executor(None, self._save_profile, *self._unsaved)
        try:
            saved = await asyncio.shield(save_future)
        except asyncio.CancelledError:
            with suppress(StorageError):
                self.saved, self._unsaved = await wait_until_done(save_future), None
            raise
        self.saved, self._unsaved = saved, None
        return saved

    def _set_unsaved(self, token_response: TokenResponse) -> None:
        """Put the token response into ``_unsaved`` as a profile. If that fails, quarantine its tokens."""
        try:
            self._unsaved = self._new_profile(token_response, None), _tokens_of(token_response)
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
        """Save the unsaved token, if any. ``saved`` and ``has_unsaved_token`` tell the outcome."""
        if self._unsaved is not None:
            with suppress(StorageError):
                self.saved, self._unsaved = self._save_profile(*self._unsaved), None
                self._show_page(Page.SAVED)

    def _save_profile(self, profile: Profile, tokens: Tokens, in_file: bool = False) -> SavedProfile:
        try:
            saved = self._store.save_sign_in(profile, tokens, self._name, in_keyring=False if in_file else None)
        except StorageError:
            raise
        except Exception as error:  # the token stays in memory, so it can be saved again or written to the fallback
            raise StorageError("unexpected", detail=error_location(error)) from None
        with suppress(Exception):  # optional: the token is already saved
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
            requested_at=self._requested_at,
            verified_at=datetime.now(UTC) if identity else None,
        )

    def _fail(self, step: Step, page: Page, error: SlackError | StorageError) -> Event:
        self._show_page(page)
        return events.Failed(step, self._explain(error.code, error.facts))


def _tokens_of(token_response: TokenResponse) -> Tokens:
    return Tokens(token_response.access_token, token_response.refresh_token)


def _unexpected_error(error: Exception) -> SlackError:
    return SlackError("unexpected", detail=error_location(error))
