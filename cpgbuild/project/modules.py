"""Modules: the project's own Python modules, importable for as long as they are needed."""

from __future__ import annotations

import importlib
import sys
import sysconfig
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cpgbuild.errors.project import ModuleFailed
from cpgbuild.errors.report import CpgbuildError, Place
from cpgbuild.plan.places import user_place
from cpgbuild.project.contents import Contents
from cpgbuild.project.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


OURS = "cpgbuild"


@contextmanager
def importable(root: Path, contents: Contents | None = None) -> Iterator[Watch]:
    """Let the project's modules be imported by their path from its root, in this block.

    What is given can watch what they do. What they are is told to `contents`.

    Modules of the same names that were imported before are put aside meanwhile. The project's own
    are forgotten at its end, so that the next block sees their edits, and so that two
    projects that both have a `tasks` folder can be used by one process.
    """
    aside = {name: sys.modules.pop(name) for name in _namesakes(root)}
    before = set(sys.modules)
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    watch = Watch(contents or Contents())
    try:
        with watch.loading():
            yield watch
    finally:
        sys.path.remove(str(root))
        fresh = [n for n in set(sys.modules) - before if n.partition(".")[0] != OURS]
        # First asked, then dropped: a folder of modules asks its parent where it is.
        for name in [n for n in fresh if _is_under(sys.modules[n], root)]:
            del sys.modules[name]
        sys.modules.update(aside)


def _namesakes(root: Path) -> list[str]:
    """Return the modules, imported from wherever, that bear the names of the project's own."""
    names = {path.stem for path in root.iterdir() if path.is_dir() or path.suffix == ".py"}
    alike = [(n, m) for n, m in sys.modules.items() if n.partition(".")[0] in names - {OURS}]
    return [name for name, module in alike if not _is_installed(module)]


def _is_installed(module: ModuleType) -> bool:
    """Return whether a module is Python's own or a package's, so that it is shared by all."""
    places = _places(module)
    own = Path(sysconfig.get_path("stdlib"))
    return not places or any(p.is_relative_to(own) or "site-packages" in p.parts for p in places)


def _places(module: ModuleType) -> list[Path]:
    """Return the file of a module, or the folders of a package."""
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    return [Path(place) for place in places if place]


def _is_under(module: ModuleType, root: Path) -> bool:
    """Return whether a module, or a folder of modules, is the project's own."""
    own = (p for p in _places(module) if "site-packages" not in p.parts)
    return any(path.is_relative_to(root) for path in own)


def module_name(path: Path, root: Path) -> str:
    """Return the name under which a file of the project is imported."""
    name = ".".join(path.relative_to(root).with_suffix("").parts)
    return name.removesuffix(".__init__")


def load_module(path: Path, root: Path) -> ModuleType:
    """Import a task module, inside of `importable`.

    Raises:
        ModuleFailed: it raised; the place is the innermost line of the project's own code.
    """
    try:
        return importlib.import_module(module_name(path, root))
    except CpgbuildError:
        raise
    except (Exception, SystemExit) as error:
        shown = str(path.relative_to(root))
        if isinstance(error, SyntaxError) and error.filename:
            place = Place(error.filename, error.lineno or 0, error.offset or 0, 1)
        else:
            place = user_place(error.__traceback__, root) or Place(str(path))
        raise ModuleFailed(shown, error, place) from error
