"""Planning: how far it is, for whoever looks at it from another thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Planning:
    """Says how far planning is when it is asked; whoever plans tells nobody, and loses no time."""

    def __init__(self) -> None:
        """Nothing is planned yet."""
        self._ask: Callable[[], tuple[int, int]] | None = None

    def begin(self, ask: Callable[[], tuple[int, int]]) -> None:
        """Take what says how many tasks are planned, and of how many."""
        self._ask = ask

    @property
    def done(self) -> tuple[int, int] | None:
        """How many tasks are planned, and of how many; None before that is known."""
        return self._ask() if self._ask is not None else None
