"""State and rules of the practice Slack: people, apps, codes and tokens."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections import Counter, deque
from dataclasses import dataclass, field

from slack_token_tui.practice.manifest_rules import find_problems, find_redirect_problems, is_visible_ascii, url_parts
from slack_token_tui.practice.models import App, Person, Team
from slack_token_tui.practice.tokens import ACCESS_TOKEN_SECONDS, SlackErrorResponse, Token, TokenRegistry

CODE_LIFETIME_SECONDS = 600
MAX_CODES = 100
MAX_APPS = 100
TOKEN_SHAPES = ("top_level", "authed_user", "both")

PAGE_ERRORS = (
    "bad_redirect_uri",
    "invalid_client_id",
    "invalid_scope",
    "invalid_team_for_non_distributed_app",
    "approval_required",
)
CALLBACK_ERRORS = ("access_denied", "invalid_scope", "unapproved_scope", "scope_not_allowed_on_enterprise")
EXCHANGE_ERRORS = (
    "bad_client_secret",
    "bad_redirect_uri",
    "cannot_install_an_org_installed_app",
    "invalid_client_id",
    "invalid_code",
    "invalid_grant_type",
    "invalid_refresh_token",
    "no_scopes",
    "no_user_scopes",
    "not_implemented",
    "oauth_authorization_url_mismatch",
    "preview_feature_not_available",
    "user_email_unverified",
    "pkce_not_allowed",
    "invalid_code_verifier",
    "code_already_used",
    "ratelimited",
    "internal_error",
    "service_unavailable",
    "fatal_error",
)


@dataclass
class Code:
    """An authorization code, valid for one use."""

    app: App
    variant: str
    redirect_uri: str
    challenge: str | None
    scopes: tuple[str, ...]
    team: Team
    person: Person
    issued_at: float
    error: str | None = None
    shape: str = "top_level"
    used: bool = False


@dataclass
class Workspace:
    """The state of a practice Slack. Methods may be called from any thread."""

    teams: tuple[Team, ...] = (
        Team("T0PRACTICE1", "Acme Practice", "acme-practice"),
        Team("T0PRACTICE2", "Globex Practice", "globex-practice"),
        Team("E0PRACTICE", "Practice Group (entire organization)", "practice-group", is_organization=True),
    )
    people: tuple[Person, ...] = (Person("U0JANE", "jane"), Person("U0OMAR", "omar"))
    apps: list[App] = field(default_factory=lambda: [App()])
    shape: str = "top_level"
    token_type: str = "user"
    """``user`` or ``Bearer``. Both occur in Slack's responses."""
    scope_separator: str = ","
    leave_out_ok: bool = False
    empty_top_scope: bool = False
    verify_error: str | None = None
    retry_after_seconds: int = 3
    """How long a caller that is rate limited has to wait."""
    codes: dict[str, Code] = field(default_factory=dict)
    tokens: TokenRegistry = field(default_factory=TokenRegistry)
    no_refresh_variants: dict[str, str] = field(default_factory=dict)
    """OAuth variants that do not refresh, with the error that they return."""
    faults: deque[str] = field(default_factory=deque)
    """Faults of the next refreshes, one per refresh. See :mod:`slack_token_tui.practice.server`."""
    may_respond: threading.Event = field(default_factory=threading.Event)
    """Event that the fault ``held`` waits for."""
    calls: Counter[str] = field(default_factory=Counter)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def find_app(self, client_id: str) -> App | None:
        """Return the app with ``client_id``, or None."""
        return next((app for app in self.apps if app.client_id == client_id), None)

    def find_problem(self, pair: str, query: dict[str, str]) -> str | None:
        """Return the code of the error that Slack's page would show instead of Allow, or None."""
        app = self.find_app(query.get("client_id", ""))
        if app is None:
            return "invalid_client_id"
        redirect_uri = requested_redirect_uri(app, query)
        parts = url_parts(redirect_uri)
        if parts is None or parts.scheme not in {"http", "https"}:
            return "bad_redirect_uri"
        if not any(_matches(redirect_uri, registered) for registered in app.redirect_urls):
            return "bad_redirect_uri"
        local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        challenge = query.get("code_challenge")
        if challenge and not app.pkce_enabled:
            return "pkce_not_allowed"
        if local and parts.scheme == "http" and not (app.pkce_enabled and challenge):
            return "pkce_not_allowed"
        if challenge and (query.get("code_challenge_method") != "S256" or len(challenge) != 43):
            return "pkce_not_allowed"
        scopes = requested_scopes(pair, query)
        if not scopes:
            return "no_user_scopes" if pair == "v2" else "no_scopes"
        if not all(map(is_visible_ascii, scopes)) or (app.scopes is not None and not set(scopes) <= app.scopes):
            return "invalid_scope"
        if pair == "v2" and local and query.get("scope"):
            return "bot_scopes_on_desktop_redirect"
        return None

    def issue_code(self, pair: str, query: dict[str, str], choice: dict[str, str]) -> str:
        """Issue an authorization code for the submitted consent form, and return it.

        Args:
            variant: ``v2_user`` or ``v2``, from the authorize URL.
            query: query parameters of the authorize URL. :meth:`find_problem` has accepted them.
            choice: fields of the consent form: the workspace, the person and the error to simulate.
        """
        app = self.find_app(query["client_id"])
        assert app is not None
        wrong = choice.get("wrong", "")
        code = f"1111.2222.{secrets.token_hex(32)}"
        with self._lock:
            while len(self.codes) >= MAX_CODES:
                del self.codes[next(iter(self.codes))]
            self.codes[code] = Code(
                app=app,
                variant=pair,
                redirect_uri=requested_redirect_uri(app, query),
                challenge=query.get("code_challenge"),
                scopes=requested_scopes(pair, query),
                team=next((team for team in self.teams if team.id == choice.get("team")), self.teams[0]),
                person=next((who for who in self.people if who.id == choice.get("person")), self.people[0]),
                issued_at=time.time(),
                error=wrong.removeprefix("exchange:") if wrong.startswith("exchange:") else None,
                shape=choice["shape"] if choice.get("shape") in TOKEN_SHAPES else self.shape,
            )
        return code

    def exchange(self, variant: str, form: dict[str, str], basic: tuple[str, str] | None) -> dict[str, object]:
        """Exchange an authorization code (``oauth.v2.user.access`` or ``oauth.v2.access``).

        Raises:
            SlackErrorResponse: one of the errors that Slack documents.
        """
        client_id = basic[0] if basic else form.get("client_id", "")
        secret = basic[1] if basic else form.get("client_secret")
        app = self.find_app(client_id)
        if app is None:
            raise SlackErrorResponse("invalid_client_id")
        if form.get("grant_type", "authorization_code") != "authorization_code":
            raise SlackErrorResponse("invalid_grant_type")
        with self._lock:
            code = self.codes.get(form.get("code", ""))
            if code is None or code.app is not app:
                raise SlackErrorResponse("invalid_code")
            if code.used:
                raise SlackErrorResponse("code_already_used")
            if code.error == "ratelimited":  # the request is rejected unread, so the code works next time
                code.error = None
                raise SlackErrorResponse("ratelimited")
            code.used = True
        if time.time() - code.issued_at > CODE_LIFETIME_SECONDS:
            raise SlackErrorResponse("invalid_code")
        if code.error:
            raise SlackErrorResponse(code.error)
        if code.variant != variant:
            raise SlackErrorResponse("oauth_authorization_url_mismatch")
        if form.get("redirect_uri", "") != code.redirect_uri:
            raise SlackErrorResponse("bad_redirect_uri")
        self._check_client(app, code, form.get("code_verifier"), secret)
        return self._token_response(code)

    def _check_client(self, app: App, code: Code, verifier: str | None, secret: str | None) -> None:
        if code.challenge is not None:
            if secret is not None:
                raise SlackErrorResponse("internal_error")  # Slack's response to PKCE together with a secret
            digest = hashlib.sha256((verifier or "").encode()).digest()
            if urlsafe_b64encode(digest).rstrip(b"=").decode() != code.challenge:
                raise SlackErrorResponse("invalid_code_verifier")
        elif secret != app.client_secret:
            raise SlackErrorResponse("bad_client_secret")
        elif verifier is not None:
            raise SlackErrorResponse("invalid_code_verifier")

    def _token_response(self, code: Code) -> dict[str, object]:
        token_fields = self._token_fields(*self.tokens.issue(code.app, code.team, code.person, code.scopes))
        response: dict[str, object] = self._installation_fields(code.app, code.team)
        if code.shape in {"top_level", "both"}:
            response |= token_fields
            if self.empty_top_scope:
                response["scope"] = ""
        if code.shape in {"authed_user", "both"} or self.empty_top_scope:
            user = token_fields if code.shape != "top_level" else {"scope": token_fields["scope"]}
            response["authed_user"] = {"id": code.person.id, **user}
        if self.leave_out_ok:
            del response["ok"]
        return response

    def refresh(self, pair: str, form: dict[str, str], basic: tuple[str, str] | None) -> dict[str, object]:
        """Exchange a refresh token. The methods are those of :meth:`exchange`, with ``grant_type=refresh_token``.

        The token fields are always at the top level of the response, regardless of :attr:`shape`.

        Raises:
            SlackErrorResponse: one of the errors that Slack documents.
        """
        app = self.find_app(basic[0] if basic else form.get("client_id", ""))
        secret = basic[1] if basic else form.get("client_secret")
        if app is None:
            raise SlackErrorResponse("invalid_client_id")
        if pair in self.no_refresh_variants:
            raise SlackErrorResponse(self.no_refresh_variants[pair])
        if secret is not None and secret != app.client_secret:
            raise SlackErrorResponse("bad_client_secret")
        if secret is None and not app.pkce_enabled:
            raise SlackErrorResponse("bad_client_secret")
        access, refresh, token = self.tokens.refresh(app, form.get("refresh_token", ""))
        answer = self._installation_fields(app, token.team) | self._token_fields(access, refresh, token)
        answer["user_id"] = token.person.id
        return answer

    def _token_fields(self, access: str, refresh: str | None, token: Token) -> dict[str, object]:
        holder: dict[str, object] = {
            "access_token": access,
            "token_type": self.token_type,
            "scope": self.scope_separator.join(token.scopes),
        }
        return holder if refresh is None else holder | {"refresh_token": refresh, "expires_in": ACCESS_TOKEN_SECONDS}

    def _installation_fields(self, app: App, team: Team) -> dict[str, object]:
        return {
            "ok": True,
            "app_id": app.app_id,
            "team": None if team.is_organization else {"id": team.id, "name": team.name},
            "enterprise": {"id": team.id, "name": team.name} if team.is_organization else None,
            "is_enterprise_install": team.is_organization,
        }

    def auth_test(self, bearer: str | None) -> tuple[dict[str, object], tuple[str, ...]]:
        """Return the identity of a token and its scopes (``auth.test``). Slack adds the scope ``identify``."""
        if self.verify_error:
            raise SlackErrorResponse(self.verify_error)
        token = self.tokens.authenticate(bearer)
        answer: dict[str, object] = {
            "ok": True,
            "url": f"https://{token.team.domain}.slack.com/",
            "team": token.team.name,
            "user": token.person.name,
            "team_id": token.team.id,
            "user_id": token.person.id,
            "app_id": token.app.app_id,
            "app_name": token.app.name,
            "is_enterprise_install": token.team.is_organization,
        }
        if token.team.is_organization:
            answer["enterprise_id"] = token.team.id
        if token.expires_at is not None:
            answer["expires_in"] = int(token.expires_at - time.time())
        return answer, ("identify", *token.scopes)

    def auth_teams_list(self, bearer: str | None) -> dict[str, object]:
        """Return the workspaces that a token can access (``auth.teams.list``).

        For an organization's token these are all workspaces. For any other token it is the workspace of the token.
        """
        token = self.tokens.authenticate(bearer)
        teams = (
            [team for team in self.teams if not team.is_organization] if token.team.is_organization else [token.team]
        )
        return {"ok": True, "teams": [{"id": team.id, "name": team.name} for team in teams], "response_metadata": {}}

    def create_app(self, manifest: object) -> tuple[App | None, list[str]]:
        """Create an app from a manifest, as Slack's page does. Return the app, or None and the problems found."""
        with self._lock:
            wrong = find_problems(manifest, {app.name for app in self.apps})
            if not wrong and len(self.apps) >= MAX_APPS:
                wrong = [f"this practice Slack can have up to {MAX_APPS} apps"]
            if wrong:
                return None, wrong
            assert isinstance(manifest, dict)
            oauth, settings = manifest.get("oauth_config", {}), manifest.get("settings", {})
            number = len(self.apps)
            app = App(
                client_id=f"1111111111.{3333333333333 + number}",
                app_id=f"A0PRACTICE{number}",
                name=manifest["display_information"]["name"],
                redirect_urls=tuple(oauth.get("redirect_urls", ())),
                scopes=frozenset(oauth.get("scopes", {}).get("user", ())),
                pkce_enabled=oauth.get("pkce_enabled", False),
                client_secret=secrets.token_hex(16),
                rotation=settings.get("token_rotation_enabled", False),
                signing_secret=secrets.token_hex(16),
            )
            self.apps.append(app)
            return app, []

    def change_app(self, app: App, form: dict[str, str]) -> str:
        """Save the form on an app's OAuth & Permissions page. Return the message to show there."""
        with self._lock:
            redirects, scopes = form.get("redirects", "").split(), form.get("scopes", "").split()
            pkce = app.pkce_enabled or form.get("pkce") == "on"  # Slack doesn't allow turning PKCE off again
            if wrong := find_redirect_problems(redirects, pkce=pkce):
                return f"Not saved: {', '.join(wrong)}"
            app.redirect_urls, app.scopes, app.pkce_enabled = tuple(redirects), frozenset(scopes) or None, pkce
            return "Saved."


def requested_redirect_uri(app: App, query: dict[str, str]) -> str:
    """Return the redirect URI of an authorize URL. Without one, Slack uses the first redirect URL of the app."""
    return query.get("redirect_uri", app.redirect_urls[0] if app.redirect_urls else "")


def requested_scopes(variant: str, query: dict[str, str]) -> tuple[str, ...]:
    """Return the user scopes of an authorize URL."""
    text = query.get("scope" if variant == "v2_user" else "user_scope", "")
    return tuple(scope for scope in text.replace(" ", ",").split(",") if scope)


def _matches(redirect_uri: str, registered: str) -> bool:
    """Return whether ``redirect_uri`` equals ``registered`` or is below it, as Slack allows.

    A URI below it has the same scheme, host and port.
    """
    return redirect_uri == registered or redirect_uri.startswith(registered.rstrip("/") + "/")
