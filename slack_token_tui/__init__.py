"""Slack user tokens for scripts and notebooks.

>>> import slack_token_tui as stt
>>> stt.token("acme")                      # refreshed first if it is about to expire, with a masked repr
>>> stt.profiles()                         # a table in a notebook
>>> httpx.get(url, auth=stt.bearer("acme"))
>>> await stt.sign_in("acme", client_id="2141029472.691202649728", scopes="users:read")

Submodules are imported on first use, because the command line imports this package too.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False  # importing typing would make ``token`` 10% slower
if TYPE_CHECKING:
    from typing import Any

    from slack_token_tui.api import (
        Bearer,
        NoSuchProfile,
        RequestRefused,
        SignInFailed,
        SignInNeeded,
        StoreUnusable,
        Token,
        TokenError,
        TryLater,
        WrongHost,
        bearer,
        profiles,
        token,
    )
    from slack_token_tui.jupyter import PendingSignIn, sign_in

__all__ = [
    "Bearer",
    "NoSuchProfile",
    "PendingSignIn",
    "RequestRefused",
    "SignInFailed",
    "SignInNeeded",
    "StoreUnusable",
    "Token",
    "TokenError",
    "TryLater",
    "WrongHost",
    "bearer",
    "profiles",
    "sign_in",
    "token",
]
_JUPYTER_NAMES = {"PendingSignIn", "sign_in"}


def __getattr__(name: str) -> "Any":
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    # Not cached as a global: it would hide a submodule of the same name.
    return getattr(importlib.import_module(f"{__name__}.{'jupyter' if name in _JUPYTER_NAMES else 'api'}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
