"""Error reporters show the local variables of every frame: no error that leaves the library has a frame with a token."""

from __future__ import annotations

import io
import json
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from rich.console import Console
from rich.traceback import Traceback

import slack_token_tui as stt
from slack_token_tui import api
from slack_token_tui.practice.models import CLIENT_ID
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.problems import explain
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store import hot_path
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens import refresh_worker
from tests.support.profiles import CANARY, in_, profile, rotating

REFRESH_CANARY = "-".join(("xoxe", "1", "canary", "refresh" * 3))
CODE_CANARY = "canary-code-0123456789"
Raise = Callable[[ProfileStore, pytest.MonkeyPatch], object]


def saved(store: ProfileStore, **changes: Any) -> Profile:
    rotates = {
        "expires_at": in_(hours=-1),
        "refresh_token": Secret(REFRESH_CANARY),
        "refresh_issued_at": in_(hours=-12),
    }
    return store.save_sign_in(profile(**{**rotates, "endpoints": Endpoints("http://127.0.0.1:1"), **changes})).profile


def try_later(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    saved(store)
    return stt.token("acme")


def sign_in_needed(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    saved(store, refresh_token=None, refresh_issued_at=None)
    return stt.token("acme")


def sign_in_needed_after_a_refusal(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    saved(store, refresh_refused="invalid_refresh_token", refresh_refused_at=in_(hours=-1))
    return stt.token("acme")


def no_such_profile(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    saved(store)
    return stt.token("nowhere")


def store_unusable(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    saved(store)
    store.path("acme").chmod(0o644)
    return stt.token("acme")


def store_damaged(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    saved(store)
    store.path("acme").write_text(store.path("acme").read_text().replace('"generation": 0', '"generation": "many"'))
    return stt.token("acme")


def wrong_host(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    saved(store, expires_at=in_(hours=5))
    return httpx.get("http://127.0.0.1:2/api", auth=stt.bearer("acme"))


def wrong_host_with_a_strange_port(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    saved(store, expires_at=in_(hours=5))

    class Request:
        url = "http://127.0.0.1:99999/"

    return stt.bearer("acme")(Request())


def a_request_without_headers(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    saved(store, expires_at=in_(hours=5))

    class Request:
        url = "http://127.0.0.1:1/"

    return stt.bearer("acme")(Request())


def a_bug_where_the_token_is_at_hand(store: ProfileStore, patch: pytest.MonkeyPatch) -> object:
    saved(store, expires_at=in_(hours=5))

    def breaks(record: dict[str, object], *_: object) -> str:
        token = str(record["access_token"])
        raise ZeroDivisionError(token)

    patch.setattr(hot_path, "access_token", breaks)
    return stt.token("acme")


def a_bug_in_the_table(store: ProfileStore, patch: pytest.MonkeyPatch) -> object:
    saved(store)
    patch.setattr(api, "summarize", lambda entry, _: {}[entry.access_token.reveal()])
    return stt.profiles()


def an_interrupt_while_a_token_is_refreshed(store: ProfileStore, patch: pytest.MonkeyPatch) -> object:
    saved(store)

    def interrupted(*_: object) -> bytes:
        raise KeyboardInterrupt

    patch.setattr(refresh_worker, "_run_child", interrupted)
    return stt.token("acme")


def a_wish_beyond_every_clock(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    saved(store)
    return stt.token("acme", min_ttl_seconds=float("inf"))


def a_sign_in_that_cannot_begin(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    saved(store)
    return stt.sign_in("acme", scopes="not a scope!", slack_url="ftp://x")


RAISES: dict[str, tuple[type[BaseException], Raise]] = {
    "TryLater": (stt.TryLater, try_later),
    "SignInNeeded": (stt.SignInNeeded, sign_in_needed),
    "SignInNeeded after a refusal": (stt.SignInNeeded, sign_in_needed_after_a_refusal),
    "NoSuchProfile": (stt.NoSuchProfile, no_such_profile),
    "StoreUnusable": (stt.StoreUnusable, store_unusable),
    "StoreUnusable of a damaged file": (stt.StoreUnusable, store_damaged),
    "WrongHost": (stt.WrongHost, wrong_host),
    "WrongHost of a strange port": (stt.WrongHost, wrong_host_with_a_strange_port),
    "AttributeError": (AttributeError, a_request_without_headers),
    "TokenError of a bug": (stt.TokenError, a_bug_where_the_token_is_at_hand),
    "TokenError of a bug in the table": (stt.TokenError, a_bug_in_the_table),
    "KeyboardInterrupt": (KeyboardInterrupt, an_interrupt_while_a_token_is_refreshed),
    "TokenError of an impossible wish": (stt.TokenError, a_wish_beyond_every_clock),
    "ValueError of sign_in": (ValueError, a_sign_in_that_cannot_begin),
}


def with_locals(error: BaseException) -> str:
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def with_rich(error: BaseException) -> str:
    console = Console(file=io.StringIO(), width=400)
    shown = Traceback.from_exception(
        type(error), error, error.__traceback__, show_locals=True, locals_max_length=None, locals_max_string=None
    )
    console.print(shown)
    return console.file.getvalue()  # type: ignore[attr-defined]


def with_ipython(error: BaseException) -> str:
    from IPython.core.ultratb import VerboseTB

    return VerboseTB(include_vars=True).text(type(error), error, error.__traceback__)  # type: ignore[no-untyped-call]


def with_loguru(error: BaseException) -> str:
    from loguru import logger

    said = io.StringIO()
    sink = logger.add(said, backtrace=True, diagnose=True)
    try:
        logger.opt(exception=error).error("it failed")
    finally:
        logger.remove(sink)
    return said.getvalue()


def with_sentry(error: BaseException) -> str:
    import sentry_sdk

    events: list[object] = []
    client = sentry_sdk.Client(
        dsn="http://practice@127.0.0.1:1/1",
        before_send=lambda event, _: events.append(event),  # returns None, so that nothing is sent
        default_integrations=False,
    )
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        sentry_sdk.capture_exception(error)
    client.close()
    assert events
    return json.dumps(events, default=repr)


REPORTERS = [with_locals, with_rich, with_ipython, with_loguru, with_sentry]


@pytest.fixture
def loguru_is_quiet() -> Iterator[None]:
    from loguru import logger

    logger.remove()
    yield


def raised(kind: type[BaseException], raises: Raise, *arguments: Any) -> BaseException:
    """Return the error, in whose traceback this frame is the outermost: a test's own frame may hold what it looks for."""
    try:
        raises(*arguments)
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


@pytest.mark.usefixtures("loguru_is_quiet")
@pytest.mark.parametrize("case", RAISES)
def test_no_frame_of_an_error_that_leaves_the_library_shows_a_token(
    store: ProfileStore, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    kind, raises = RAISES[case]
    error = raised(kind, raises, store, monkeypatch)
    assert type(error) is kind
    assert error.__context__ is None and error.__cause__ is None
    for reporter in REPORTERS:
        said = reporter(error)
        assert kind.__name__ in said, reporter
        for canary in (CANARY, REFRESH_CANARY, CANARY[10:], REFRESH_CANARY[10:]):
            assert canary not in said, reporter


def test_every_public_error_is_among_them() -> None:
    tested = {kind.__name__ for kind, _ in RAISES.values()} | {"SignInFailed"}
    public = {name for name in stt.__all__ if isinstance(getattr(stt, name), type)}
    assert {name for name in public if issubclass(getattr(stt, name), BaseException)} <= tested


@pytest.mark.usefixtures("loguru_is_quiet")
def test_no_frame_of_a_refused_paste_or_a_failed_sign_in_shows_a_code(
    slack: PracticeSlack, redirect_uris: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    pending = stt.sign_in(
        client_id=CLIENT_ID,
        scopes="users:read",
        slack_url=slack.base,
        redirect_uris=redirect_uris,
        open_browser=False,
    )
    answers = iter([*[f"{redirect_uris[0]}?code={CODE_CANARY}&state=wrong"] * 2, ""])

    def answer(_: str) -> str:
        said = next(answers)
        if not said:
            pending._fail(explain("sign_in_timed_out"))
        return said

    monkeypatch.setattr("builtins.input", answer)

    def paste() -> object:
        return pending.paste(next(answers))

    errors = [raised(ValueError, paste), raised(stt.SignInFailed, pending.ask)]
    assert next(answers, None) is None, "all were asked for"
    pending.cancel()
    for error in errors:
        for reporter in REPORTERS:
            said = reporter(error)  # in a line of its own: loguru shows what stands in the line that called it
            assert CODE_CANARY not in said, reporter


def test_a_secret_gives_its_value_to_reveal_alone() -> None:
    import copy
    import pickle

    secret = Secret(rotating("canary-0123456789"))
    assert copy.copy(secret) is secret and copy.deepcopy(secret) is secret
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(secret, protocol)
    with pytest.raises(TypeError):
        secret.__getstate__()
    assert "canary-0123456789" not in f"{secret!r} {secret} {secret!s:>80} {[secret]}"
