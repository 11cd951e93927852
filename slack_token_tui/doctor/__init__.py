"""What is wrong with this machine, as a list of findings. The interface and the command line read it; it changes nothing."""

from slack_token_tui.doctor.report import Finding, Verdict, format_report
from slack_token_tui.doctor.runner import run_checks

__all__ = ["Finding", "Verdict", "format_report", "run_checks"]
