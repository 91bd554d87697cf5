"""Arrow without pandas, until somebody imports it.

Arrow imports pandas as soon as a value is made of Python's or taken for one: that is a third of the
time until a small project is planned, and half of what a worker takes to begin. Here Arrow is told
that there is none, and that there is one once it is imported: until then no value can be of it.
"""

from __future__ import annotations

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


def hide_pandas() -> None:
    """Let pandas be imported by nobody but those who name it."""
    if "pandas" in sys.modules:
        return
    import pyarrow as pa  # noqa: PLC0415 -- heavy, and about to be needed

    finder = _Finder()
    sys.meta_path.insert(0, finder)
    # It asks once, and is told by an ImportError.
    _ = pa.lib._pandas_api.have_pandas  # noqa: SLF001 -- there is no other way to say so
    finder.is_hidden = False


class _Finder(MetaPathFinder):
    """Finds no pandas while it is hidden; then one whose import is told to Arrow."""

    is_hidden = True

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname != "pandas":
            return None
        if self.is_hidden:
            raise ModuleNotFoundError("pandas is not needed yet", name=fullname)
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Telling(spec.loader)
        return spec


class _Telling(Loader):
    """Loads pandas, and tells Arrow."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        import pyarrow as pa  # noqa: PLC0415

        # Who asks for it outright makes Arrow look again.
        _ = pa.lib._pandas_api.pd  # noqa: SLF001
