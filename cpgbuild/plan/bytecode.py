"""Code objects: what they name, import and do, apart from where they stand."""

import dis
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Import", "describe", "global_names", "imports", "nested", "texts"]


# Each instruction takes two bytes, of which this is the first one.
_IMPORT = dis.opmap["IMPORT_NAME"]


@dataclass(frozen=True)
class Import:
    """One import statement: `from <level dots><module> import <members>`."""

    module: str
    level: int = 0
    members: tuple[str, ...] = ()


def nested(code: types.CodeType) -> Iterator[types.CodeType]:
    """`code` and every code object inside it, outermost first."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from nested(constant)


def describe(code: types.CodeType) -> str:
    """What `code` does, as text: everything but names of files and numbers of lines."""
    facts = (
        code.co_name,
        code.co_flags,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_code,
        code.co_exceptiontable,
    )
    return f"code({facts!r}, [{', '.join(map(_constant, code.co_consts))}])"


def _constant(value: Any) -> str:
    if isinstance(value, types.CodeType):
        return describe(value)
    if isinstance(value, frozenset):
        return f"frozenset({sorted(map(_constant, value))})"
    if isinstance(value, tuple):
        return f"({', '.join(map(_constant, value))})"
    return f"{type(value).__name__}:{hex(value) if type(value) is int else repr(value)}"


def global_names(code: types.CodeType) -> set[str]:
    """The names that `code` and the code inside it look up as globals or builtins."""
    return {name for part in nested(code) for name in _looked_up(part)}


def _looked_up(code: types.CodeType) -> set[str]:
    names: set[str] = set()
    has_annotations = False
    for instruction in dis.get_instructions(code):
        operation = instruction.opname
        has_annotations |= operation == "SETUP_ANNOTATIONS"
        if operation.startswith("LOAD_") and ("GLOBAL" in operation or "NAME" in operation):
            names.add(str(instruction.argval))
    # A class puts its annotations into a dictionary of its own: the module's is another one.
    return names - {"__annotations__"} if has_annotations else names


def texts(code: types.CodeType) -> set[str]:
    """The strings that are constants of `code` and the code inside it."""
    return {one for part in nested(code) for one in part.co_consts if isinstance(one, str)}


def imports(code: types.CodeType) -> Iterator[Import]:
    """The import statements in `code` and the code inside it."""
    for part in nested(code):
        if _IMPORT not in part.co_code[::2]:
            continue
        before: list[Any] = [None, None]
        for instruction in dis.get_instructions(part):
            if instruction.opname == "IMPORT_NAME":
                # The compiler puts the level and the members right before it, as constants.
                level, members = before
                yield Import(str(instruction.argval), int(level or 0), tuple(members or ()))
            before = [before[1], instruction.argval]
