"""Details of the highlighted profile, with masked tokens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from textual import events
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from slack_token_tui.problems import Explanation, Kind
from slack_token_tui.sanitize import escape_unprintable, shorten_path
from slack_token_tui.slack.endpoints import SLACK, Endpoints
from slack_token_tui.slack.limits import ROTATING_TOKEN_SECONDS
from slack_token_tui.store.profile import REFRESH_TOKEN_LIFETIME, REFRESH_TOKEN_WARNING, Profile
from slack_token_tui.store.profiles import UnreadableProfile
from slack_token_tui.tui.actions import HOME
from slack_token_tui.tui.profiles_model import STATUS_LABELS
from slack_token_tui.tui.widgets.badge import format_badge, format_identity
from slack_token_tui.tui.widgets.field import MUTED, Field
from slack_token_tui.tui.widgets.keys import key_hint, key_hints
from slack_token_tui.tui.widgets.scope_text import ScopeText
from slack_token_tui.tui.widgets.time_format import STATUS_MARKS, format_bar, format_time_left

_LABEL_WIDTH = 11
_FIELDS = ("Token", "Expires", "Refreshes", "Slack", "Workspaces", "App", "Stored in")
_GAP_BEFORE = frozenset({"Token", "App"})
"""Fields that start a group."""
_BAR_WIDTH, _NARROW_BAR_WIDTH = 14, 8
_MIN_BAR_SPACE = 40
"""With fewer columns, the bars are narrow."""
_ACCESS_TOKEN_LIFETIME = timedelta(seconds=ROTATING_TOKEN_SECONDS)


class ProfileDetail(VerticalScroll):
    """Details of one profile."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: str | None = None
        self._values: dict[str, str | Content] = {}
        self._problem: Explanation | None = None
        self._show_again: Callable[[], None] | None = None

    async def mount_fields(self) -> None:
        """Mount a field for each detail and one for the problem. The first frame doesn't need them."""
        fields: list[Widget] = [
            Field(label, id=_field_id(label), width=_LABEL_WIDTH, classes="group" if label in _GAP_BEFORE else "")
            for label in _FIELDS
        ]
        scopes = ScopeText("Scopes", label_width=_LABEL_WIDTH, id="scopes", classes="group")
        top = [Static(id="identity"), Static(id="status"), Static(id="problem")]
        await self.mount_all([*top, *fields[:-2], scopes, *fields[-2:]])

    def on_resize(self, _: events.Resize) -> None:
        if self._show_again is not None:  # how the scopes are shown depends on the width
            self._show_again()

    def show(
        self,
        entry: Profile | UnreadableProfile,
        path: Path,
        now: datetime,
        problem: Explanation | None = None,
        revealed: str | None = None,
    ) -> None:
        """Show ``entry``.

        Args:
            entry: profile to show.
            path: file of the profile.
            now: current time, for the remaining lifetimes.
            problem: explanation of what is wrong with the profile.
            revealed: access token in plain text, while the user wants to see it.
        """
        self._show_again = lambda: self.show(entry, path, now, problem, revealed)
        is_other = self._shown != entry.name
        if is_other:
            self._shown = entry.name
            self.scroll_home(animate=False)
        width = max(20, self.scrollable_content_region.width)
        values: dict[str, str | Content] = {
            "identity": Content.assemble(format_badge(entry.name, entry.name), "  ", (entry.name, "bold")),
            "status": _format_status("unreadable", ""),
            "Stored in": shorten_path(path),
        }
        if isinstance(entry, Profile):
            values = _values(entry, path, now, width)
        if revealed is not None:
            values["Token"] = Content.assemble((revealed, "bold"), ("\nHidden again in ten seconds", MUTED))
        for key in ("identity", "status", *_FIELDS):
            if self._values.get(key) != values.get(key, ""):  # most calls come from the clock and change nothing
                self._values[key] = values.get(key, "")
                self._update(key, self._values[key])
        scopes = self.query_one(ScopeText)
        scopes.display = isinstance(entry, Profile)
        if isinstance(entry, Profile):
            scopes.show(entry.scopes, *([] if entry.scopes else [Content("none listed")]))
        if problem != self._problem or is_other:
            self._problem = problem
            card = self.query_one("#problem", Static)
            card.display = problem is not None
            card.update("" if problem is None else _format_problem(problem, entry))

    def _update(self, key: str, value: str | Content) -> None:
        if key in _FIELDS:
            self.query_one(f"#{_field_id(key)}", Field).show(value)
        else:
            shown = self.query_one(f"#{key}", Static)
            shown.update(Content.from_text(value, markup=False))
            shown.display = bool(value)

    def show_nothing(self, words: str) -> None:
        """Show ``words`` in place of a profile, because the filter matches none."""
        self._shown = self._show_again = None
        self._values = {"identity": words}
        self.query_one("#identity", Static).update(Content.styled(words, MUTED))
        self.query_one("#status", Static).update("")
        self.query_one("#scopes").display = False
        self.query_one("#problem").display = False
        for label in _FIELDS:
            self.query_one(f"#{_field_id(label)}", Field).show("")


def _field_id(label: str) -> str:
    return f"field_{label.lower().replace(' ', '_')}"


