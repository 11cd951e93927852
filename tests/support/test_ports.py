from __future__ import annotations

import pytest

from tests.support.ports import list_worker_ports


@pytest.mark.parametrize("count", [1, 2, 7, 15, 64])
def test_workers_share_no_port_and_none_is_ephemeral(count: int) -> None:
    ports = [port for number in range(count) for port in list_worker_ports(number, count)]
    assert len(ports) == len(set(ports))
    assert min(ports) > 1024 and max(ports) < 32_768
    assert len(list_worker_ports(count - 1, count)) >= 100
