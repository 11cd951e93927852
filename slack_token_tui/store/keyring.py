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
from slack_token_tui.store.atomic_file import StorageError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "slack-token-tui"
TIMEOUT_SECONDS = 3.0
"""A keyring that waits for a password, or whose service hangs, must not hang a script."""
_SUPPORTED_BACKENDS = {
    "keyring.backends.SecretService.Keyring": "Secret Service",
    "keyring.backends.libsecret.Keyring": "Secret Service",
    "keyring.backends.kwallet.DBusKeyring": "KWallet",
    "keyring.backends.macOS.Keyring": "macOS Keychain",
    "keyring.backends.Windows.WinVaultKeyring": "Windows Credential Manager",
}
"""Others (plain text, null, a class named in ``PYTHON_KEYRING_BACKEND``) are never used."""
_Result = TypeVar("_Result")


def backend_name() -> str:
    """Return the keyring's name for people.

    Raises:
        StorageError: ``keyring_missing`` without the extra, ``keyring_absent`` without a real keyring, ``keyring_timeout``.
    """
    return _with_timeout(lambda: _SUPPORTED_BACKENDS[_class_name(_backend())])


def save_tokens(profile_id: str, generation: int, access_token: Secret, refresh_token: Secret | None) -> None:
    """Keep the tokens of one generation, and read them back before saying so.

    Raises:
        StorageError: ``keyring_…``; older generations are untouched.
    """
    for kind, token in (("access", access_token), ("refresh", refresh_token)):
        if token is not None:
            save_item(f"{profile_id}.{generation}.{kind}", token)


def load_tokens(profile_id: str, generation: int, *, with_refresh: bool) -> tuple[Secret, Secret | None]:
    """Return access and refresh token of one generation.

    Raises:
        StorageError: ``keyring_empty`` when they are not there, or another ``keyring_…``.
    """
    access = load_item(f"{profile_id}.{generation}.access")
    refresh = load_item(f"{profile_id}.{generation}.refresh") if with_refresh else None
    if access is None or (with_refresh and refresh is None):
        raise StorageError("keyring_empty")
    return access, refresh


def delete_tokens(profile_id: str, generation: int) -> None:
    """Delete the tokens of one generation. What cannot be deleted is left: it is no longer pointed at."""
    for kind in ("access", "refresh"):
        try_delete_item(f"{profile_id}.{generation}.{kind}")


def save_item(item: str, text: Secret) -> None:
    """Keep ``text`` as ``item`` and read it back: some keyrings cut, some say yes and forget."""

    def work() -> None:
        backend = _backend()
        backend.set_password(SERVICE, item, text.reveal())
        if backend.get_password(SERVICE, item) != text.reveal():
            raise StorageError("keyring_refused", detail="it did not give back what it was given")

    _with_timeout(work)


def load_item(item: str) -> Secret | None:
    """Return what is kept as ``item``, or None."""
    found = _with_timeout(lambda: _backend().get_password(SERVICE, item))
    return None if found is None else Secret(found)


def has_item(item: str) -> bool:
    """Tell whether ``item`` is known to be there; a keyring that cannot be asked tells of none."""
    try:
        return load_item(item) is not None
    except StorageError:
        return False


def delete_item(item: str) -> None:
    """Delete ``item``, which may not be there.

    Raises:
        StorageError: it may still be there.
    """

    def work() -> None:
        backend = _backend()
        if backend.get_password(SERVICE, item) is not None:
            backend.delete_password(SERVICE, item)

    _with_timeout(work)


def try_delete_item(item: str) -> None:
    """Delete ``item`` if it is there and can be deleted."""
    with suppress(StorageError):
        _with_timeout(lambda: _backend().delete_password(SERVICE, item))


def _backend() -> KeyringBackend:
    try:
        import keyring
        from keyring.backends.chainer import ChainerBackend
    except ImportError:
        raise StorageError("keyring_missing") from None
    chosen = keyring.get_keyring()
    # A chain may hold a plain-text keyring beside a real one: the real one is asked directly.
    candidates = list(chosen.backends) if isinstance(chosen, ChainerBackend) else [chosen]
    for candidate in candidates:
        if _class_name(candidate) in _SUPPORTED_BACKENDS:
            return candidate
    raise StorageError("keyring_absent", detail=clean(_class_name(chosen)))


def _class_name(backend: KeyringBackend) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def _with_timeout(work: Callable[[], _Result]) -> _Result:
    """Run ``work`` in a thread that may be left behind, and turn what it raises into a StorageError without its words."""
    answers: list[_Result] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            answers.append(work())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(TIMEOUT_SECONDS)
    if answers:
        return answers[0]
    if not errors:
        raise StorageError("keyring_timeout")
    if isinstance(errors[0], StorageError):
        raise errors[0]
    kind = type(errors[0]).__name__
    raise StorageError("keyring_locked" if kind == "KeyringLocked" else "keyring_refused", detail=kind)
