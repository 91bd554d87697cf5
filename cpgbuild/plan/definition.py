"""Definition: a task as a user wrote it, before anything of it is compiled."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypedDict, TypeVar, Unpack, overload

from cpgbuild.core.task import DEFAULT_PRIORITY, TaskKind
from cpgbuild.errors.project import BadName, BadTask, BadValue, UnknownKey
from cpgbuild.errors.report import Place
from cpgbuild.plan.places import frame_place, narrowed

if TYPE_CHECKING:
    from types import FrameType

    import ibis

    from cpgbuild.plan.catalog import Catalog
    from cpgbuild.plan.query import Query

MARK = "__cpgbuild_task__"
_DATASET = re.compile(r"[a-z_][a-z0-9_]*\Z")
_P = ParamSpec("_P")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class RowMap:
    """What makes a task one of the python lane: a function from batches of its plan to batches.

    With `key` and `content` (columns of the plan, `key` also of the output) only the keys whose
    content changed are mapped again.
    """

    function: Callable[..., Any]
    key: str | None = None
    content: str | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """One task: its names, its options, and its expression as a function or as SQL text.

    `dataset` is what it feeds; `part` is set where several tasks feed it. `schema` is the promise
    of a contract, or the declared output of a mapping, as a user gave it. `recorded` is the query
    of an earlier run, which takes the place of function and text. `checks` has the options that say
    of the rows what has to be so, as a user gave them, `inputs` the datasets that the user says it
    reads, to compare them with those that it does. Where its file is
    what it was when it was last loaded, function and text are not loaded: `whole` does.
    """

    name: str
    dataset: str
    kind: TaskKind
    place: Place
    function: Callable[[Catalog], ibis.Table] | None = None
    sql: str | None = None
    part: str | None = None
    priority: int = DEFAULT_PRIORITY
    tags: tuple[str, ...] = ()
    description: str = ""
    partition_by: tuple[str, ...] = ()
    schema: Any = None
    row_map: RowMap | None = None
    checks: Mapping[str, Any] | None = None
    inputs: tuple[str, ...] | None = None
    key: str | None = None
    file: str = ""
    recorded: Query | None = None
    whole: Callable[[], Definition] | None = None

    @property
    def output(self) -> str:
        """The name of what the task itself writes or registers."""
        return f"{self.dataset}/{self.part}" if self.part else self.dataset


@dataclass(frozen=True, slots=True)
class Options:
    """The options that decorators and SQL headers share."""

    name: str | None = None
    output: str | None = None
    contributes_to: str | None = None
    priority: int = DEFAULT_PRIORITY
    tags: tuple[str, ...] = ()
    description: str | None = None
    partition_by: tuple[str, ...] = ()
    schema: Any = None
    row_map: RowMap | None = None
    checks: Mapping[str, Any] | None = None
    inputs: tuple[str, ...] | None = None
    key: str | None = None


def define(  # noqa: PLR0913 -- the one place where a task is put together
    stem: str,
    kind: TaskKind,
    options: Options,
    place: Place,
    *,
    function: Callable[[Catalog], ibis.Table] | None = None,
    sql: str | None = None,
    description: str = "",
) -> Definition:
    """Return the definition of the task whose function or file is named `stem`.

    Raises:
        BadName: the dataset's name is not of lower-case letters, digits and underscores.
        BadTask: options contradict each other.
    """
    dataset = options.contributes_to or options.output or stem
    for name in (dataset, stem) if options.contributes_to else (dataset,):
        if not _DATASET.match(name):
            raise BadName(name, place)
    task = options.name or f"{kind}.{stem if options.contributes_to else dataset}"
    if fault := _contradiction(kind, options):
        raise BadTask(task, *fault, place)
    return Definition(
        name=task,
        dataset=dataset,
        kind=kind,
        place=place,
        function=function,
        sql=sql,
        part=stem if options.contributes_to else None,
        priority=options.priority,
        tags=options.tags,
        description=options.description if options.description is not None else description,
        partition_by=options.partition_by,
        schema=options.schema,
        row_map=options.row_map,
        checks=options.checks,
        inputs=options.inputs,
        key=options.key,
        file=place.path,
    )


def _contradiction(kind: TaskKind, options: Options) -> tuple[str, str] | None:
    if options.contributes_to and options.output:
        return "says both `output` and `contributes_to`", "keep one of them"
    if kind is TaskKind.VIEW and options.partition_by:
        return "is a view and says `partition_by`", "only a compute task is stored: make it one"
    if kind is TaskKind.VIEW and options.key:
        return "is a view and says `key`", "only a compute task is stored: make it one"
    if options.key and options.partition_by and not (options.row_map and options.row_map.key):
        return "says both `key` and `partition_by`", "keep one of them"
    return _map_contradiction(options.row_map, options.schema) if options.row_map else None


def _map_contradiction(row_map: RowMap, schema: object) -> tuple[str, str] | None:
    if schema is None:
        return "has a `map` and no `schema`", "declare what the function returns: `schema={…}`"
    if row_map.content and not row_map.key:
        return "has a `content` and no `key`", "name the column that names a row: `key=…`"
    name = getattr(row_map.function, "__qualname__", "")
    if not inspect.isfunction(row_map.function) or "<" in name:
        hint = "another process imports it by name: define it with `def` in the module"
        return "has a `map` that is no function of a module", hint
    return None


class ViewOptions(TypedDict, total=False):
    """The options of `view`, as type checkers see them."""

    name: str | None
    output: str | None
    contributes_to: str | None
    priority: int
    tags: Sequence[str]
    description: str | None
    schema: Any
    inputs: Sequence[str] | None
    not_null: Sequence[str]
    unique: Sequence[str | Sequence[str]]
    accepted_values: Mapping[str, Sequence[Any]]
    relationships: Mapping[str, str]
    checks: Sequence[Callable[..., Any]] | Mapping[str, Callable[..., Any] | str]


# The options that say of the rows of a task what has to be so; see `plan/checks.py`.
CHECKS = ("not_null", "unique", "accepted_values", "relationships", "checks")


class ComputeOptions(ViewOptions, total=False):
    """The options of `compute`, as type checkers see them."""

    partition_by: Sequence[str]
    map: Callable[..., Any] | None
    key: str | None
    content: str | None


@overload
def view(function: Callable[_P, _R], /) -> Callable[_P, _R]: ...
@overload
def view(
    **options: Unpack[ViewOptions],
) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]: ...
def view(  # noqa: PLR0913 -- the knobs that a user may turn
    function: Callable[_P, _R] | None = None,
    *,
    name: str | None = None,
    output: str | None = None,
    contributes_to: str | None = None,
    priority: int = DEFAULT_PRIORITY,
    tags: Sequence[str] = (),
    description: str | None = None,
    schema: Any = None,
    inputs: Sequence[str] | None = None,
    **others: Any,
) -> Any:
    """Make a function that takes the catalog and returns a table expression a *view* task.

    A view is evaluated by whatever reads it. Its dataset has the function's name.

    Args:
        function: the function, where the decorator is used without parentheses.
        name: the task's name, where it is not to be `view.<dataset>`.
        output: the dataset's name, where it is not to be the function's.
        contributes_to: the dataset that this and other tasks feed together.
        priority: of several ready tasks the one with the smallest number starts first; of equal
            ones that on which the longest way hangs, by what each task took before.
        tags: words to select tasks by.
        description: what the dataset is, where the docstring does not say it.
        schema: the columns and types that the plan must give, as a mapping from names to types in
            the notation of Ibis, or as an Arrow schema.
        inputs: the datasets that it reads, as `cpgbuild check` shall compare them with those that
            the plan reads. Nothing else follows from them.
        **others: what has to be so of the rows, or nothing that reads the view is built:
            `not_null`, `unique`, `accepted_values`, `relationships`, `checks` (docs/checks.md).
            What is no option is refused, with the name that was probably meant.

    Raises:
        BadName: the dataset's name cannot be one.
        BadTask: options contradict each other.
        BadValue: an option has the wrong type.
        UnknownKey: there is no such option.
    """
    frame = sys._getframe(1)  # noqa: SLF001
    _refuse(others, "@view", ViewOptions, frame)
    named = (name, output, contributes_to, priority, tuple(tags), description)
    options = Options(*named, schema=schema, checks=_checks(others), inputs=_listed(inputs))
    return _decorate(function, TaskKind.VIEW, options, frame)


@overload
def compute(function: Callable[_P, _R], /) -> Callable[_P, _R]: ...
@overload
def compute(
    **options: Unpack[ComputeOptions],
) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]: ...
def compute(  # noqa: PLR0913 -- the knobs that a user may turn
    function: Callable[_P, _R] | None = None,
    *,
    name: str | None = None,
    output: str | None = None,
    contributes_to: str | None = None,
    priority: int = DEFAULT_PRIORITY,
    tags: Sequence[str] = (),
    description: str | None = None,
    partition_by: Sequence[str] = (),
    schema: Any = None,
    inputs: Sequence[str] | None = None,
    map: Callable[..., Any] | None = None,  # noqa: A002 -- it is what the word means
    key: str | None = None,
    content: str | None = None,
    **others: Any,
) -> Any:
    """Make a function that takes the catalog and returns a table expression a *compute* task.

    Its rows are stored as a Delta table at `<warehouse>/<dataset>`. With `map`, the rows of the
    expression are handed to a Python function, several at a time, and what that returns is stored.

    Args:
        function: the function, where the decorator is used without parentheses.
        name: the task's name, where it is not to be `compute.<dataset>`.
        output: the dataset's name, where it is not to be the function's.
        contributes_to: the dataset that this and other tasks feed together.
        priority: of several ready tasks the one with the smallest number starts first; of equal
            ones that on which the longest way hangs, by what each task took before.
        tags: words to select tasks by.
        description: what the dataset is, where the docstring does not say it.
        partition_by: columns by whose values the table's files are split.
        schema: the columns and types that the plan must give; with `map`, that the function gives.
        inputs: the datasets that it reads, as `cpgbuild check` shall compare them with those that
            the plan reads. Nothing else follows from them.
        map: a module's function from a `pyarrow.RecordBatch` of the expression's rows to a
            `RecordBatch` or `Table` of `schema`. It runs in other processes.
        key: the column by which rows are replaced: where only those of some of its values can be
            others than before, only these are computed, and written.
        content: with `map` and `key`: the column of the expression that says whether the row of a
            key changed. Only changed ones are handed to the function.
        **others: what has to be so of the rows, or they are not committed: `not_null`, `unique`,
            `accepted_values`, `relationships`, `checks` (docs/checks.md). What is no option is
            refused, with the name that was probably meant.

    Raises:
        BadName: the dataset's name cannot be one.
        BadTask: options contradict each other.
        BadValue: an option has the wrong type.
        UnknownKey: there is no such option.
    """
    frame = sys._getframe(1)  # noqa: SLF001
    _refuse(others, "@compute", ComputeOptions, frame)
    mapped = (map, key, content) if content else (map,)
    row_map = RowMap(*mapped) if map is not None else None
    partitions = (partition_by,) if isinstance(partition_by, str) else tuple(partition_by)
    options = Options(
        name,
        output,
        contributes_to,
        priority,
        tuple(tags),
        description,
        partitions,
        schema,
        row_map,
        _checks(others),
        _listed(inputs),
        key,
    )
    if map is None and content:
        place = frame_place(frame)
        hint = "name the function: `map=…`"
        raise BadTask("@compute", "has a `content` and no `map`", hint, place)
    return _decorate(function, TaskKind.COMPUTE, options, frame)


def _listed(names: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return names as a tuple, a single one too; None where nothing is said."""
    return (names,) if isinstance(names, str) else names if names is None else tuple(names)


