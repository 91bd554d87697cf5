"""A stable digest of what a Python function computes: its code and all that it closes over.

The closure is static: the function's syntax tree, its defaults and cells, and every global it
names, followed through the project's own functions, classes and modules; other people's code
counts by distribution and version, the standard library by Python's. Comments, white space,
docstrings and line numbers do not count. Nothing is run.

What runs is trusted over what is written: where the loaded byte code is not that of the source
(an edit after the import, a rewriting import hook), or no source is found, the byte code counts.

Without versions, a digest is equal under every Python that runs the source, and wherever the
project lies: for comparing what was written on two machines, and not for deciding whether to run.

Two things stay out of sight, and are the author's to declare: what a function reads from the
world (files, clock, environment), and attributes patched into other people's modules.
"""

import builtins
import functools
import hashlib
import importlib
import io
import re
import socket
import types
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from cpgbuild.plan import bytecode, origins, syntax

__all__ = ["Undigestible", "code_digest"]

_ATOMS: Final = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type(Ellipsis),
    type(NotImplemented),
)
_STATEFUL: Final = (
    io.IOBase,
    socket.socket,
    types.GeneratorType,
    types.CoroutineType,
    types.AsyncGeneratorType,
    types.FrameType,
)
_BEYOND_READING: Final = ("exec", "eval", "compile", "globals", "__import__")


class Undigestible(ValueError):
    """A function closes over something whose behaviour has no stable digest."""

    def __init__(self, name: str, reason: str) -> None:
        """Keep the name as the code spells it, and why it has no digest."""
        super().__init__(f"`{name}` {reason}")
        self.name = name
        self.reason = reason


