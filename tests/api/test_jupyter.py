"""A real notebook in a real kernel: masked tokens, a running event loop, a sign-in awaited in a cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slack_token_tui.practice.models import CLIENT_ID
from slack_token_tui.practice.server import PracticeSlack
from slack_token_tui.store.apps import SlackApp
from slack_token_tui.store.profiles import ProfileStore
from tests.support.practice import issue_profile

nbformat = pytest.importorskip("nbformat", reason="LOUD: no nbformat, so no notebook was executed")
nbclient = pytest.importorskip("nbclient", reason="LOUD: no nbclient, so no notebook was executed")

CELLS = [
    "import slack_token_tui as stt",
    "stt.profiles()",
    "stt.token('acme')",
    "[stt.token('acme')]",
    "token = stt.token('acme')\nassert '-practice-' in f'{token}' and '…' not in str(token)\nimport httpx\n"
    "httpx.post(SLACK + '/api/auth.test', headers={'Authorization': f'Bearer {token}'}, trust_env=False).json()['user']",
    "httpx.post(SLACK + '/api/auth.test', auth=stt.bearer('acme'), trust_env=False).json()['ok']",
    # The loop keeps running while the sign-in waits: a task of the kernel presses Allow.
    "import asyncio\nfrom slack_token_tui.practice.server import simulate_browser\n"
    "pending = stt.sign_in('mine', client_id=CLIENT, scopes='users:read', slack_url=SLACK, redirect_uris=REDIRECTS, open_browser=False)\n"
    "task = asyncio.ensure_future(asyncio.to_thread(simulate_browser, pending.url, team='T0PRACTICE2'))\n"
    "summary = await pending\nsummary.name",
    "pending",
    "pending = stt.sign_in('third', client_id=CLIENT, scopes='users:read', slack_url=SLACK, redirect_uris=REDIRECTS, open_browser=False)\n"
    "import threading\nthreading.Thread(target=simulate_browser, args=(pending.url, 'cancel')).start()\n"
    "try:\n    pending.wait()\nexcept stt.SignInFailed as error:\n    print(error.code)",
    "stt.token('nobody')",
]


def test_notebook_masks_tokens_and_awaits_a_sign_in(
    store: ProfileStore, slack: PracticeSlack, app: SlackApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue_profile(store, slack)
    setup = f"SLACK, CLIENT, REDIRECTS = {slack.base!r}, {CLIENT_ID!r}, {app.redirect_uris!r}"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in [setup, *CELLS]])
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    nbclient.NotebookClient(
        notebook, timeout=60, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    cells = notebook.cells[1:]

    def read_outputs(number: int) -> str:
        return json.dumps(cells[number].outputs, ensure_ascii=False)

    def read_result(number: int) -> Any:
        return next(
            output["data"]["text/plain"] for output in cells[number].outputs if output.output_type == "execute_result"
        )

    everything = json.dumps([cell.outputs for cell in cells], ensure_ascii=False)
    assert "-practice-" not in everything, "no output of any cell shows a token"
    assert "<table>" in read_outputs(1) and "acme" in read_outputs(1)
    assert read_result(2).startswith("'xoxe.xoxp-…")
    assert read_result(3).startswith("['xoxe.xoxp-…")
    assert read_result(4) == "'jane'"
    assert read_result(5) == "True"
    assert read_result(6) == "'mine'"
    assert "Open Slack and click Allow" in read_outputs(6) or "saved as mine" in read_outputs(6)
    assert read_result(7) == "<sign-in: saved as mine>"
    assert "access_denied" in read_outputs(8)
    assert "NoSuchProfile" in read_outputs(9) and "isn't a saved profile" in read_outputs(9)
    assert store.read("mine").team_name == "Globex Practice"
