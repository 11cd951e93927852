"""Modal dialogs: error explanation, confirmation, menu, rename, copy format, and token import."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from slack_token_tui.problems import Explanation, Problem
from slack_token_tui.slack.token_types import REFRESH_TOKEN, token_type_of
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.hot_path import is_allowed_new_name, is_valid_name
from slack_token_tui.store.locks import NoLongerNeeded
from slack_token_tui.store.names import slugify
from slack_token_tui.store.profile import Profile
from slack_token_tui.tokens import export_formats
from slack_token_tui.tui.background import background
from slack_token_tui.tui.widgets.cursor_list import ThemedList
from slack_token_tui.tui.widgets.field import MUTED
from slack_token_tui.tui.widgets.input import Input
from slack_token_tui.tui.widgets.keys import ESC_BACK, KEY, hint
from slack_token_tui.tui.widgets.paste_box import PasteInput

if TYPE_CHECKING:
    from slack_token_tui.tui.screen_host import ScreenHost

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer]):
    """Base class of the modal dialogs. The arrow keys scroll a dialog that has no field or list."""

    AUTO_FOCUS = "VerticalScroll"

    def on_mount(self) -> None:
        self.app.clear_notifications()  # they would cover the question
        # The keys in the footer of the screen below don't work now.
        self.mount(Static(self.format_keys(), id="footer_cover"))

    def format_keys(self) -> Content:
        """Return the keys of the dialog. They are in the place of the footer, so that no long text hides them."""
        return ESC_BACK

    def show_problem(self, problem: Problem) -> None:
        """Show a problem in the dialog if it has a place for it, or else as a notification."""
        text = Content(f"✗ {problem.explain().summary}")
        if places := self.query("#problem"):
            places.first(Static).update(text)
        else:
            cast("ScreenHost", self.app).show_problem(problem)

    async def action_enter(self) -> None:
        """Submit the field or list after a click on the Enter hint, which has taken the focus away from it."""
        target = self.query("Input, OptionList").first()
        if isinstance(target, Input):
            await target.action_submit()
        elif isinstance(target, OptionList):
            target.action_select()


def format_enter(label: str) -> Content:
    """Return the keys of a dialog in which Enter does what ``label`` says."""
    return Content.assemble(hint("Enter", label, "screen.enter"), "  ", ESC_BACK)


def format_explanation(explanation: Explanation, redirects: Iterable[tuple[str, tuple[str, ...]]] = ()) -> Content:
    """Return the full explanation of an error, starting with what to do.

    Args:
        explanation: explanation of the error.
        redirects: labels, each with the redirect URLs to show below it.
    """
    rows: list[str | tuple[str, str]] = []
    for label, urls in redirects:
        rows += [(f"\n{label}\n", MUTED), *(f"  {url}\n" for url in urls)]
    return Content.assemble(
        (explanation.title, "bold"),
        "  ",
        (explanation.code, MUTED),
        (f"\nThe page says: {explanation.browser_says}" if explanation.browser_says else "", MUTED),
        f"\n\n{explanation.happened}\n\n",
        *(f"{number}. {remedy}\n" for number, remedy in enumerate(explanation.remedies, 1)),
        *rows,
        *([("\nLikely causes\n", "bold")] if explanation.causes else []),
        *(f"• {cause}\n" for cause in explanation.causes),
        f"\n{explanation.retry_sentence}",
        f"\nMore: {explanation.more}" if explanation.more else "",
    )


class TextDialog(Dialog[None]):
    """Dialog with a text to read, such as everything about an error."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,f1,enter", "dismiss", "Back")]

    def __init__(self, text: Content, keys: Sequence[tuple[str, str, Callable[[], object]]] = ()) -> None:
        """
        Args:
            text: the text.
            keys: keys that work in the dialog, each with its label and what it runs.
        """
        super().__init__()
        self._text: Content = text
        self._keys = {key: (label, run) for key, label, run in keys}

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="sheet"):
            yield Static(self._text)

    def format_keys(self) -> Content:
        hints = [hint(key, label, f"screen.run_key('{key}')") for key, (label, _) in self._keys.items()]
        return Content("  ").join([*hints, ESC_BACK])

    def on_key(self, event: events.Key) -> None:
        if event.character in self._keys:
            event.stop()
            self.action_run_key(event.character)

    def action_run_key(self, key: str) -> None:
        """Run what ``key`` stands for."""
        self._keys[key][1]()