def code_digest(
    function: Callable[..., Any], root: str | Path | None = None, *, versions: bool = True
) -> str:
    """The sha256, in hex, of `function`'s static closure; equal in every process.

    Files under `root` are the project's, installed packages in it aside. So is any file that
    is neither the standard library's nor an installed distribution's. Without `versions`, other
    people's code counts by its distribution alone.

    Raises:
        Undigestible: an open file, a generator, `eval`, an object that cannot say what it is.
    """
    walker = _Walker(None if root is None else Path(root).resolve(), versions=versions)
    top = walker.value(function, getattr(function, "__qualname__", repr(type(function))))
    text = "\n".join([top, *walker.entries])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class _Walker:
    """Visits definitions once, in an order that only the code decides.

    Functions, classes and modules are numbered at the first visit (so recursion ends) and
    described in `entries`; values are described in place (so that sharing does not matter).
    """

    def __init__(self, root: Path | None, *, versions: bool) -> None:
        self.root = root
        self.versions = versions
        self.entries: list[str] = []
        self.seen: dict[object, int] = {}
        self.kept: list[object] = []  # an id is only an identity while its object lives
        self.open: list[int] = []

    # -- values ---------------------------------------------------------------------------

    def value(self, thing: Any, name: str) -> str:
        """The description of `thing`, which the code calls `name`."""
        if type(thing) is int:
            return f"int:{hex(thing)}"
        if type(thing) in _ATOMS:
            return f"{type(thing).__name__}:{thing!r}"
        definition = self._definition(thing, name)
        if definition is not None:
            return definition
        if id(thing) in self.open:
            return f"cycle:{len(self.open) - self.open.index(id(thing))}"
        self.open.append(id(thing))
        try:
            return self._composed(thing, name)
        finally:
            self.open.pop()

    def _composed(self, thing: Any, name: str) -> str:
        kind = type(thing)
        if kind in (tuple, list):
            return f"{kind.__name__}[{self._many(thing, name)}]"
        if kind in (set, frozenset):
            return f"{kind.__name__}[{', '.join(sorted(self.value(v, name) for v in thing))}]"
        if kind in (dict, types.MappingProxyType):
            pairs = (f"{self.value(k, name)}={self.value(v, name)}" for k, v in thing.items())
            return f"dict[{', '.join(pairs)}]"
        if kind is re.Pattern:
            return f"pattern:{self.value(thing.pattern, name)}:{thing.flags}"
        if self._is_of_project(thing):
            return f"path:{thing.relative_to(self.root).as_posix()}"
        return self._wrapped(thing, name) or self._reduced(thing, name)

    def _is_of_project(self, thing: Any) -> bool:
        """Return whether it is a place in the project, which is elsewhere on another machine."""
        below = (
            isinstance(thing, Path) and self.root is not None and thing.is_relative_to(self.root)
        )
        return below and not self.versions

    def _wrapped(self, thing: Any, name: str) -> str | None:
        """What stands for another function: methods, descriptors, caches."""
        kind = type(thing).__name__
        if isinstance(thing, types.MethodType | types.BuiltinMethodType):
            return f"method[{self.value(thing.__self__, name)}].{thing.__name__}"
        if isinstance(thing, staticmethod | classmethod):
            return f"{kind}[{self.value(thing.__func__, name)}]"
        if isinstance(thing, property):
            return f"property[{self._many((thing.fget, thing.fset, thing.fdel), name)}]"
        if isinstance(thing, functools._lru_cache_wrapper):  # noqa: SLF001 - its only name
            return f"cached[{self.value(thing.__wrapped__, name)}]"
        return None

    def _many(self, things: Iterable[Any], name: str) -> str:
        return ", ".join([self.value(thing, name) for thing in things])

    def _reduced(self, thing: Any, name: str) -> str:
        """An object as pickle would take it apart: what makes it, from what, with what state."""
        if isinstance(thing, _STATEFUL):
            raise Undigestible(name, f"is a {type(thing).__name__}, which has a hidden state")
        try:
            parts = thing.__reduce_ex__(4)
        except Exception as error:
            kind = f"{type(thing).__module__}.{type(thing).__qualname__}"
            raise Undigestible(name, f"is a {kind}, which cannot say what it is") from error
        if isinstance(parts, str):
            owner = thing if getattr(thing, "__module__", None) else type(thing)
            return f"global:{self._foreign(owner, name)}:{parts}"
        made, arguments, *rest = parts
        state = [list(part) if isinstance(part, Iterator) else part for part in rest]
        inner = f"{self._many(arguments, name)}){self._many(state, name)}"
        return f"made[{self.value(made, name)}({inner}]"

    # -- definitions ----------------------------------------------------------------------

    def _definition(self, thing: Any, name: str) -> str | None:
        """The reference to a function, class or module; None for a value."""
        if isinstance(thing, types.FunctionType):
            return self._visited(("id", id(thing)), thing, lambda: self._function(thing, name))
        if type(thing) is not types.GenericAlias and isinstance(thing, type):
            return self._visited(("id", id(thing)), thing, lambda: self._class(thing, name))
        if isinstance(thing, types.ModuleType):
            _refuse_importlib(thing is importlib, name)
            return self._module(thing.__name__, name)
        if isinstance(thing, types.BuiltinFunctionType) and _is_free(thing):
            if any(thing is getattr(builtins, known) for known in _BEYOND_READING):
                raise Undigestible(name, "runs or reads code that reading does not show")
            return f"builtin:{self._foreign(thing, name)}:{thing.__qualname__}"
        return None

    def _visited(self, key: object, thing: object, describe: Callable[[], str]) -> str:
        number = self.seen.get(key)
        if number is None:
            number = self.seen[key] = len(self.entries)
            self.kept.append(thing)
            self.entries.append("")
            self.entries[number] = f"{number} {describe()}"
        return f"#{number}"

    def _foreign(self, thing: Any, name: str) -> str:
        """The origin of a definition without Python code."""
        module = getattr(thing, "__module__", None) or ""
        origin = origins.of_module(module, self.root)
        if origin.path is not None:
            return f"file {hashlib.sha256(origin.path.read_bytes()).hexdigest()}"
        if origin.text is None:
            raise Undigestible(name, f"comes from `{module}`, which is neither installed nor here")
        return self._origin(origin)

    def _origin(self, origin: origins.Origin) -> str:
        return str(origin.text if self.versions else origin.name)

    def _function(self, function: types.FunctionType, name: str) -> str:
        _refuse_importlib(function is importlib.import_module, name)
        origin = origins.of_function(function, self.root)
        if origin.text is not None:
            bound = self._bound(function, name) if self.versions else f"({self._cells(function)})"
            return f"function {self._origin(origin)}:{function.__qualname__}{bound}"
        bound = self._bound(function, name)
        node = None if origin.path is None else syntax.function_node(function)
        names = bytecode.global_names(function.__code__)
        parts = [bound]
        if node is not None:
            parts.append(syntax.text(node))
            names |= syntax.decorator_names(node)
        if node is None or not syntax.runs_as_written(function):
            parts.append(bytecode.describe(function.__code__))
        parts.append(self._named(names, function.__globals__))
        package = function.__globals__.get("__package__") or ""
        parts.append(self._imported(bytecode.imports(function.__code__), package, name))
        return f"function {' '.join(parts)}"

    def _bound(self, function: types.FunctionType, name: str) -> str:
        """Defaults and closure cells, by value."""
        cells = self._cells(function)
        defaults = self._many(function.__defaults__ or (), name)
        keywords = self.value(function.__kwdefaults__ or {}, name)
        return f"({defaults}; {keywords}; {cells})"

    def _cells(self, function: types.FunctionType) -> str:
        """Closure cells, by value; another's decorator holds the project's functions there."""
        cells = []
        closed = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        for free, cell in closed:
            known = cell != types.CellType()
            cells.append(f"{free}={self.value(cell.cell_contents, free) if known else 'empty'}")
        return ", ".join(cells)

    def _named(self, names: Iterable[str], scope: dict[str, Any]) -> str:
        """Every global that code in `scope` names, by what it stands for now."""
        found = []
        for name in sorted(names):
            if name in scope:
                found.append(f"{name}={self._global(name, scope)}")
            elif hasattr(builtins, name):
                found.append(f"{name}={self.value(getattr(builtins, name), name)}")
            else:
                found.append(f"{name} is not defined")
        return f"{{{', '.join(found)}}}"

    def _global(self, name: str, scope: dict[str, Any]) -> str:
        """A global by value, or else by the one expression that made it."""
        before = len(self.entries)
        try:
            return self.value(scope[name], name)
        except Undigestible:
            file = scope.get("__file__")
            made = None if file is None else syntax.only_assignment(Path(file), name)
            if made is None or isinstance(scope[name], _STATEFUL):
                raise
            # What was begun is not described; nothing may refer to it.
            del self.entries[before:]
            self.seen = {key: number for key, number in self.seen.items() if number < before}
            inner = syntax.loaded_names(made) - {name}
            return f"made by {syntax.text(made)} {self._named(inner, scope)}"

    def _class(self, cls: type, name: str) -> str:
        origin = origins.of_class(cls, self.root)
        if origin.text is not None:
            return f"class {self._origin(origin)}:{cls.__qualname__}"
        node = None if origin.path is None else syntax.class_node(cls, origin.path)
        if node is None:
            raise Undigestible(name, "is a class whose source is not found")
        kin = self._many((type(cls), *cls.__mro__[1:]), name)
        named = self._named(syntax.loaded_names(node), origins.namespace(cls))
        package = origins.package_of(cls.__module__)
        imported = self._imported(syntax.imports(node), package, name)
        return f"class {syntax.text(node)} ({kin}) {named} {imported}"

    # -- modules --------------------------------------------------------------------------

    def _module(self, module: str, name: str) -> str:
        return self._visited(("module", module), None, lambda: self._module_text(module, name))

    def _module_text(self, module: str, name: str) -> str:
        """A project's module is its whole text with what it imports; any other its origin."""
        origin = origins.of_module(module, self.root)
        if origin.path is None:
            text = "not there" if origin.text is None else self._origin(origin)
            return f"module {text}:{module}"
        if origin.path.suffix != ".py":
            return f"module {module} {hashlib.sha256(origin.path.read_bytes()).hexdigest()}"
        whole = syntax.tree(origin.path)
        package = origins.package_of(module)
        return f"module {syntax.text(whole)} {self._imported(syntax.imports(whole), package, name)}"

    def _imported(self, wanted: Iterable[bytecode.Import], package: str, name: str) -> str:
        """The modules that import statements load, in the statements' order of names."""
        targets: set[str] = set()
        for imported in wanted:
            dynamic = not imported.members or "import_module" in imported.members
            _refuse_importlib(imported.module == importlib.__name__ and dynamic, name)
            targets.update(origins.imported_modules(imported, package, self.root))
        return f"imports[{', '.join(f'{t}={self._module(t, name)}' for t in sorted(targets))}]"


def _is_free(thing: types.BuiltinFunctionType) -> bool:
    """Whether a built-in function is a module's, not a method bound to a value."""
    return thing.__self__ is None or isinstance(thing.__self__, types.ModuleType)


def _refuse_importlib(refused: bool, name: str) -> None:  # noqa: FBT001 - one line at its callers
    if refused:
        raise Undigestible(name, "imports modules by names that reading does not show")
