"""What holds a port: the program, or its user if the system hides the program."""

from __future__ import annotations

import os
import socket

import pytest

from slack_token_tui.desktop import port_holders
from tests.support.cli import run_python


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"), (socket.AF_INET, "0.0.0.0")]
)
def test_port_holder_is_identified_by_program_and_pid(family: int, address: str) -> None:
    with socket.socket(family) as held:
        held.bind((address, 0))
        held.listen()
        found = port_holders.find_holder(held.getsockname()[1])
        assert found.pid == os.getpid()
        assert found.program
        assert str(os.getpid()) in str(found)


@pytest.mark.skipif(os.geteuid() != 0, reason="LOUD: becoming another user needs root")
def test_user_is_reported_when_the_program_is_hidden() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        program = (
            "import os, sys; os.setgid(65534); os.setuid(65534);"
            "from slack_token_tui.desktop import port_holders; print(port_holders.find_holder(int(sys.argv[1])))"
        )
        # The unprivileged user may not read the checkout, so the modules are loaded before the change of user.
        program = "import pwd\nfrom slack_token_tui.desktop import port_holders\n" + program
        done = run_python(program, str(held.getsockname()[1]), check=True)
        assert "a program of user root" in done.stdout


def test_free_port_has_no_holder() -> None:
    found = port_holders.find_holder(1)
    assert (found.program, found.user) == (None, None)
