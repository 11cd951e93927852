"""Text from a person, a file, the environment or Slack is shown as it is: no markup, no terminal controls."""

from __future__ import annotations

import ast
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from textual import events as textual_events
from textual import widgets
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input

from slack_token_tui import doctor
from slack_token_tui.desktop.browser import NotOpened, Opened
from slack_token_tui.doctor import runner
from slack_token_tui.oauth.state import Failure, Phase
from slack_token_tui.problems import explain
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.responses import Identity
from slack_token_tui.store.apps import SlackApp, save_app
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import remember_last_app
from slack_token_tui.tui import app as tui_app
from slack_token_tui.tui import terminal_exit
from slack_token_tui.tui.actions import ACTIONS
from slack_token_tui.tui.screens.dialogs import TextDialog
from slack_token_tui.tui.screens.sign_in import SignInScreen
from slack_token_tui.tui.widgets.keys import ACTION_META
from tests.support.pilot import (
    read_screen,
    render_strips,
    run_app,
    wait_for,
    wait_for_screen,
    wait_for_text,
    wait_until_stable,
)
from tests.support.profiles import make_rotating_token, new_sign_in
from tests.support.scripts import write_script
from tests.support.sign_in_states import APP, FAILED, WAITING, show_state
from tests.support.unsafe_text import find_unsafe_characters

SOURCE = Path(tui_app.__file__).parent
SIZE = (150, 60)
MARKUP = ("[/", "[red]", "[@click=app.quit]x[/]", "[link=x")
UNSAFE = "".join(map(chr, range(0x80, 0xA0))).replace("\x85", "")
UNSAFE += "\x1b\x07\x7f\u061c\u200b\u200e\u200f\u202a\u202e\u2066\u2069\ufeff\ue000\U000e0041"
PASTED = f"a{UNSAFE}b\x85\u2028\u2029\x1c\r\n\tc"
LONG_TOKEN = make_rotating_token("practice-0123456789")

PLACES = {
    "home": ("slash",),
    "sign_in": ("a",),
    "waiting": (),
    "scopes": ("a", "f2"),
    "app_setup": ("N",),
    "made_app": ("N", "enter"),
    "errors": ("e",),
    "app_details": ("A", "f4"),
    "rename": ("n",),
    "import": ("i",),
    "palette": ("ctrl+p",),
}
"""Places with fields, and the keys that lead there from the home screen."""
FIELDS = (
    ("home", "#filter"),
    ("sign_in", "#client_id"),
    ("waiting", "#paste"),
    ("scopes", "#search"),
    ("app_setup", "#app_name"),
    ("made_app", "#client_id"),
    ("errors", "#search"),
    ("app_details", "#name"),
    ("app_details", "#base"),
    ("app_details", "#redirects"),
    ("app_details", "#browser"),
    ("app_details", "#registered"),
    ("app_details", "#secret"),
    ("rename", "#name"),
    ("import", "#access"),
    ("import", "#refresh"),
    ("import", "#client_id"),
    ("palette", "CommandInput"),
)
EVERY_FIELD = pytest.mark.parametrize(("place", "selector"), FIELDS)
EVERY_APP_FIELD = pytest.mark.parametrize(("place", "selector"), FIELDS[:-1])
"""Without the field of the palette, which belongs to Textual. Only keys and pastes fill it."""


@pytest.fixture(autouse=True)
def _never_ask_slack(monkeypatch: pytest.MonkeyPatch) -> None:
    async def find_nothing(_: Endpoints) -> list[doctor.Finding]:
        return []

    monkeypatch.setattr(runner.connectivity, "check_slack", find_nothing)


@asynccontextmanager
async def open_place(place: str, home: Path) -> AsyncIterator[Pilot[None]]:
    """Run the TUI with one profile and one app, and go to ``place``."""
    store = ProfileStore(home)
    if not store.names():
        store.save_sign_in(*new_sign_in())
        save_app(home, APP)
        remember_last_app(home, APP.client_id)
    async with run_app(home, size=SIZE) as pilot:
        for key in PLACES[place]:
            await pilot.press(key)
            await wait_until_stable(pilot, looks=2)
        if place == "waiting":
            await show_state(pilot, WAITING)
        if place == "import":  # the other two fields are only for tokens that expire
            pilot.app.screen.query_one("#access", Input).value = LONG_TOKEN
            await wait_until_stable(pilot, looks=2)
        yield pilot
        if place == "palette":  # Textual's search fails if its list is gone
            searches = [worker for worker in pilot.app.workers if isinstance(worker.node, CommandPalette)]
            await wait_for(pilot, lambda: all(search.is_finished for search in searches))


