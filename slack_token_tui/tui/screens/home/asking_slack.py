"""Asking Slack at home: verify and renew, one profile or all of them, until the person no longer wants to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from textual import work

from slack_token_tui.problems import explain
from slack_token_tui.store.profile import Profile
from slack_token_tui.tui.screens.home.shown import ShownProfiles
from slack_token_tui.tui.widgets.time_format import left


class AsksSlack(ShownProfiles):
    """Verify and renew."""

    def action_verify(self) -> None:
        """Ask Slack about the highlighted token."""
        if isinstance(entry := self.highlighted, Profile):
            self._verify_one(entry.name)

    @work(exclusive=True, group="one", exit_on_error=False)
    async def _verify_one(self, name: str) -> None:
        if await self._answer_about(name, self._upkeep.verify(name)):
            self.notify(f"{name} is good.", markup=False)

    async def _answer_about(self, name: str, asking: Awaitable[bool]) -> bool:
        """Wait for what came of ``asking`` about ``name``, until the person no longer wants to; say what went wrong."""
        self._notice("")
        self._asked_about = name
        try:
            fine = await asking
        finally:
            self._asked_about = None
        if not fine and (trouble := self._upkeep.troubles.get(name)):
            explanation = explain(trouble.code, trouble.facts)
            self._notice(f"{name}: {explanation.title}. {explanation.remedies[0]}.")
        return fine

    def action_refresh(self) -> None:
        """Renew the highlighted token."""
        if isinstance(entry := self.highlighted, Profile):
            self._refresh_one(entry)

    @work(exclusive=True, group="one", exit_on_error=False)
    async def _refresh_one(self, old: Profile) -> None:
        insist = old.refresh_refused is not None
        if not await self._answer_about(old.name, self._upkeep.refresh(old.name, insist=insist, asked=True)):
            return
        new = await asyncio.to_thread(self.token_app.store.read, old.name)
        works = left(new.expires_at, self.token_app.start.now()) if new.expires_at else "ever"
        fresh = (
            f"{old.name} is less than an hour old and was left alone"
            if new.generation == old.generation
            else f"{old.name} renewed"
        )
        self.notify(f"{fresh}. It works for {works}.", markup=False)

    def action_verify_all(self) -> None:
        """Ask Slack about every token."""
        names = [one.name for one in self._list.entries if isinstance(one, Profile)]

        def verdict(fine: int) -> str:
            bad = len(names) - fine
            return "all are good" if not bad else f"{fine} good, {bad} with trouble, marked !; o sorts them to the top"

        self._do_all("Verifying", names, self._upkeep.verify, verdict)

    def action_refresh_all(self) -> None:
        """Renew every token that is an hour old."""

        profiles = [one for one in self._list.entries if isinstance(one, Profile)]
        before = {one.name: one.generation for one in profiles if one.is_renewable}

        async def renew(name: str) -> bool:
            return await self._upkeep.refresh(name, asked=True)

        def verdict(fine: int) -> str:
            now = {one.name: one.generation for one in self._list.entries if isinstance(one, Profile)}
            renewed = sum(now.get(name, generation) != generation for name, generation in before.items())
            parts = [f"{renewed} renewed"]
            parts += [f"{fine - renewed} less than an hour old and left alone"] if fine > renewed else []
            parts += [f"{len(before) - fine} with trouble, marked !"] if fine < len(before) else []
            return ", ".join(parts)

        if not before:
            refused = any(one.has_refresh_token for one in profiles)
            self._notice(
                "None can be renewed. Press s on those whose renewal Slack has refused."
                if refused
                else "None of them has a refresh token: they work until they are revoked, or expire."
            )
            return
        self._do_all("Renewing", list(before), renew, verdict)

    def _do_all(
        self, verb: str, names: list[str], do: Callable[[str], Awaitable[bool]], verdict: Callable[[int], str]
    ) -> None:
        if self._many is None:
            self._many = verb
            self._all_of(verb, names, do, verdict)

    @work(exclusive=True, group="many", exit_on_error=False)
    async def _all_of(
        self, verb: str, names: list[str], do: Callable[[str], Awaitable[bool]], verdict: Callable[[int], str]
    ) -> None:
        def progress(done: int) -> None:
            self._notice(f"{verb} {done} of {len(names)} · Esc stops")

        progress(0)
        try:
            fine = await self._upkeep.all_of(names, do, progress)
            self._notice(f"{verb} {len(names)}: {verdict(fine)}.")
            self._list.rearrange(self.token_app.start.now())
        finally:
            self._many = None

    def cancel_running(self) -> bool:
        """Stop what a person has started and still waits for, if anything is."""
        if self._asked_about is not None:
            self._notice(f"No longer waiting for Slack’s answer about {self._asked_about}. What it sends is saved.")
            self.workers.cancel_group(self, "one")
            return True
        if self._many is None:
            return False
        self._notice(f"{self._many} was stopped. What Slack had answered is saved.")
        self._many = None
        self.workers.cancel_group(self, "many")
        return True
