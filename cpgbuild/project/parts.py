"""Parts: the task functions of a module and the rest of it, to know which of them an edit is about.

A task function is a `def` of the module itself that this package decorates, and nothing else. What
Python does with it when the module is loaded is to make it; what is in it is only reached through
its name. So where the rest of the module is what it was, and nothing in it that did not change has
the name of one that did, an edited function makes no difference to the others.
"""

from __future__ import annotations

import ast
import dis
import hashlib
import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

_OURS = "cpgbuild"
_LINE_END = re.compile(rb"(?<=\n)|(?<=\r)(?!\n)")
# What is evaluated when a function is made: values and their names, and nothing that does anything.
_PLAIN = (
    *(ast.Constant, ast.Name, ast.Attribute, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.keyword),
    *(ast.Subscript, ast.UnaryOp, ast.USub, ast.BinOp, ast.BitOr, ast.Load),
)
_NAMING = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler),
    *(ast.MatchAs, ast.MatchStar),
)
# Options that are code themselves.
_CODE = {"map", "checks"}


class Parts(NamedTuple):
    """A module's task functions by name, and the rest: what stands for the text of each."""

    rest: str
    functions: dict[str, str]

    def to_json(self) -> str:
        """Return it as a text."""
        return json.dumps(self, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Parts:
        """Return what a text is."""
        return cls(*json.loads(text))

    def untouched(self, now: Parts, code: CodeType) -> set[str]:
        """Return the task functions that mean what they did, of a module with this code now."""
        if self.rest != now.rest:
            return set()
        same = {name for name, mark in now.functions.items() if self.functions.get(name) == mark}
        changed = (self.functions.keys() | now.functions.keys()) - same
        return set() if changed & set(_named(code, changed)) else same


def parts_of(data: bytes) -> Parts | None:
    """Return the parts of a module's text; None where its functions cannot be told apart."""
    lines = _LINE_END.split(data)
    if any(b"coding" in line for line in lines[:2]):
        return None
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError):
        return None
    decorators = _decorators(tree)
    functions: dict[str, str] = {}
    rest: list[bytes] = []
    # Names that `def` or an import gives to a task function or to a decorator, and any others.
    bound = [name for n in ast.walk(tree) if isinstance(n, ast.Global) for name in n.names]
    for node in tree.body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        text = b"".join(lines[first - 1 : node.end_lineno])
        if isinstance(node, ast.FunctionDef) and _is_task(node, decorators):
            if node.name in functions:
                return None
            # Where it stands counts too: its options are those of that moment.
            functions[node.name] = _digest(b"%d " % len(rest) + text)
            continue
        rest.append(text)
        if not _is_ours(node):
            bound += _bound(node)
    if not {"*", *functions, *decorators}.isdisjoint(bound) or decorators & functions.keys():
        return None
    return Parts(_digest(b"\0".join(rest)), functions)


def _decorators(tree: ast.Module) -> set[str]:
    """Return the names that imports give to this package, and to what is in it."""
    return {
        (alias.asname or alias.name).partition(".")[0]
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom) and _is_ours(node)
        for alias in node.names
    }


def _is_ours(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.level == 0 and node.module == _OURS and node.names[0].name != "*"
    return isinstance(node, ast.Import) and all(alias.name == _OURS for alias in node.names)


def _is_task(node: ast.FunctionDef, decorators: set[str]) -> bool:
    """Return whether a function is only made, and by this package's decorators made a task."""
    made: list[ast.AST | None] = [node.returns, *node.args.defaults, *node.args.kw_defaults]
    made += (arg.annotation for arg in ast.walk(node.args) if isinstance(arg, ast.arg))
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        options = decorator.keywords if isinstance(decorator, ast.Call) else []
        if isinstance(decorator, ast.Call) and decorator.args:
            return False
        owner = called.value if isinstance(called, ast.Attribute) else called
        if not (isinstance(owner, ast.Name) and owner.id in decorators):
            return False
        if any(option.arg is None or option.arg in _CODE for option in options):
            return False
        made += (option.value for option in options)
    inner = (part for one in made if one is not None for part in ast.walk(one))
    return bool(node.decorator_list) and all(isinstance(part, _PLAIN) for part in inner)


def _bound(node: ast.AST) -> Iterator[str]:
    """Give all names that a statement may bind, some that it binds elsewhere among them."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
            yield part.id
        elif isinstance(part, ast.alias):
            yield (part.asname or part.name).partition(".")[0]
        elif isinstance(part, _NAMING):
            yield part.name or ""
        elif isinstance(part, ast.MatchMapping):
            yield part.rest or ""


def _named(code: CodeType, without: set[str]) -> Iterator[str]:
    """Give what a module's code names in any way, but for what some of its functions do."""
    for instruction in dis.get_instructions(code):
        if not instruction.opname.startswith("STORE_") and isinstance(instruction.argval, str):
            yield instruction.argval
    for constant in code.co_consts:
        if hasattr(constant, "co_names") and constant.co_name not in without:
            yield from _inner_names(constant)


def _inner_names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if hasattr(constant, "co_names"):
            yield from _inner_names(constant)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()
