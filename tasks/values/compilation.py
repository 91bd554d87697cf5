"""Compiling loops over numbers, each function once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from numba import types
from numba.core.dispatcher import Dispatcher

if TYPE_CHECKING:
    from types import ModuleType

TYPES = {"int": types.int64, "Ints": types.int64[::1]}


@cache
def compile_all(*modules: ModuleType) -> None:
    """Compile the functions of modules for the types that their annotations say.

    Left to itself the compiler makes another copy of a function for each mixture of constants,
    flags and numbers that it is called with: four times as many, in four times the time.
    """
    functions = {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, Dispatcher)
    }
    done: set[str] = set()
    for start in functions:
        stack = [start]
        while stack:
            name = stack[-1]
            used = functions[name].py_func.__code__.co_names
            # What is called is compiled first: then its callers find it, and make no copy.
            waiting = [one for one in used if one in functions and one not in done and one != name]
            if waiting and name not in done:
                stack.extend(waiting)
                continue
            stack.pop()
            if name not in done:
                done.add(name)
                _compile(functions[name])


def _compile(function: Dispatcher) -> None:
    code = function.py_func.__code__
    names = code.co_varnames[: code.co_argcount]
    annotations = function.py_func.__annotations__
    function.compile(tuple(TYPES[annotations[name]] for name in names))
    function.disable_compile()
