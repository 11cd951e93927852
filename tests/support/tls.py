"""TLS for a practice Slack, with a certificate authority made for one test."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


def create_tls_context(host: str, ca_file: Path, organization: str | None = None) -> ssl.SSLContext:
    """Return a server's context with a certificate for ``host``. Write the certificate of its authority to ``ca_file``."""
    authority = trustme.CA(organization_name=organization)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    authority.cert_pem.write_to_path(str(ca_file))
    return context
