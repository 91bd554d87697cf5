"""Hamilton module: the project's graph as Python text, a function for each task.

The text is a pure function of the graph, of the descriptions and of the tags: it holds no plan, no
time and no absolute path, and reads as `ruff format` would write it.
"""

from __future__ import annotations

import inspect
import json
import keyword
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from cpgbuild.errors.project import BadOption, FileUnwritable, NotGenerated
from cpgbuild.workspace import opened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cpgbuild.core.graph import Graph
    from cpgbuild.core.task import Task
    from cpgbuild.project.config import Overrides, Project

WIDTH = 88
MARK = "Written by `cpgbuild export hamilton`"
# What the module itself calls so; all else in it begins with a capital.
_TAKEN = {*keyword.kwlist, "cache", "tag"}


class Gives(StrEnum):
    """What a function returns; the words are the methods of `Pipeline` that it calls."""

    VIEW = "view"
    TABLE = "table"
    UNION = "union"


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the module: of a task, or of a dataset that several tasks contribute to.

    `name` is that of the function, and so of Hamilton's node; `subject` is the task's name, or the
    dataset's. `inputs` are the parameters that other functions give, `sources` those that stand
    for sources, each with the source's name.
    """

    name: str
    subject: str
    gives: Gives
    inputs: tuple[str, ...]
    sources: tuple[tuple[str, str], ...] = ()
    kind: str = Gives.UNION
    tags: tuple[str, ...] = ()
    description: str = ""

    @property
    def parameters(self) -> set[str]:
        """The names of all parameters."""
        return {*self.inputs, *(parameter for parameter, _ in self.sources)}

    @property
    def returned(self) -> str:
        """The name of the type that it returns."""
        return "TableReference" if self.gives is Gives.TABLE else "ViewReference"


@dataclass(frozen=True, slots=True)
class Exported:
    """A module that was written: where, how many functions it has, whether it is another."""

    path: Path
    functions: int
    changed: bool


def export(project: str | Path, out: Path, overrides: Overrides | None = None) -> Exported:
    """Write the module of a project, unless it is there already.

    Raises:
        BadOption: `out` is no name of a module.
        NotGenerated: a file is there that was not written by this.
        FileUnwritable: the file cannot be read or written.
        CpgbuildError: the project is wrong.
    """
    if out.suffix != ".py" or not out.stem.isidentifier():
        raise BadOption("--out", str(out), "a Python module, as `--out generated_pipeline.py`")
    with opened(project, overrides) as workspace:
        found = functions(workspace.graph)
        text = module_text(found, workspace.project, out).encode()
    try:
        before = out.read_bytes() if out.exists() else b""
        if before and MARK.encode() not in before:
            raise NotGenerated(str(out))
        if before != text:
            out.write_bytes(text)
    except OSError as error:
        raise FileUnwritable(str(out), error) from error
    return Exported(out, len(found), before != text)


def functions(graph: Graph) -> tuple[Function, ...]:
    """Return the functions of a graph's module, upstream first, else by priority and name."""
    names = _names(graph)
    found: list[Function] = []
    waiting = {dataset: len(parts) for dataset, parts in graph.producers.items()}
    for task in graph.in_order():
        found.append(_of_task(task, graph, names))
        waiting[task.dataset] -= 1
        parts = graph.producers[task.dataset]
        is_union = any(part.output != task.dataset for part in parts)
        if is_union and not waiting[task.dataset]:
            inputs = tuple(sorted(names[part.output] for part in parts))
            found.append(Function(names[task.dataset], task.dataset, Gives.UNION, inputs))
    return tuple(found)


def _of_task(task: Task, graph: Graph, names: dict[str, str]) -> Function:
    read = [requirement.dataset for requirement in task.requires]
    return Function(
        names[task.output],
        task.name,
        Gives.TABLE if task.stored else Gives.VIEW,
        tuple(sorted(names[dataset] for dataset in read if dataset in graph.producers)),
        tuple(sorted((names[name], name) for name in read if name not in graph.producers)),
        str(task.kind),
        task.tags,
        task.description,
    )


def _names(graph: Graph) -> dict[str, str]:
    """Return the Python names of sources, datasets and parts: their own, where these will do.

    Python's keywords will not, nor a leading underscore, by which Hamilton knows what is no node.
    """
    wanted = {*graph.sources, *graph.producers, *(task.output for task in graph.tasks.values())}
    good = {name for name in wanted if "/" not in name and _will_do(name)}
    found = {name: name for name in good}
    for name in sorted(wanted - good):
        fresh = name.replace("/", "__").lstrip("_") or "dataset"
        while not _will_do(fresh) or fresh in good:
            fresh = f"dataset_{fresh}" if fresh[0].isdigit() else f"{fresh}_"
        good.add(fresh)
        found[name] = fresh
    return found


