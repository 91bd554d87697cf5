"""What surrounds a statement: where its exceptions and jumps go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tasks.control.flow_graph import BREAK, CONTINUE, EXCEPTION, EXIT

if TYPE_CHECKING:
    from tasks.control.flow_graph import Draft


@dataclass(slots=True)
class Around:
    """A construct around statements, by the ways out that it catches.

    Attributes:
        outer: the construct around this one.
        targets: where the ways that it catches go: ``break`` and ``continue`` of a loop,
            ``exception`` of handlers.
        cleanup: of ``finally`` or ``with``, the nodes where it starts and ends. Every way passes
            through it, and goes on from its end as it would have gone without it.
        catches: whether an exception goes anywhere but straight to the exit.
    """

    outer: Around | None
    targets: dict[str, int] = field(default_factory=dict)
    cleanup: tuple[int, int] | None = None
    catches: bool = True

    def way_out(self, how: str, draft: Draft) -> int:
        """Return where a jump goes from here; what it passes through learns where it goes on."""
        around: Around | None = self
        passed: list[tuple[Around, int, int]] = []
        target = EXIT
        while around is not None:
            if how in around.targets:
                target = around.targets[how]
                break
            if around.cleanup is not None:
                passed.append((around, *around.cleanup))
            around = around.outer
        for construct, start, end in reversed(passed):
            draft.connect(end, target, how)
            construct.targets[how] = target = start
        self.targets[how] = target
        return target


def function_around() -> Around:
    """Return what is around the statements of a function's body."""
    return Around(None, catches=False)


def loop_around(outer: Around, head: int, after: int) -> Around:
    """Return what is around the body of a loop."""
    return Around(outer, {BREAK: after, CONTINUE: head}, catches=outer.catches)


def handlers_around(outer: Around, first: int) -> Around:
    """Return what is around the body of a ``try`` whose first handler is given."""
    return Around(outer, {EXCEPTION: first})


def cleanup_around(outer: Around, start: int, end: int) -> Around:
    """Return what is around statements that ``finally`` or ``with`` cleans up after."""
    return Around(outer, cleanup=(start, end))