def _values(profile: Profile, path: Path, now: datetime, width: int) -> dict[str, str | Content]:
    state = profile.state(now)
    verified = "" if state == "unverified" else "never verified"
    if profile.verified_at is not None:
        verified = f"verified {_format_age(profile.verified_at, now)}"
    token = Content.assemble(profile.masked_token, "   ", key_hint("copy", HOME))
    bar_width = _BAR_WIDTH if width >= _MIN_BAR_SPACE else _NARROW_BAR_WIDTH
    return {
        "identity": format_identity(profile, width),
        "status": _format_status(state, verified),
        "Token": profile.masked_token if state in {"revoked", "expired"} else token,
        "Expires": _format_expiry(profile, now, bar_width),
        "Refreshes": _format_refresh_expiry(profile, now, bar_width),
        "Slack": _format_host(profile.endpoints),
        "Workspaces": format_workspaces(profile),
        "App": profile.app_name or profile.client_id,
        "Stored in": "the system keyring" if profile.in_keyring else shorten_path(path.parent.parent),
    }


def _format_host(endpoints: Endpoints) -> str | Content:
    if endpoints.base == SLACK:
        return ""
    note = "local" if endpoints.is_loopback else "not slack.com"
    return Content.styled(f"{endpoints.host} ({note})", "$text-warning")


def _format_status(state: str, note: str) -> Content:
    mark, color = STATUS_MARKS[state]
    return Content.assemble((f"{mark} ", color), (STATUS_LABELS[state], f"bold {color}"), (f"   {note}", MUTED))


def _format_age(time: datetime, now: datetime) -> str:
    seconds = (now - time).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    if seconds < 2 * 86_400:
        return f"{seconds // 3600:.0f} h ago"
    return f"{seconds // 86_400:.0f} days ago"


def format_workspaces(profile: Profile) -> str:
    """Return the workspaces that an organization-wide token can access, and how to select one."""
    if not profile.is_enterprise_install:
        return ""
    if not profile.workspaces:
        return "The whole organization. Slack listed no workspaces."
    return f"{', '.join(profile.workspaces)}. Many methods need one of these IDs as team_id."


def _format_expiry(profile: Profile, now: datetime, bar_width: int) -> str | Content:
    state = profile.state(now)
    if state in {"revoked", "expired"}:
        return ""
    if profile.expires_at is None:
        return "never (until it is revoked)"
    left = profile.expires_at - now
    bar = format_bar(left / _ACCESS_TOKEN_LIFETIME, bar_width, STATUS_MARKS[state][1])
    words = "refreshes on next use" if state == "refreshable" else f"in {format_time_left(profile.expires_at, now)}"
    return Content.assemble(bar, f" {words}")


def _format_refresh_expiry(profile: Profile, now: datetime, bar_width: int) -> str | Content:
    until = profile.refresh_expires_at
    if until is None or profile.is_revoked:
        return ""
    if profile.refresh_refused and not profile.is_refreshable:
        return Content.styled("not anymore", "$text-warning")
    is_ending = until - now < REFRESH_TOKEN_WARNING
    color = "$text-warning" if is_ending else "$text-success"
    bar = format_bar((until - now) / REFRESH_TOKEN_LIFETIME, bar_width, color)
    words = Content(f" for {format_time_left(until, now)}")
    if is_ending:
        words = Content.assemble(words, "\n", key_hint("sign_in_again", HOME, "sign in again to keep access"))
    return Content.assemble(bar, words)


def format_profile(profile: Profile, path: Path, now: datetime) -> Content:
    """Return everything about a profile except its tokens, for the details."""
    from slack_token_tui.slack.scope_catalog import find_scope  # deferred: the first frame shows no scopes

    state = profile.state(now)
    verified = f"{profile.verified_at.astimezone():%Y-%m-%d %H:%M}" if profile.verified_at else "never"
    place = shorten_path(path)
    rows = [
        ("Status", STATUS_LABELS[state]),
        ("Workspace", _join(profile.workspace_label, profile.team_id, profile.workspace_url)),
        ("User", _join(profile.user_name, profile.user_id)),
        ("App", _join(profile.app_name, profile.client_id)),
        ("Slack", profile.endpoints.host),
        ("Verified", verified),
        ("Expires", f"{profile.expires_at.astimezone():%Y-%m-%d %H:%M}" if profile.expires_at else "never"),
        ("Refreshable", f"until {until.astimezone():%Y-%m-%d}" if (until := profile.refresh_expires_at) else "no"),
        ("Stored in", f"the keyring and {place}" if profile.in_keyring else place),
        ("Workspaces", format_workspaces(profile)),
    ]
    lines = [Content.assemble((label.ljust(13), MUTED), escape_unprintable(value)) for label, value in rows if value]
    scopes = [Content.assemble(f"  {name}   ", (find_scope(name).description, MUTED)) for name in profile.scopes]
    return Content("\n").join([Content.styled(profile.name, "bold"), *lines, Content.styled("Scopes", MUTED), *scopes])


def _join(*parts: str | None) -> str:
    return " · ".join(part for part in parts if part)


def _format_problem(explanation: Explanation, entry: Profile | UnreadableProfile) -> Content:
    keys = ["remove"]
    if isinstance(entry, Profile):
        is_sign_in = explanation.kind is Kind.SIGN_IN or not entry.has_refresh_token
        keys = ["sign_in_again", "remove"] if is_sign_in else ["refresh", "sign_in_again"]
    steps = [step.text for step in explanation.steps if step.action != "again"]  # its key is shown below
    return Content.assemble(
        (f"✗ {explanation.title}", "bold $text-error"),
        (f"   {explanation.code}\n", MUTED),
        f"{explanation.happened}\n",
        *(Content.assemble((f"{n} ", "$text-primary"), f"{step}\n") for n, step in enumerate(steps, 1)),
        key_hints(*keys, "explain", screen=HOME),
    )
