"""Tokens in the system keyring: one item per token and generation, known secure backends only, with a timeout.

The keyring protects tokens in backups, disk images and synced home directories. It does not protect them from other
programs of the same user, which can also read an unlocked keyring.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from slack_token_tui.sanitize import clean
from slack_token_tui.secret import Secret
from slack_token_tui.store.errors import StorageError
from slack_token_tui.store.profile import Tokens

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "slack-token-tui"
TIMEOUT_SECONDS = 3.0
"""A keyring that prompts for a password or whose service hangs must not block a script."""
_SUPPORTED_BACKENDS = {
    "keyring.backends.SecretService.Keyring": "Secret Service",
    "keyring.backends.libsecret.Keyring": "Secret Service",
    "keyring.backends.kwallet.DBusKeyring": "KWallet",
    "keyring.backends.macOS.Keyring": "macOS Keychain",
    "keyring.backends.Windows.WinVaultKeyring": "Windows Credential Manager",
}
"""Other backends (plain text, null, a class named in ``PYTHON_KEYRING_BACKEND``) are never used."""
_Result = TypeVar("_Result")


def backend_name() -> str:
    """Return the display name of the keyring backend.

    Raises:
        StorageError: ``keyring_missing`` if the ``keyring`` extra is not installed, ``keyring_absent`` if there is no
            supported backend, or ``keyring_timeout``.
    """
    return _with_timeout(lambda: _SUPPORTED_BACKENDS[_class_name(_backend())])


def save_tokens(profile_id: str, generation: int, tokens: Tokens) -> None:
    """Save the tokens of one generation and read them back to verify them.

    Raises:
        StorageError: ``keyring_…``. Older generations are unchanged. One of the tokens may be saved.
    """
    for kind, token in (("access", tokens.access_token), ("refresh", tokens.refresh_token)):
        if token is not None:
            save_item(f"{profile_id}.{generation}.{kind}", token)


def load_tokens(profile_id: str, generation: int, *, with_refresh: bool) -> Tokens:
    """Return the tokens of one generation.

    The refresh token is None unless ``with_refresh`` is set.

    Raises:
        StorageError: ``keyring_empty`` if a token is missing, or another ``keyring_…`` code.
    """
    access = load_item(f"{profile_id}.{generation}.access")
    refresh = load_item(f"{profile_id}.{generation}.refresh") if with_refresh else None
    if access is None or (with_refresh and refresh is None):
        raise StorageError("keyring_empty")
    return Tokens(access, refresh)


def delete_tokens(profile_id: str, generation: int) -> None:
    """Delete the tokens of one generation. Errors are ignored because no profile refers to these tokens anymore."""
    for kind in ("access", "refresh"):
        try_delete_item(f"{profile_id}.{generation}.{kind}")


def save_item(item: str, value: Secret) -> None:
    """Save ``value`` as ``item`` and read it back to verify it.

    Some keyrings truncate values, and some report success but save nothing.

    Raises:
        StorageError: ``keyring_…``: the value could not be saved or read back.
    """

    def work() -> None:
        backend = _backend()
        backend.set_password(SERVICE, item, value.reveal())
        if backend.get_password(SERVICE, item) != value.reveal():
            raise StorageError("keyring_refused", detail="it didn't return the saved value")

    _with_timeout(work)


def load_item(item: str) -> Secret | None:
    """Return the value of ``item``, or None if there is none.

    Raises:
        StorageError: ``keyring_…``: the keyring can't be used.
    """
    value = _with_timeout(lambda: _backend().get_password(SERVICE, item))
    return None if value is None else Secret(value)


def has_item(item: str) -> bool:
    """Return whether ``item`` exists. Return False if the keyring can't be used."""
    try:
        return load_item(item) is not None
    except StorageError:
        return False


def delete_item(item: str) -> None:
    """Delete ``item`` if it exists.

    Raises:
        StorageError: the keyring can't be used. The item may still exist.
    """

    def work() -> None:
        backend = _backend()
        if backend.get_password(SERVICE, item) is not None:
            backend.delete_password(SERVICE, item)

    _with_timeout(work)


def try_delete_item(item: str) -> None:
    """Delete ``item`` if possible. Errors are ignored."""
    with suppress(StorageError):
        _with_timeout(lambda: _backend().delete_password(SERVICE, item))


def _backend() -> KeyringBackend:
    try:
        import keyring
        from keyring.backends.chainer import ChainerBackend
    except ImportError:
        raise StorageError("keyring_missing") from None
    chosen = keyring.get_keyring()
    # A chain may mix a plain-text backend with a supported one, so use the supported one directly.
    candidates = list(chosen.backends) if isinstance(chosen, ChainerBackend) else [chosen]
    for candidate in candidates:
        if _class_name(candidate) in _SUPPORTED_BACKENDS:
            return candidate
    raise StorageError("keyring_absent", detail=clean(_class_name(chosen)))


def _class_name(backend: KeyringBackend) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def _with_timeout(work: Callable[[], _Result]) -> _Result:
    """Run ``work`` in a daemon thread and return its result. The thread is abandoned after the timeout.

    Exceptions become a StorageError without the original message.
    """
    results: list[_Result] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(TIMEOUT_SECONDS)
    if results:
        return results[0]
    if not errors:
        raise StorageError("keyring_timeout")
    if isinstance(errors[0], StorageError):
        raise errors[0]
    error_name = type(errors[0]).__name__
    raise StorageError("keyring_locked" if error_name == "KeyringLocked" else "keyring_refused", detail=error_name)
