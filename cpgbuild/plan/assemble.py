"""Assemble: from a planned query to the compiled task, with its schema and its fingerprint."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import datafusion
import pyarrow as pa

from cpgbuild.core.fingerprint import UNKNOWN, fingerprint
from cpgbuild.core.task import Lane, Requirement, Task, TaskKind
from cpgbuild.errors.graph import LossyResult, QueryInvalid
from cpgbuild.errors.project import BadTask
from cpgbuild.plan import types
from cpgbuild.plan.canonical import canonical
from cpgbuild.plan.code import Undigestible, code_digest
from cpgbuild.plan.compiled import Compiled
from cpgbuild.plan.contract import check_contract, declared_schema, schema_of
from cpgbuild.plan.inference import (
    as_optimised,
    as_written,
    is_recursive,
    optimised,
    required_columns,
    unsaid,
    volatile_functions,
)
from cpgbuild.plan.meaning import requirement
from cpgbuild.plan.outline import WHOLE, Marks, Reading
from cpgbuild.plan.session import MEANING
from cpgbuild.plan.stability import ROUNDING, unstable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from cpgbuild.core.schema import Schema
    from cpgbuild.plan.definition import Definition
    from cpgbuild.plan.outline import Columns
    from cpgbuild.plan.query import Query

# A change of what a canonical form covers gets a new number, so that no old one is taken for it.
FORM = "4"
_SETTINGS = tuple(f"{key}={value}" for key, value in sorted(MEANING.items()))


def assemble(
    definition: Definition,
    query: Query,
    frame: datafusion.DataFrame,
    schemas: Mapping[str, Schema],
    variables: Iterable[str],
    root: Path,
) -> Compiled:
    """Return the compiled task of a query that was planned on empty inputs of `schemas`.

    Raises:
        LossyResult, ContractBroken, QueryInvalid, BadTask, BadValue: the plan does not fit.
    """
    rows = boundary(definition, query, frame.schema())
    row_map = definition.row_map
    if row_map is None:
        check_contract(definition, rows)
        schema = rows
    else:
        schema = declared_schema(definition)
    _check_columns(definition, rows, schema)
    _check_key(definition, schema)
    if definition.kind is TaskKind.COMPUTE:
        check_storable(definition, schema)
    varying = unstable(optimised(frame), as_optimised(frame))
    rounding = tuple(name for name in varying if ROUNDING in name)
    task = Task(
        name=definition.name,
        dataset=definition.dataset,
        kind=definition.kind,
        requires=requirements(frame, schemas),
        plan=UNKNOWN,
        schema=schema_of(schema),
        output=definition.output,
        lane=Lane.PYTHON if row_map else Lane.ENGINE,
        priority=definition.priority,
        tags=definition.tags,
        description=definition.description,
        partition_by=definition.partition_by,
        variables=tuple(sorted(variables)),
        volatile=_volatile(query),
        unstable=tuple(name for name in varying if name not in rounding),
        inexact=rounding,
        declared=definition.inputs,
        place=definition.place,
        key=definition.key,
    )
    map_facts, written_facts = _map_facts(query, definition, schema, root)
    return Compiled(
        task=task,
        definition=definition,
        sql=query.sql,
        rows=rows,
        schema=schema,
        memtables=query.memtables,
        functions=query.functions,
        row_map=row_map,
        recursive=is_recursive(query.sql),
        inputs=dict(schemas),
        believed=query.believed,
        map_facts=map_facts,
        written_facts=written_facts,
    )


def reading(compiled: Compiled, frame: datafusion.DataFrame, columns: Columns = WHOLE) -> Reading:
    """Return what a task's query is by itself: `frame`, which is that of all or of some columns."""
    whole = columns is WHOLE
    requires = compiled.task.requires if whole else requirements(frame, compiled.inputs)
    # Optimising folds the clock's functions to the moment of planning.
    varies = compiled.task.volatile
    logical = frame.logical_plan() if varies else optimised(frame)
    text = as_written(frame) if varies else as_optimised(frame)
    makers = {f.name for f in compiled.functions if not pa.types.is_primitive(f.return_type)}
    inputs = (column for needed in requires for column in needed.names)
    query = ["query", FORM, canonical(text)]
    query += unsaid(logical, text, compiled.sql, makers, inputs)
    query += _facts(compiled, text.lower(), requires, columns)
    # A function's name holds the digest of its code; what no text names went with its columns.
    called = [f for f in compiled.functions if f.name.lower() in text.lower()]
    rest = ["partition_by", *compiled.task.partition_by]
    exact = [*sorted(f.digest for f in called), *rest, *(compiled.map_facts if whole else ())]
    mark = fingerprint(*query, *exact)
    if not compiled.functions and compiled.row_map is None:
        return Reading(Marks(mark, mark), requires)
    digests = sorted(f.written or f.digest for f in called)
    written = [*digests, *rest, *(compiled.written_facts if whole else ())]
    return Reading(Marks(mark, fingerprint(*query, *written)), requires)


def narrowed(frame: datafusion.DataFrame, columns: Collection[str]) -> datafusion.DataFrame:
    """Return a frame of some columns; of none, one that has as many rows."""
    if not columns:
        # `datafusion.lit` would ask for pandas, to know whether the number is one of its values.
        return frame.select(frame.parse_sql_expr("1").alias("row"))
    quoted = (name.replace('"', '""') for name in columns)
    return frame.select(*(datafusion.col(f'"{name}"') for name in quoted))


