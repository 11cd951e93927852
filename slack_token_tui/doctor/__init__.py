"""What is wrong with this machine, as a list of findings. The interface and the command line read it; it changes nothing."""

from slack_token_tui.doctor.report import Finding, Verdict, as_text
from slack_token_tui.doctor.runner import examine

__all__ = ["Finding", "Verdict", "as_text", "examine"]
