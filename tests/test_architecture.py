"""The rules of ``.github/ARCHITECTURE.md``: imports go down and never in circles, and fast commands load little."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from slack_token_tui.cli.parser import COMMANDS
from slack_token_tui.secret import Secret
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.store.settings import change_settings
from tests.support.profiles import new_sign_in, time_from_now

ROOT = Path(__file__).parent.parent
PACKAGE = "slack_token_tui"
LAYERS = (
    ("cli", "tui", "jupyter"),
    ("api",),
    ("doctor",),
    ("oauth", "tokens"),
    ("store",),
    ("slack", "desktop"),
    ("error_lookup",),
    ("problems",),
    ("secret", "sanitize", "event_loop", "interpreter", "install_method", "docs"),
)
"""From the top down. A part may import parts of lower layers, and parts beside it."""
ISOLATED = ("practice",)
"""Imports nothing of the others, and is imported by ``cli/commands/demo.py`` only."""
ENTRY_POINTS = ("", "__main__")
"""``slack_token_tui`` loads ``api`` and ``jupyter`` on demand. Everyone may import its version."""


def load_modules() -> dict[str, ast.Module]:
    """Return every module of the package by its name without ``slack_token_tui.``."""
    found = {}
    for path in (ROOT / PACKAGE).rglob("*.py"):
        name = ".".join(path.relative_to(ROOT / PACKAGE).with_suffix("").parts)
        found["" if name == "__init__" else name.removesuffix(".__init__")] = ast.parse(path.read_text())
    return found


MODULES = load_modules()


def find_imports(tree: ast.Module) -> Iterator[str]:
    """Yield the modules of the package that ``tree`` imports, also inside of functions and for type checkers only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name == PACKAGE or name.startswith(f"{PACKAGE}."):
                inner = name.removeprefix(PACKAGE).removeprefix(".")
                yield inner if inner in MODULES else inner.rpartition(".")[0]


EDGES = {name: {imported for imported in find_imports(tree) if imported != name} for name, tree in MODULES.items()}
# The parser imports the module of a command by its name.
EDGES["cli.parser"] |= {name for name in MODULES if name.startswith("cli.commands.")}


def get_layer(part: str) -> int:
    return next(number for number, parts in enumerate(LAYERS) if part in parts)


def find_cycles(edges: dict[str, set[str]]) -> set[str]:
    """Return the modules that import themselves by way of others."""
    reachable: dict[str, set[str]] = {}
    for start in edges:
        seen: set[str] = set()
        to_visit = list(edges[start])
        while to_visit:
            module = to_visit.pop()
            if module not in seen:
                seen.add(module)
                to_visit += edges[module]
        reachable[start] = seen
    return {module for module, seen in reachable.items() if module in seen}


def test_every_part_of_the_package_is_in_a_layer() -> None:
    parts = {name.partition(".")[0] for name in MODULES}
    assert parts == {part for parts in LAYERS for part in parts} | {*ISOLATED, *ENTRY_POINTS}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_point_to_lower_layers(module: str) -> None:
    part = module.partition(".")[0]
    for imported in EDGES[module]:
        other = imported.partition(".")[0]
        if imported == "":
            continue
        if part in ENTRY_POINTS:
            assert other in ("api", "jupyter", "cli")
        elif other in ISOLATED:
            assert part in ISOLATED or module == "cli.commands.demo"
        else:
            assert part not in ISOLATED, f"{module} imports {imported}"
            assert get_layer(part) <= get_layer(other), f"{module} imports {imported}"


def test_there_are_no_import_cycles() -> None:
    assert find_cycles(EDGES) == set()


