"""Errors with a code, and their explanations: what happened, why, and how to fix it.

The catalog is in ``problems.toml``, one entry per code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from slack_token_tui.sanitize import clean, clean_code
from slack_token_tui.secret import redact

_MAX_FACT_LENGTH = 4096
"""Maximum length of a path. Every other fact is shorter."""
_CATALOG = Path(__file__).with_name("problems.toml")
_PROFILE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_NAME_REQUIRED = re.compile(r"(slack-token-tui (?:move|remove|rename)) \{name\}")
_NAME_OPTIONAL = re.compile(r"(slack-token-tui [a-z]+) \{name\}")
"""Commands that need no name: they use the default profile, the only one, or a new one."""

OUR_PREFIXES = ("store_", "profile_", "keyring_")
"""Prefixes of codes that only this program uses."""
_DEFAULT_FACTS = {
    "app_settings": "https://api.slack.com/apps",
    "client_id": "the app",
    "file": "the file",
    "lacking": "",
    "holders": "other programs",
    "host": "slack.com",
    "name": "the profile",
    "ports": "28417, 28418 and 28419",
    "proxy": "your proxy",
    "redirect_uri": "http://localhost:28417/callback",
    "retry_after": "60",
    "scopes": "the requested scopes",
    "seconds": "20",
    "proxy_variable": "HTTPS_PROXY or ALL_PROXY",
    "token_location": "They are stored in the journal for now.",
}
"""Values for facts that the caller does not pass, as in ``explain`` on the command line. An entry may have its own."""
_OPTIONAL_FACT = re.compile(r" \([^(){}]*\{(\w+)\}\)|: \{(\w+)\}(?=[. ]|$)")
"""A fact at the end of parentheses or after a colon. The sentence is complete without it."""


class Kind(StrEnum):
    """What a problem means for the caller. Exit codes and the library's exceptions are tables over it."""

    NOT_FOUND = "not_found"
    USAGE = "usage"
    SIGN_IN = "sign_in"
    STORAGE = "storage"
    RETRY = "retry"
    REFUSED = "refused"
    DEFECT = "defect"


@dataclass(frozen=True)
class Step:
    """One step of a fix. ``action`` is the ID of the action that does it, or None."""

    text: str
    action: str | None = None


@dataclass(frozen=True)
class Explanation:
    """An explanation of an error for the user.

    Attributes:
        code: Slack's error code or one of ours.
        title: what happened, in one line.
        happened: what happened, in one or two sentences.
        causes: possible causes, most likely first.
        steps: what to do, in order.
        kind: what it means for the caller.
        again: whether a retry helps: ``yes``, ``later``, ``after`` the remedy, or ``no``.
        actions: IDs of actions to offer, best first: ``again``, ``change_app``, ``copy_redirect``, ``open_settings``,
            ``other_pair``, ``paste``.
        more: URL of further documentation, or None.
        browser_says: text on Slack's page that identifies the error, or None.
    """

    code: str
    title: str
    happened: str
    causes: tuple[str, ...]
    steps: tuple[Step, ...]
    kind: Kind
    again: str
    actions: tuple[str, ...]
    more: str | None
    browser_says: str | None

    @property
    def remedies(self) -> tuple[str, ...]:
        """The steps as texts."""
        return tuple(step.text for step in self.steps)

    @property
    def is_sentence(self) -> bool:
        """Whether the title says it all, as for invalid input."""
        return self.title == self.happened

    @property
    def summary(self) -> str:
        """What happened and the first remedy, as sentences."""
        return " ".join([self.title if self.is_sentence else f"{self.title}. {self.happened}", *self._first_remedy])

    @property
    def sentences(self) -> str:
        """The same with the code, for a log or a traceback."""
        words = self.title if self.is_sentence else f"{self.title} ({self.code}). {self.happened}"
        return " ".join([words, *self._first_remedy])

    @property
    def _first_remedy(self) -> list[str]:
        return [f"{remedy}." for remedy in self.remedies[:1]]

    @property
    def remedy(self) -> str:
        """All remedies as one string."""
        return ". ".join(self.remedies) + "."

    @property
    def retry_sentence(self) -> str:
        """Whether a retry helps, as a sentence."""
        return {
            "yes": "Trying again usually works.",
            "later": "Try again later.",
            "after": "Then try again.",
            "no": "Trying again won't help.",
        }[self.again]


@cache
def _entries() -> Mapping[str, Mapping[str, Any]]:
    import tomllib  # deferred: most runs need no explanation

    with _CATALOG.open("rb") as file:
        return tomllib.load(file)


def list_codes(*, in_order: bool = False) -> tuple[str, ...]:
    """Return every code in the catalog, sorted, or in catalog order if ``in_order`` is true.

    Catalog order is by where the errors occur, with the most common first.
    """
    return tuple(_entries()) if in_order else tuple(sorted(_entries()))


def is_known(code: str) -> bool:
    """Return whether the catalog has an entry for ``code``."""
    return code in _entries()


def code_from_slack(value: object) -> str:
    """Return an error code that Slack sent, but never one of ours, which control what this program does.

    A code that only this program uses gets the prefix ``slack:``. No entry has it, so the code is explained as unknown.
    """
    code = clean_code(value)
    is_ours = _entries().get(code, {}).get("ours") or code.startswith(OUR_PREFIXES)
    return f"slack:{code}" if is_ours else code


