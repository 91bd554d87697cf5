"""The functions that an expression needs beside the engine's own: UDFs, and some of Ibis'."""

import functools
import hashlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import pyarrow as pa
from ibis.backends.datafusion import udfs
from ibis.expr.operations.udf import InputType
from ibis.formats.pyarrow import PyArrowType

from cpgbuild.plan import urls
from cpgbuild.plan.code import code_digest
from cpgbuild.plan.functions import Function
from cpgbuild.plan.types import normalise, to_text

__all__ = ["function_of", "functions_of"]

_DIGITS: Final = 12
_VOLATILITIES: Final = ("immutable", "stable", "volatile")
_HELPERS: Final = {
    ops.RegexSplit: "regex_split",
    ops.ExtractFragment: "extract_url_field",
    ops.ExtractProtocol: "extract_url_field",
    ops.ExtractAuthority: "extract_url_field",
    ops.ExtractPath: "extract_url_field",
    ops.ExtractHost: "extract_url_field",
    ops.ExtractUserInfo: "extract_user_info",
}
"""Which of Ibis' functions its compiler emits for an operation."""


def functions_of(expr: ibis.Table, root: str | Path | None = None) -> tuple[Function, ...]:
    """The functions that the SQL of `expr` calls and the engine lacks, ordered by name.

    Raises:
        Undigestible: a UDF whose code has no stable digest.
        NotImplementedError: a pandas UDF, or one without arguments.
    """
    found: dict[str, Function] = {}
    for node in expr.op().find(ops.Value):
        function = function_of(node, root)
        if function is not None:
            found[function.name] = function
    return tuple(found[name] for name in sorted(found))


def function_of(node: ops.Value, root: str | Path | None = None) -> Function | None:
    """The function that one operation needs; None where the engine has it.

    Raises:
        Undigestible, NotImplementedError: see `functions_of`.
    """
    if isinstance(node, ops.ScalarUDF):
        return None if node.__input_type__ is InputType.BUILTIN else _user_function(node, root)
    if isinstance(node, ops.ExtractQuery):
        return _helper("extract_query" if node.key is None else "extract_query_param")
    name = _HELPERS.get(type(node))
    return None if name is None else _helper(name)


def _user_function(node: ops.ScalarUDF, root: str | Path | None) -> Function:
    name = node.__func_name__
    calls = {InputType.PYTHON: _by_row, InputType.PYARROW: _by_array}
    if node.__input_type__ not in calls:
        kind = node.__input_type__.name.lower()
        raise NotImplementedError(f"`{name}` is a {kind} UDF; write it for python or pyarrow")
    if not node.__argnames__:
        raise NotImplementedError(f"`{name}` takes no arguments; use a literal or a variable")
    inputs = tuple(_argument_type(node, argument) for argument in node.__argnames__)
    output = normalise(PyArrowType.from_ibis(node.dtype))
    volatility = _volatility(node)
    call = calls[node.__input_type__](node.__func__, output)

    def digest(*, versions: bool) -> str:
        code = code_digest(node.__func__, root, versions=versions)
        facts = (node.__input_type__.name, code, *map(to_text, inputs), to_text(output), volatility)
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()

    written = digest(versions=False)
    called = f"{_plain(name)}_{written[:_DIGITS]}"
    exact = digest(versions=True)
    return Function(called, inputs, output, call, exact, volatility, written)


def _argument_type(node: ops.ScalarUDF, argument: str) -> pa.DataType:
    """The declared type of an argument; that of what is passed, where none is declared."""
    pattern = node.__signature__.parameters[argument].annotation.pattern
    declared = getattr(pattern, "dtype", None)
    dtype = declared if isinstance(declared, dt.DataType) else getattr(node, argument).dtype
    return normalise(PyArrowType.from_ibis(dtype))


def _volatility(node: ops.ScalarUDF) -> str:
    """What the author declared (`@ibis.udf.scalar.python(volatility="volatile")`).

    A UDF is taken for a function of its arguments unless it is declared to be none.

    Raises:
        ValueError: a word that DataFusion does not know.
    """
    word = str(node.__config__.get("volatility", "immutable"))
    if word not in _VOLATILITIES:
        raise ValueError(
            f"volatility of `{node.__func_name__}`: {word!r} is not one of {_VOLATILITIES}"
        )
    return word


def _plain(name: str) -> str:
    """`name` as an identifier that needs no quotes: engines fold the case of function names."""
    return "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name).lower()


def _by_row(function: Callable[..., Any], output: pa.DataType) -> Callable[..., pa.Array]:
    """`function` over values; null where an argument is null, as Ibis' DuckDB backend does."""

    @functools.wraps(function)
    def call(*arrays: pa.Array) -> pa.Array:
        rows = zip(*(array.to_pylist() for array in arrays), strict=True)
        results = (None if any(v is None for v in row) else function(*row) for row in rows)
        return pa.array(list(results), type=output)

    return call


def _by_array(function: Callable[..., Any], output: pa.DataType) -> Callable[..., pa.Array]:
    """`function` over arrays, its result made one array of the declared type."""

    @functools.wraps(function)
    def call(*arrays: pa.Array) -> pa.Array:
        result = function(*arrays)
        if isinstance(result, pa.ChunkedArray):
            result = result.combine_chunks()
        if not isinstance(result, pa.Array) or len(result) != len(arrays[0]):
            raise ValueError(f"`{function.__name__}` must give one value per row, as an array")
        return result.cast(output)

    return call


def _helper(name: str) -> Function:
    """One of the functions that Ibis' own backend would have registered."""
    if name == "regex_split":
        function: Callable[..., Any] = udfs.regex_split
        types = [pa.string(), pa.string(), normalise(pa.list_(pa.string()))]
        call = function
    else:
        function = getattr(urls, name)
        arguments = inspect.signature(function).parameters
        types = [pa.string() for _ in arguments] + [pa.string()]
        call = _by_row(function, pa.string())
    digest = code_digest(function)
    written = code_digest(function, versions=False)
    return Function(name, tuple(types[:-1]), types[-1], call, digest, "immutable", written)
