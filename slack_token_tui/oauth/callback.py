"""Validation of authorization responses (RFC 6749 §4.1.2), both from the listener and from pasted text."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from slack_token_tui.oauth.request import AuthorizationRequest
from slack_token_tui.problems import Problem, code_from_slack
from slack_token_tui.sanitize import clean
from slack_token_tui.secret import Secret
from slack_token_tui.slack.client_id import PastedKind, recognize
from slack_token_tui.slack.endpoints import is_loopback

_MAX_PARAMETERS = 20
_MAX_PASTE_LENGTH = 16 * 1024
_MAX_DESCRIPTION_LENGTH = 200
_SINGLE_PARAMETERS = ("code", "state", "error", "iss")
_NOT_A_CODE = frozenset({PastedKind.TOKEN, PastedKind.SECRET, PastedKind.CLIENT_ID, PastedKind.APP_ID})
_QUOTED_URL = re.compile(r"""[“"‘'«](https?://[^“”"‘’'«»]+)[”"’'»]""")
_BARE_CODE = re.compile(r"[A-Za-z0-9._-]{8,512}")
_SURROUNDING_CHARACTERS = "<>\"'`()[]"


@dataclass(frozen=True)
class AuthorizationCode:
    """The user clicked Allow: a code for one exchange within ten minutes."""

    code: Secret


@dataclass(frozen=True)
class AuthorizationError:
    """Slack's error response. The code is ``access_denied`` if the user clicked Cancel.

    ``description`` is Slack's sentence about it, or "".
    """

    code: str
    description: str = ""


AuthorizationResponse = AuthorizationCode | AuthorizationError


class CallbackRejected(Problem):
    """Raised for a callback that is not the response to this sign-in. The sign-in continues to wait.

    Attributes:
        code: key in the problem catalog: ``callback_unreadable``, ``state_mismatch``, ``state_missing``,
            ``issuer_mismatch``, ``parameter_doubled`` or ``callback_empty``. For pasted text also ``pasted_elsewhere``,
            ``pasted_authorize_address``, ``pasted_something_else``, ``pasted_bare_code`` (ask the user first) or
            ``bare_code_refused``.
    """


def check_callback(query: str, request: AuthorizationRequest) -> AuthorizationResponse:
    """Return the response in ``query``, the query string received at the redirect URL of ``request``.

    The state is compared in constant time before any code or error is accepted. Unknown parameters are ignored. A
    repeated ``code``, ``state``, ``error`` or ``iss`` is rejected, and an empty parameter counts as absent (RFC 6749
    §3.1). The issuer ``iss`` is optional, and is checked if it is there (RFC 9207 §2.4).

    Raises:
        CallbackRejected: the query does not belong to ``request``, or is not an authorization response.
    """
    try:
        fields = parse_qsl(query, max_num_fields=_MAX_PARAMETERS, errors="strict")
    except ValueError:
        raise CallbackRejected("callback_unreadable") from None
    values: dict[str, str] = {}
    for name, value in fields:
        if name in _SINGLE_PARAMETERS and name in values:
            raise CallbackRejected("parameter_doubled")
        values[name] = value
    if "state" not in values:
        raise CallbackRejected("state_missing")
    if not secrets.compare_digest(values["state"].encode(), request.state.reveal().encode()):
        raise CallbackRejected("state_mismatch")
    if "iss" in values and values["iss"].rstrip("/") not in _issuers(request):
        raise CallbackRejected("issuer_mismatch", detail=clean(values["iss"], 100))
    if "code" in values and "error" in values:
        raise CallbackRejected("parameter_doubled")
    if "error" in values:
        description = clean(values.get("error_description", ""), _MAX_DESCRIPTION_LENGTH)
        return AuthorizationError(code_from_slack(values["error"]), description)
    if "code" in values:
        return AuthorizationCode(Secret(values["code"]))
    raise CallbackRejected("callback_empty")


def _issuers(request: AuthorizationRequest) -> tuple[str, str]:
    """Return the valid issuers of a Slack: its base URL and that of its MCP server."""
    base = request.endpoints.base
    return base, base.replace("://", "://mcp.", 1)


def check_pasted(text: str, request: AuthorizationRequest, *, accept_bare_code: bool = False) -> AuthorizationResponse:
    """Return the response in pasted text, which may be the full URL or only its query.

    Line breaks that a terminal added are removed. A URL in quotation marks is found in an error message, such as Safari's.

    Args:
        text: the pasted text.
        request: the authorization request of the waiting sign-in.
        accept_bare_code: whether the user agreed to use a code without state. PKCE still ties the code to this sign-in,
            so a bare code is never accepted without PKCE.

    Raises:
        CallbackRejected: the text is not the response to this sign-in.
    """
    if len(text) > _MAX_PASTE_LENGTH:
        raise CallbackRejected("callback_unreadable")
    text = "".join(text.split()).strip(_SURROUNDING_CHARACTERS).replace("\\", "")
    if quoted := _QUOTED_URL.search(text):
        text = quoted[1]
    if "://" in text:
        return check_callback(_query_from_url(text, request), request)
    if "=" in text:
        return check_callback(text.lstrip("?&"), request)
    if recognize(text).kind in _NOT_A_CODE:
        raise CallbackRejected("pasted_something_else")
    if not _BARE_CODE.fullmatch(text):
        raise CallbackRejected("callback_unreadable")
    if request.pkce is None:
        raise CallbackRejected("bare_code_refused")
    if not accept_bare_code:
        raise CallbackRejected("pasted_bare_code")
    return AuthorizationCode(Secret(text))


def _query_from_url(url: str, request: AuthorizationRequest) -> str:
    """Return the query of a pasted URL, which must match the redirect URL of ``request``."""
    expected = urlsplit(request.redirect_uri)
    try:
        pasted = urlsplit(url)
        location = (pasted.hostname, pasted.port, pasted.path)
    except ValueError:
        raise CallbackRejected("callback_unreadable") from None
    if url.startswith(request.endpoints.base + "/"):
        raise CallbackRejected("pasted_authorize_address")
    hostname = location[0]
    if is_loopback(expected.hostname) and is_loopback(hostname):
        hostname = expected.hostname  # 127.0.0.1 in the pasted URL reaches the same listener as localhost
    if (hostname, *location[1:]) != (expected.hostname, expected.port, expected.path):
        raise CallbackRejected("pasted_elsewhere")
    return pasted.query
