"""Discovery: from task folders to the definitions in their modules and SQL files."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from cpgbuild.errors.graph import DuplicateDataset, DuplicateTask, ShadowsSource
from cpgbuild.errors.project import BadValue, ModuleFailed, NoSuchFolder
from cpgbuild.errors.report import CpgbuildError, Place
from cpgbuild.plan.definition import MARK, Definition
from cpgbuild.project.modules import load_module
from cpgbuild.project.sqlfile import read_task

if TYPE_CHECKING:
    from pathlib import Path

    from cpgbuild.project.config import Project

SUFFIXES = frozenset({".py", ".sql"})


def discover(project: Project) -> tuple[list[Definition], list[CpgbuildError]]:
    """Return the project's definitions, in the order of their files, and all that is wrong.

    Call it inside of `importable`, and use the definitions there.
    """
    errors: list[CpgbuildError] = []
    files: dict[Path, None] = {}
    for folder, place in project.tasks:
        if not folder.exists():
            errors.append(NoSuchFolder(str(folder), place))
        elif not folder.is_relative_to(project.root):
            errors.append(BadValue("tasks", folder, "a folder or file below the project's", place))
        elif folder.is_file() and folder.suffix not in SUFFIXES:
            errors.append(BadValue("tasks", folder, "a folder, a `.py` or a `.sql` file", place))
        else:
            files |= dict.fromkeys(_files(folder))
    found: list[Definition] = []
    for path in files:
        try:
            found += [read_task(path)] if path.suffix == ".sql" else _tasks_of(path, project)
        except CpgbuildError as error:
            errors.append(error)
        except (OSError, UnicodeDecodeError) as error:
            errors.append(ModuleFailed(str(path), error, Place(str(path))))
    return found, errors + _clashes(found, project)


def _files(folder: Path) -> list[Path]:
    """Return the Python and SQL files below a folder, without hidden ones, sorted."""
    if folder.is_file():
        return [folder]
    hidden = ("__pycache__", ".")
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in SUFFIXES
        and path.is_file()
        and not any(part.startswith(hidden) for part in path.relative_to(folder).parts)
    )


def _tasks_of(path: Path, project: Project) -> list[Definition]:
    """Return the tasks that a module defines itself, in their order; a helper module has none."""
    module = load_module(path, project)
    marked = (getattr(value, MARK, None) for value in list(vars(module).values()))
    own = [m for m in marked if isinstance(m, Definition) and m.place.path == str(path)]
    functions = {d.function.__name__: d for d in own if d.function is not None}
    for name, places in _defined_twice(path).items():
        if name in functions:
            # Python keeps the last one and says nothing.
            raise DuplicateTask(functions[name].name, places)
    # By identity: a schema given as a dict makes a definition unhashable.
    return list({id(definition): definition for definition in own}.values())


def _defined_twice(path: Path) -> dict[str, list[Place]]:
    """Return the decorated functions that a module defines several times, with their places."""
    found: dict[str, list[Place]] = {}
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            place = Place(str(path), node.lineno, len("def ") + 1, len(node.name))
            found.setdefault(node.name, []).append(place)
    return {name: places for name, places in found.items() if len(places) > 1}


def _clashes(found: list[Definition], project: Project) -> list[CpgbuildError]:
    """Return an error for each name that is used twice."""
    errors: list[CpgbuildError] = []
    tasks: dict[str, list[Definition]] = {}
    datasets: dict[str, list[Definition]] = {}
    for definition in found:
        tasks.setdefault(definition.name, []).append(definition)
        datasets.setdefault(definition.dataset, []).append(definition)
    for dataset, producers in datasets.items():
        if len(producers) > 1 and any(p.part is None for p in producers):
            errors.append(DuplicateDataset(dataset, [(p.name, p.place) for p in producers]))
            for producer in producers:
                tasks.pop(producer.name, None)
        if dataset in project.sources:
            first, source = producers[0], project.sources[dataset]
            errors.append(ShadowsSource(dataset, first.name, first.place, source.place))
    for name, same in tasks.items():
        if len(same) > 1:
            errors.append(DuplicateTask(name, [d.place for d in same]))
    return errors