def list_links_and_actions(pilot: Pilot[None]) -> Iterator[object]:
    """Yield what a click on the screen would do, in the terminal and in the app."""
    for strip in render_strips(pilot):
        for segment in strip:
            if segment.style is not None:
                yield segment.style.link
                yield segment.style.meta.get("@click")
                yield segment.style.meta.get(ACTION_META)


# ── markup ──


@EVERY_FIELD
async def test_markup_typed_into_a_field_is_shown_as_text(home: Path, place: str, selector: str) -> None:
    typed = list(MARKUP)
    while typed:
        async with open_place(place, home) as pilot:
            field = pilot.app.screen.query_one(selector, Input)
            while typed and field in pilot.app.screen.focus_chain:  # Enter may lead to another screen
                words = typed.pop(0)
                field.focus()
                await wait_for(pilot, partial(getattr, field, "has_focus"))
                field.value, field.cursor_position = (
                    words[:-1],
                    len(words) - 1,
                )  # because each key press of a pilot is slow
                await pilot.press(words[-1])
                assert field.value == words
                assert field.password or words in read_screen(pilot)
                await pilot.press("enter")
                await wait_until_stable(pilot, looks=2)
                assert not {"x", "app.quit"} & set(list_links_and_actions(pilot))
                assert pilot.app.is_running


async def test_filter_without_a_match_is_shown_as_typed(home: Path) -> None:
    async with open_place("home", home) as pilot:
        for words in MARKUP:
            pilot.app.screen.query_one("#filter", Input).value = words
            await wait_for_text(pilot, "No profile matches.")
            assert words in read_screen(pilot)


