"""Find the errors that a text may mean: what Slack's page or the browser shows, or a few words of a person."""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

from slack_token_tui.problems import explain, list_codes

_WORD = re.compile(r"[a-z0-9_]+")
_URL = re.compile(r"\b[a-z]+://\S+")
_COMMON_WORDS = (
    "a an and are as at be but by did do does for from",
    "has have i if in is it its me my no not of on or our",
    "says so that the there this to was we what when which with you your",
)
_COMMON = frozenset(word for words in _COMMON_WORDS for word in words.split())
"""Words without a meaning here. A text of a person has more of them than the page of Slack."""
_WEIGHTS = {"page": 1.0, "title": 0.7, "rest": 0.3}
"""How much a word counts by where the catalog has it."""
_MIN_BEGINNING = 4
"""How many letters of a word are enough to recognize a longer one."""
_MIN_SHARE = 0.3
"""The least share of a text that an error must explain."""


def find_errors(text: str) -> list[str]:
    """Return the codes of the errors that ``text`` may mean, best first. Punctuation and URLs are ignored.

    Errors are ranked by the share of the text's words that their entry in the catalog has, where rare words count more
    than frequent ones. An error code in the text comes first. The last word may be incomplete, as while typing.
    """
    all_words = _split(_URL.sub(" ", text.lower()))
    wanted = [word for word in all_words if word not in _COMMON] or all_words
    if not wanted:
        return []
    index, rarity = _index()
    most = max(rarity.values())
    weights = {word: _find_rarity(word, rarity, is_last=word == wanted[-1]) or most for word in dict.fromkeys(wanted)}
    total = sum(weights.values())
    scores = {}
    for code, words in index.items():
        found = sum(weight * _find_weight(word, words, is_last=word == wanted[-1]) for word, weight in weights.items())
        if code in wanted:
            found += total
        scores[code] = found / total
    return sorted((code for code in scores if scores[code] >= _MIN_SHARE), key=lambda code: -scores[code])


def _split(text: str) -> list[str]:
    """Return the words of ``text`` in lowercase, and the parts of those that are joined by underscores."""
    words = []
    for word in _WORD.findall(text.lower().replace("’", "").replace("'", "")):
        words.append(word)
        if "_" in word.strip("_"):
            words += [part for part in word.split("_") if part]
    return words


@cache
def _index() -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Return the weight of each word for each error, and how rare each word is."""
    index: dict[str, dict[str, float]] = {}
    page_texts = _page_texts()
    for code in list_codes(in_order=True):
        entry = explain(code)
        texts = {
            "rest": " ".join([entry.happened, *entry.causes]),
            "title": f"{entry.title} {code}",
            "page": " ".join([entry.browser_says or "", *page_texts.get(code, ())]),
        }
        index[code] = {word: _WEIGHTS[place] for place, text in texts.items() for word in _split(text)}
    counts = Counter(word for words in index.values() for word in words)
    return index, {word: math.log(len(index) / count) + 0.1 for word, count in counts.items()}


def _page_texts() -> dict[str, list[str]]:
    """Return the texts that Slack and browsers show, by error code."""
    with Path(__file__).with_name("page_texts.toml").open("rb") as file:
        return tomllib.load(file)


def _find_weight(word: str, words: dict[str, float], *, is_last: bool) -> float:
    if word in words:
        return words[word]
    longer = [weight for known, weight in words.items() if _may_be(word, known, is_last=is_last)]
    return max(longer, default=0.0)


def _find_rarity(word: str, rarity: dict[str, float], *, is_last: bool) -> float | None:
    if word in rarity:
        return rarity[word]
    return max((value for known, value in rarity.items() if _may_be(word, known, is_last=is_last)), default=None)


def _may_be(word: str, known: str, *, is_last: bool) -> bool:
    """Return whether ``word`` may be the beginning of ``known``."""
    return known.startswith(word) and (is_last or len(word) >= _MIN_BEGINNING)