def _will_do(name: str) -> bool:
    return name.isidentifier() and not name.startswith("_") and name not in _TAKEN


def module_text(found: Sequence[Function], project: Project, path: Path) -> str:
    """Return the module of these functions, as it is to stand in a file."""
    types = {function.name: function.returned for function in found}
    texts = [_function_text(function, types) for function in found]
    return "\n\n".join([_head(found, project, path), *texts])


def _head(found: Sequence[Function], project: Project, path: Path) -> str:
    sources = sorted({name for function in found for _, name in function.sources})
    example = found[-1].name if found else "dataset"
    entries = [f"{_text(source)}: SourceReference({_text(source)})" for source in sources]
    return f'''"""{_escaped(f"The tasks of `{project.name}` as functions for Hamilton.")}

{MARK}; write it again when it is out of date.
A function brings its task up to date as `cpgbuild build` does, which runs nothing where
nothing changed, and returns a reference to what is there then.

    from hamilton import driver

    import {path.stem}

    builder = driver.Builder().with_modules({path.stem})
    dr = builder.with_adapters({path.stem}.PIPELINE).build()
    dr.execute(["{example}"])
"""

from pathlib import Path

from cpgbuild.export.hamilton import Pipeline
from cpgbuild.export.references import SourceReference, TableReference, ViewReference
from hamilton.function_modifiers import cache, tag

# As the driver's adapter it opens the project once for each execution. Without that,
# each function opens it for itself: the same tables, in more time.
PIPELINE = Pipeline({_folder(project, path)})
{_call("SOURCES = {", entries, "}", 0)}
'''


def _folder(project: Project, path: Path) -> str:
    """Return the project's folder as Python; it is found from any folder below, too."""
    here = Path(os.path.normpath(path.absolute())).parent
    if here.is_relative_to(project.root):
        return "Path(__file__).parent"
    way = Path(os.path.relpath(project.root, here)).as_posix()
    return f"Path(__file__).parent / {_text(way)}"


def _function_text(function: Function, types: Mapping[str, str]) -> str:
    subject = "dataset" if function.gives is Gives.UNION else "task"
    tags = [f"{subject}={_text(function.subject)}", f"kind={_text(function.kind)}"]
    if function.tags:
        tags.append(_call("tags=[", map(_text, dict.fromkeys(function.tags)), "]", 4))
    parameters = [f"{name}: {types[name]}" for name in function.inputs]
    for name, source in function.sources:
        parameters.append(f"{name}: SourceReference = SOURCES[{_text(source)}]")
    given = [*function.inputs, *(name for name, _ in function.sources)]
    call = [_text(function.subject), *given]
    return "\n".join(
        [
            # Whether it runs is for cpgbuild to say, and not for Hamilton's cache.
            '@cache(behavior="recompute")',
            _call("@tag(", tags, ")", 0),
            _call(f"def {function.name}(", parameters, f") -> {function.returned}:", 0),
            *_docstring(function),
            _call(f"    return PIPELINE.{function.gives}(", call, ")", 4),
            "",
        ]
    )


def _call(head: str, arguments: Iterable[str], tail: str, indent: int) -> str:
    """Return arguments between a head and a tail: on one line, or on a line each."""
    parts = list(arguments)
    line = f"{head}{', '.join(parts)}{tail}"
    if len(line) <= WIDTH and "\n" not in line:
        return line
    margin = " " * indent
    return "\n".join([head, *(f"{margin}    {part}," for part in parts), f"{margin}{tail}"])


def _docstring(function: Function) -> Iterator[str]:
    """Give the lines of a function's docstring: the description, or what else can be said."""
    words = {
        Gives.VIEW: f"The view `{function.subject}`.",
        Gives.TABLE: f"The table of `{function.subject}`.",
        Gives.UNION: f"All parts of `{function.subject}`.",
    }
    text = _escaped(inspect.cleandoc(function.description) or words[function.gives])
    first, *rest = text.splitlines()
    if not rest:
        yield f'    """{first}"""'
        return
    yield f'    """{first}'
    yield from (f"    {line}".rstrip() for line in rest)
    yield '    """'


def _escaped(text: str) -> str:
    """Return text as it stands in a docstring."""
    text = text.strip().replace("\\", "\\\\").replace('"""', r"\"\"\"")
    return text[:-1] + r"\"" if text.endswith('"') else text


def _text(value: str) -> str:
    """Return text as a Python string, in the quotes that need no backslash."""
    quoted = json.dumps(value, ensure_ascii=False)
    if '"' not in value or "'" in value:
        return quoted
    inner = quoted[1:-1].replace('\\"', '"')
    return f"'{inner}'"
