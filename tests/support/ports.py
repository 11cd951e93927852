"""Ports for tests that run at the same time."""

from __future__ import annotations

import errno
import itertools
import os
import socket

_FIRST, _LAST = 12_000, 32_000
"""Below the ports that systems use for outgoing connections (Linux: from 32,768, IANA: from 49,152)."""


def worker_ports(number: int, count: int) -> range:
    """Return the ports of pytest-xdist worker ``number`` of ``count``. No other worker has them."""
    share = (_LAST - _FIRST) // count
    return range(_FIRST + number * share, _FIRST + (number + 1) * share)


_WORKER = int("0" + os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw"))
_PORTS = itertools.cycle(worker_ports(_WORKER, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))))


def free_ports(count: int) -> list[int]:
    """Return ports that are free on both loopback families."""
    return list(itertools.islice(filter(_is_free, _PORTS), count))


def _is_free(port: int) -> bool:
    families = [(socket.AF_INET, "127.0.0.1"), *([(socket.AF_INET6, "::1")] if socket.has_ipv6 else [])]
    for family, host in families:
        with socket.socket(family) as sock:
            try:
                sock.bind((host, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return False
    return True
