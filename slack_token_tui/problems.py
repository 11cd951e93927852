"""What an error code means and what to do about it, with the values of this one case filled in.

The catalogue itself is data: ``problems.toml``, one entry a code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from slack_token_tui.sanitize import clean, clean_code

_MAX_FACT_LENGTH = 4096
"""A path; everything else is shorter."""
_CATALOG = Path(__file__).with_name("problems.toml")

OUR_PREFIXES = ("store_", "profile_", "keyring_")
"""Beginnings of codes that this program alone uses. Exit codes and the library's errors go by them."""
_DEFAULT_FACTS = {
    "app_settings": "https://api.slack.com/apps",
    "client_id": "that Client ID",
    "detail": "no more is known",
    "file": "the file",
    "lacking": "",
    "kept": "in the journal until they can be",
    "holders": "unknown programs",
    "host": "slack.com",
    "name": "the profile",
    "needed": "the scope that Slack names in its answer",
    "ports": "28417, 28418 and 28419",
    "proxy": "the proxy of your environment",
    "provided": "others",
    "redirect_uri": "http://localhost:28417/callback",
    "retry_after": "60",
    "scopes": "the scopes you asked for",
}
"""What stands in the place of a value that the case does not give, as in ``explain`` on the command line."""


@dataclass(frozen=True)
class Explanation:
    """An error in the words of a person.

    Attributes:
        code: Slack's own code, or one of ours.
        title: what happened, in one line.
        happened: what happened, in a sentence or two.
        causes: likely causes, the likeliest first.
        remedies: what to do, in order.
        again: whether trying again helps: ``yes``, ``later``, ``after`` the remedy, or ``no``.
        actions: ids of what can be done at once, the best first: ``again``, ``change_app``, ``copy_redirect``,
            ``open_settings``, ``other_pair``, ``paste``.
        more: where to read more, or None.
        browser_says: words of Slack's own page to know it by, where it has some.
    """

    code: str
    title: str
    happened: str
    causes: tuple[str, ...]
    remedies: tuple[str, ...]
    again: str
    actions: tuple[str, ...]
    more: str | None
    browser_says: str | None

    @property
    def remedy(self) -> str:
        """All remedies in one text."""
        return ". ".join(self.remedies) + "."

    @property
    def retry_sentence(self) -> str:
        """Whether trying again helps, as a sentence."""
        return {
            "yes": "Trying again usually helps.",
            "later": "Trying again later helps.",
            "after": "Try again when that is done.",
            "no": "Trying again changes nothing.",
        }[self.again]


@cache
def _entries() -> Mapping[str, Mapping[str, Any]]:
    import tomllib  # not before somebody wants an explanation

    with _CATALOG.open("rb") as file:
        return tomllib.load(file)


def list_codes(*, in_order: bool = False) -> tuple[str, ...]:
    """Return every code of the catalogue, sorted, or in its own order: by where they turn up, the commonest first."""
    return tuple(_entries()) if in_order else tuple(sorted(_entries()))


def is_known(code: str) -> bool:
    """Tell whether the catalogue has an entry for ``code``."""
    return code in _entries()


def code_from_slack(value: object) -> str:
    """Return an error code that Slack sent, never one of ours: those decide what this program does.

    A code that only this program uses gets the prefix ``slack:``, which no entry has, so it is explained as unknown.
    """
    code = clean_code(value)
    is_ours = _entries().get(code, {}).get("ours") or code.startswith(OUR_PREFIXES)
    return f"slack:{code}" if is_ours else code


def explain(code: str, facts: Mapping[str, str] | None = None) -> Explanation:
    """Return the explanation of ``code``, honest about a code that nobody has described.

    Args:
        code: Slack's code or one of ours, as it came.
        facts: values of this case, cleaned; see the names in ``_DEFAULT_FACTS``.
    """
    code = clean_code(code)
    entry = _entries().get(code) or _entries()["unknown_code"]
    # Facts may hold a path, an argument or an environment variable as somebody gave it.
    given = {key: clean(value, _MAX_FACT_LENGTH) for key, value in (facts or {}).items() if value is not None}
    values = {**_DEFAULT_FACTS, **given, "code": code}

    if any("{file_quoted}" in remedy for remedy in entry["remedies"]):
        from shlex import quote  # a remedy to be typed

        values["file_quoted"] = quote(values["file"])

    def fill(text: str) -> str:
        whole = text.format_map(values).strip()
        # "the profile" stands for a name that is not given, also where a sentence begins with it.
        begins_with = text[1:].partition("}")[0] if text.startswith("{") else ""
        is_phrase = begins_with not in given and " " in _DEFAULT_FACTS.get(begins_with, "")
        return whole[:1].upper() + whole[1:] if is_phrase else whole

    return Explanation(
        code=code,
        title=fill(entry["title"]),
        happened=fill(entry["happened"]),
        causes=tuple(fill(cause) for cause in entry.get("causes", ())),
        remedies=tuple(fill(remedy) for remedy in entry["remedies"]),
        again=entry["again"],
        actions=tuple(entry.get("actions", ())),
        more=entry.get("more"),
        browser_says=entry.get("browser_says"),
    )


def error_location(error: BaseException) -> str:
    """Return ``TypeError in session.py, line 12``."""
    import traceback  # not before something has gone wrong

    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    return f"{type(error).__name__} in {PurePath(frames[-1].filename).name}, line {frames[-1].lineno}"