@pytest.fixture
def home_with_markup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with brackets in its path, its profiles and its app. ``$BROWSER`` has brackets too."""
    home = tmp_path / "[red]" / "[" / "home]"
    program = tmp_path / "[blue]" / "[link=x"
    program.parent.mkdir()
    write_script(program)
    monkeypatch.setenv("SLACK_TOKEN_TUI_HOME", str(home))
    monkeypatch.setenv("BROWSER", f"'{program}'")
    store = ProfileStore(home)
    texts = {
        "client_id": APP.client_id,
        "user_name": "[red]jane[/]",
        "team_name": "[/team",
        "app_name": "[link=x",
        "scopes": ("[scope]", "users:read"),
        "workspace_url": "https://acme.slack.com/[/",
        "refresh_refused": "[error",
    }
    store.save_sign_in(*new_sign_in(**texts), "acme")
    store.save_sign_in(*new_sign_in(user_id="U2", user_name="omar"), "damaged").path.write_text("{")
    browser = "'[link=x' [%s]"
    save_app(home, SlackApp(APP.client_id, scopes=("users:read",), name="[/app] [b]", browser=browser))
    remember_last_app(home, APP.client_id)
    return home


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ((), "[red]jane[/]"),
        ((), "[/team"),
        ((), "[scope]"),
        ((), "/[red]/[/home]"),
        (("f1",), "/[red]/[/home]/profiles/acme.json"),
        (("f1",), "[scope]"),
        (("f1",), "https://acme.slack.com/[/"),
        (("down",), "/[red]/[/home]/profiles/damaged.json"),
        (("down", "f1"), "/[red]/[/home]/profiles/damaged.json"),
        (("down", "x"), "/[red]/[/home]/profiles/damaged.json"),
        (("x",), "[red]jane[/]"),
        (("C", *["down"] * 5), "[red]"),
        (("question_mark",), "Keys"),
        (("a",), "/[red]/[/home]/profiles"),
        (("a",), "[/app] [b]"),
        (("a",), "[link=x' [%s]"),
        (("s",), "[/app] [b]"),
        (("A",), "[/app] [b]"),
        (("A",), "[link=x' [%s]"),
        (("A", "x"), "Forget [/app] [b]?"),
        (("A", "f4"), "[link=x' [%s]"),
        (("D",), "/[red]/[/home]"),
        (("D",), "Sign-ins open [link=x"),
    ],
)
async def test_brackets_in_files_and_paths_are_shown_as_text(
    home_with_markup: Path, keys: tuple[str, ...], words: str
) -> None:
    async with run_app(home_with_markup, size=(200, 60)) as pilot:
        for key in keys:
            await pilot.press(key)
            await wait_until_stable(pilot, looks=2)
        await wait_for(pilot, lambda: re.sub(r"[\s│]", "", words) in re.sub(r"[\s│]", "", read_screen(pilot)))
        assert not {"x", "app.quit"} & set(list_links_and_actions(pilot))


BRACKETS = replace(
    FAILED,
    browser=Opened("[link=x"),
    identity=Identity("U1", "[red]jane[/]", "T1", "[/team"),
    failure=Failure(Phase.SAVING, explain("missing_scope", {"needed": "[/needed", "provided": "[b]"})),
)
"""Whatever comes from outside has brackets."""


async def test_brackets_from_slack_and_the_browser_are_shown_as_text(home: Path) -> None:
    async with run_app(home, APP, SIZE) as pilot:
        screen = await show_state(pilot, BRACKETS)
        await wait_for_text(pilot, "[/needed")
        await pilot.press("f1")
        await wait_for_text(pilot, "Opened in [link=x")
        await wait_for_text(pilot, "[red]jane[/] in [/team")
        await wait_for_text(pilot, "Add the scope ([/needed)")
        await pilot.press("escape")
        await wait_for_screen(pilot, SignInScreen)
        screen.state = replace(WAITING, browser=Opened("[link=x"))
        await wait_for_text(pilot, "opened in [link=x")
        screen.state = replace(WAITING, browser=NotOpened("[/ did not start."))
        await wait_for_text(pilot, "[/ did not start.")
        await pilot.press("f1")
        await wait_for_screen(pilot, TextDialog)
        await wait_for_text(pilot, "! [/ did not start.")
        assert "x" not in set(list_links_and_actions(pilot))


async def test_notifications_are_shown_as_text(home: Path) -> None:
    async with open_place("home", home) as pilot:
        for words in MARKUP:
            pilot.app.notify(words)
            await wait_for_text(pilot, words)
            pilot.app.screen.notify(f"{words} \x9b\u202e")
            await wait_for_text(pilot, f"{words} \ufffd\ufffd")


# ── controls ──


@EVERY_FIELD
async def test_pasted_control_characters_are_neither_stored_nor_shown(home: Path, place: str, selector: str) -> None:
    async with open_place(place, home) as pilot:
        field = pilot.app.screen.query_one(selector, Input)
        field.value = ""
        field.focus()
        await wait_for(pilot, lambda: field.has_focus)
        # The field of the palette belongs to Textual, so the app cleans what is pasted into it.
        (pilot.app if place == "palette" else field).post_message(textual_events.Paste(PASTED))
        await wait_for(pilot, lambda: field.value or "✗" in read_screen(pilot))
        await wait_until_stable(pilot, looks=2)
        assert field.value.startswith("a\ufffd") or place == "made_app"  # which accepts only a Client ID
        assert not find_unsafe_characters(field.value.replace("\n", "\x00"))
        assert not find_unsafe_characters(read_screen(pilot))
        assert field.cursor_position == len(field.value)


@pytest.mark.parametrize("words", [PASTED, f"redirect_uri did not match {PASTED}"], ids=["text", "words"])
@pytest.mark.parametrize("place", ["home", "sign_in", "waiting", "scopes", "made_app", "errors"])
async def test_control_characters_pasted_outside_fields_are_neither_stored_nor_shown(
    home: Path, place: str, words: str
) -> None:
    async with open_place(place, home) as pilot:
        screen = pilot.app.screen
        screen.set_focus(None)
        pilot.app.post_message(textual_events.Paste(words))
        await wait_until_stable(pilot)
        # On some screens, words open the error lookup.
        fields = [*screen.query(Input), *pilot.app.screen.query(Input)]
        assert not find_unsafe_characters("".join(field.value for field in fields))
        assert not find_unsafe_characters(read_screen(pilot))


@EVERY_APP_FIELD
async def test_control_characters_set_by_code_are_neither_stored_nor_shown(
    home: Path, place: str, selector: str
) -> None:
    async with open_place(place, home) as pilot:
        field = pilot.app.screen.query_one(selector, Input)
        with field.prevent(Input.Changed):  # so that no handler empties it
            field.value = f"{PASTED}\udc80"
        assert not find_unsafe_characters(field.value.replace("\n", "\x00"))
        await wait_until_stable(pilot, looks=2)
        assert not find_unsafe_characters(read_screen(pilot))


@pytest.mark.parametrize(
    ("place", "selector"), [("import", "#access"), ("import", "#refresh"), ("app_details", "#secret")]
)
async def test_printable_ascii_in_a_secret_is_pasted_unchanged(home: Path, place: str, selector: str) -> None:
    pasted = "".join(map(chr, range(0x21, 0x7F)))
    async with open_place(place, home) as pilot:
        field = pilot.app.screen.query_one(selector, Input)
        field.value = ""
        field.focus()
        pilot.app.post_message(textual_events.Paste(pasted))
        await wait_for(pilot, lambda: field.value)
        assert field.value == pasted


async def test_letters_of_any_language_are_pasted_unchanged(home: Path) -> None:
    async with open_place("app_setup", home) as pilot:
        field = pilot.app.screen.query_one("#app_name", Input)
        field.value = ""
        field.focus()
        pilot.app.post_message(textual_events.Paste("Grüße, 東京 👋 مرحبا"))
        await wait_for(pilot, lambda: field.value)
        assert field.value == "Grüße, 東京 👋 مرحبا"


@pytest.fixture
def home_with_controls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory whose path would set the clipboard of a terminal. So would ``$BROWSER``."""
    evil = "e\x1b]52;c;cHduZWQ=\x07\x9b\u202e"
    program = write_script(tmp_path / evil)
    home = tmp_path / f"home{evil}"
    monkeypatch.setenv("SLACK_TOKEN_TUI_HOME", str(home))
    monkeypatch.setenv("BROWSER", f"'{program}'")
    return home


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ((), "52;c"),
        (("down",), "52;c"),
        (("down", "f1"), "52;c"),
        (("x",), "52;c"),
        (("down", "x"), "52;c"),
        (("C", *["down"] * 5), "52;c"),
        (("a",), "52;c"),
        (("s",), "52;c"),
        (("D",), "Sign-ins open e�]52;c"),
        (("D", "y"), "Copied the report"),
    ],
)
async def test_control_characters_in_a_path_are_not_shown(
    home_with_controls: Path, keys: tuple[str, ...], words: str, copied_texts: list[str]
) -> None:
    store = ProfileStore(home_with_controls)
    store.save_sign_in(*new_sign_in())
    store.save_sign_in(*new_sign_in(user_id="U2"), "damaged").path.write_text("{")
    async with run_app(home_with_controls, APP, size=(200, 60)) as pilot:
        for key in keys:
            await pilot.press(key)
            await wait_until_stable(pilot, looks=2)
        await wait_for_text(pilot, words)
        assert not find_unsafe_characters(read_screen(pilot))
    assert not any(map(find_unsafe_characters, copied_texts))


