"""The functions that a plan needs beside the engine's own, and how an engine learns of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import datafusion
import pyarrow as pa

__all__ = ["Function", "register"]


@dataclass(frozen=True)
class Function:
    """A scalar function to register with an engine before it sees the plan's text.

    `name` is the one in the SQL; `call` takes and gives Arrow arrays of the given types, all of
    one length; `digest` is the sha256 of what it does; `volatility` is DataFusion's word. `written`
    is the digest without versions of other people's code; it is part of a user's function's name.
    """

    name: str
    input_types: tuple[pa.DataType, ...]
    return_type: pa.DataType
    call: Callable[..., pa.Array]
    digest: str
    volatility: str
    written: str = ""


def register(ctx: datafusion.SessionContext, functions: Iterable[Function]) -> None:
    """Make `functions` callable from the SQL of `ctx`; what is there already is replaced."""
    for function in functions:
        ctx.register_udf(
            datafusion.udf(
                function.call,
                list(function.input_types),
                function.return_type,
                function.volatility,
                function.name,
            )
        )
