"""Textual: the project's own modules, loaded from what is written.

Python takes a file of byte code for that of a text of the same size and second. One moment later
that may be another text, and what it defines would be another thing than what was planned.
"""

from __future__ import annotations

import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder, SourceFileLoader
from typing import TYPE_CHECKING

from cpgbuild.plan.own import is_own

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType


class TextLoader(SourceFileLoader):
    """Loads a module from its text."""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the text as it is now."""
        del fullname
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


class TextFinder(MetaPathFinder):
    """Finds the project's own modules, and has them loaded from their text."""

    def __init__(self, loader: Callable[[str, str], TextLoader] = TextLoader) -> None:
        """Take what makes a module's loader of its name and its path."""
        self._loader = loader

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module, if it is one of the project's own."""
        if path is None:
            if any(finder.find_spec(fullname) for finder in (BuiltinImporter, FrozenImporter)):
                return None
            path = sys.path
        places = [entry for entry in path if is_own(os.path.join(entry, "x.py"))]
        spec = PathFinder.find_spec(fullname, places, target) if places else None
        if spec is None or type(spec.loader) is not SourceFileLoader or spec.origin is None:
            return None
        spec.loader = self._loader(fullname, spec.origin)
        return spec
