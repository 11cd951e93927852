"""Screen that checks this machine for what a sign-in needs and shows the results as they arrive."""

from __future__ import annotations

from contextlib import aclosing
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from slack_token_tui import doctor
from slack_token_tui.doctor import Finding, Verdict
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.store.apps import SlackApp, last_used_app
from slack_token_tui.tui.actions import DOCTOR, bindings
from slack_token_tui.tui.background import background
from slack_token_tui.tui.screens.base import AppScreen
from slack_token_tui.tui.widgets.field import MUTED, Field
from slack_token_tui.tui.widgets.footer import Footer
from slack_token_tui.tui.widgets.header import Header

_COLORS = {
    Verdict.GOOD: "$text-success",
    Verdict.NOTE: MUTED,
    Verdict.LOOK: "$text-warning",
    Verdict.BAD: "$text-error",
}


class DoctorScreen(AppScreen[None]):
    """List of findings, one per line, with a remedy for those that need one."""

    screen_id = DOCTOR
    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(DOCTOR)]

    def __init__(self) -> None:
        super().__init__()
        self._findings: list[Finding] = []
        self._slack_app: SlackApp | None = None

    def compose(self) -> ComposeResult:
        self._slack_app = last_used_app(self.token_app.store.home) or self.token_app.options.slack_app
        endpoints = self._slack_app.endpoints if self._slack_app else Endpoints()
        yield Header("Check this machine", endpoints, self.slack_label)
        with Container(id="picker"):
            yield Static(id="verdict")
            yield VerticalScroll(id="findings")
        yield Footer()

    def on_mount(self) -> None:
        self._run_checks()

    @background("doctor")
    async def _run_checks(self) -> None:
        self._findings = []
        listed, verdict = self.query_one("#findings"), self.query_one("#verdict", Static)
        await listed.remove_children()
        verdict.update("Checking…")
        async with aclosing(doctor.run_checks(self.token_app.store.home, self._slack_app)) as findings:
            async for finding in findings:
                self._findings.append(finding)
                color = _COLORS[finding.verdict]
                words = Content.assemble((finding.about, "bold"), f"  {finding.said}")
                if finding.remedy:
                    words = Content.assemble(words, ("\n" + finding.remedy, "$text-warning"))
                await listed.mount(Field(Content.styled(finding.verdict.mark, f"bold {color}"), words, width=2))
        verdict.update(_format_verdict(self._findings))

    def action_check_again(self) -> None:
        self._run_checks()

    @background("copy")
    async def action_copy_report(self) -> None:
        self.notify_copied(await self.token_app.copy_text(doctor.format_report(self._findings)), "the report")


def _format_verdict(findings: list[Finding]) -> Content:
    open_findings = [finding for finding in findings if finding.verdict in {Verdict.LOOK, Verdict.BAD}]
    if not open_findings:
        return Content.styled("✓ Ready to sign in.", "$text-success")
    bad = sum(finding.verdict is Verdict.BAD for finding in open_findings)
    counted = ((bad, "problem"), (len(open_findings) - bad, "note"))
    words = ", ".join(f"{count} {what}{'s' if count > 1 else ''}" for count, what in counted if count)
    return Content.assemble((f"{words}.", "$text-warning"), (" Press y to copy the report.", MUTED))