def _decorate(
    function: Callable[_P, _R] | None, kind: TaskKind, options: Options, frame: FrameType
) -> Any:
    """Return the decorated function, or the decorator where there is none yet."""
    _check_types(options, frame)

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        plain = inspect.unwrap(function)
        if not inspect.isfunction(plain):
            fault, hint = "is no function", "decorate a function that takes the catalog"
            raise BadTask(getattr(plain, "__name__", "?"), fault, hint, frame_place(frame))
        code = plain.__code__
        place = _definition_place(code.co_filename, code.co_firstlineno, function.__name__)
        definition = define(
            function.__name__,
            kind,
            options,
            place,
            function=function,  # type: ignore[arg-type]  # its signature is checked by calling it
            description=inspect.getdoc(function) or "",
        )
        setattr(function, MARK, definition)
        return function

    return decorate if function is None else decorate(function)


def _checks(others: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the options that are checks, in an order of their own."""
    return {key: others[key] for key in CHECKS if key in others} or None


def _refuse(others: Mapping[str, object], decorator: str, known: type, frame: FrameType) -> None:
    """See that a decorator was given options that it has."""
    for key in others.keys() - set(CHECKS):
        names = known.__annotations__
        raise UnknownKey(key, f"`{decorator}`", names, _option_place(frame, key))


def _check_types(options: Options, frame: FrameType) -> None:
    for key in ("name", "output", "contributes_to", "description", "key"):
        value = getattr(options, key)
        if value is not None and not isinstance(value, str):
            raise BadValue(key, value, "a string", _option_place(frame, key))
    if isinstance(options.priority, bool) or not isinstance(options.priority, int):
        place = _option_place(frame, "priority")
        raise BadValue("priority", options.priority, "a whole number", place)
    for key in ("tags", "partition_by", "inputs"):
        for value in getattr(options, key) or ():
            if not isinstance(value, str):
                raise BadValue(key, value, "strings", _option_place(frame, key))
    if options.schema is not None and not isinstance(options.schema, Mapping):
        import pyarrow as pa  # noqa: PLC0415 -- heavy, and needed by few

        if not isinstance(options.schema, pa.Schema):
            expected = "a mapping from column names to types, or an Arrow schema"
            place = _option_place(frame, "schema")
            raise BadValue("schema", options.schema, expected, place)


def _option_place(frame: FrameType, option: str) -> Place:
    """Return where a decorator's call says an option."""
    return narrowed(frame_place(frame), option)


def _definition_place(path: str, first_line: int, name: str) -> Place:
    """Return the place of the name in `def name(`; decorators come before it."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return Place(path, first_line)
    wanted = re.compile(rf"\s*(?:async\s+)?def\s+({re.escape(name)})\b")
    for number, line in enumerate(lines[first_line - 1 :], first_line):
        if found := wanted.match(line):
            return Place(path, number, found.start(1) + 1, len(name))
    return Place(path, first_line)
