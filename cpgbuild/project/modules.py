"""Modules: the project's own Python modules, importable for as long as they are needed."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cpgbuild.errors.project import ModuleFailed
from cpgbuild.errors.report import CpgbuildError, Place
from cpgbuild.plan.places import user_place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from cpgbuild.project.config import Project

OURS = "cpgbuild"


@contextmanager
def importable(root: Path) -> Iterator[None]:
    """Let the project's modules be imported by their path from its root, in this block.

    They are forgotten at its end, so that the next block sees their edits, and so that two
    projects that both have a `tasks` folder can be used by one process.
    """
    before = set(sys.modules)
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(root))
        fresh = [n for n in set(sys.modules) - before if n.partition(".")[0] != OURS]
        # First asked, then dropped: a folder of modules asks its parent where it is.
        for name in [n for n in fresh if _is_under(sys.modules[n], root)]:
            del sys.modules[name]


def _is_under(module: ModuleType, root: Path) -> bool:
    """Return whether a module, or a folder of modules, is the project's own."""
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    paths = [Path(place) for place in places if place]
    return any(p.is_relative_to(root) and "site-packages" not in p.parts for p in paths)


def module_name(path: Path, root: Path) -> str:
    """Return the name under which a file of the project is imported."""
    name = ".".join(path.relative_to(root).with_suffix("").parts)
    return name.removesuffix(".__init__")


def load_module(path: Path, project: Project) -> ModuleType:
    """Import a task module, inside of `importable`.

    Raises:
        ModuleFailed: it raised; the place is the innermost line of the project's own code.
    """
    try:
        return importlib.import_module(module_name(path, project.root))
    except CpgbuildError:
        raise
    except (Exception, SystemExit) as error:
        shown = str(path.relative_to(project.root))
        if isinstance(error, SyntaxError) and error.filename:
            place = Place(error.filename, error.lineno or 0, error.offset or 0, 1)
        else:
            place = user_place(error.__traceback__, project.root) or Place(str(path))
        raise ModuleFailed(shown, error, place) from error