def test_import_cycles_are_detected() -> None:
    assert find_cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("slack", {"pathlib", "tempfile", "textual"}),  # no files
        ("store", {"httpx", "socket", "ssl", "asyncio", "textual"}),  # no network
        ("tokens", {"textual"}),
        ("oauth", {"textual"}),
        ("api", {"textual"}),
        ("desktop", {"httpx", "textual"}),
    ],
)
def test_package_does_not_import_forbidden_modules(package: str, forbidden: set[str]) -> None:
    # Data files that belong to a module are read where they are used.
    allowed = {"slack.scope_catalog": {"pathlib"}}
    for name, tree in MODULES.items():
        if name.partition(".")[0] != package:
            continue
        imported = {
            alias.name.partition(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        } | {(node.module or "").partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert imported & forbidden <= allowed.get(name, set()), name


@pytest.mark.parametrize("package", ["oauth", "tokens", "store", "slack"])
def test_use_cases_print_nothing(package: str) -> None:
    for name, tree in MODULES.items():
        if name.partition(".")[0] == package:
            calls = [
                node.func.id
                for node in ast.walk(tree)
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            ]
            assert "print" not in calls, name


def test_screens_are_single_classes() -> None:
    """A screen is composed of widgets and plain objects. It is not put together from parts that share attributes."""
    bases = {"AppScreen", "SearchScreen", "Dialog", "Screen", "ModalScreen"}
    for name, tree in MODULES.items():
        if not name.startswith("tui.screens."):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                inherited = {ast.unparse(base).partition("[")[0] for base in node.bases}
                assert len(inherited) <= 1 and inherited <= bases | {"Protocol"}, (name, node.name)
            assert not (isinstance(node, ast.Name) and node.id in ("getattr", "NotImplementedError")), name


@pytest.mark.parametrize(
    "command",
    [
        ["token"],
        ["export"],
        ["export", "--as", "json"],
        ["default"],
        ["list", "--names"],
        ["list"],
        ["list", "--json"],
        ["show"],
        ["explain"],
        ["explain", "invalid_code"],
        ["help"],
        ["help", "storage"],
        ["--version"],
    ],
)
def test_read_only_commands_load_neither_textual_nor_network_modules(
    command: list[str], store: ProfileStore, child_environment: dict[str, str]
) -> None:
    store.save_sign_in(*new_sign_in())
    loaded = list_loaded_modules(
        f"from slack_token_tui.cli.main import main; assert main({command!r}) == 0", child_environment
    )
    assert not loaded & {"textual", "rich", "httpx", "asyncio", "ssl", "keyring", "filelock"}


@pytest.mark.parametrize(
    "command",
    [
        ["--version"],
        ["token"],
        ["token", "acme"],
        ["exec", "--", "true"],
        ["exec", "acme", "--", "true"],
        ["list", "--names"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("has_default", [False, True])
def test_fast_commands_load_no_slow_modules(
    command: list[str], has_default: bool, store: ProfileStore, child_environment: dict[str, str]
) -> None:
    store.save_sign_in(*new_sign_in(refresh_token=Secret("xoxe-1-canary"), expires_at=time_from_now(hours=5)))
    if has_default:
        store.save_sign_in(*new_sign_in(user_id="U2"), "other")
        change_settings(store.home, default_profile="acme")
    program = "import sys; from slack_token_tui.cli.main import main; sys.exit(main())"
    # An editable install may load pathlib and re before the first line.
    loaded = list_imports(program, *command, env=child_environment) - list_imports("pass", env=child_environment)
    assert f"{PACKAGE}.cli.main" in loaded
    assert not loaded & {
        "argparse",
        "asyncio",
        "dataclasses",
        "enum",
        "filelock",
        "httpx",
        "json",
        "keyring",
        "pathlib",
        "platformdirs",
        "re",
        "rich",
        "ssl",
        "subprocess",
        "textual",
        "tomllib",
        "typing",
    }


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_imports_only_the_typed_command_and_no_slow_modules(
    command: str, child_environment: dict[str, str]
) -> None:
    words = [command, "--help"] if command else ["--help"]
    loaded = list_loaded_modules(
        f"from slack_token_tui.cli.main import main\ntry: main({words!r})\nexcept SystemExit: pass", child_environment
    )
    expected = set(COMMANDS) if command == "completion" else {command} - {""}  # completion describes every command
    modules = {name.rpartition(".")[2].strip("_") for name in loaded if name.startswith(f"{PACKAGE}.cli.commands.")}
    assert modules == expected
    slow = {f"{PACKAGE}.store.profiles", f"{PACKAGE}.tokens", f"{PACKAGE}.oauth", f"{PACKAGE}.desktop"}
    assert not loaded & {"textual", "rich", "httpx", "asyncio", "ssl", "keyring", "filelock", "json", *slow}


@pytest.mark.parametrize(
    ("module", "parts"),
    [
        ("slack_token_tui", {""}),
        ("slack_token_tui.problems", {"", "problems", "sanitize", "secret"}),
        ("slack_token_tui.practice.server", {"", "practice"}),
        ("slack_token_tui.desktop.clipboard_clearing", {"", "desktop"}),
    ],
)
def test_importing_a_module_loads_no_other_part(
    module: str, parts: set[str], child_environment: dict[str, str]
) -> None:
    loaded = list_loaded_modules(f"import {module}", child_environment)
    own = {
        name.removeprefix(PACKAGE).removeprefix(".").partition(".")[0] for name in loaded if name.startswith(PACKAGE)
    }
    assert own == parts


def list_loaded_modules(statement: str, environment: dict[str, str]) -> set[str]:
    program = f"import sys\n{statement}\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    return set(done.stderr.split())


def list_imports(program: str, *arguments: str, env: dict[str, str]) -> set[str]:
    """Return what a process imports, also if ``exec`` replaces it."""
    command = [sys.executable, "-X", "importtime", "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
    return set(re.findall(r"\|\s+([\w.]+)$", done.stderr, re.MULTILINE))


def find_paths(page: Path) -> Iterator[str]:
    """Yield what ``page`` names as a path: links, and code with a slash or a file's suffix in it."""
    text = page.read_text()
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        yield str((page.parent / link).resolve().relative_to(ROOT))
    for code in re.findall(r"`([^`\s]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        if re.fullmatch(r"[\w./-]+", code) and ("/" in code or re.search(r"\.(?:py|toml|md|tcss)$", code)):
            yield code


@pytest.mark.parametrize("page", [".github/ARCHITECTURE.md", ".github/CONTRIBUTING.md", "tests/README.md"])
def test_every_path_named_in_a_page_exists(page: str) -> None:
    paths = list(find_paths(ROOT / page))
    assert len(paths) > 3
    for path in paths:
        bases = (ROOT, ROOT / PACKAGE, ROOT / "tests", (ROOT / page).parent)
        assert any((base / path).exists() for base in bases), f"{page} names {path}"


def test_readme_links_the_contributor_pages() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "(.github/CONTRIBUTING.md)" in readme and "(.github/ARCHITECTURE.md)" in readme


ROLE = re.compile(r":(?:func|meth|class|mod|data|attr):`~?\.?([\w.]+)`")


def target_exists(path: str) -> bool:
    """Tell whether ``path`` leads to a module, or to an attribute of one, of a class in it, or to a field."""
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ImportError:
            continue
        for name in parts[length:]:
            fields = getattr(found, "__dataclass_fields__", {}) | getattr(found, "__annotations__", {})
            if name in fields:
                return True
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False


@pytest.mark.parametrize("module", sorted(MODULES))
def test_docstring_references_exist(module: str) -> None:
    own = f"{PACKAGE}.{module}".rstrip(".")
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for target in ROLE.findall(node.value):
                classes = [n.name for n in ast.walk(MODULES[module]) if isinstance(n, ast.ClassDef)]
                places = [target, f"{own}.{target}", *(f"{own}.{name}.{target}" for name in classes)]
                assert any(map(target_exists, places)), f"{module} refers to {target}"


def test_only_the_store_writes_profiles() -> None:
    writers = {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id in ("write_profile_file", "delete_profile_file")
    }
    assert writers == {"store.profiles", "store.locked_profile"}
    openers = {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name)
        and node.id == "LockedProfile"
        and name.partition(".")[0] not in ("store", "tokens")
    }
    assert openers == set(), "the layers above call update() or a use case"
    lockers = {
        name
        for name, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "lock" and name.partition(".")[0] not in ("store", "tokens")
    }
    assert lockers == set(), "only the store and the use cases lock a profile"


def test_every_failure_is_a_problem() -> None:
    """Other exceptions are bugs, or never leave their layer."""
    own = {
        "store.locks": {"NoLongerNeeded"},
        "tokens.refresh_in_process": {"_StoppedBeforeSending"},
    }
    for name, tree in MODULES.items():
        if name.partition(".")[0] in (*ISOLATED, "api"):
            continue
        raised = {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
            and {ast.unparse(base) for base in node.bases} & {"Exception", "ValueError"}
        }
        assert raised <= own.get(name, {"Problem", "InvalidInput"} if name == "problems" else set()), name


@pytest.mark.parametrize("command", ["tests.benchmarks.__main__", "tests.make_screenshots"])
def test_commands_of_the_project_can_be_started(command: str) -> None:
    importlib.import_module(command)
