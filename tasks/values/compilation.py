"""Compiling loops over numbers, each function once."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import ModuleType


@cache
def compile_all(*modules: ModuleType) -> None:
    """Compile the functions of modules that are marked for it, for the types of their annotations.

    They are not compiled where they stand, so that who only reads the modules does not load numba.
    And left to itself that makes another copy of a function for each mixture of constants, flags
    and numbers that it is called with: four times as many, in four times the time.
    """
    from numba.core.errors import TypingError  # noqa: PLC0415 -- for who compiles

    texts = [Path(module.__file__ or "").read_bytes() for module in modules]
    edition = sha256(b"\0".join(texts)).hexdigest()[:16]
    functions = {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, FunctionType) and "compiled" in value.__dict__
    }
    entries = [name for name, value in functions.items() if value.__dict__["compiled"] == "entry"]
    try:
        # What is kept of one has the code of all that it calls.
        made = {name: _compiled(functions[name], edition) for name in entries}
    except TypingError:
        # It was not kept, and what it calls is nothing that could be compiled with it.
        pass
    else:
        _put(made, modules)
        return
    for name in _callees_first(functions):
        _put({name: _compiled(functions[name], edition)}, modules)


def _put(made: Mapping[str, object], modules: Iterable[ModuleType]) -> None:
    """Put compiled functions in the places of those that they were made of."""
    for module in modules:
        vars(module).update((name, one) for name, one in made.items() if name in vars(module))


def _callees_first(functions: Mapping[str, FunctionType]) -> Iterator[str]:
    """Yield all names, those of what a function calls before its own."""
    done: set[str] = set()
    for start in functions:
        stack = [start]
        while stack:
            name = stack[-1]
            used = functions[name].__code__.co_names
            waiting = [one for one in used if one in functions and one not in done and one != name]
            if waiting and name not in done:
                stack.extend(waiting)
                continue
            stack.pop()
            if name not in done:
                done.add(name)
                yield name


def _compiled(function: FunctionType, edition: str) -> object:
    from numba import njit, types  # noqa: PLC0415 -- for who compiles

    kinds = {"int": types.int64, "Ints": types.int64[::1]}
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    # A way in from Python for each would be much of the compilation.
    is_inner = function.__dict__["compiled"] == "inner"
    # What is kept on disk is known by this name and the one file of the function: what that calls
    # may stand in another one that has changed.
    function.__qualname__ = f"{function.__name__}_{edition}"
    made = njit(cache=True, no_cpython_wrapper=is_inner, no_cfunc_wrapper=is_inner)(function)
    made.compile(tuple(kinds[function.__annotations__[name]] for name in names))
    made.disable_compile()
    return made