async def test_empty_home_shows_no_control_characters_from_its_path(home_with_controls: Path) -> None:
    home_with_controls.mkdir()
    home_with_controls.chmod(0o777)  # so that the card says what to do with the directory
    async with run_app(home_with_controls, size=SIZE) as pilot:
        await wait_for_text(pilot, "52;c")
        assert not find_unsafe_characters(read_screen(pilot))


async def test_control_characters_in_a_browser_name_are_not_shown(home: Path) -> None:
    async with run_app(home, APP, SIZE) as pilot:
        for outcome in (Opened("e\x1b]0;pwned\x07\u202e"), NotOpened("e\x1b]0;pwned\x07\u202e did not start.")):
            screen = pilot.app.screen
            if isinstance(screen, SignInScreen):
                screen.state = replace(WAITING, browser=outcome)
            else:
                await show_state(pilot, replace(WAITING, browser=outcome))
            await wait_for_text(pilot, "pwned")
            assert not find_unsafe_characters(read_screen(pilot))


async def test_quarantined_file_path_is_shown_without_control_characters(
    home_with_controls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ProfileStore(home_with_controls)
    saved = store.save_sign_in(*new_sign_in()).profile
    quarantine = home_with_controls / "quarantine"
    quarantine.mkdir()
    (quarantine / f"1.{saved.id}.1.answer").write_text("{}")
    async with run_app(home_with_controls, size=(200, 60)) as pilot:
        await pilot.press("x", "d")
        await wait_for_text(pilot, "may hold a valid token")
        assert not find_unsafe_characters(read_screen(pilot))


def test_exit_messages_are_printed_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    terminal_exit.print_messages("import < '/e\x1b]0;pwned\x07\u202e'")
    assert capsys.readouterr().err == "import < '/e\ufffd]0;pwned\ufffd\ufffd'\n"


# ── the source ──


MODULES = {path: ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))}
PARSED_ARGUMENTS = {
    **dict.fromkeys(("Static", "Label", "Button", "Option", "Link", "Checkbox", "RadioButton", "TabPane"), 0),
    **dict.fromkeys(("update", "add_option", "add_options", "set_options", "with_tooltip"), 0),
    "replace_option_prompt": 1,
}
"""Calls whose argument at this position Textual parses as markup."""
PARSED_KEYWORDS = frozenset({"content", "label", "prompt", "message", "title", "tooltip", "border_title"})
PARSED_ATTRIBUTES = frozenset({"border_title", "border_subtitle", "tooltip", "label"})
FIELD_CLASSES = frozenset({"Input", "MaskedInput", "TextArea"})


