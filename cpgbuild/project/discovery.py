"""Discovery: from task folders to the definitions in their modules and SQL files."""

from __future__ import annotations

import ast
import json
import os
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cpgbuild.core.task import TaskKind
from cpgbuild.errors.graph import (
    ChangedMeanwhile,
    DuplicateDataset,
    DuplicateTask,
    ShadowsSource,
)
from cpgbuild.errors.project import BadValue, ModuleFailed, NoSuchFolder
from cpgbuild.errors.report import CpgbuildError, Place
from cpgbuild.plan.checks import check_definitions
from cpgbuild.plan.definition import MARK, Definition
from cpgbuild.project.contents import Contents
from cpgbuild.project.modules import load_module
from cpgbuild.project.parts import Parts, parts_of
from cpgbuild.project.sqlfile import read_task
from cpgbuild.project.watching import Watch, still_holds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from cpgbuild.plan.outline import Kept
    from cpgbuild.project.config import Project

_WORD = re.compile(r"\w+")
SUFFIXES = frozenset({".py", ".sql"})


@dataclass(frozen=True, slots=True)
class Memory:
    """What was known of a project's tasks when it was last planned.

    `kept` has its tasks, and `unplanned` for some files definitions of those tasks that nobody
    asked for. `facts` says for each file of tasks what these rest on beside the file, and `parts`
    of some what the file's parts were.
    """

    kept: Mapping[str, Kept] = field(default_factory=dict)
    unplanned: Mapping[str, Sequence[Definition]] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    contents: Contents = field(default_factory=Contents)

    def without(self, files: Collection[str]) -> Memory:
        """Return it without all that it has of some files' tasks."""
        kept = {name: one for name, one in self.kept.items() if one.module not in files}
        facts = {file: text for file, text in self.facts.items() if file not in files}
        return replace(self, kept=kept, facts=facts)


@dataclass(slots=True)
class Discovery:
    """A project's definitions in the order of their files, and all that is wrong with them.

    `kept` has the tasks whose definitions are what they were, `lost` the datasets of the others
    that there were. `files` has the task files, and what each rests on where that is known already;
    the `broken` ones could not be loaded.
    """

    definitions: list[Definition] = field(default_factory=list)
    errors: list[CpgbuildError] = field(default_factory=list)
    kept: dict[str, Kept] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    files: dict[str, str | None] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    @property
    def sound(self) -> list[Definition]:
        """The definitions that clash with no other."""
        named, made = Counter(d.name for d in self.definitions), self._makers()
        return [d for d in self.definitions if named[d.name] == 1 and d.dataset in made]

    def _makers(self) -> set[str]:
        """Return the datasets of which it is clear who makes them."""
        parts: dict[str, list[str | None]] = {}
        for definition in self.definitions:
            parts.setdefault(definition.dataset, []).append(definition.part)
        return {dataset for dataset, some in parts.items() if len(some) == 1 or None not in some}


def discover(
    project: Project, memory: Memory | None = None, watch: Watch | None = None
) -> Discovery:
    """Return the project's definitions; those that are known to be what they were are not loaded.

    Call it inside of `importable`, and use the definitions there.
    """
    found = Discovery()
    files: dict[str, None] = {}
    for folder, place in project.tasks:
        if not folder.exists():
            found.errors.append(NoSuchFolder(str(folder), place))
        elif not folder.is_relative_to(project.root):
            fault = "a folder or file below the project's"
            found.errors.append(BadValue("tasks", folder, fault, place))
        elif folder.is_file() and folder.suffix not in SUFFIXES:
            fault = "a folder, a `.py` or a `.sql` file"
            found.errors.append(BadValue("tasks", folder, fault, place))
        else:
            files |= dict.fromkeys(_files(folder))
    memory = memory or Memory()
    _Known(project, memory, watch or Watch(memory.contents)).fill(found, files)
    found.errors += _clashes(found.definitions, project)
    return found


