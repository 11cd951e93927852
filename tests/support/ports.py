"""Ports of this machine: free ones for tests that run at the same time, and whether a port is open."""

from __future__ import annotations

import errno
import itertools
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

_FIRST, _LAST = 12_000, 32_000
"""Below the ports that systems use for outgoing connections (Linux: from 32,768, IANA: from 49,152)."""


def list_worker_ports(number: int, count: int) -> range:
    """Return the ports of pytest-xdist worker ``number`` of ``count``. No other worker has them."""
    share = (_LAST - _FIRST) // count
    return range(_FIRST + number * share, _FIRST + (number + 1) * share)


_WORKER = int("0" + os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw"))
_PORTS = itertools.cycle(list_worker_ports(_WORKER, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))))


def find_free_ports(count: int) -> list[int]:
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


def get_port(url: str) -> int:
    """Return the port that is written in ``url``."""
    port = urlsplit(url).port
    assert port is not None, url
    return port


@contextmanager
def occupied_ports(urls: Iterable[str]) -> Iterator[None]:
    """Let another program listen on the port of each of ``urls``."""
    with ExitStack() as stack:
        for url in urls:
            sock = stack.enter_context(socket.socket())
            sock.bind(("127.0.0.1", get_port(url)))
            sock.listen()
        yield


def is_port_open(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether a program accepts connections on ``port``."""
    with suppress(OSError), socket.create_connection((host, port), 1):
        return True
    return False
