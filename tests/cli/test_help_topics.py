"""``help``: the list of topics, a topic as Markdown and as plain text, and mistakes."""

from __future__ import annotations

import json

import pytest

from slack_token_tui.docs import TOPIC_NAMES, list_topics, read_topic
from tests.support.cli import run_command
from tests.support.terminal import Terminal


def test_help_lists_every_topic_with_its_summary(child_environment: dict[str, str]) -> None:
    done = run_command("help", env=child_environment)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(TOPIC_NAMES)
    assert all(line.endswith(topic.summary) for line, topic in zip(lines, list_topics(), strict=True))
    assert "slack-token-tui help TOPIC" in done.stderr
    assert "slack-token-tui help" in run_command("--help", env=child_environment).stdout


@pytest.mark.parametrize("name", TOPIC_NAMES)
def test_topic_in_a_pipe_is_the_markdown_of_its_file(name: str, child_environment: dict[str, str]) -> None:
    done = run_command("help", name, env=child_environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, read_topic(name), "")


@pytest.mark.parametrize("name", TOPIC_NAMES)
def test_topic_in_a_terminal_is_plain_text(name: str, child_environment: dict[str, str]) -> None:
    text = print_in_terminal(name, child_environment)
    assert text.startswith(read_topic(name).splitlines()[0].removeprefix("# ").upper())
    for mark in ("```", "](", "**", "|---", "\n#"):
        assert mark not in text
    assert "\n\n\n" not in text and text.endswith("\n") and not text.endswith("\n\n")
    assert max(map(len, text.splitlines())) <= 80


def test_terminal_text_indents_code_aligns_tables_and_names_linked_topics(child_environment: dict[str, str]) -> None:
    text = print_in_terminal("storage", child_environment)
    assert "\n    slack-token-tui move --all --to keyring --from-now-on\n" in text
    assert "\n  `locks/`              empty files that programs lock\n" in text
    text = print_in_terminal("python", child_environment)
    assert "Notebooks (slack-token-tui help notebooks)" in " ".join(text.split())


def print_in_terminal(name: str, environment: dict[str, str]) -> str:
    terminal = Terminal(environment, "-m", "slack_token_tui", "help", name)
    assert terminal.wait_for_exit() == 0
    return terminal.output.decode().replace("\r\n", "\n")


def test_topics_as_json(child_environment: dict[str, str]) -> None:
    listed = json.loads(run_command("help", "--json", env=child_environment).stdout)
    assert [record["name"] for record in listed] == list(TOPIC_NAMES)
    record = json.loads(run_command("help", "ssh", "--json", env=child_environment).stdout)
    assert record["text"] == read_topic("ssh") and record["title"] == "SSH and containers"


@pytest.mark.parametrize(
    ("given", "suggested"), [("storages", "storage"), ("Scope", "scopes"), ("trouble", "troubleshooting"), ("zzz", "")]
)
def test_unknown_topic_suggests_the_nearest(given: str, suggested: str, child_environment: dict[str, str]) -> None:
    done = run_command("help", given, env=child_environment)
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"There's no topic {given}." in done.stderr
    assert (f"slack-token-tui help {suggested}" if suggested else "slack-token-tui help") in done.stderr


def test_unknown_topic_as_json_is_an_error_object(child_environment: dict[str, str]) -> None:
    done = run_command("help", "storages", "--json", env=child_environment)
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"] == "usage"


@pytest.mark.parametrize("command", ["token", "login", "help"])
def test_help_of_a_command_is_what_its_own_help_prints(command: str, child_environment: dict[str, str]) -> None:
    done = run_command("help", command, env=child_environment)
    assert done.returncode == 0
    assert done.stdout == run_command(command, "--help", env=child_environment).stdout
