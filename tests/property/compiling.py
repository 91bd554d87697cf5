"""Compiling: a few tasks against schemas, without a project on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from cpgbuild.core.task import Task, TaskKind
from cpgbuild.errors.report import CpgbuildError, Place
from cpgbuild.plan.compiler import Compiler
from cpgbuild.plan.definition import MARK, Definition, Options, define
from cpgbuild.plan.failures import Unresolved

ROOT = Path(__file__).parents[2]
T = pa.schema(
    [
        ("a", pa.int64()),
        ("b", pa.string()),
        ("c", pa.float64()),
        ("s", pa.struct([("x", pa.int64()), ("y", pa.struct([("z", pa.string())]))])),
        ("l", pa.list_(pa.int64())),
        ("at", pa.timestamp("us", "UTC")),
    ]
)
U = pa.schema([("a", pa.int64()), ("d", pa.int64()), ("e", pa.string())])
ODD = pa.schema([(n, pa.int64()) for n in ("a, b", "c.d", 'q"x', "Upper", "sp ace", "a", "]")])
SCHEMAS = {"t": T, "u": U, "odd": ODD}

# A query's text, or the function of a task as a user decorates it.
Text = str | Callable[..., Any]


def definition(name: str, text: Text, **options: Any) -> Definition:
    if callable(text):
        marked = getattr(text, MARK, None)
        if marked is not None:
            return marked  # type: ignore[no-any-return]
        function: Any = text
        place = Place(__file__, 1)
        return define(name, TaskKind.VIEW, Options(**options), place, function=function)
    return define(name, TaskKind.VIEW, Options(**options), Place("q.sql", 1), sql=text)


def compiler(
    texts: Mapping[str, Text], schemas: Mapping[str, pa.Schema] = SCHEMAS, **variables: str
) -> Compiler:
    """Return a compiler that has compiled these tasks in the order in which they are given."""
    definitions = [definition(name, text) for name, text in texts.items()]
    sources = {name: partial(lambda s: s, schema) for name, schema in schemas.items()}
    made = Compiler(definitions, sources, variables, ROOT)
    # `compile_all` goes by name; here the caller's order is what is asked for.
    made._definitions = {d.name: d for d in definitions}
    for one in definitions:
        with suppress(Unresolved):
            made._task(one)
    made.complete()
    return made


def tasks(
    texts: Mapping[str, Text], schemas: Mapping[str, pa.Schema] = SCHEMAS, **variables: str
) -> dict[str, Task]:
    """Return the tasks by dataset; an error of any is raised."""
    made = compiler(texts, schemas, **variables)
    if made.errors:
        raise made.errors[0]
    return {task.dataset: task for task in made.tasks.values()}


def task(text: Text, schemas: Mapping[str, pa.Schema] = SCHEMAS, **variables: str) -> Task:
    """Return one task alone."""
    return next(iter(tasks({"q": text}, schemas, **variables).values()))


def reads(text: Text, schemas: Mapping[str, pa.Schema] = SCHEMAS) -> dict[str, list[str]]:
    """Return the datasets that a query reads, with the columns that it requires."""
    return {r.dataset: list(r.names) for r in task(text, schemas).requires}


def error(text: Text, schemas: Mapping[str, pa.Schema] = SCHEMAS) -> CpgbuildError:
    """Return the one error of a query."""
    (found,) = compiler({"q": text}, schemas).errors
    return found
