"""Loops: those over values that data fingerprints are made of: compiled where there are many.

`kernels` and `vectors` give the same numbers. To load the first takes long, so it is put off until
the second took about as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cpgbuild.engine import vectors

if TYPE_CHECKING:
    from types import ModuleType

    from cpgbuild.engine.constants import Positions

# So many seconds of numpy are as long as it takes to load numba and what it compiled.
PATIENCE: Final = 0.3
# What a call takes, and each value in it; a round goes over one block of every string.
_CALL, _VALUE, _BLOCK, _ROUND = 1e-5, 1.5e-8, 3e-8, 1.5e-5
_BLOCK_BYTES: Final = 16


@dataclass(slots=True)
class _Choice:
    """Which of both is taken in this process, and the seconds that the slower one took."""

    spent: float = 0.0
    compiled: ModuleType | None = None

    def of(self, seconds: float) -> ModuleType:
        """Return what shall do work that takes numpy so many seconds."""
        if self.compiled is None:
            if self.spent + seconds <= PATIENCE:
                self.spent += seconds
                return vectors
            from cpgbuild.engine import kernels  # noqa: PLC0415 -- see above

            self.compiled = kernels
        return self.compiled


CHOICE: Final = _Choice()


def for_strings(bounds: Positions) -> ModuleType:
    """Return the loops for strings that lie between these bounds."""
    if len(bounds) < 2:  # noqa: PLR2004 -- there is none
        return vectors
    longest = int((bounds[1:] - bounds[:-1]).max())
    blocks = len(bounds) + int(bounds[-1] - bounds[0]) // _BLOCK_BYTES
    return CHOICE.of(_CALL + _BLOCK * blocks + _ROUND * (longest // _BLOCK_BYTES))


def for_values(count: int) -> ModuleType:
    """Return the loops for so many numbers, pairs, items or rows."""
    return CHOICE.of(_CALL + _VALUE * count)
