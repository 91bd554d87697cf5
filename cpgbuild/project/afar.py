"""Afar: the project's functions in the helpers that plan (`plan.helpers`)."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cpgbuild.errors.graph import ChangedMeanwhile
from cpgbuild.errors.report import Place
from cpgbuild.project.discovery import tasks_of
from cpgbuild.project.modules import importable
from cpgbuild.project.watching import Noted, Watch

if TYPE_CHECKING:
    from cpgbuild.plan.definition import Definition


@dataclass(slots=True)
class There:
    """What a helper loads the project's tasks with."""

    root: Path
    _block: ExitStack | None = None
    _watch: Watch | None = None
    _definitions: dict[str, dict[str, Definition]] = field(default_factory=dict)

    def begin(self) -> None:
        """Let the project's modules be imported, for as long as the helper lives."""
        self._block = ExitStack()
        self._watch = self._block.enter_context(importable(self.root))

    def definition(self, file: str, name: str) -> Definition:
        """Load a task's definition.

        Raises:
            ChangedMeanwhile: its file defines it no longer.
            ModuleFailed, …: as for any other.
        """
        if file not in self._definitions:
            watch = self._watched()
            with watch.watching():
                found = tasks_of(Path(file), self.root)
            self._definitions[file] = {one.name: watch.watched(one) for one in found}
        if name not in self._definitions[file]:
            raise ChangedMeanwhile(name, Place(file))
        return self._definitions[file][name]

    def noted(self) -> Noted:
        """Return what was noted while the project's code ran here."""
        return self._watched().told()

    def _watched(self) -> Watch:
        if self._watch is None:
            raise RuntimeError("it was not begun")
        return self._watch


@dataclass(frozen=True, slots=True)
class Afar:
    """Has functions evaluated in helpers, if it makes no difference which one evaluates which."""

    there: There
    watch: Watch

    @classmethod
    def of(cls, root: Path, watch: Watch) -> Afar | None:
        """Return it for a project whose modules are loaded here.

        None where what they hold could change unseen while functions are evaluated.
        """
        return cls(There(root), watch) if watch.shows_all_of_all() else None

    def is_alike(self, noted: object) -> bool:
        """Take what a helper noted, and say whether what it evaluated is what it would be here."""
        return isinstance(noted, Noted) and self.watch.take(noted)
