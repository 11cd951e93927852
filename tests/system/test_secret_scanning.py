"""Secret scanners report nothing in this repository, so every report means a real secret."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from slack_token_tui.practice.models import App, Person, Team
from slack_token_tui.practice.tokens import TokenRegistry

ROOT = Path(__file__).parents[2]
HEX = "0123456789abcdef"
GENERATED_DIRECTORIES = {"__pycache__", "build", "dist"}

PATTERNS = {
    # The Slack patterns cover those of GitHub, gitleaks, TruffleHog and detect-secrets.
    "Slack token": re.compile(r"xox[abcdoprs]-(?:\d+-)+[a-z0-9]", re.IGNORECASE),
    "Slack token without numbers": re.compile(r"xox(?:[ar]-[a-z0-9]{8}|[a-z]-[a-z0-9]{10})", re.IGNORECASE),
    "rotating Slack token": re.compile(r"xoxe\.xox[a-z]-\d", re.IGNORECASE),
    "Slack refresh token": re.compile(r"xoxe-\d-[a-z0-9]{20}", re.IGNORECASE),
    "Slack app-level token": re.compile(r"xapp-\d-[a-z0-9]+-\d+-[a-z0-9]", re.IGNORECASE),
    "Slack webhook": re.compile(r"hooks\.slack(?:-gov)?\.com/(?:services|triggers|workflows)/\w+/\w", re.IGNORECASE),
    "client secret": re.compile(r"secret.{0,40}?(?<![0-9a-z])[0-9a-f]{32}(?![0-9a-z])", re.IGNORECASE),
    "private key": re.compile(r"-----BEGIN[ A-Z0-9_-]{0,100}PRIVATE KEY"),
    "AWS key": re.compile(r"\b(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[A-Z0-9]{16}\b"),
    "JSON Web Token": re.compile(r"\bey[\w-]{15,}\.ey[\w-]{15,}\.[\w-]*"),
    "password in a URL": re.compile(r"://[^\s:/?#@'\"<>{}]+:[^\s:/?#@'\"<>{}]+@"),
    "npm token": re.compile(r"npm_[A-Za-z0-9]{36}"),
    "PyPI token": re.compile(r"pypi-[\w-]{50}"),
    "GitHub token": re.compile(r"gh[oprsu]_[A-Za-z0-9]{36}|github_pat_\w{22}"),
}

# Each example is built at run time: scanners would report a literal.
EXAMPLES = [
    ("Slack token", f"xoxb-{'1' * 12}-{'2' * 12}-{HEX}"),
    ("Slack token", f"xoxp-{'1' * 12}-{'2' * 12}-{'3' * 12}-{HEX * 2}"),
    ("Slack token", f"xoxp-{1}-canary"),
    ("Slack token", f"xoxa-{2}-canary"),
    ("Slack token without numbers", f"xoxd-{HEX}"),
    ("Slack token without numbers", f"xoxr-{'canary77'}"),
    ("rotating Slack token", f"xoxe.xoxp-{1}-{'CANARY' * 28}"),
    ("rotating Slack token", f"xoxe.xoxb-{1}-canary"),
    ("Slack refresh token", f"xoxe-{1}-{'CANARY' * 25}"),
    ("Slack app-level token", f"xapp-{1}-A012ABCD0A0-{'1' * 13}-{HEX * 4}"),
    ("Slack webhook", "https://hooks.slack.com/" + "services/T00000000/B00000000/canary"),
    ("client secret", f"SLACK_CLIENT_SECRET={HEX * 2}"),
    ("client secret", f'"client_secret": "{HEX * 2}"'),
    ("private key", f"-----BEGIN {'PRIVATE'} KEY-----"),
    ("private key", f"-----BEGIN OPENSSH {'PRIVATE'} KEY-----"),
    ("AWS key", f"AKIA{'CANARY77' * 2}"),
    ("JSON Web Token", f"eyJ{HEX}.eyJ{HEX}.canary"),
    ("password in a URL", f"https://jane:{'canary'}@example.com/"),
    ("npm token", f"npm_{'canary' * 6}"),
    ("PyPI token", f"pypi-{'canary' * 9}"),
    ("GitHub token", f"ghp_{'canary' * 6}"),
    ("GitHub token", f"github_pat_{'canary' * 4}"),
]


def list_git_files(root: Path) -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split("\0")
    return [root / name for name in names if name]


def walk_files(root: Path) -> Iterator[Path]:
    """Yield every file except those of virtual environments and those that tools create."""
    for folder, folders, names in os.walk(root):
        folders[:] = [
            folder for folder in folders if folder == ".ci" or not (folder[0] == "." or folder in GENERATED_DIRECTORIES)
        ]
        yield from (Path(folder, name) for name in names)


def list_files() -> list[Path]:
    listed = list_git_files(ROOT) if (ROOT / ".git").exists() else walk_files(ROOT)
    return sorted(file for file in set(listed) if file.is_file())


def find_secrets(text: str) -> Iterator[tuple[int, str]]:
    for name, pattern in PATTERNS.items():
        for match in pattern.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, name


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_each_pattern_matches_its_example(name: str, example: str) -> None:
    assert (2, name) in find_secrets(f"first line\n{example}\n")


def test_every_pattern_has_an_example() -> None:
    assert {name for name, _ in EXAMPLES} == set(PATTERNS)


def test_no_file_contains_a_possible_secret() -> None:
    """The value is never shown, because it may be a real secret."""
    found = [
        f"{file.relative_to(ROOT)}:{line}: {name}"
        for file in list_files()
        for line, name in find_secrets(file.read_text(encoding="utf-8", errors="replace"))
    ]
    assert not found, "\n".join(found)


def test_detect_secrets_reports_nothing() -> None:
    """It skips images, also SVG files. Only the patterns above read those."""
    detect_secrets = pytest.importorskip("detect_secrets")
    settings = pytest.importorskip("detect_secrets.settings")
    with settings.default_settings():
        secrets = detect_secrets.SecretsCollection(root=str(ROOT))
        for file in list_files():
            secrets.scan_file(str(file.relative_to(ROOT)))
    found = [f"{name}:{secret.line_number}: {secret.type}" for name, secret in secrets]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("rotation", [False, True])
def test_practice_tokens_do_not_match_the_patterns(rotation: bool) -> None:
    app, team, jane = App(rotation=rotation), Team("T1", "Acme", "acme"), Person("U1", "jane")
    access, refresh, _ = TokenRegistry().issue(app, team, jane, ("users:read",))
    assert list(find_secrets(f"{access}\n{refresh}\n")) == []


def test_walk_skips_only_generated_files(tmp_path: Path) -> None:
    ours = {tmp_path / name for name in (".ci/run", ".gitignore", "a.py", "tests/__snapshots__/a.svg")}
    made = {tmp_path / name for name in (".venv-3.12/lib/a.py", "build/a.py", "tests/__pycache__/a.pyc")}
    for file in ours | made:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert set(walk_files(tmp_path)) == ours
