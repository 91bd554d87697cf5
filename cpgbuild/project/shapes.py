"""Shapes: what a module's names stand for, in a form that tells whether that is still so.

Code may change what is behind a name while its tasks are evaluated. Then one task's expression
depends on whether another's was evaluated before.
"""

from __future__ import annotations

import enum
import functools
import io
import re
import sys
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MappingProxyType,
    MethodType,
    ModuleType,
)
from typing import Any

from cpgbuild.plan.definition import Definition
from cpgbuild.plan.own import is_own

_ATOMS = (type(None), bool, int, str, bytes)
_NUMBERS = (float, complex)
# Types of what never changes, by their names: to import them all would take its time.
_FIXED = re.compile(
    r"datetime\.(date|datetime|time|timedelta|timezone)|decimal\.Decimal|fractions\.Fraction"
    r"|uuid\.UUID|pathlib\.([\w.]+\.)?\w+Path|re\.Pattern|zoneinfo\.ZoneInfo|dataclasses\.\w+"
    r"|builtins\.(range|slice|ellipsis|NotImplementedType|(\w+_)?descriptor)"
    r"|_collections\._tuplegetter|inspect\.(Signature|Parameter)"
    r"|types\.(GenericAlias|UnionType)|typing\.\w+|__future__\._Feature"
    r"|ibis\.(?!backends\.).*|cpgbuild\..*"
    r"|pyarrow\.lib\.(\w*(Type|Array|Scalar)|Schema|Field|Table|RecordBatch)"
)
# What is known by what it was made of.
_MADE_OF = {
    functools.partial: ("func", "args", "keywords"),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    MethodType: ("__func__", "__self__"),
    property: ("fget", "fset", "fdel"),
}
_DEPTH = 12


class Shape:
    """What the names of a module stand for; two are equal where nothing is seen to have changed.

    It `shows_all` where there is nothing in it that could change and not be seen.
    """

    def __init__(self, module: ModuleType) -> None:
        """Look at a module as it is now."""
        self.shows_all = True
        # An id is only an identity while its object lives.
        self._alive: dict[int, object] = {}
        self._depth = 0
        self._names = {
            name: self._of(value)
            for name, value in list(vars(module).items())
            if not _is_dunder(name)
        }

    def __eq__(self, other: object) -> bool:
        """Tell whether two moments of a module look the same."""
        return isinstance(other, Shape) and self._names == other._names

    __hash__ = None  # type: ignore[assignment]  # nobody looks one up

    def _of(self, value: Any) -> Any:
        kind = type(value)
        if kind in _ATOMS:
            return kind, value
        if kind in _NUMBERS:
            return kind, repr(value)
        key = id(value)
        if key in self._alive:
            return key
        self._alive[key] = value
        if self._depth == _DEPTH:
            self.shows_all = False
            return key
        self._depth += 1
        inside = self._inside(value)
        self._depth -= 1
        return key, inside

    def _inside(self, value: Any) -> Any:  # noqa: PLR0911 -- one line for each kind of thing
        if isinstance(value, ModuleType | CodeType | Definition | enum.Enum | enum.EnumMeta):
            return None
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, type):
            return self._class(value) if _is_own_type(value) else None
        if type(value) is list or isinstance(value, tuple):
            return [self._of(inner) for inner in value]
        if type(value) in (set, frozenset):
            return sorted((id(inner), repr(self._of(inner))) for inner in value)
        if type(value) in (dict, MappingProxyType):
            return [(self._of(key), self._of(inner)) for key, inner in value.items()]
        for kind, parts in _MADE_OF.items():
            if isinstance(value, kind):
                return [self._of(getattr(value, part)) for part in parts]
        return self._object(value)

    def _object(self, value: Any) -> Any:
        kind = type(value)
        if isinstance(value, BuiltinFunctionType):
            owner = value.__self__
            self.shows_all &= owner is None or isinstance(owner, ModuleType | type)
            return None
        if _is_own_type(kind) and hasattr(value, "__dict__"):
            others = (c.__module__ for c in kind.__mro__ if c is not object and not _is_own_type(c))
            self.shows_all &= all(module in ("abc", "typing") for module in others)
            return self._of(vars(value))
        is_closed = isinstance(value, io.IOBase) and value.closed
        if not is_closed and not _FIXED.fullmatch(f"{kind.__module__}.{kind.__qualname__}"):
            self.shows_all = False
        return None

    def _function(self, function: FunctionType) -> Any:
        cells = []
        for cell in function.__closure__ or ():
            try:
                cells.append(self._of(cell.cell_contents))
            except ValueError:
                # It is empty yet.
                cells.append(None)
        bound = (function.__defaults__, function.__kwdefaults__, vars(function))
        return id(function.__code__), cells, [self._of(value) for value in bound]

    def _class(self, kind: type) -> Any:
        return [
            (name, self._of(value))
            for name, value in vars(kind).items()
            if isinstance(value, FunctionType) or not (_is_dunder(name) or name == "_abc_impl")
        ]


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _is_own_type(kind: type) -> bool:
    """Return whether a class is of the project's own code."""
    module = sys.modules.get(getattr(kind, "__module__", None) or "")
    return is_own(getattr(module, "__file__", None) or "<")
