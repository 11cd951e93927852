"""Tokens in the operating system's keyring: two items a generation, real keyrings only, three seconds at most.

It protects backups, disk images and synchronised homes. Any program of the same user can ask an unlocked keyring too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from slack_token_tui.sanitize import clean
from slack_token_tui.secret import Secret
from slack_token_tui.store.atomic_file import StoreError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "slack-token-tui"
LIMIT_SECONDS = 3.0
"""A keyring that waits for a password, or whose service hangs, must not hang a script."""
_REAL = {
    "keyring.backends.SecretService.Keyring": "Secret Service",
    "keyring.backends.libsecret.Keyring": "Secret Service",
    "keyring.backends.kwallet.DBusKeyring": "KWallet",
    "keyring.backends.macOS.Keyring": "macOS Keychain",
    "keyring.backends.Windows.WinVaultKeyring": "Windows Credential Manager",
}
"""Others (plain text, null, a class named in ``PYTHON_KEYRING_BACKEND``) are never used."""
_Answer = TypeVar("_Answer")


def name() -> str:
    """Return the keyring's name for people.

    Raises:
        StoreError: ``keyring_missing`` without the extra, ``keyring_absent`` without a real keyring, ``keyring_timeout``.
    """
    return _within_limit(lambda: _REAL[_class_of(_backend())])


def put(profile_id: str, generation: int, access_token: Secret, refresh_token: Secret | None) -> None:
    """Keep the tokens of one generation, and read them back before saying so.

    Raises:
        StoreError: ``keyring_…``; older generations are untouched.
    """
    for kind, token in (("access", access_token), ("refresh", refresh_token)):
        if token is not None:
            put_text(f"{profile_id}.{generation}.{kind}", token)


def fetch(profile_id: str, generation: int, *, with_refresh: bool) -> tuple[Secret, Secret | None]:
    """Return access and refresh token of one generation.

    Raises:
        StoreError: ``keyring_empty`` when they are not there, or another ``keyring_…``.
    """
    access = get_text(f"{profile_id}.{generation}.access")
    refresh = get_text(f"{profile_id}.{generation}.refresh") if with_refresh else None
    if access is None or (with_refresh and refresh is None):
        raise StoreError("keyring_empty")
    return access, refresh


def delete(profile_id: str, generation: int) -> None:
    """Delete the tokens of one generation. What cannot be deleted is left: it is no longer pointed at."""
    for kind in ("access", "refresh"):
        delete_text(f"{profile_id}.{generation}.{kind}")


def put_text(item: str, text: Secret) -> None:
    """Keep ``text`` as ``item`` and read it back: some keyrings cut, some say yes and forget."""

    def work() -> None:
        backend = _backend()
        backend.set_password(SERVICE, item, text.reveal())
        if backend.get_password(SERVICE, item) != text.reveal():
            raise StoreError("keyring_refused", detail="it did not give back what it was given")

    _within_limit(work)


def get_text(item: str) -> Secret | None:
    """Return what is kept as ``item``, or None."""
    found = _within_limit(lambda: _backend().get_password(SERVICE, item))
    return None if found is None else Secret(found)


def has_text(item: str) -> bool:
    """Tell whether ``item`` is known to be there; a keyring that cannot be asked tells of none."""
    try:
        return get_text(item) is not None
    except StoreError:
        return False


def remove_text(item: str) -> None:
    """Delete ``item``, which may not be there.

    Raises:
        StoreError: it may still be there.
    """

    def work() -> None:
        backend = _backend()
        if backend.get_password(SERVICE, item) is not None:
            backend.delete_password(SERVICE, item)

    _within_limit(work)


def delete_text(item: str) -> None:
    """Delete ``item`` if it is there and can be deleted."""
    with suppress(StoreError):
        _within_limit(lambda: _backend().delete_password(SERVICE, item))


def _backend() -> KeyringBackend:
    try:
        import keyring
        from keyring.backends.chainer import ChainerBackend
    except ImportError:
        raise StoreError("keyring_missing") from None
    chosen = keyring.get_keyring()
    # A chain may hold a plain-text keyring beside a real one: the real one is asked directly.
    candidates = list(chosen.backends) if isinstance(chosen, ChainerBackend) else [chosen]
    for candidate in candidates:
        if _class_of(candidate) in _REAL:
            return candidate
    raise StoreError("keyring_absent", detail=clean(_class_of(chosen)))


def _class_of(backend: KeyringBackend) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def _within_limit(work: Callable[[], _Answer]) -> _Answer:
    """Run ``work`` in a thread that may be left behind, and turn what it raises into a StoreError without its words."""
    answers: list[_Answer] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            answers.append(work())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(LIMIT_SECONDS)
    if answers:
        return answers[0]
    if not errors:
        raise StoreError("keyring_timeout")
    if isinstance(errors[0], StoreError):
        raise errors[0]
    kind = type(errors[0]).__name__
    raise StoreError("keyring_locked" if kind == "KeyringLocked" else "keyring_refused", detail=kind)
