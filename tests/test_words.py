"""One vocabulary in everything that a person reads: strings of the program, data files, README and docs.

Each phrase stands for a meaning that has another name here. Most have a good use elsewhere, so they are written with the
words around them ("kept in", but not "keep this window open").
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "slack_token_tui"
MODULES = sorted(PACKAGE.rglob("*.py"))
TEXTS = [
    ROOT / "README.md",
    *sorted((PACKAGE / "docs").glob("*.md")),
    *sorted((ROOT / ".github").glob("*.md")),
]

PHRASES = {
    r"\brenew\w*": "refresh",
    r"\b(is|are|was|were|been|be) kept\b|\bkept (in|by|for|with)\b": "save, stored in",
    r"\bkeeps? (the|its|your|an?|their) (tokens?|profiles?|secrets?|apps?)\b": "save",
    r"(?<!IP )(?<!email )(?<!e-mail )(?<!loopback )\baddress(es)?\b(?! (bar|family))": "URL",
    r"\b(dies|dead|asleep|living)\b|\bat its end\b|\bworks? until\b": "expires, expired",
    r"\b(you|yours|it|that|this|them|here|shell|library) alone\b|\balone\b(?! (in|with|on))": "only",
    r"\bgo(es)? on\b|\bwent on\b": "continue",
    r"\banew\b|\bonce more\b": "again",
    r"\ball the same\b": "anyway",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\b(some|no)body\b|\bwhoever\b|\bsomeone\b": "your admin, another program, you",
    r"\bsmall letters?\b": "lowercase",
    r"\bmisspelt\b": "misspelled",
    r"\b\w*(organis|authoris|recognis|initialis|synchronis)\w*|\bcolours?\b|\bbehaviours?\b|\bcatalogues?\b": "American",
    r"\bbrowser ends? on\b|\bbrowser ended on\b|\bends? on a page\b": "the page you land on",
    r"\b(of|on|in) its own\b|\bof their own\b|\bof Slack['’]s\b": "no inversion",
    r"\bknown here\b|\bstands? (on|in|here|below|above|under)\b": "plain order of words",
    r"\bpress(es|ed)? \*?Allow\b": "click Allow",
    r"\bfor ever\b|\bfor good\b": "without a time limit, permanently",
    r"\bthat you (already )?have\b": "existing",
    r"\bleads? you\b|\bled through\b": "plain order of words",
    r"\btakes? (it|them|the|this|that|what|no|only) (token|code|URL|name|value|text)?\b(?=[.,;])": "accept",
    r"\bputs? away\b|\bthrow(n|s)? away\b|\bthrew away\b": "discard, save",
    r"\bon the clipboard\b": "to the clipboard",
    r"\bmake (me )?an? (Slack )?app\b|\bmaking (of )?an? (Slack )?app\b": "create",
    r"\bwhat is in the way\b|\bin the way\b": "name the problem",
    r"\b(works?|valid|active) for (\{|ever\b|over\b)": "expires in, expires at (a duration may be over or unlimited)",
    r"\bvouched\b|\bis to be\b|\bare to be\b": "plain words",
}
"""Phrase -> what to write instead."""

TECHNICAL = re.compile(
    r"default-src|form-action|q=|Basic realm|[a-z-]+: [^;]+;|;base64|; charset=|\{[^}]*;|^\s*;\s*$|&[a-z]+;|;\s*$"
    r"|^\S+$|<meta "
)
"""Strings in which a semicolon is syntax: headers, style sheets, shell, HTML, patterns without a space."""
MARKUP = re.compile(r"<[^>]*>|\{[^}]*:[^}]*\}")
"""Tags of HTML and rules of a style sheet. Between them is text."""
PUBLISHED = {"renewed", "asleep", "renewal_ends", "renewable_already_kept", "unrecognised_error"}
"""Keys, values and codes that scripts and other versions of the program compare. They stay as they are."""
NOT_PROSE = {
    "practice/page.py",  # style sheet
    "desktop/clipboard_concealed.py",  # programs of other languages
    "cli/commands/completion.py",  # shell code
}


CODE_OR_TARGET = re.compile(r"`[^`]*`|(?<=\])\([^)]*\)")
"""Code in Markdown, and the target of a link."""


def _bare_expressions(tree: ast.AST) -> Iterator[ast.Expr]:
    """Yield each statement that is only an expression: docstrings among them."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        yield from (
            (statement for statement in body if isinstance(statement, ast.Expr)) if isinstance(body, list) else ()
        )