class _Known:
    """Tells which files define what they did."""

    def __init__(self, project: Project, memory: Memory, watch: Watch) -> None:
        self._project = project
        self._memory = memory
        self._watch = watch
        self._by_file: dict[str, list[Kept]] = {}
        for kept in memory.kept.values():
            self._by_file.setdefault(kept.module, []).append(kept)
        self._values: dict[str, str] = {}
        self._hold: dict[str, bool] = {}
        self._whole_of: dict[str, dict[str, Definition]] = {}

    def fill(self, found: Discovery, files: Iterable[str]) -> None:
        """Add the definitions of all files."""
        stands: dict[str, Kept] = {}
        for file in files:
            known = self._by_file.get(file, ())
            holds = self._holds(file)
            if holds and self._memory.contents.is_known(file):
                found.files[file] = self._memory.facts[file]
                found.definitions += [self._light(kept) for kept in known]
                for one in self._memory.unplanned.get(file, ()):
                    whole = partial(self._whole, one.name, file)
                    found.definitions.append(replace(one, whole=whole))
                stands |= {kept.planned.task.name: kept for kept in known}
                continue
            found.files[file] = None
            try:
                definitions = self._definitions_of(file)
                found.definitions += definitions
                if holds and (same := self._untouched(file, definitions)):
                    found.files[file] = self._memory.facts[file]
                    stands |= same
            except CpgbuildError as error:
                found.broken.append(file)
                found.errors.append(error)
            except (OSError, UnicodeDecodeError) as error:
                found.broken.append(file)
                found.errors.append(ModuleFailed(file, error, Place(file)))
        # In the order in which they were planned.
        for name, kept in self._memory.kept.items():
            if name in stands:
                found.kept[name] = stands[name]
            else:
                found.lost.add(kept.planned.task.dataset)

    def _untouched(self, file: str, definitions: Iterable[Definition]) -> dict[str, Kept]:
        """Return the tasks of an edited module that the edit is not about, where they are now."""
        before, now = self._memory.parts.get(file), parts_of(self._watch.texts.get(file, b""))
        if before is None or now is None:
            return {}
        same = Parts.from_json(before).untouched(now, self._watch.codes[file])
        places = {
            d.name: d.place for d in definitions if d.function and d.function.__name__ in same
        }
        return {
            name: kept.moved(places[name])
            for kept in self._by_file.get(file, ())
            if (name := kept.planned.task.name) in places
        }

    def _holds(self, file: str) -> bool:
        """Return whether all that a file's tasks rest on, beside the file, is what it was."""
        facts = self._memory.facts.get(file)
        if facts is None:
            return False
        if facts not in self._hold:
            known = json.loads(facts)
            self._hold[facts] = still_holds(known, self._memory.contents, self._values)
        return self._hold[facts]

    def _definitions_of(self, file: str) -> list[Definition]:
        """Return the tasks that a file defines, in their order."""
        if not file.endswith(".sql"):
            with self._watch.watching():
                found = tasks_of(Path(file), self._project.root)
            return [self._watch.watched(definition) for definition in found]
        text = self._memory.contents.read(file).decode()
        task = read_task(Path(file), text.replace("\r\n", "\n").replace("\r", "\n"))
        return [task, *check_definitions(task)]

    def _light(self, kept: Kept) -> Definition:
        """Return a task's definition without what only its planning needs."""
        task = kept.planned.task
        return Definition(
            name=task.name,
            dataset=task.dataset,
            kind=task.kind,
            place=task.place or Place(kept.module),
            part=None if task.kind is TaskKind.CHECK else task.output.partition("/")[2] or None,
            priority=task.priority,
            tags=task.tags,
            description=task.description,
            partition_by=task.partition_by,
            inputs=task.declared,
            key=task.key,
            file=kept.module,
            whole=partial(self._whole, task.name, kept.module),
        )

    def _whole(self, name: str, file: str) -> Definition:
        """Load a task's definition.

        Raises:
            ChangedMeanwhile: its file is no longer what it was when it was looked at.
            ModuleFailed, BadSqlHeader, …: as for any other.
        """
        if file not in self._whole_of:
            found = {definition.name: definition for definition in self._definitions_of(file)}
            # What was planned of the file's other tasks is of what it held then.
            if not self._memory.contents.is_known(file):
                raise ChangedMeanwhile(name, Place(file))
            self._whole_of[file] = found
        if name not in self._whole_of[file]:
            raise ChangedMeanwhile(name, Place(file))
        return self._whole_of[file][name]


def _files(folder: Path) -> list[str]:
    """Return the Python and SQL files below a folder, without hidden ones, sorted."""
    if folder.is_file():
        return [str(folder)]
    found: list[list[str]] = []
    waiting = [str(folder)]
    while waiting:
        place = waiting.pop()
        parts = place.split(os.sep)
        for entry in os.scandir(place):
            if entry.name.startswith(("__pycache__", ".")):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            elif os.path.splitext(entry.name)[1] in SUFFIXES and entry.is_file():
                found.append([*parts, entry.name])
    return [os.sep.join(parts) for parts in sorted(found)]


def words_in(files: Iterable[str]) -> set[str]:
    """Return all words in some files' texts, among them the names of what they define."""
    found: set[str] = set()
    for file in files:
        with suppress(OSError):
            found.update(_WORD.findall(Path(file).read_text("utf-8", errors="replace")))
    return found


def tasks_of(path: Path, root: Path) -> list[Definition]:
    """Return the tasks that a module defines itself, in their order, each with its checks.

    A helper module has none.
    """
    module = load_module(path, root)
    marked = (getattr(value, MARK, None) for value in list(vars(module).values()))
    own = [m for m in marked if isinstance(m, Definition) and m.place.path == str(path)]
    functions = {d.function.__name__: d for d in own if d.function is not None}
    for name, places in _defined_twice(path).items():
        if name in functions:
            # Python keeps the last one and says nothing.
            raise DuplicateTask(functions[name].name, places)
    # By identity: a schema given as a dict makes a definition unhashable.
    tasks = {id(definition): definition for definition in own}.values()
    return [one for task in tasks for one in (task, *check_definitions(task))]


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