class ConfirmDialog(Dialog[bool]):
    """Yes/no question. The safe answer comes first and has the focus."""

    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [("escape,n", "answer(False)", "No"), ("y", "answer(True)", "Yes")]

    def __init__(self, question: Content, yes: str, no: str = "Cancel") -> None:
        super().__init__()
        self._question: Content = question
        self._yes = yes
        self._no = no

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="sheet"):
            yield Static(self._question)
            with Horizontal(classes="answers"):
                yield Button(Content(f"{self._no} (Esc)"), id="no", compact=True)
                yield Button(Content(f"{self._yes} (y)"), id="yes", compact=True)

    @on(Button.Pressed)
    def handle_button(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)


@dataclass(frozen=True)
class Choice:
    """One row of a menu. ``key`` chooses it, or "" if only Enter does."""

    id: str
    key: str
    label: str
    help: str = ""


class MenuDialog(Dialog[str | None]):
    """List of choices. Enter or the key of a choice chooses it."""

    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [("escape,q", "dismiss(None)", "Back")]

    def __init__(self, title: Content, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._title: Content = title
        self._choices = choices

    def compose(self) -> ComposeResult:
        width = max(len(choice.label) for choice in self._choices)
        key_width = max(len(choice.key) for choice in self._choices)
        with VerticalScroll(classes="sheet"):
            yield Static(self._title)
            yield ThemedList(
                *(
                    Option(
                        Content.assemble(
                            (choice.key.ljust(key_width), KEY),
                            "  " if key_width else "",
                            choice.label.ljust(width),
                            (f"   {choice.help}" if choice.help else "", MUTED),
                        ),
                        id=choice.id,
                    )
                    for choice in self._choices
                ),
                id="menu",
            )

    def format_keys(self) -> Content:
        return format_enter("choose")

    def on_key(self, event: events.Key) -> None:
        for choice in self._choices:
            if choice.key and event.character == choice.key:
                event.stop()
                self.dismiss(choice.id)
                return

    @on(OptionList.OptionSelected)
    def select(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)


class RenameDialog(Dialog[str | None]):
    """Dialog that asks for the new name of a profile until a rename succeeds."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Back")]

    def __init__(self, name: str, rename: Callable[[str, Callable[[], bool]], Awaitable[object]]) -> None:
        """
        Args:
            name: current name of the profile.
            rename: called with the new name, and a function that returns whether to stop waiting for the lock. Renames
                the profile. Raises a Problem if it failed.
        """
        super().__init__()
        self._current_name = name
        self._rename = rename
        self._is_running = self._is_stopped = False

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="sheet"):
            yield Static(Content.styled(f"Rename {self._current_name}", "bold"))
            yield Input(self._current_name, id="name")
            yield Static("Lowercase letters, digits, dots, dashes and underscores. Used as: slack-token-tui token NAME")
            yield Static(id="problem", classes="problem")

    def format_keys(self) -> Content:
        return format_enter("rename")

    @background()
    async def rename(self, new: str) -> None:
        """Rename the profile. Enter may be pressed again meanwhile, because another program may hold its lock."""
        self._is_running = True
        self.query_one("#problem", Static).update("Renaming … Esc stops")
        try:
            await self._rename(new, lambda: self._is_stopped)
        except NoLongerNeeded:
            self.dismiss(None)
            return
        finally:
            self._is_running = False
        self.dismiss(new)

    def action_leave(self) -> None:
        """Stop waiting for the lock first. The rename itself takes no time, and its result is shown."""
        if self._is_running:
            self._is_stopped = True
        else:
            self.dismiss(None)

    @on(Input.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        new = event.value.strip()
        if self._is_running:
            return
        suggestion = slugify(new)
        if not is_valid_name(new) and is_allowed_new_name(suggestion):
            event.input.value = suggestion
            words = Content(f"Invalid name. Press Enter to use {suggestion}.")
            self.query_one("#problem", Static).update(words)
            return
        self.rename(new)


class CopyAsDialog(Dialog[str | None]):
    """List of export formats with a preview that masks the token."""

    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "Back"), ("q", "dismiss(None)", "Back")]

    def __init__(self, profile: Profile, home: Path | None) -> None:
        """
        Args:
            profile: profile whose token is copied.
            home: directory of the profiles. None means the user's default directory.
        """
        super().__init__()
        self._profile = profile
        self._home = home

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="sheet"):
            yield Static(Content.styled(f"Copy {self._profile.name} as…", "bold"))
            yield ThemedList(
                *(
                    Option(Content.assemble((f"{token_format.id:<8}", "bold"), token_format.label), id=token_format.id)
                    for token_format in export_formats.FORMATS.values()
                )
            )
            yield Static(id="preview")

    def format_keys(self) -> Content:
        return format_enter("copy")

    @on(OptionList.OptionHighlighted)
    def preview_format(self, event: OptionList.OptionHighlighted) -> None:
        self._show_preview(event.option_id or "token")

    @background("preview")
    async def _show_preview(self, format_id: str) -> None:
        try:
            text = await asyncio.to_thread(export_formats.preview, self._profile, format_id, self._home)
        except StorageError as error:
            text = f"✗ {error.explain().summary}"
        self.query_one("#preview", Static).update(Content.styled(text, MUTED))

    @on(OptionList.OptionSelected)
    def select_format(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)


class ImportDialog(Dialog[str | None]):
    """Dialog to import an existing token. The token is never shown."""

    AUTO_FOCUS = "#access"
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Back")]

    def __init__(
        self, import_token: Callable[[str, str, str], Awaitable[str]], pasted: tuple[str, str] = ("", "")
    ) -> None:
        """
        Args:
            import_token: called with access token, refresh token and Client ID. Returns the name of the new profile.
                Raises a Problem if it failed.
            pasted: initial access token and refresh token.
        """
        super().__init__()
        self._import_token = import_token
        self._pasted = pasted
        self._is_running = False

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="sheet"):
            yield Static(Content.styled("Import a token", "bold"))
            yield Static(
                Content.styled("Paste an existing token. We verify it with Slack and save it. It stays hidden.", MUTED)
            )
            access, refresh = self._pasted
            placeholder = "xoxp-… or xoxe.xoxp-…"
            yield PasteInput(access, password=True, replaces=True, placeholder=placeholder, id="access")
            yield Static(id="kind")
            placeholder = "refresh token xoxe-…, if you have one"
            yield PasteInput(refresh, password=True, replaces=True, placeholder=placeholder, id="refresh")
            yield Input(placeholder="Client ID of its app, needed to refresh", id="client_id")
            yield Static(id="problem", classes="problem")

    def format_keys(self) -> Content:
        return format_enter("import")

    def on_mount(self) -> None:
        self._show_rotating(False)  # only the access token is always needed

    def _show_rotating(self, rotating: bool) -> None:
        self.query_one("#refresh").display = rotating
        self.query_one("#client_id").display = rotating

    @on(Input.Changed, "#access")
    def show_token_type(self, event: Input.Changed) -> None:
        token_type = token_type_of(event.value.strip())
        self._show_rotating(token_type is not None and token_type.rotates)
        words = ""
        if token_type is not None:
            words = (
                f"✗ That's {token_type.with_article}. {token_type.unsupported_reason}"
                if token_type.unsupported_reason
                else f"✓ {token_type.name}"
            )
            if token_type is REFRESH_TOKEN:
                words = (
                    f"✗ That's {token_type.with_article}. Paste the access token (xoxe.xoxp-…) first. "
                    "Then paste this one in the next field."
                )
        self.query_one("#kind", Static).update(Content(words))
        self.query_one("#problem", Static).update("")

    @on(Input.Submitted)
    def submit(self) -> None:
        token_type = token_type_of(self.query_one("#access", Input).value.strip())
        is_unsupported = token_type is not None and token_type.unsupported_reason  # already said below the field
        if not self._is_running and not is_unsupported:
            self.import_values()

    @background()
    async def import_values(self) -> None:
        """Import the tokens in the fields."""
        self._is_running = True
        self.query_one("#problem", Static).update("Asking Slack …")
        values = [self.query_one(f"#{name}", Input).value.strip() for name in ("access", "refresh", "client_id")]
        try:
            name = await self._import_token(*values)
        finally:
            self._is_running = False
        self.dismiss(name)

    def action_leave(self) -> None:
        if self._is_running:
            cast("ScreenHost", self.app).notify(
                "Import stopped. If Slack already confirmed the token, it is saved.",
                severity="warning",
            )
        self.dismiss(None)