def explain(code: str, facts: Mapping[str, str] | None = None) -> Explanation:
    """Return the explanation of ``code``, or the entry ``unknown_code`` if the catalog has none.

    Args:
        code: Slack's error code or one of ours, unmodified.
        facts: values to fill in, by the names of the placeholders. They are sanitized here. An empty one is not known.
    """
    code = clean_code(code)
    entry = _entries().get(code) or _entries()["unknown_code"]
    # Facts may contain a path, an argument or an environment variable exactly as the user entered it.
    provided = {key: clean(value, _MAX_FACT_LENGTH) for key, value in (facts or {}).items() if value}
    values = {**_DEFAULT_FACTS, **entry.get("if_unknown", {}), **provided, "code": code}
    values["file_quoted"] = "FILE"  # a command shows a placeholder, never a phrase such as "the file"

    # RFC 6749 §4.1.2.1, §5.2: error_description
    description = provided.get("description", "").strip()
    if "file" in provided and any("{file_quoted}" in step["do"] for step in entry["steps"]):
        from shlex import quote  # deferred: only needed for remedies that are commands

        values["file_quoted"] = quote(provided["file"])
    if package := entry.get("package"):
        from slack_token_tui.install_method import install_command  # deferred: few errors are about a package

        provided["install_command"] = values["install_command"] = clean(install_command(package), _MAX_FACT_LENGTH)
    has_profile_name = _PROFILE_NAME.fullmatch(provided.get("name", "")) is not None

    def fill(text: str) -> str:
        if not has_profile_name:  # a command may be copied, so it gets neither a phrase nor the name of an app
            text = _NAME_REQUIRED.sub(r"\1 NAME", text)
            text = _NAME_OPTIONAL.sub(r"\1", text)
        text = _OPTIONAL_FACT.sub(lambda match: match[0] if (match[1] or match[2]) in provided else "", text)
        whole = text.format_map(values).strip()
        # A default value such as "the profile" may start a sentence, so capitalize it.
        first = text[1:].partition("}")[0] if text.startswith("{") else ""
        is_phrase = first in values and first not in provided and " " in values[first] and values[first][0].islower()
        return whole[:1].upper() + whole[1:] if is_phrase else whole

    return Explanation(
        code=code,
        title=fill(entry["title"]),
        happened=fill(entry["happened"]) + (f" Slack says: “{description}”" if description else ""),
        causes=tuple(fill(cause) for cause in entry.get("causes", ())),
        steps=tuple(Step(fill(step["do"]), step.get("key")) for step in entry["steps"]),
        kind=Kind(entry["kind"]),
        again=entry["again"],
        actions=tuple(
            dict.fromkeys([*(step["key"] for step in entry["steps"] if "key" in step), *entry.get("also", ())])
        ),
        more=entry.get("more"),
        browser_says=entry.get("browser_says"),
    )


class Problem(Exception):
    """Base class of every expected error. It has an explanation, and can be pickled and copied.

    Attributes:
        code: Slack's error code, or one of ours.
        facts: the values of this case, by the names of the placeholders in the catalog.
    """

    def __init__(self, code: str, /, **facts: str) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (type(self), self.code, self.facts)

    @property
    def kind(self) -> Kind:
        """What the problem means for the caller."""
        return self.explain().kind

    def explain(self) -> Explanation:
        """Return the explanation, with the facts filled in."""
        return explain(self.code, self.facts)

    def with_facts(self, **facts: str) -> Problem:
        """Return the same problem with more facts. Existing facts win."""
        return _restore(type(self), self.code, {**facts, **self.facts})


def _restore(kind: type[Problem], code: str, facts: Mapping[str, str]) -> Problem:
    """Create a problem without calling the constructor of its class, whose parameters may differ."""
    problem = kind.__new__(kind)
    Problem.__init__(problem, code, **facts)
    return problem


class InvalidInput(Problem, ValueError):
    """Input that cannot be used. ``str()`` is a sentence for the user, which does not contain secrets.

    Attributes:
        remedy: what to enter instead, or "".
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        Problem.__init__(self, "usage", detail=message, remedy=remedy)

    def __str__(self) -> str:
        return self.facts["detail"]

    @property
    def remedy(self) -> str:
        """What to enter instead, or ""."""
        return self.facts["remedy"]

    def explain(self) -> Explanation:
        """Return an explanation that consists of the sentence and the remedy. Tokens in it are redacted."""
        message, steps = redact(str(self)), (Step(self.remedy),) if self.remedy else ()
        return Explanation(self.code, message, message, (), steps, Kind.USAGE, "after", (), None, None)


def error_location(error: BaseException) -> str:
    """Return the type and location of ``error``, such as ``TypeError in session.py, line 12``."""
    import traceback  # deferred: only needed after an error

    while isinstance(error, BaseExceptionGroup):  # of a task group
        error = error.exceptions[0]
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    return f"{type(error).__name__} in {PurePath(frames[-1].filename).name}, line {frames[-1].lineno}"
