"""Source text as syntax trees, and as text without what does not count."""

import ast
import functools
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from cpgbuild.plan import bytecode
from cpgbuild.plan.bytecode import Import

__all__ = [
    "class_node",
    "decorator_names",
    "function_node",
    "imports",
    "loaded_names",
    "only_assignment",
    "runs_as_written",
    "text",
    "tree",
]

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_DOCUMENTED: Final = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
# A task's code may lie in so many files that are asked for in turn.
_FILES: Final = 512
_SILENT_FIELDS: Final = ("ctx", "type_comment", "type_ignores", "kind")


def tree(path: Path) -> ast.Module:
    """The syntax tree of a source file as it is now.

    Raises:
        OSError: it cannot be read.
        SyntaxError: it is not Python.
    """
    return _parsed(path.read_bytes())


@functools.lru_cache(maxsize=_FILES)
def _parsed(source: bytes) -> ast.Module:
    return ast.parse(source)


@functools.lru_cache(maxsize=_FILES)
def _compiled(source: bytes) -> types.CodeType:
    return compile(source, "<source>", "exec", dont_inherit=True)


@functools.lru_cache(maxsize=_FILES)
def _definitions(source: bytes) -> dict[tuple[str, int], list[_Definition]]:
    """Functions by name and first line, decorators counted."""
    found: dict[tuple[str, int], list[_Definition]] = {}
    for node in ast.walk(_parsed(source)):
        if isinstance(node, _Definition):
            key = (getattr(node, "name", "<lambda>"), _first_line(node))
            found.setdefault(key, []).append(node)
    return found


@functools.lru_cache(maxsize=_FILES)
def _described(source: bytes) -> dict[tuple[str, int], set[str]]:
    """What the byte code of functions says, by name and first line."""
    found: dict[tuple[str, int], set[str]] = {}
    for code in bytecode.nested(_compiled(source)):
        key = (code.co_name, code.co_firstlineno)
        found.setdefault(key, set()).add(bytecode.describe(code))
    return found


def text(node: ast.AST) -> str:
    """A text of `node` without docstrings, places and whatever is empty.

    Like `ast.dump`, whose treatment of empty fields differs between Python versions.
    """
    if isinstance(node, ast.Constant):
        constant = hex(node.value) if type(node.value) is int else repr(node.value)
        return f"{type(node.value).__name__}:{constant}"
    fields = []
    for name in node._fields:
        value: Any = getattr(node, name, None)
        if name == "body" and isinstance(node, _DOCUMENTED):
            value = _without_docstring(value)
        if name not in _SILENT_FIELDS and value is not None and value != []:
            fields.append(f"{name}={_field_text(value)}")
    return f"{type(node).__name__}({', '.join(fields)})"


def _field_text(value: Any) -> str:
    if isinstance(value, ast.AST):
        return text(value)
    if isinstance(value, list):
        return f"[{', '.join(_field_text(item) for item in value)}]"
    return repr(value)


def _without_docstring(body: Any) -> Any:
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            return rest
        case _:
            return body


def function_node(function: types.FunctionType) -> _Definition | None:
    """The definition of `function` in its file; None where it is not found for certain."""
    code = function.__code__
    try:
        known = _definitions(Path(code.co_filename).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    found = known.get((code.co_name, code.co_firstlineno), [])
    return found[0] if len(found) == 1 else None


def _first_line(node: _Definition) -> int:
    decorators = getattr(node, "decorator_list", [])
    return decorators[0].lineno if decorators else node.lineno


def runs_as_written(function: types.FunctionType) -> bool:
    """Whether the byte code that is loaded is what its source compiles to now."""
    code = function.__code__
    try:
        known = _described(Path(code.co_filename).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    return bytecode.describe(code) in known.get((code.co_name, code.co_firstlineno), ())


def class_node(cls: type, path: Path) -> ast.ClassDef | ast.Module | None:
    """The definition of `cls` in `path`; the whole file where there are several of its name."""
    try:
        root = tree(path)
    except (OSError, SyntaxError, ValueError):
        return None
    found = [
        node
        for node in ast.walk(root)
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__
    ]
    if len(found) > 1:
        return root
    return found[0] if found else None


def only_assignment(path: Path, name: str) -> ast.expr | None:
    """The expression of the one statement in `path` that gives the global `name` its value."""
    try:
        root = tree(path)
    except (OSError, SyntaxError, ValueError):
        return None
    stored = [
        node
        for node in ast.walk(root)
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
    ]
    if len(stored) != 1:
        return None
    for statement in root.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                return value
            case ast.AnnAssign(target=ast.Name(id=target), value=value) if target == name:
                return value
            case _:
                continue
    return None


def imports(node: ast.AST) -> Iterator[Import]:
    """Every import statement in `node`, at any depth."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import):
            for alias in inner.names:
                yield Import(alias.name)
        elif isinstance(inner, ast.ImportFrom):
            members = tuple(alias.name for alias in inner.names)
            yield Import(inner.module or "", inner.level, members)


def loaded_names(node: ast.expr | ast.stmt | ast.Module) -> set[str]:
    """The names that `node`, standing alone, would look up outside of itself.

    Raises:
        SyntaxError: it cannot stand alone (a `nonlocal`).
    """
    if isinstance(node, ast.expr):
        code = compile(ast.Expression(node), "<part>", "eval", dont_inherit=True)
    else:
        whole = node if isinstance(node, ast.Module) else ast.Module([node], [])
        code = compile(whole, "<part>", "exec", dont_inherit=True)
    return bytecode.global_names(code)


def decorator_names(node: ast.AST) -> set[str]:
    """The names that a definition's decorators look up."""
    found: set[str] = set()
    for decorator in getattr(node, "decorator_list", []):
        found |= loaded_names(decorator)
    return found
