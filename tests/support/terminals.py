"""Terminals: the command on a terminal of some width, with all that it draws there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tests.support.commands import environment

if TYPE_CHECKING:
    from tests.support.forks import Server

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b.")


@dataclass(frozen=True, slots=True)
class Shown:
    """How a command ended, and all that its terminal was sent."""

    code: int
    sent: str

    @property
    def text(self) -> str:
        """What was sent without what moves the cursor, colours and wipes out."""
        return ESCAPE.sub("", self.sent)

    @property
    def widest(self) -> int:
        """The width of the widest line, in cells; what is drawn over another is a line too."""
        return max(map(cell_len, re.split(r"\r?\n|\r", self.text)), default=0)


def shown(server: Server, *arguments: str, folder: Path, columns: int, **env: str) -> Shown:
    """Run the command on a terminal of so many columns, to its end."""
    ours, its = pty.openpty()
    try:
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        said = Path(os.ttyname(its))
        child = server.start(*arguments, folder=folder, said=said, environment=environment() | env)
        sent = b""
        while True:
            ready = select.select([ours, child], [], [], 60)[0]
            if ours in ready:
                sent += os.read(ours, 65536)
            elif ready:
                return Shown(child.wait(), sent.decode())
            else:
                child.kill("session")
    finally:
        os.close(ours)
        os.close(its)
