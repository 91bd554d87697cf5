"""Validate: whether what is there fits what is required, edge by edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.errors.graph import ContributionsDisagree, MissingColumn, WrongType

if TYPE_CHECKING:
    from collections.abc import Collection

    from cpgbuild.core.graph import Graph
    from cpgbuild.core.schema import Schema
    from cpgbuild.core.task import Requirement, Task
    from cpgbuild.errors.report import CpgbuildError


def check_edge(task: Task, requirement: Requirement, found: Schema) -> list[CpgbuildError]:
    """Return an error for each required column that `found` lacks or has in another type."""
    errors: list[CpgbuildError] = []
    dataset = requirement.dataset
    for column in requirement.columns:
        there = found.get(column.name)
        if there is None:
            errors.append(MissingColumn(column.name, dataset, task.name, found.names, task.place))
        elif there.type != column.type:
            types = (column.type, there.type)
            errors.append(WrongType(column.name, dataset, task.name, types, task.place))
    return errors


def check_contributions(dataset: str, producers: list[Task]) -> list[CpgbuildError]:
    """Return an error for each producer whose columns differ from those of the first."""
    first, *others = producers
    errors: list[CpgbuildError] = []
    for task in others:
        differences = first.schema.differences(task.schema)
        if differences:
            names = (first.name, task.name)
            errors.append(ContributionsDisagree(dataset, names, differences, task.place))
    return errors


def check_graph(graph: Graph, changed: Collection[str] | None = None) -> list[CpgbuildError]:
    """Return every error of every edge, by the schemas that the plans and sources state.

    Where all but some `changed` tasks were checked before, those of the changed ones.
    """
    errors: list[CpgbuildError] = []
    for dataset, producers in sorted(graph.producers.items()):
        if len(producers) > 1:
            errors += check_contributions(dataset, producers)
    schemas = {name: tasks[0].schema for name, tasks in graph.producers.items()} | graph.sources
    for task in graph.tasks.values():
        for requirement in task.requires if changed is None or task.name in changed else ():
            errors += check_edge(task, requirement, schemas[requirement.dataset])
    return errors
