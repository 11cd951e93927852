"""The README and the help topics: links, commands and keys are correct, and no example leaks a token."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from slack_token_tui.cli.parser import COMMANDS, create_parser
from slack_token_tui.docs import TOPIC_NAMES, Topic, list_topics, read_topic
from slack_token_tui.tui.actions import APP_SETUP, APPS, DOCTOR, ERRORS, HOME, SCOPES, SIGN_IN, actions_for

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCS = ROOT / "slack_token_tui" / "docs"
PAGES = [README, *sorted(DOCS.glob("*.md"))]
SCREENS_OF_SECTION = {
    "Home": (HOME,),
    "Sign in": (SIGN_IN,),
    "Create an app": (APP_SETUP,),
    "Scopes": (SCOPES,),
    "Apps": (APPS,),
    "Error lookup and checks": (ERRORS, DOCTOR),
}
SHELL_BLOCK = re.compile(r"^```(?:sh|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`([^`\n]+)`")
TOKEN_COMMAND = r"slack-token-tui (?:token|export)"
SAFE_SUBSTITUTION = re.compile(rf'^(?:\w+=|eval )"?\$\({TOKEN_COMMAND}[^)]*\)"?')
"""An assignment, or a builtin of the shell. Neither starts a process with the token in its arguments."""


def find_links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            yield page, target


def find_shell_lines(page: Path) -> Iterator[str]:
    """Yield each line of shell code in ``page``, and each code span that begins with a command of this program."""
    text = page.read_text()
    for block in SHELL_BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            yield re.sub(r"(?:^|\s)#.*", "", line)
    for span in CODE_SPAN.findall(re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)):
        if span.startswith("slack-token-tui"):
            yield span


def find_commands(line: str) -> Iterator[list[str]]:
    """Yield the arguments of each command of this program in ``line``, also in a pipe or a substitution."""
    for part in re.split(r"\||&&|\$\(|\)", line):
        words = shlex.split(part) if "slack-token-tui" in part else []
        while words and re.fullmatch(r"\w+=.*|[\d*]+", words[0]):  # an assignment, or the time of a crontab
            words.pop(0)
        if words and words[0].rpartition("/")[2] == "slack-token-tui":
            yield words[1:]


COMMAND_LINES = sorted(
    {
        (str(page.relative_to(ROOT)), shlex.join(arguments))
        for page in PAGES
        for line in find_shell_lines(page)
        for arguments in find_commands(line)
    }
)


@pytest.mark.parametrize(("page", "target"), [(str(page.relative_to(ROOT)), target) for page, target in find_links()])
def test_links_resolve(page: str, target: str) -> None:
    if urlsplit(target).scheme:
        assert target.startswith("https://")
    else:
        assert ((ROOT / page).parent / target).is_file()


@pytest.mark.parametrize(("page", "command"), COMMAND_LINES)
def test_commands_can_be_typed_as_they_are(page: str, command: str) -> None:
    words = shlex.split(command)
    if words[:1] == ["exec"]:
        assert words[-1] != "--" and "--" in words
        words = words[: words.index("--")]
    if words[:1] == ["help"] and words[1:]:
        assert words[1] in (*TOPIC_NAMES, *COMMANDS, "TOPIC")
    if words == ["--version"] or words[-1:] == ["--help"]:
        with pytest.raises(SystemExit, match="0"):
            create_parser(COMMANDS).parse_args(words)
    else:
        create_parser(set(words[:1])).parse_args(words)


def test_commands_are_found_in_shell_lines() -> None:
    assert list(find_commands("token=$(slack-token-tui token acme)")) == [["token", "acme"]]
    assert list(find_commands("17 3 * * *  $HOME/bin/slack-token-tui refresh --all")) == [["refresh", "--all"]]
    assert list(find_commands("pass show a | slack-token-tui import acme && slack-token-tui list")) == [
        ["import", "acme"],
        ["list"],
    ]
    assert len(COMMAND_LINES) > 30


def test_scripts_topic_lists_every_command() -> None:
    table = read_topic("scripts").partition("## Commands")[2].partition("\n## ")[0]
    spans = [
        span for row in table.splitlines() if row.startswith("| `") for span in CODE_SPAN.findall(row.split(" | ")[0])
    ]
    assert {span.split()[0] for span in spans} == set(COMMANDS) - {"demo"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_example_has_a_token_among_the_arguments_of_a_process(page: Path) -> None:
    for line in find_shell_lines(page):
        assert not leaks_token(line), line


def leaks_token(line: str) -> bool:
    others = SAFE_SUBSTITUTION.sub("", line)
    return bool(re.search(rf"\$\({TOKEN_COMMAND}|Bearer|xox[a-z]|\$\{{?(?:SLACK_TOKEN|token)\b", others, re.IGNORECASE))


@pytest.mark.parametrize(
    ("line", "leaks"),
    [
        ('curl -H "Authorization: Bearer $(slack-token-tui token acme)" https://slack.com/api/auth.test', True),
        ("mysqladmin --password=$(slack-token-tui token acme)", True),
        ('curl -H "Authorization: Bearer $SLACK_TOKEN" https://slack.com/api/auth.test', True),
        ("curl --oauth2-bearer $token https://slack.com/api/auth.test", True),
        ("echo xoxp-1 | slack-token-tui import acme", True),
        ("slack-token-tui export acme --as header | curl -H @- https://slack.com/api/auth.test", False),
        ("token=$(slack-token-tui token acme)", False),
        ('eval "$(slack-token-tui export acme --as env)"', False),
    ],
)
def test_leaking_examples_are_recognized(line: str, leaks: bool) -> None:
    assert leaks_token(line) is leaks


def test_readme_has_the_two_commands_for_a_fresh_machine() -> None:
    start = "python3 -m venv .venv && .venv/bin/pip install "
    commands = [line for line in README.read_text().splitlines() if line.startswith(start)]
    assert commands == [
        f"{start}. && .venv/bin/slack-token-tui demo",
        f"{start}'.[test]' && .venv/bin/python -m pytest -n 4",
    ]


def test_readme_is_one_page_and_links_every_topic() -> None:
    text = README.read_text()
    assert len(text.splitlines()) <= 120
    assert text.index("screenshots/recording.svg") < text.index("uv tool install .") < text.index("## ")
    for name in TOPIC_NAMES:
        assert f"(slack_token_tui/docs/{name}.md)" in text


def test_every_file_is_a_topic_and_no_topic_has_the_name_of_a_command() -> None:
    assert sorted(TOPIC_NAMES) == sorted(path.stem for path in DOCS.glob("*.md"))
    assert not set(TOPIC_NAMES) & set(COMMANDS)


@pytest.mark.parametrize("topic", list_topics(), ids=lambda topic: topic.name)
def test_topics_are_short_and_fit_a_terminal(topic: Topic) -> None:
    text = read_topic(topic.name)
    assert text.startswith(f"# {topic.title}\n\n{topic.summary}\n\n")
    assert topic.summary.endswith(".") and topic.summary.count(".") == 1
    assert len(topic.summary) + max(map(len, TOPIC_NAMES)) <= 78
    assert len(text.splitlines()) <= 85
    assert max(map(len, text.splitlines())) <= 80


def test_unknown_topic_is_an_error() -> None:
    for name in ("", "quark", "../problems", "__init__"):
        with pytest.raises(LookupError):
            read_topic(name)


@pytest.mark.parametrize("section", SCREENS_OF_SECTION)
def test_keys_topic_has_exactly_the_keys_of_the_screens(section: str) -> None:
    rows = re.search(rf"^## {section}\n\n(.*?)(?:\n\n|\Z)", read_topic("keys"), re.MULTILINE | re.DOTALL)
    assert rows
    listed = [key for row in rows[1].splitlines() for key in CODE_SPAN.findall(row.split(" | ")[0])]
    actual = {a.key_label for screen in SCREENS_OF_SECTION[section] for a in actions_for(screen) if a.keys}
    assert sorted(listed) == sorted(actual)
