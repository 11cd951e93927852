"""Checks of the connection to Slack: reachability, proxy, TLS certificate issuer and clock skew."""

from __future__ import annotations

from datetime import UTC, datetime

from slack_token_tui.doctor.report import Finding, Verdict, finding_about
from slack_token_tui.slack.client import Connectivity, SlackClient, tls_key_log_path
from slack_token_tui.slack.endpoints import Endpoints
from slack_token_tui.slack.errors import SlackError

SLACK_TIMEOUT_SECONDS = 10.0
_MAX_CLOCK_SKEW_SECONDS = 90.0
_PUBLIC_ISSUERS = ("digicert", "let's encrypt", "isrg", "amazon", "google trust", "sectigo", "globalsign", "entrust")


async def check_slack(endpoints: Endpoints) -> list[Finding]:
    """Return findings about the connection to Slack."""
    host = endpoints.host
    key_log = []
    if path := tls_key_log_path():
        message = f"SSLKEYLOGFILE is set, so TLS keys are written to {path}."
        key_log = [Finding("key_log", Verdict.LOOK, "TLS keys", message, "unset SSLKEYLOGFILE")]
    try:
        async with SlackClient(endpoints, SLACK_TIMEOUT_SECONDS) as client:
            connectivity = await client.check_connectivity()
    except SlackError as error:
        return [*key_log, finding_about(error, "slack", Verdict.BAD, "Slack", f"{error.explain().title}.")]
    via_proxy = f" through the proxy {connectivity.proxy}" if connectivity.proxy else ""
    findings = [*key_log, Finding("slack", Verdict.GOOD, "Slack", f"{host} is reachable{via_proxy}.")]
    findings += _check_tls(connectivity)
    if connectivity.date is not None:
        findings.append(check_clock(connectivity.date))
    return findings


def _check_tls(reached: Connectivity) -> list[Finding]:
    if reached.tls_version is None:
        return []
    issuer = reached.issuer or "an unknown issuer"
    message = f"{reached.tls_version.replace('TLSv', 'TLS ')}, certificate from {issuer}."
    if any(name in issuer.lower() for name in _PUBLIC_ISSUERS):
        return [Finding("tls", Verdict.GOOD, "TLS", message)]
    remedy = "This isn't a known public authority. A company proxy may read what you send to Slack, including tokens."
    return [Finding("tls", Verdict.LOOK, "TLS", message, remedy)]


def check_clock(date: datetime) -> Finding:
    """Compare this machine's clock with ``date``, the time reported by Slack."""
    seconds = (datetime.now(UTC) - date).total_seconds()
    if abs(seconds) < _MAX_CLOCK_SKEW_SECONDS:
        return Finding("clock", Verdict.GOOD, "Clock", "In sync with Slack.")
    message = f"{abs(seconds) / 60:.0f} min {'ahead of' if seconds > 0 else 'behind'} Slack."
    remedy = "Set the clock. Otherwise tokens are refreshed too early or too late, and TLS may fail."
    return Finding("clock", Verdict.BAD if abs(seconds) > 600 else Verdict.LOOK, "Clock", message, remedy)