def get_name(node: ast.AST) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def find_bound_values(name: str | None, nodes: Iterable[ast.AST]) -> Iterator[ast.expr]:
    """Yield what ``nodes`` bind ``name`` to: values, or types in annotations."""
    for node in nodes:
        match node:
            case ast.Assign(targets=targets, value=value) if any(get_name(target) == name for target in targets):
                yield value
            case ast.NamedExpr(target=target, value=value) | ast.AugAssign(target=target, value=value) if (
                get_name(target) == name
            ):
                yield value
            case ast.AnnAssign(target=target, annotation=annotation) if get_name(target) == name:
                yield annotation
            case ast.arg(arg=argument, annotation=ast.expr() as annotation) if argument == name:
                yield annotation
            case ast.FunctionDef(name=function, returns=ast.expr() as returns) if function == name:
                yield returns


@dataclass(frozen=True)
class Scope:
    """Where names are looked up: in the function, its module, and the modules that it may import from."""

    function: ast.AST
    module: ast.Module
    others: tuple[ast.Module, ...] = ()

    def find_values(self, node: ast.Name | ast.Attribute) -> list[ast.expr]:
        name = get_name(node)
        if isinstance(node, ast.Attribute):  # of self
            return list(find_bound_values(name, ast.walk(self.module)))
        places = (ast.walk(self.function), self.module.body, *(other.body for other in self.others))
        return next((found for place in places if (found := list(find_bound_values(name, place)))), [])

    def is_plain(self, node: ast.expr, seen: tuple[str, ...] = ()) -> bool:
        """Tell whether ``node`` is a constant or a Content, judging by the source. An annotation counts as its type."""
        match node:
            case ast.Constant():
                return True
            case ast.IfExp(body=one, orelse=other) | ast.BinOp(left=one, right=other):
                return self.is_plain(one, seen) and self.is_plain(other, seen)
            case ast.BoolOp(values=values):
                return all(self.is_plain(value, seen) for value in values)
            case (
                ast.GeneratorExp(elt=element)
                | ast.ListComp(elt=element)
                | ast.Subscript(value=ast.Name(id="list"), slice=element)
            ):
                return self.is_plain(element, seen)
            case ast.Call(func=ast.Attribute(attr="from_markup")):
                return False
            case ast.Call(func=ast.Attribute(attr="from_text"), keywords=keywords):
                return any(keyword.arg == "markup" for keyword in keywords)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="Content") | ast.Call() as maker)):
                return self.is_plain(maker, seen)  # Content.styled(…), Content(…).join(…)
            case ast.Call(func=called):
                return self.is_plain(called, seen)
            case ast.Name(id="Content" | "Option"):  # an option is checked by itself
                return True
            case ast.Name() | ast.Attribute():
                name, found = str(get_name(node)), self.find_values(node)
                return name in seen or (bool(found) and all(self.is_plain(call, (*seen, name)) for call in found))
        return False


