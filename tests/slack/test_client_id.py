"""Text pasted where a Client ID belongs: six look-alikes are recognized, and no secret is repeated."""

from __future__ import annotations

import pytest

from slack_token_tui.slack.client_id import PastedKind, parse_client_id, recognize

ID = "2141029472.691202649728"
HEX = "0123456789abcdef"
SECRET = HEX * 2


@pytest.mark.parametrize(
    "text",
    [
        ID,
        f"  {ID}\n",
        f"Client ID\n{ID}\nClient Secret\n••••",
        f"App ID A012ABCD0A0 Client ID {ID} Signing Secret {SECRET}",
        f"https://slack.com/oauth/v2/authorize?client_id={ID}&scope=&user_scope=users:read",
        f"https://slack.com/oauth/v2_user/authorize?scope=users%3Aread&client_id={ID}",
    ],
)
def test_client_id_is_found_alone_or_within_other_text(text: str) -> None:
    assert parse_client_id(text) == ID


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (SECRET, PastedKind.SECRET, "client secret or a signing secret"),
        ("A012ABCD0A0", PastedKind.APP_ID, "App ID"),
        ("https://api.slack.com/apps/A012ABCD0A0/general", PastedKind.SETTINGS_PAGE, "settings page"),
        (
            "https://app.slack.com/app-settings/T0123/A012ABCD0A0/app-manifest",
            PastedKind.SETTINGS_PAGE,
            "settings page",
        ),
        ("xoxp-canary-0123", PastedKind.TOKEN, "a user token"),
        ("xoxb-canary-0123", PastedKind.TOKEN, "a bot token"),
        ("xapp-1-canary", PastedKind.TOKEN, "an app-level token"),
        ("a1B2c3D4e5F6g7H8i9J0k1L2", PastedKind.VERIFICATION_TOKEN, "verification token"),
        ("https://acme.slack.com/", PastedKind.OTHER, "That's a URL"),
        ("2141029472", PastedKind.OTHER, "A Client ID looks like 2141029472.691202649728."),
        ("http://[", PastedKind.OTHER, "A Client ID looks like 2141029472.691202649728."),
        ("", PastedKind.EMPTY, "Enter your app"),
    ],
)
def test_other_pasted_text_is_identified_without_repeating_secrets(text: str, kind: PastedKind, words: str) -> None:
    recognized = recognize(text)
    assert recognized.kind is kind
    assert words in recognized.message
    assert recognized.client_id is None
    if len(text) > 20 and "://" not in text:
        assert text not in recognized.message, "it may be a secret"


def test_settings_page_url_yields_the_app_id() -> None:
    assert recognize("https://api.slack.com/apps/A012ABCD0A0/oauth?").app_id == "A012ABCD0A0"


def test_text_with_two_client_ids_is_ambiguous() -> None:
    assert recognize(f"{ID} or 3141029472.791202649728").client_id is None
