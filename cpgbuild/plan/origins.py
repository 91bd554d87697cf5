"""Where code comes from: the project's own files, an installed distribution, Python itself."""

import functools
import hashlib
import importlib.metadata
import importlib.util
import inspect
import sys
import sysconfig
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cpgbuild.plan.bytecode import Import

__all__ = [
    "Origin",
    "imported_modules",
    "namespace",
    "of_class",
    "of_function",
    "of_module",
    "package_of",
]

_INSTALLED: Final = ("site-packages", "dist-packages")
_PYTHON: Final = f"python {sys.version_info.major}.{sys.version_info.minor}"
_TOOL: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Origin:
    """The text stands for code that is not the project's; the path is the project's source.

    Both are None for a module that is not there (an optional import). The name is the text
    without versions.
    """

    text: str | None
    path: Path | None = None
    name: str | None = None

    @property
    def is_project(self) -> bool:
        """Whether the code's own text decides what it does."""
        return self.path is not None


def of_module(name: str, root: Path | None) -> Origin:
    """The origin of the module `name`, loaded or not; nothing is imported."""
    top = name.partition(".")[0]
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if module is None and root is not None:
        file = _file_under(root, name)
    if file is not None:
        return _of_path(file, top, root)
    if top in sys.stdlib_module_names or top in sys.builtin_module_names:
        return Origin(_PYTHON, name="python")
    if distributions := _distributions(top):
        return _installed(distributions)
    if module is not None and hasattr(module, "__path__"):
        return Origin("namespace package", name="namespace package")
    return Origin(None)


def of_function(function: types.FunctionType, root: Path | None) -> Origin:
    """The origin of a function's code, whatever module a decorator says that it is of."""
    file = function.__code__.co_filename
    module = str(function.__globals__.get("__name__", ""))
    if file.startswith("<"):
        found = of_module(module, root)
        # Generated code has no text of its own, wherever it was made.
        return found if file.startswith("<frozen") and not found.is_project else Origin(None)
    return _of_path(file, module.partition(".")[0], root)


def of_class(cls: type, root: Path | None) -> Origin:
    """The origin of a class; one whose module was unloaded is found through its methods."""
    if cls.__module__ in sys.modules:
        return of_module(cls.__module__, root)
    for function in _methods(cls):
        if function.__module__ == cls.__module__ and function.__code__.co_filename[0] != "<":
            return of_function(function, root)
    return of_module(cls.__module__, root)


def namespace(cls: type) -> dict[str, Any]:
    """The names that a class' body sees: its module's, and what its methods close over."""
    module = sys.modules.get(cls.__module__)
    names: dict[str, Any] = dict(vars(module)) if module is not None else {}
    for function in _methods(cls):
        if module is None and function.__module__ == cls.__module__:
            names.update(function.__globals__)
        closed = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        for name, cell in closed:
            if name != "__class__" and cell != types.CellType():
                names[name] = cell.cell_contents
    return names


def _methods(cls: type) -> Iterator[types.FunctionType]:
    for member in vars(cls).values():
        found = inspect.unwrap(getattr(member, "fget", None) or getattr(member, "__func__", member))
        if isinstance(found, types.FunctionType):
            yield found


def _of_path(file: str | Path, top: str, root: Path | None) -> Origin:
    path = Path(file).resolve()
    if path.is_relative_to(_TOOL):
        own = _distributions("cpgbuild")
        return _installed(own) if own else Origin("cpgbuild", name="cpgbuild")
    if any(part in _INSTALLED for part in path.parts):
        if distributions := _distributions(top):
            return _installed(distributions)
        digest = f"file {hashlib.sha256(path.read_bytes()).hexdigest()}"
        return Origin(digest, name=digest)
    if root is not None and path.is_relative_to(root):
        return Origin(None, path)
    places = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    if any(path.is_relative_to(Path(place).resolve()) for place in places):
        return Origin(_PYTHON, name="python")
    return Origin(None, path)


@functools.cache
def _top_levels() -> dict[str, list[str]]:
    """Distributions per importable name; slow to make, and fixed while a process runs."""
    return dict(importlib.metadata.packages_distributions())


def _distributions(top: str) -> list[str]:
    return sorted(set(_top_levels().get(top, ())))


def _installed(names: list[str]) -> Origin:
    return Origin(", ".join(map(_versioned, names)), name=", ".join(names))


@functools.cache
def _versioned(name: str) -> str:
    return f"{name} {importlib.metadata.version(name)}"


def _file_under(root: Path, name: str) -> Path | None:
    base = root.joinpath(*name.split("."))
    for candidate in (base / "__init__.py", base.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


def package_of(module: str) -> str:
    """The package that relative imports in `module` start from."""
    loaded = sys.modules.get(module)
    package = getattr(loaded, "__package__", None)
    return package if package is not None else module.rpartition(".")[0]


def imported_modules(wanted: Import, package: str, root: Path | None) -> Iterator[str]:
    """The modules that one import statement loads, parents first.

    Raises:
        ImportError: a relative import that leaves its package.
    """
    name = wanted.module
    if wanted.level:
        name = importlib.util.resolve_name("." * wanted.level + name, package)
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end])
    for member in wanted.members:
        inner = f"{name}.{member}"
        # What has no file here is somebody else's, and whose takes long to find out.
        is_here = root is not None and _file_under(root, inner) is not None
        if inner in sys.modules or (is_here and of_module(inner, root).is_project):
            yield inner
