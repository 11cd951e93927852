"""What the first frame leaves out so that it comes soon, and what follows it.

Before it: no garbage collection, because importing Textual creates hundreds of thousands of objects that are never freed;
only as many profiles as a terminal shows; no footer and no details. After it: all of that, and the imports that the first
sign-in needs, while the user is still reading.
"""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.widget import Widget

FIRST_PROFILES = 60
"""More than any terminal shows at once."""
_PLACEHOLDER_ID = "footer_placeholder"


def prepare() -> None:
    """Prepare the process. Call this before Textual is imported."""
    gc.disable()


def compose_footer_placeholder() -> ComposeResult:
    """Yield a line in the place of the footer, so that nothing moves when it comes."""
    from textual.widgets import Static

    yield Static(id=_PLACEHOLDER_ID)


async def mount_footer(screen: Widget) -> None:
    """Mount the footer in its place. A signal may end the app at each await, and nothing can be mounted after that."""
    from slack_token_tui.tui.widgets.footer import Footer

    if screen.is_attached:
        await screen.mount(Footer())
    if screen.is_attached:
        await screen.query_one(f"#{_PLACEHOLDER_ID}").remove()


def restore() -> None:
    """Collect garbage again, but never look at what exists now: it stays until the end."""
    gc.enable()
    gc.freeze()


async def import_sign_in() -> None:
    """Import what the first sign-in needs."""
    await asyncio.sleep(0)
    from slack_token_tui.tui.screens import sign_in  # noqa: F401
