"""All files' operations as one program, in numbers."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tasks.values.arrays import numbers
from tasks.values.facts import Kind, Op

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt
    import pyarrow as pa

    Ints = npt.NDArray[np.int64]

# What the numbers a, b and c of an operation are.
_NONE, _VARIABLE, _OBJECT, _SITE = range(4)
_ROLES = {
    Op.ALLOC: (_VARIABLE, _OBJECT, _NONE),
    Op.COPY: (_VARIABLE, _VARIABLE, _NONE),
    Op.LOAD: (_VARIABLE, _VARIABLE, _SITE),
    Op.STORE: (_VARIABLE, _VARIABLE, _SITE),
    Op.INSTANCE: (_VARIABLE, _VARIABLE, _NONE),
    Op.IMPORT: (_VARIABLE, _NONE, _NONE),
    Op.FROM: (_VARIABLE, _NONE, _NONE),
    Op.STAR: (_VARIABLE, _NONE, _NONE),
    Op.CALL: (_SITE, _VARIABLE, _VARIABLE),
    Op.ARGUMENT: (_SITE, _VARIABLE, _NONE),
    Op.BUILTIN: (_VARIABLE, _NONE, _NONE),
    Op.LITERAL: (_VARIABLE, _NONE, _NONE),
    Op.BASE: (_OBJECT, _VARIABLE, _NONE),
    Op.PARAMETER: (_OBJECT, _VARIABLE, _NONE),
    Op.REST: (_OBJECT, _NONE, _OBJECT),
    Op.REST_NAMED: (_OBJECT, _NONE, _OBJECT),
    Op.RETURN: (_OBJECT, _VARIABLE, _NONE),
    Op.SELF: (_OBJECT, _VARIABLE, _OBJECT),
    Op.DEFINES: (_OBJECT, _VARIABLE, _NONE),
    Op.SUPER: (_VARIABLE, _OBJECT, _NONE),
    Op.JOIN: (_VARIABLE, _VARIABLE, _VARIABLE),
    Op.GIVES_BACK: (_OBJECT, _VARIABLE, _NONE),
}
ROOT = -1  # the parent of a name that stands first
INDEXES = 16  # positions that have a name of their own
# Modules whose names are words for types, and no classes.
TYPING = frozenset(("typing", "typing_extensions", "collections.abc", "types"))
# What these return is an argument of theirs.
TRANSPARENT = {
    **dict.fromkeys(("builtins.staticmethod", "builtins.classmethod", "functools.partial"), 0),
    **dict.fromkeys(("copy.copy", "copy.deepcopy", "contextlib.closing"), 0),
    **dict.fromkeys(("weakref.ref", "weakref.proxy"), 0),
    "typing.cast": 1,
}
BUILTIN_CLASSES = frozenset(n for n in dir(builtins) if isinstance(getattr(builtins, n), type))


@dataclass
class Names:
    """Texts as numbers."""

    known: dict[str, int]
    texts: list[str] = field(default_factory=list)

    def id(self, text: str) -> int:
        """Return the number of a text, a new one if it has none."""
        found = self.known.get(text)
        if found is None:
            found = self.known[text] = len(self.texts)
            self.texts.append(text)
        return found


@dataclass
class Outside:
    """Names of other packages as a tree: each has a parent and its last name."""

    names: Names
    ids: dict[tuple[int, int], int] = field(default_factory=dict)
    parents: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)

    def id(self, dotted: str) -> int:
        """Return the number of a dotted name."""
        found = ROOT
        for part in dotted.split("."):
            key = (found, self.names.id(part))
            if key not in self.ids:
                self.ids[key] = len(self.parents)
                self.parents.append(key[0])
                self.last.append(key[1])
            found = self.ids[key]
        return found


@dataclass
class Program:
    """The operations of all files; variables, objects and sites are counted through.

    Outside names are objects from ``4 * n_objects`` on: twice their number is the thing itself, one
    more an instance of it.
    """

    ops: dict[str, Ints]  # by what they say
    op_starts: Ints
    kinds: Ints  # of objects
    n_variables: int
    n_objects: int
    n_sites: int
    site_kinds: Ints
    names: Names
    outside: Outside
    facts: list[tuple[int, int]]  # (variable, object), of imports and builtins
    loads: list[tuple[int, int, int]]  # (target, base variable, name), of imports
    stars: list[tuple[int, int]]  # (module object, variable of the module that it takes from)
    submodules: list[tuple[int, int, int]]  # (module object, name, module object)
    variable_starts: Ints
    object_starts: Ints
    site_starts: Ints


def gather(paths: list[str], modules: dict[str, tuple[str, str]], table: pa.Table) -> Program:
    """Count through what files counted by themselves, and find their modules.

    Args:
        paths: of the table's rows.
        modules: path -> (dotted name, dotted name of the package around).
        table: rows by the schema `VALUES_NESTED`.
    """
    lists = {name: table[name].combine_chunks() for name in ("ops", "sites", "objects")}
    counts = numbers(table["n_variables"].combine_chunks())
    variable_starts = _starts(counts)
    object_starts, site_starts = _offsets(lists["objects"]), _offsets(lists["sites"])
    ops = _flat(lists["ops"], ("op", "a", "b", "c"))
    file_of = np.repeat(np.arange(len(paths)), np.diff(_offsets(lists["ops"])))
    starts = np.stack(
        [np.zeros(len(paths), np.int64), variable_starts[:-1], object_starts[:-1], site_starts[:-1]]
    )
    roles = np.array([_ROLES[op] for op in Op])
    for index, column in enumerate("abc"):
        shift = starts[roles[ops["op"], index], file_of]
        ops[column] = np.where(ops[column] >= 0, ops[column] + shift, ops[column])
    names, ops["name"] = _names(lists["ops"])
    kinds = _flat(lists["objects"], ("kind",))["kind"]
    builder = _Modules(
        paths, modules, names, object_starts, int(variable_starts[-1]), kinds.tolist()
    )
    builder.resolve(ops, file_of)
    order = np.argsort(ops["op"], kind="stable")
    ops = {name: column[order] for name, column in ops.items()}
    return Program(
        ops=ops,
        op_starts=np.searchsorted(ops["op"], np.arange(len(Op) + 1)),
        kinds=np.array(builder.kinds, np.int64),
        n_variables=builder.n_variables,
        n_objects=len(builder.kinds),
        n_sites=int(site_starts[-1]),
        site_kinds=_flat(lists["sites"], ("kind",))["kind"],
        names=names,
        outside=builder.outside,
        facts=builder.facts,
        loads=builder.loads,
        stars=builder.stars,
        submodules=builder.submodules,
        variable_starts=variable_starts,
        object_starts=object_starts,
        site_starts=site_starts,
    )


def _starts(counts: Ints) -> Ints:
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)


def _offsets(column: pa.ListArray) -> Ints:
    offsets = numbers(column.offsets)
    return offsets - offsets[0]


def _flat(column: pa.ListArray, names: Iterable[str]) -> dict[str, Ints]:
    structs = column.flatten()
    return {name: numbers(structs.field(name)) for name in names}


def _names(column: pa.ListArray) -> tuple[Names, Ints]:
    encoded = column.flatten().field("name").dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    names = Names({text: index for index, text in enumerate(texts)}, texts)
    return names, numbers(encoded.indices.fill_null(-1))


@dataclass
class _Modules:
    """Finds what imports mean."""

    paths: list[str]
    modules: dict[str, tuple[str, str]]
    names: Names
    object_starts: Ints
    n_variables: int
    kinds: list[int]
    facts: list[tuple[int, int]] = field(default_factory=list)
    loads: list[tuple[int, int, int]] = field(default_factory=list)
    stars: list[tuple[int, int]] = field(default_factory=list)
    submodules: list[tuple[int, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outside = Outside(self.names)
        self.objects: dict[str, int] = {}
        self._variables: dict[int, int] = {}
        for index, path in enumerate(self.paths):
            name = self.modules[path][0]
            is_stub = path.endswith(".pyi") and name in self.objects
            if not is_stub:
                self.objects[name] = int(self.object_starts[index])
        for name in sorted(self.objects):
            self._parent_of(name)

    def _parent_of(self, name: str) -> None:
        """Let a module be found in its package, which need not have a file."""
        while "." in name:
            parent, _, last = name.rpartition(".")
            known = parent in self.objects
            if not known:
                self.objects[parent] = len(self.kinds)
                self.kinds.append(Kind.MODULE)
            self.submodules.append((self.objects[parent], self.names.id(last), self.objects[name]))
            if known:
                return
            name = parent

    def resolve(self, ops: dict[str, Ints], file_of: Ints) -> None:
        """Turn imports and builtins into facts and loads."""
        texts = self.names.texts
        for op in (Op.IMPORT, Op.FROM, Op.STAR, Op.BUILTIN, Op.LITERAL):
            rows = np.flatnonzero(ops["op"] == op)
            columns = [ops[name][rows].tolist() for name in ("a", "b", "name")]
            for row, variable, level, name in zip(file_of[rows].tolist(), *columns, strict=True):
                self._one(op, row, variable, level, texts[name])

    def _one(self, op: Op, row: int, variable: int, level: int, text: str) -> None:
        if op is Op.BUILTIN:
            self._external(variable, f"builtins.{text}")
        elif op is Op.LITERAL:
            self._external(variable, f"builtins.{text}", instance=1)
        elif op is Op.STAR:
            self.stars.append((int(self.object_starts[row]), variable))
        elif op is Op.IMPORT:
            self._module(variable, self._absolute(row, level, text))
        else:
            module, _, name = text.partition(":")
            self._attribute(variable, self._absolute(row, level, module), name)

    def _absolute(self, row: int, level: int, module: str) -> str:
        if level == 0:
            return module
        package = self.modules[self.paths[row]][1].split(".")
        base = package[: len(package) - level + 1]
        return ".".join([*(part for part in base if part), *([module] if module else [])])

    def _module(self, variable: int, name: str) -> None:
        if name in self.objects:
            self.facts.append((variable, self.objects[name]))
        elif name:
            self._external(variable, name)

    def _attribute(self, variable: int, module: str, name: str) -> None:
        found = self.objects.get(module)
        if found is None:
            self._external(variable, f"{module}.{name}" if module else name)
            return
        holder = self._variables.get(found)
        if holder is None:
            holder = self._variables[found] = self.n_variables
            self.n_variables += 1
            self.facts.append((holder, found))
        self.loads.append((variable, holder, self.names.id(name)))

    def _external(self, variable: int, dotted: str, instance: int = 0) -> None:
        # Numbers of objects are not all known yet: outside ones are marked by their sign.
        self.facts.append((variable, -1 - (2 * self.outside.id(dotted) + instance)))