def boundary(definition: Definition, query: Query, given: pa.Schema) -> pa.Schema:
    """Return the schema that a query's result is cast to when it becomes a dataset.

    The engine's own types under the type policy; where Ibis believes in others, theirs if the
    cast loses nothing. All columns may be null: a table's next plan may say so.

    Raises:
        QueryInvalid: two columns have one name.
        LossyResult: a column's cast would lose values.
    """
    twice = [name for name, count in Counter(given.names).items() if count > 1]
    if twice:
        reason = f"two columns are named `{twice[0]}`"
        raise QueryInvalid(definition.name, reason, definition.place)
    fields = []
    for position, field in enumerate(given):
        kind = types.normalise(field.type)
        if query.believed is not None:
            believed = query.believed.field(position).type
            try:
                kind = types.reconcile(field.name, believed, field.type)
            except types.LossyCast as error:
                pair = (types.to_text(types.normalise(believed)), types.to_text(kind))
                raise LossyResult(definition.name, field.name, pair, definition.place) from error
        fields.append(pa.field(field.name, kind))
    return pa.schema(fields)


def _check_columns(definition: Definition, rows: pa.Schema, schema: pa.Schema) -> None:
    """See that the columns named by `partition_by`, `key` and `content` are there."""
    row_map = definition.row_map
    named = [("partition_by", column, schema) for column in definition.partition_by]
    if row_map is not None and row_map.key is not None and row_map.content is not None:
        named += [
            ("key", row_map.key, rows),
            ("key", row_map.key, schema),
            ("content", row_map.content, rows),
        ]
    elif definition.key is not None:
        named.append(("key", definition.key, schema))
    for option, column, where in named:
        if column not in where.names:
            what = "its output" if where is schema else "its expression"
            fault = f"says `{option}={column}`, which is no column of {what}"
            hint = f"the columns are {', '.join(where.names)}"
            raise BadTask(definition.name, fault, hint, definition.place)


def _check_key(definition: Definition, schema: pa.Schema) -> None:
    """See that the values of a key are exact, and the same wherever they are read."""
    if definition.key is None or (definition.row_map and definition.row_map.key):
        return
    kind = schema.field(definition.key).type
    if not is_key(kind):
        fault = f"says `key={definition.key}`, whose type is {types.to_text(kind)}"
        hint = "a key is a text, a whole number, a date or a boolean"
        raise BadTask(definition.name, fault, hint, definition.place)


def is_key(kind: pa.DataType) -> bool:
    """Return whether rows can be replaced by values of this type."""
    whole = pa.types.is_signed_integer(kind) or pa.types.is_boolean(kind)
    return bool(whole or pa.types.is_string(kind) or pa.types.is_date32(kind))


def check_storable(definition: Definition, schema: pa.Schema) -> None:
    """See, before anything runs, that a Delta table can hold these columns."""
    known = Counter(name.lower() for name in schema.names)
    alike = [name for name in schema.names if known[name.lower()] > 1]
    if alike:
        reason = f"columns `{alike[0]}` and `{alike[1]}` differ by case alone, which Delta refuses"
        raise QueryInvalid(definition.name, reason, definition.place)
    for field in schema:
        try:
            types.storage(field.type)
        except types.Unstorable as error:
            reason = f"column `{field.name}` cannot be stored: {error}"
            raise QueryInvalid(definition.name, reason, definition.place) from error


def _volatile(query: Query) -> tuple[str, ...]:
    """Return the functions of a query that give other values at other times, the user's too."""
    own = {f.name for f in query.functions if f.volatility != "immutable"}
    return tuple(sorted({*volatile_functions(query.sql), *own}))


def requirements(
    frame: datafusion.DataFrame, schemas: Mapping[str, Schema]
) -> tuple[Requirement, ...]:
    """Return what a query on empty inputs of `schemas` requires of each that it reads."""
    reads = required_columns(frame, schemas)
    return tuple(requirement(name, columns, schemas[name]) for name, columns in reads.items())


def _facts(
    compiled: Compiled, said: str, requires: Iterable[Requirement], columns: Columns
) -> list[str]:
    """Return what a result depends on beside the plan's text, which is `said` in lower case.

    A memtable's name holds the digest of its rows. One that the text does not name went with the
    columns that nobody requires.
    """
    rows = compiled.task.schema if compiled.row_map is None else schema_of(compiled.rows)
    return [
        "settings",
        *_SETTINGS,
        "reads",
        *(f"{r.dataset}.{column}" for r in requires for column in r.columns),
        "rows",
        *(str(rows.get(name)) for name in (rows.names if columns is None else columns)),
        "memtables",
        *sorted(name for name in compiled.memtables if name.lower() in said),
        "functions",
    ]


def _map_facts(
    query: Query, definition: Definition, schema: pa.Schema, root: Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what the output of a python-lane task depends on beside its plan.

    The second are the same without versions of other people's code.
    """
    row_map = definition.row_map
    if row_map is None or query.map_facts:
        return query.map_facts, query.map_facts
    try:
        code = [code_digest(row_map.function, root, versions=exact) for exact in (True, False)]
    except Undigestible as error:
        hint = "keep what it uses in constants, functions and classes of modules"
        fault = f"has a `map` whose code cannot be fingerprinted: {error}"
        raise BadTask(definition.name, fault, hint, definition.place) from error
    columns = [str(column) for column in schema_of(schema).columns]
    exact, written = (
        ("map", digest, row_map.key or "", row_map.content or "", *columns) for digest in code
    )
    return exact, written
