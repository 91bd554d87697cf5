"""Forms: tasks compiled from what was kept of them, without their modules or Ibis."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cpgbuild.plan.compiled import Compiled
from cpgbuild.plan.contract import arrow_of, schema_of
from cpgbuild.plan.definition import Definition, RowMap
from cpgbuild.plan.inference import is_recursive
from cpgbuild.plan.outline import Form
from cpgbuild.plan.query import Query

if TYPE_CHECKING:
    from collections.abc import Callable

    from cpgbuild.core.schema import Schema
    from cpgbuild.plan.outline import Outline


def form_of(one: Compiled) -> Form | None:
    """Return the form of a compiled task; None where there is more to it than text."""
    if one.memtables or one.functions:
        return None
    believed = schema_of(one.believed) if one.believed is not None else None
    row_map, rows = one.row_map, schema_of(one.rows)
    if row_map is None:
        return Form(one.sql, rows, believed)
    function = (row_map.function.__module__, row_map.function.__qualname__)
    by = (row_map.key, row_map.content)
    return Form(one.sql, rows, believed, function, by, schema_of(one.schema), one.map_facts)


def formed(definition: Definition, form: Form) -> Definition:
    """Return a definition that has what was kept in the place of its function or text."""
    believed = arrow_of(form.believed) if form.believed is not None else None
    return replace(
        definition,
        function=None,
        sql=None,
        whole=None,
        schema=arrow_of(form.schema) if form.schema is not None else None,
        row_map=RowMap(_named(*form.function), *form.by) if form.function else None,
        recorded=Query(form.sql, believed, map_facts=form.facts),
    )


def compiled_as(definition: Definition, outline: Outline, inputs: dict[str, Schema]) -> Compiled:
    """Return the compiled task of a definition that was `formed` of an outline, without planning.

    `inputs` are the schemas of all that its query names.
    """
    form, recorded = outline.form, definition.recorded
    assert form is not None and recorded is not None  # noqa: S101, PT018 -- or it is not formed
    rows = arrow_of(form.rows)
    return Compiled(
        task=outline.task,
        definition=definition,
        sql=form.sql,
        rows=rows,
        schema=rows if form.schema is None else arrow_of(form.schema),
        row_map=definition.row_map,
        recursive=is_recursive(form.sql),
        inputs=inputs,
        believed=recorded.believed,
        map_facts=form.facts,
        written_facts=form.facts,
    )


def _named(module: str, name: str) -> Callable[..., Any]:
    """Return what calls a function by its name, and says that it is named so."""

    def call(*rows: Any) -> Any:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        return found(*rows)

    call.__module__, call.__qualname__ = module, name
    return call