def prose_of(module: Path) -> Iterator[tuple[str, str]]:
    """Yield place and text of each string in ``module`` that may reach a person. Docstrings do not."""
    tree = ast.parse(module.read_text())
    quiet = {id(statement.value) for statement in _bare_expressions(tree)}
    inner = {id(value) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for value in node.values}
    for node in ast.walk(tree):
        place = f"{module.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.JoinedStr):
            yield place, "".join(v.value if isinstance(v, ast.Constant) else "{}" for v in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in quiet | inner:
            yield place, "" if node.value in PUBLISHED else node.value


def prose_of_data(path: Path) -> Iterator[tuple[str, str]]:
    """Yield place and text of each string of a TOML file."""

    def walk(value: object, place: str) -> Iterator[tuple[str, str]]:
        if isinstance(value, str):
            yield place, value
        elif isinstance(value, dict):
            for key, part in value.items():
                yield from walk(part, f"{place}:{key}")
        elif isinstance(value, list):
            for part in value:
                yield from walk(part, place)

    yield from walk(tomllib.loads(path.read_text()), str(path.relative_to(ROOT)))


def prose_of_text(path: Path) -> Iterator[tuple[str, str]]:
    """Yield place and text of each paragraph, list item and table cell of a Markdown file.

    Code is left out, except its comments.
    """
    place, lines, in_code = "", list[str](), False
    for number, line in enumerate([*path.read_text().splitlines(), ""], 1):
        in_code ^= line.startswith("```")
        is_apart = in_code or not line or line.startswith(("```", "|", "#"))
        if lines and (is_apart or re.match(r"\s*([-*]|\d+\.) ", line)):
            yield place, CODE_OR_TARGET.sub("``", " ".join(lines))
            lines.clear()
        here = f"{path.relative_to(ROOT)}:{number}"
        if not is_apart:
            place = place if lines else here
            lines.append(line.strip())
        elif in_code:
            yield here, line.partition("#")[2]
        else:
            yield from ((here, CODE_OR_TARGET.sub("``", cell)) for cell in line.strip("|").split(" | "))


def comments_of(module: Path) -> Iterator[tuple[str, str]]:
    """Yield place and text of each docstring and comment of ``module``. Code in a docstring is left out."""
    for statement in _bare_expressions(ast.parse(module.read_text())):
        if isinstance(statement.value, ast.Constant):
            text = re.sub(r"``[^`]*``", "````", str(statement.value.value))
            yield f"{module.relative_to(ROOT)}:{statement.lineno}", text
    for token in tokenize.generate_tokens(io.StringIO(module.read_text()).readline):
        if token.type == tokenize.COMMENT:
            yield f"{module.relative_to(ROOT)}:{token.start[0]}", token.string


def everything_read() -> list[tuple[str, str]]:
    """Return place and text of everything that the program shows and that is written about it."""
    data = [PACKAGE / "problems.toml", PACKAGE / "slack" / "user_scopes.toml"]
    return [
        *(found for module in MODULES for found in prose_of(module)),
        *(found for path in data for found in prose_of_data(path)),
        *(found for path in TEXTS for found in prose_of_text(path)),
    ]


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: PHRASES[phrase])
def test_one_word_for_each_thing(phrase: str) -> None:
    pattern = re.compile(phrase, re.IGNORECASE)
    found = [f"{place}: {text.strip()[:120]!r}" for place, text in everything_read() if pattern.search(text)]

    if found:
        pytest.fail(f"write {PHRASES[phrase]!r} instead:\n" + "\n".join(found), pytrace=False)


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: PHRASES[phrase])
def test_one_word_for_each_thing_in_docstrings_and_comments(phrase: str) -> None:
    pattern = re.compile(phrase, re.IGNORECASE)
    found = [
        f"{place}: {text.strip()[:120]!r}"
        for module in MODULES
        for place, text in comments_of(module)
        if pattern.search(text)
    ]

    if found:
        pytest.fail(f"write {PHRASES[phrase]!r} instead:\n" + "\n".join(found), pytrace=False)


def test_sentences_have_no_semicolon() -> None:
    found = [
        f"{place}: {text.strip()[:120]!r}"
        for place, text in everything_read()
        if ";" in text
        and not TECHNICAL.search(text)
        and not any(place.startswith(f"slack_token_tui/{name}") for name in NOT_PROSE)
    ]

    if found:
        pytest.fail("split the sentence:\n" + "\n".join(found), pytrace=False)


def test_sentences_are_short() -> None:
    found = []
    for place, text in everything_read():
        if any(place.startswith(f"slack_token_tui/{name}") for name in NOT_PROSE):
            continue
        for sentence in re.split(r"(?<=[.?!:])\s|\n", MARKUP.sub("\n", text)):
            if " " not in sentence.strip():  # a pattern
                continue
            words = re.findall(r"[A-Za-z{][\w'’{}]*", sentence)
            if len(words) > 20:
                found.append(f"{place}: {len(words)} words: {sentence.strip()[:160]!r}")

    if found:
        pytest.fail("at most 20 words:\n" + "\n".join(found), pytrace=False)
