"""kill -9 at any moment of a build: no table is wrong, none is lost, none needs a hand.

`tests/kills.py` is the same for long.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.property.profiles import PROFILE
from tests.support.killing import Killer

KILLS = {"fast": 2, "default": 4, "soak": 200}[PROFILE]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="watches with inotify")


def test_a_build_that_is_killed_is_gone_on_with(tmp_path: Path) -> None:
    killer = Killer(tmp_path / "kills", "7")
    try:
        while killer.tally.kills < KILLS:
            killer.once()
        killer.settles()
    finally:
        killer.close()
