"""Error reporters show local variables, so no error that leaves the library has a frame with a token."""

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
from slack_token_tui.practice.server import PracticeSlack, simulate_browser
from slack_token_tui.problems import InvalidInput
from slack_token_tui.secret import Secret
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store import hot_path
from slack_token_tui.store.profile import Profile
from slack_token_tui.store.profiles import ProfileStore
from slack_token_tui.tokens import refresh_worker
from tests.support.profiles import CANARY, make_rotating_token, new_sign_in, time_from_now
from tests.support.store import read_tokens

REFRESH_CANARY = "-".join(("xoxe", "1", "canary", "refresh" * 3))
CODE_CANARY = "canary-code-0123456789"
Trigger = Callable[[ProfileStore, pytest.MonkeyPatch], object]


def save_rotating_profile(store: ProfileStore, **changes: Any) -> Profile:
    rotates = {
        "expires_at": time_from_now(hours=-1),
        "refresh_token": Secret(REFRESH_CANARY),
        "refresh_issued_at": time_from_now(hours=-12),
    }
    return store.save_sign_in(
        *new_sign_in(**{**rotates, "endpoints": Endpoints("http://127.0.0.1:1"), **changes})
    ).profile


def raise_try_later(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    save_rotating_profile(store)
    return stt.token("acme")


def raise_request_refused(store: ProfileStore, patch: pytest.MonkeyPatch) -> object:
    patch.setenv("HTTPS_PROXY", "http://127.0.0.1:99999")
    save_rotating_profile(store, endpoints=Endpoints("https://slack.invalid"))
    return stt.token("acme")


def raise_sign_in_needed(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    save_rotating_profile(store, refresh_token=None, refresh_issued_at=None)
    return stt.token("acme")


def raise_sign_in_needed_after_refusal(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    save_rotating_profile(store, refresh_refused="invalid_refresh_token", refresh_refused_at=time_from_now(hours=-1))
    return stt.token("acme")


def raise_no_such_profile(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    save_rotating_profile(store)
    return stt.token("nowhere")


def raise_store_unusable(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    save_rotating_profile(store)
    store.path("acme").chmod(0o644)
    return stt.token("acme")


def raise_store_damaged(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    save_rotating_profile(store)
    store.path("acme").write_text(store.path("acme").read_text().replace('"generation": 0', '"generation": "many"'))
    return stt.token("acme")


def raise_wrong_host(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    save_rotating_profile(store, expires_at=time_from_now(hours=5))
    return httpx.get("http://127.0.0.1:2/api", auth=stt.bearer("acme"))


def raise_wrong_host_for_strange_port(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    save_rotating_profile(store, expires_at=time_from_now(hours=5))

    class Request:
        url = "http://127.0.0.1:99999/"

    return stt.bearer("acme")(Request())


def authorize_request_without_headers(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    save_rotating_profile(store, expires_at=time_from_now(hours=5))

    class Request:
        url = "http://127.0.0.1:1/"

    return stt.bearer("acme")(Request())


def break_token_reading(store: ProfileStore, patch: pytest.MonkeyPatch) -> object:
    save_rotating_profile(store, expires_at=time_from_now(hours=5))

    def raise_token(record: dict[str, object], *_: object) -> str:
        token = str(record["access_token"])
        raise ZeroDivisionError(token)

    patch.setattr(hot_path, "access_token", raise_token)
    return stt.token("acme")


def break_profile_table(store: ProfileStore, patch: pytest.MonkeyPatch) -> object:
    save_rotating_profile(store)
    patch.setattr(api, "summarize", lambda entry, _: {}[read_tokens(store, entry.name).access_token.reveal()])
    return stt.profiles()


def interrupt_refresh(store: ProfileStore, patch: pytest.MonkeyPatch) -> object:
    save_rotating_profile(store)

    def interrupt(*_: object) -> bytes:
        raise KeyboardInterrupt

    patch.setattr(refresh_worker, "_run_child", interrupt)
    return stt.token("acme")


def ask_for_infinite_lifetime(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    save_rotating_profile(store)
    return stt.token("acme", min_ttl_seconds=float("inf"))


def start_invalid_sign_in(store: ProfileStore, _: pytest.MonkeyPatch) -> object:
    save_rotating_profile(store)
    return stt.sign_in("acme", scopes="not a scope!", slack_url="ftp://x")


ERROR_CASES: dict[str, tuple[type[BaseException], Trigger]] = {
    "TryLater": (stt.TryLater, raise_try_later),
    "RequestRefused": (stt.RequestRefused, raise_request_refused),
    "SignInNeeded": (stt.SignInNeeded, raise_sign_in_needed),
    "SignInNeeded after a refusal": (stt.SignInNeeded, raise_sign_in_needed_after_refusal),
    "NoSuchProfile": (stt.NoSuchProfile, raise_no_such_profile),
    "StoreUnusable": (stt.StoreUnusable, raise_store_unusable),
    "StoreUnusable of a damaged file": (stt.StoreUnusable, raise_store_damaged),
    "WrongHost": (stt.WrongHost, raise_wrong_host),
    "WrongHost of a strange port": (stt.WrongHost, raise_wrong_host_for_strange_port),
    "AttributeError": (AttributeError, authorize_request_without_headers),
    "TokenError of a bug": (stt.TokenError, break_token_reading),
    "TokenError of a bug in the table": (stt.TokenError, break_profile_table),
    "KeyboardInterrupt": (KeyboardInterrupt, interrupt_refresh),
    "TokenError of an impossible wish": (stt.TokenError, ask_for_infinite_lifetime),
    "ValueError of sign_in": (InvalidInput, start_invalid_sign_in),
}


def report_with_traceback(error: BaseException) -> str:
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def report_with_rich(error: BaseException) -> str:
    console = Console(file=io.StringIO(), width=400)
    shown = Traceback.from_exception(
        type(error), error, error.__traceback__, show_locals=True, locals_max_length=None, locals_max_string=None
    )
    console.print(shown)
    return console.file.getvalue()  # type: ignore[attr-defined]


def report_with_ipython(error: BaseException) -> str:
    from IPython.core.ultratb import VerboseTB

    return VerboseTB(include_vars=True).text(type(error), error, error.__traceback__)  # type: ignore[no-untyped-call]


def report_with_loguru(error: BaseException) -> str:
    from loguru import logger

    said = io.StringIO()
    sink = logger.add(said, backtrace=True, diagnose=True)
    try:
        logger.opt(exception=error).error("it failed")
    finally:
        logger.remove(sink)
    return said.getvalue()


def report_with_sentry(error: BaseException) -> str:
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


REPORTERS = [report_with_traceback, report_with_rich, report_with_ipython, report_with_loguru, report_with_sentry]


@pytest.fixture
def quiet_loguru() -> Iterator[None]:
    from loguru import logger

    logger.remove()
    yield


def catch_error(kind: type[BaseException], raises: Trigger, *arguments: Any) -> BaseException:
    """Return the error. Its traceback ends here, because a test's own frame may hold what it looks for."""
    try:
        raises(*arguments)
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


@pytest.mark.usefixtures("quiet_loguru")
@pytest.mark.parametrize("case", ERROR_CASES)
def test_tracebacks_of_public_errors_show_no_token(
    store: ProfileStore, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    kind, raises = ERROR_CASES[case]
    error = catch_error(kind, raises, store, monkeypatch)
    assert type(error) is kind
    assert error.__context__ is None and error.__cause__ is None
    for reporter in REPORTERS:
        said = reporter(error)
        assert kind.__name__ in said, reporter
        for canary in (CANARY, REFRESH_CANARY, CANARY[10:], REFRESH_CANARY[10:]):
            assert canary not in said, reporter


def test_every_public_error_type_is_covered() -> None:
    tested = {kind.__name__ for kind, _ in ERROR_CASES.values()} | {"SignInFailed"}
    public = {name for name in stt.__all__ if isinstance(getattr(stt, name), type)}
    assert {name for name in public if issubclass(getattr(stt, name), BaseException)} <= tested


@pytest.mark.usefixtures("quiet_loguru")
def test_tracebacks_of_failed_pastes_and_sign_ins_show_no_code(
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

    def answer_prompt(_: str) -> str:
        said = next(answers)
        if not said:
            simulate_browser(str(pending.url), "cancel")
        return said

    monkeypatch.setattr("builtins.input", answer_prompt)

    def paste() -> object:
        return pending.paste(next(answers))

    errors = [catch_error(ValueError, paste), catch_error(stt.SignInFailed, pending.ask)]
    assert next(answers, None) is None, "all were asked for"
    pending.cancel()
    for error in errors:
        for reporter in REPORTERS:
            said = reporter(error)  # on a line of its own, because loguru shows the values in the line that called it
            assert CODE_CANARY not in said, reporter


def test_secret_value_is_returned_only_by_reveal() -> None:
    import copy
    import pickle

    secret = Secret(make_rotating_token("canary-0123456789"))
    assert copy.copy(secret) is secret and copy.deepcopy(secret) is secret
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(secret, protocol)
    with pytest.raises(TypeError):
        secret.__getstate__()
    assert "canary-0123456789" not in f"{secret!r} {secret} {secret!s:>80} {[secret]}"
