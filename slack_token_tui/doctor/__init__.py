"""Read-only checks of this machine. The TUI and the command line show the findings."""

from slack_token_tui.doctor.report import Finding, Verdict, format_report
from slack_token_tui.doctor.runner import run_checks

__all__ = ["Finding", "Verdict", "format_report", "run_checks"]
