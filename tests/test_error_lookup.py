"""Texts of Slack's pages and of browsers lead to the error that they mean."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import slack_token_tui
from slack_token_tui.error_lookup import find_errors
from slack_token_tui.practice.consent_page import error_page
from slack_token_tui.practice.workspace import PAGE_ERRORS
from slack_token_tui.problems import is_known, list_codes
from tests.support.cli import run_command

PAGE_TEXTS = tomllib.loads((Path(slack_token_tui.__file__).parent / "page_texts.toml").read_text())
EVERY_TEXT = [(code, text) for code, texts in PAGE_TEXTS.items() for text in texts]


@pytest.mark.parametrize(("code", "text"), EVERY_TEXT)
def test_real_text_finds_its_error_first(code: str, text: str) -> None:
    assert is_known(code)
    assert find_errors(text)[0] == code
    shouted = f"  “{text.upper()}” !!! "
    assert find_errors(shouted)[0] == code, "punctuation and capitals do not matter"


@pytest.mark.parametrize("code", PAGE_ERRORS)
def test_texts_of_the_practice_slack_are_found(code: str) -> None:
    page = error_page(code, "http://localhost:28417/callback")
    text = page.partition("<code>")[2].partition("</code>")[0]
    assert find_errors(text)[0] == code


@pytest.mark.parametrize("code", list_codes())
def test_code_finds_itself(code: str) -> None:
    assert find_errors(code)[0] == code
    assert find_errors(f"Error: {code}.")[0] == code


@pytest.mark.parametrize(
    ("typed", "code"),
    [("localhost ref", "localhost_refused"), ("cook", "too_many_cookies"), ("rate lim", "ratelimited")],
)
def test_last_word_may_be_incomplete(typed: str, code: str) -> None:
    assert code in find_errors(typed)[:2]


@pytest.mark.parametrize("text", ["", "   ", "!?…", "xyzzy", "https://example.com/redirect_uri"])
def test_text_that_means_nothing_finds_nothing(text: str) -> None:
    assert find_errors(text) == []


def test_explain_takes_a_text(child_environment: dict[str, str]) -> None:
    done = run_command("explain", "Unable to connect: localhost refused to connect.", env=child_environment)
    assert done.returncode == 0 and "(localhost_refused)" in done.stdout.splitlines()[0]
    assert "Other matches: " in done.stdout.splitlines()[-1]
    assert run_command("explain", "frobnicate quux", env=child_environment).returncode == 1
