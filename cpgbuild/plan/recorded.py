"""Recorded: a task's queries as they were run, kept so that they can be planned again.

A new version of the engine may print every plan in other words. Then what was run is planned anew
by that version: if it means what the task means now, nothing but the words have changed.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cpgbuild.core.schema import Schema
from cpgbuild.core.task import TaskKind
from cpgbuild.errors.report import CpgbuildError, Place
from cpgbuild.plan import types
from cpgbuild.plan.compiler import Compiler
from cpgbuild.plan.contract import schema_of
from cpgbuild.plan.definition import Definition, RowMap
from cpgbuild.plan.failures import Unresolved
from cpgbuild.plan.functions import Function
from cpgbuild.plan.query import Query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cpgbuild.core.task import Task
    from cpgbuild.plan.compiled import Compiled, Plans

FORMAT = 1


def record(task: Task, plans: Plans) -> str:
    """Return a task's query and those of the views behind it as one line of JSON."""
    producers: dict[str, list[Task]] = {}
    for _, part in sorted(plans.tasks.items()):
        producers.setdefault(part.dataset, []).append(part)
    evaluated: dict[str, Compiled] = {}
    leaves: dict[str, dict[str, Any]] = {}
    stack = [task]
    while stack:
        name = stack.pop().name
        if name in evaluated:
            continue
        one = evaluated[name] = plans.compiled(name)
        for dataset, schema in one.inputs.items():
            parts = producers.get(dataset, [])
            stack += [part for part in parts if not part.stored]
            stored = [part.output.partition("/")[2] for part in parts if part.stored]
            if stored or not parts:
                leaves[dataset] = {"columns": _columns(schema), "parts": [p for p in stored if p]}
    queries = [_query(one) for _, one in sorted(evaluated.items())]
    facts = {"v": FORMAT, "task": task.name, "queries": queries, "leaves": leaves}
    return json.dumps(facts, separators=(",", ":"), sort_keys=True)


def queries_of(text: str) -> dict[str, str]:
    """Return the recorded queries' SQL by task; none where the record is not to be understood."""
    try:
        return {query["task"]: query["sql"] for query in json.loads(text)["queries"]}
    except (ValueError, KeyError, TypeError):
        return {}


def plan_again(text: str) -> Task | None:
    """Return a recorded task as it is planned today; None where that cannot be done."""
    try:
        facts = json.loads(text)
        if facts["v"] != FORMAT:
            return None
        sources, definitions = _leaves(facts["leaves"])
        definitions += [_definition(query) for query in facts["queries"]]
        schemas = {name: partial(_same, schema) for name, schema in sources.items()}
        compiler = Compiler(definitions, schemas, {}, Path())
        compiler.compile_all(views=False)
    except (ValueError, KeyError, TypeError, AttributeError, CpgbuildError, Unresolved):
        return None
    return compiler.tasks.get(facts["task"]) if not compiler.errors else None


def _same(schema: pa.Schema) -> pa.Schema:
    return schema


def _query(one: Compiled) -> dict[str, Any]:
    definition, row_map = one.definition, one.row_map
    return {
        "task": one.task.name,
        "dataset": one.task.dataset,
        "part": definition.part,
        "kind": str(one.task.kind),
        "sql": one.sql,
        "believed": None if one.believed is None else _columns(one.believed),
        "memtables": {name: _columns(table.schema) for name, table in one.memtables.items()},
        "functions": [_function(function) for function in one.functions],
        "partition_by": list(one.task.partition_by),
        "map": None if row_map is None else [row_map.key, row_map.content],
        "schema": _columns(one.schema) if row_map is not None else None,
        "map_facts": list(one.map_facts),
    }


def _definition(facts: dict[str, Any]) -> Definition:
    believed = None if facts["believed"] is None else _schema(facts["believed"])
    memtables = {n: _schema(columns).empty_table() for n, columns in facts["memtables"].items()}
    functions = tuple(_stub(function) for function in facts["functions"])
    row_map = None if facts["map"] is None else RowMap(_never, *facts["map"])
    return Definition(
        name=facts["task"],
        dataset=facts["dataset"],
        kind=TaskKind(facts["kind"]),
        place=Place(facts["task"], 1),
        part=facts["part"],
        partition_by=tuple(facts["partition_by"]),
        schema=dict(facts["schema"]) if facts["schema"] else None,
        row_map=row_map,
        recorded=Query(facts["sql"], believed, memtables, functions, tuple(facts["map_facts"])),
    )


def _leaves(facts: dict[str, Any]) -> tuple[dict[str, pa.Schema], list[Definition]]:
    """Return what holds rows as sources, and stand-ins for the parts of what has parts."""
    sources: dict[str, pa.Schema] = {}
    parts: list[Definition] = []
    for number, (dataset, leaf) in enumerate(facts.items()):
        name = f"leaf_{number}_{dataset}" if leaf["parts"] else dataset
        sources[name] = _schema(leaf["columns"])
        parts += [_part(dataset, part, name) for part in leaf["parts"]]
    return sources, parts


def _part(dataset: str, part: str, source: str) -> Definition:
    query = Query(f"SELECT * FROM {source}")  # noqa: S608 -- a name of a dataset
    place = Place(dataset, 1)
    kind = TaskKind.COMPUTE
    return Definition(f"part.{dataset}.{part}", dataset, kind, place, part=part, recorded=query)


def _function(function: Function) -> dict[str, Any]:
    return {
        "name": function.name,
        "inputs": [types.to_text(kind) for kind in function.input_types],
        "returns": types.to_text(function.return_type),
        "digest": function.digest,
        "volatility": function.volatility,
    }


def _stub(facts: dict[str, Any]) -> Function:
    inputs = tuple(types.from_text(kind) for kind in facts["inputs"])
    returns = types.from_text(facts["returns"])
    return Function(facts["name"], inputs, returns, _never, facts["digest"], facts["volatility"])


def _never(*_: Any) -> Any:
    raise NotImplementedError("what is recorded is planned and never run")


def _columns(schema: pa.Schema | Schema) -> list[list[str]]:
    columns = schema if isinstance(schema, Schema) else schema_of(schema)
    return [[column.name, column.type] for column in columns.columns]


def _schema(columns: Iterable[Iterable[str]]) -> pa.Schema:
    return pa.schema([(name, types.from_text(kind)) for name, kind in columns])
