"""What is wrong with this machine, as a list of findings. The interface and the command line read it; it changes nothing."""

from slack_token_tui.doctor.examination import examine
from slack_token_tui.doctor.findings import Finding, Verdict, as_text

__all__ = ["Finding", "Verdict", "as_text", "examine"]