def find_parsed_texts(module: ast.Module) -> Iterator[tuple[ast.expr, Scope]]:
    """Yield every expression in ``module`` that Textual would parse as markup."""
    others = tuple(other for other in MODULES.values() if other is not module)
    functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = {
        node: function for function in functions for node in ast.walk(function)
    }  # the innermost function comes last
    for node in ast.walk(module):
        scope = Scope(inside.get(node, module), module, others)
        match node:
            case ast.Call(func=called, args=arguments, keywords=keywords):
                place = PARSED_ARGUMENTS.get(str(get_name(called)))
                if place is None or any(keyword.arg == "markup" for keyword in keywords):
                    continue
                yield from ((argument, scope) for argument in arguments[place : place + 1])
                yield from ((keyword.value, scope) for keyword in keywords if keyword.arg in PARSED_KEYWORDS)
            case ast.Assign(targets=targets, value=value):
                if any(isinstance(target, ast.Attribute) and target.attr in PARSED_ATTRIBUTES for target in targets):
                    yield value, scope


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_widgets_do_not_parse_dynamic_text_as_markup(path: Path) -> None:
    wrong = [ast.unparse(node) for node, scope in find_parsed_texts(MODULES[path]) if not scope.is_plain(node)]
    assert not wrong, f"{path}: wrap it in Content(), or pass markup=False"


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("Static('constant')", False),
        ("Static(f'{name} is gone')", True),
        ("Static(Content(f'{name} is gone'))", False),
        ("Static(Content.styled(name, 'bold'))", False),
        ("Static(Content(' ').join(names))", False),
        ("Static(' '.join(names))", True),
        ("Static(Content.from_markup(name))", True),
        ("Static(Content.from_text(name))", True),
        ("Static(Content.from_text(name, markup=False))", False),
        ("Static(name)", True),
        ("Label('a' if name else 'b')", False),
        ("Label('a' if name else name)", True),
        ("Option(name, id=name)", True),
        ("options.add_options(Option(name) for name in names)", True),
        ("options.add_options(name for name in names)", True),
        ("options.add_options(Option(Content(name)) for name in names)", False),
        ("options.set_options([Option(name) for name in names])", True),
        ("options.set_options([name for name in names])", True),
        ("options.set_options([Option(Content(name)) for name in names])", False),
        ("button.tooltip = f'{name}'", True),
        ("button.tooltip = Content(name)", False),
        ("Button('x', tooltip=name)", True),
        ("words = 'constant'; Static(words)", False),
        ("words = 'constant'; words += name; Static(words)", True),
        ("words = Content(name); words = Content.assemble(words, name); Static(words)", False),
        ("[Static(one) for one in names]", True),
    ],
)
def test_source_check_detects_parsed_text(line: str, is_found: bool) -> None:
    tree = ast.parse(f"def show(name: str, names: list[str], screen: Screen) -> None:\n    {line}")
    assert any(not scope.is_plain(node) for node, scope in find_parsed_texts(tree)) == is_found


def test_actions_contain_no_markup() -> None:
    """The palette and the footer accept only text, and parse it."""
    assert not [action for action in ACTIONS if "[" in f"{action.label}{action.help}{action.key_label}"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_field_uses_the_safe_input_class(path: Path) -> None:
    if path.name == "input.py":
        return
    imported = {
        alias.name
        for node in ast.walk(MODULES[path])
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textual")
        for alias in node.names
    }
    qualified = {get_name(node) for node in ast.walk(MODULES[path]) if isinstance(node, ast.Attribute)}
    assert not FIELD_CLASSES & (imported | qualified)


def test_every_field_in_the_source_is_tested() -> None:
    calls = [node for tree in MODULES.values() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    given = [
        keyword.value
        for node in calls
        if get_name(node.func) in {"Input", "PasteInput"}
        for keyword in node.keywords
        if keyword.arg == "id"
    ]
    ids = {f"#{item.value}" for item in given if isinstance(item, ast.Constant)}
    assert ids
    assert ids <= {selector for _, selector in FIELDS}


def test_textual_has_no_other_field_classes() -> None:
    classes = {name for name in widgets.__all__ if issubclass(getattr(widgets, name), widgets.Input | widgets.TextArea)}
    assert classes == FIELD_CLASSES
