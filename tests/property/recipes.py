"""Recipes: what random projects mean, and what is stored of them. Nothing of cpgbuild is used here.

Each dataset has a number of rows and a number in each of its columns `v` and `x`. What it holds and
what its plan means are found by recursion over the recipes alone; meanings are compared as they
are, and no fingerprint stands for anything.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, field, replace

COLUMNS = ("v", "x")

# What chance adds to what a task that varies makes.
CHANCES = (0, 1)


@dataclass(frozen=True)
class Rows:
    """What a dataset holds: the number of rows, and a number for each column."""

    n: int = 1
    v: int = 0
    x: int = 0
    unread: int = 0

    def of(self, columns: Iterable[str]) -> tuple[int, ...]:
        """Return what a reader of these columns sees; how many rows there are it always sees."""
        return (self.n, *(getattr(self, c) for c in sorted(columns)))


@dataclass(frozen=True)
class Read:
    """One input, with the columns that each column of the output is made of."""

    dataset: str
    v: tuple[str, ...] = ()
    x: tuple[str, ...] = ()

    def of(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Return the columns that are required where these columns of the output are."""
        return tuple(sorted({c for column in columns for c in getattr(self, column)}))


@dataclass(frozen=True)
class Formula:
    """How a column comes about. All but `sum` lose something, so that results may turn out equal."""

    salt: int = 0
    how: str = "sum"

    def __call__(self, seen: Iterable[int]) -> int:
        total = self.salt
        for position, number in enumerate(seen, 1):
            total = (total * 31 + position * number) % 1_000_003
        lossy = {"parity": total % 2, "least": min(total, 3), "constant": self.salt}
        return lossy.get(self.how, total)


@dataclass(frozen=True)
class Recipe:
    """A task's meaning: the formulas of its columns and what they read."""

    name: str
    dataset: str
    kind: str
    reads: tuple[Read, ...]
    v: Formula = Formula()
    x: Formula = Formula()
    part: str = ""
    lane: str = "engine"
    priority: int = 100
    volatile: bool = False
    unstable: bool = False

    @property
    def output(self) -> str:
        return f"{self.dataset}/{self.part}" if self.part else self.dataset


@dataclass(frozen=True)
class SourceState:
    """What a source holds, the types of its columns, and the version that names this state.

    Of an `eager` source the contents are known with its version; of others they can be asked for,
    also at old versions, until those are vacuumed.
    """

    rows: Rows = Rows()
    x: str = "int64"
    unread: str = "int64"
    version: int = 0
    eager: bool = True


@dataclass(frozen=True)
class Sight:
    """What a task saw of a leaf. `known`: its contents were noted down, else its version alone."""

    version: object
    types: tuple[tuple[str, str], ...]
    values: tuple[int, ...]
    known: bool


@dataclass(frozen=True)
class Made:
    """What is remembered of a run: who made an output of what meaning, seeing what, and which."""

    task: str
    plan: int
    query: int
    views: dict[str, int]
    saw: dict[str, Sight]
    wrote: object


@dataclass(frozen=True)
class Table:
    """A state of a stored output. `made` is None for what somebody else wrote.

    Its version is what it holds, but for what somebody else wrote. `known` are the columns whose
    contents were noted down with it, `noise` is what chance added to `v`.
    """

    number: int
    rows: Rows
    version: object
    made: Made | None = None
    known: frozenset[tuple[str, ...]] = frozenset()
    noise: int = 0
    trace: str = ""


@dataclass(frozen=True)
class Meaning:
    """What a query means with all behind it. Numbers are equal where meanings are."""

    plan: int
    query: int
    views: dict[str, int]
    leaves: dict[str, tuple[str, ...]]
    volatile: bool
    unstable: bool


@dataclass
class Project:
    """Sources, recipes in an order in which each reads only what comes before it, and tables."""

    sources: dict[str, SourceState]
    recipes: dict[str, Recipe]
    tables: dict[str, Table] = field(default_factory=dict)
    past: dict[str, list[Table]] = field(default_factory=dict)
    past_sources: dict[str, list[SourceState]] = field(default_factory=dict)
    writes: int = 0
    _numbers: dict[object, int] = field(default_factory=dict)
    _shape: dict[object, object] = field(default_factory=dict)

    def copied(self) -> Project:
        """Return a project that can be changed without changing this one."""
        other = copy(self)
        other.sources, other.recipes = dict(self.sources), dict(self.recipes)
        other.tables = dict(self.tables)
        other.past = {name: list(tables) for name, tables in self.past.items()}
        other.past_sources = {name: list(states) for name, states in self.past_sources.items()}
        other._shape = dict(self._shape)
        return other

    # -- edits -----------------------------------------------------------------------------

    def edit(self, name: str, **changes: object) -> None:
        self.define(self.recipes | {name: replace(self.recipes[name], **changes)})  # type: ignore[arg-type]

    def rename(self, old: str, new: str) -> None:
        renamed = [replace(r, name=new) if n == old else r for n, r in self.recipes.items()]
        self.define({r.name: r for r in renamed})

    def define(self, recipes: dict[str, Recipe]) -> None:
        self.recipes = recipes
        self._shape = {}

    def write_source(self, name: str, **changes: object) -> None:
        """Write a source anew: it has another version, whatever it holds."""
        self.writes += 1
        was = self.sources[name]
        if not was.eager:
            self.past_sources.setdefault(name, []).append(was)
        self.sources[name] = replace(was, version=self.writes, **changes)  # type: ignore[arg-type]

    def set_source(self, name: str, **numbers: int) -> None:
        self.write_source(name, rows=replace(self.sources[name].rows, **numbers))

    # -- what there is ---------------------------------------------------------------------

    def producers(self, dataset: str) -> list[Recipe]:
        return self._once(("producers", dataset), lambda: self._producers(dataset))  # type: ignore[return-value]

    def _producers(self, dataset: str) -> list[Recipe]:
        return sorted(
            (r for r in self.recipes.values() if r.dataset == dataset), key=lambda r: r.output
        )

    def _once(self, key: object, made: Callable[[], object]) -> object:
        if key not in self._shape:
            self._shape[key] = made()
        return self._shape[key]

    def above(self, name: str) -> set[str]:
        """Return the names of all tasks that a task needs."""

        def found() -> set[str]:
            names: set[str] = set()
            for read in self.recipes[name].reads:
                for producer in self.producers(read.dataset):
                    names |= {producer.name, *self.above(producer.name)}
            return names

        return self._once(("above", name), found)  # type: ignore[return-value]

    def below(self, name: str) -> set[str]:
        """Return the names of all tasks that need a task."""
        return {other for other in self.recipes if name in self.above(other)}

    def stored(self, recipe: Recipe) -> bool:
        """Whether a recipe's output is a table: a view is kept where chance and several meet."""

        def found() -> bool:
            if recipe.kind == "compute":
                return True
            readers = [
                o for o in self.recipes.values() for r in o.reads if r.dataset == recipe.dataset
            ]
            return len(readers) > 1 and self.varies(recipe)

        return self._once(("stored", recipe.name), found)  # type: ignore[return-value]

    def varies(self, recipe: Recipe) -> bool:
        meaning = self.meaning(recipe)
        return meaning.volatile or meaning.unstable

    # -- what a plan means -----------------------------------------------------------------

    def meaning(self, recipe: Recipe, columns: tuple[str, ...] = COLUMNS) -> Meaning:
        """Return what a recipe means to who needs these columns, with the views behind it."""
        key = ("meaning", recipe.name, columns)
        return self._once(key, lambda: self._meaning(recipe, columns))  # type: ignore[return-value]

    def _meaning(self, recipe: Recipe, columns: tuple[str, ...]) -> Meaning:
        reads = tuple((r.dataset, r.of(columns)) for r in recipe.reads)
        formulas = tuple(
            (c, getattr(recipe, c), tuple(r.of([c]) for r in recipe.reads))
            for c in self.told(recipe, columns)
        )
        chance = (recipe.volatile, recipe.unstable)
        query = self._number(("query", columns, formulas, reads, chance))
        views: dict[str, int] = {}
        leaves: dict[str, set[str]] = {}
        behind: list[Meaning] = []
        for dataset, needed in reads:
            parts = self.producers(dataset)
            for output in [p.output for p in parts if self.stored(p)] or [dataset] * (not parts):
                leaves.setdefault(output, set()).update(needed)
            plain = {p.output: self.meaning(p, needed) for p in parts if not self.stored(p)}
            if plain:
                meant = tuple((output, one.plan) for output, one in plain.items())
                views[dataset] = self._number(("views", meant))
                behind += plain.values()
        for one in behind:
            for leaf, wanted in one.leaves.items():
                leaves.setdefault(leaf, set()).update(wanted)
        own = tuple(sorted(leaves)), tuple(sorted(views.items()))
        return Meaning(
            self._number(("plan", query, own)),
            query,
            views,
            {leaf: tuple(sorted(wanted)) for leaf, wanted in sorted(leaves.items())},
            recipe.volatile or any(one.volatile for one in behind),
            recipe.unstable or any(one.unstable for one in behind),
        )

    def told(self, recipe: Recipe, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Return the columns whose formulas a query of these columns is told by."""
        return columns

    def _number(self, meaning: object) -> int:
        return self._numbers.setdefault(meaning, len(self._numbers))

    def required(self, output: str) -> frozenset[tuple[str, ...]]:
        """Return the columns that each stored task really reads of an output."""

        def found() -> frozenset[tuple[str, ...]]:
            leaves = [self.meaning(r).leaves for r in self.recipes.values() if self.stored(r)]
            return frozenset(behind[output] for behind in leaves if output in behind)

        return self._once(("required", output), found)  # type: ignore[return-value]

    # -- what everything holds -------------------------------------------------------------

    def apply(self, recipe: Recipe, look: Callable[[str], Rows]) -> Rows:
        """Return what a task makes of its inputs, which `look` gives, where chance adds nothing."""
        seen = [(read, look(read.dataset)) for read in recipe.reads]

        def numbers(column: str) -> Iterable[int]:
            for read, rows in seen:
                yield from rows.of(read.of([column]))
                if "x" in read.of([column]) and read.dataset in self.sources:
                    yield len(self.sources[read.dataset].x)

        many = 1 + sum(rows.n for _, rows in seen) % 2
        return Rows(many, recipe.v(numbers("v")), recipe.x(numbers("x")))

    def holds(self, dataset: str) -> Rows:
        """Return what a dataset holds now: of what is stored, and of views of that."""
        return self._union(dataset, lambda r: self.tables[r.output].rows, self.holds)

    def from_scratch(self, dataset: str) -> Rows:
        """Return what a dataset holds where all is made anew, and chance is what it was."""
        return self._union(dataset, self.anew, self.from_scratch)

    def anew(self, recipe: Recipe) -> Rows:
        """Return what a stored output must hold; whatever chance may add is right."""
        rows = self.apply(recipe, self.from_scratch)
        table = self.tables[recipe.output]
        added = table.rows.v - rows.v
        by_chance = self.varies(recipe) and added in CHANCES
        return replace(rows, v=rows.v + (added if by_chance else table.noise))

    def _union(
        self, dataset: str, table: Callable[[Recipe], Rows], look: Callable[[str], Rows]
    ) -> Rows:
        if dataset in self.sources:
            return self.sources[dataset].rows
        parts = [
            table(r) if self.stored(r) else self.apply(r, look) for r in self.producers(dataset)
        ]
        return Rows(*(sum(getattr(part, c) for part in parts) for c in ("n", *COLUMNS)))

    def sights(self, recipe: Recipe) -> dict[str, Sight]:
        """Return what a task sees now of each leaf."""
        return {n: self.sight(n, c) for n, c in self.meaning(recipe).leaves.items()}

    def sight(self, leaf: str, columns: tuple[str, ...]) -> Sight:
        if leaf in self.sources:
            source = self.sources[leaf]
            types = tuple((c, source.x if c == "x" else "int64") for c in columns)
            return Sight(source.version, types, source.rows.of(columns), source.eager)
        table = self.tables[leaf]
        types = tuple((c, "int64") for c in columns)
        return Sight(table.version, types, table.rows.of(columns), columns in table.known)

    def at(self, leaf: str, version: object) -> Rows | None:
        """Return what a leaf holds at a version; None where nobody can say any more."""
        if leaf in self.sources:
            now = self.sources[leaf]
            states = [] if now.eager else [now, *self.past_sources.get(leaf, ())]
            return next((s.rows for s in states if s.version == version), None)
        tables = [*self.past.get(leaf, ()), *([self.tables[leaf]] if leaf in self.tables else [])]
        return next((t.rows for t in tables if t.version == version), None)

    # -- runs ------------------------------------------------------------------------------

    def noise(self, recipe: Recipe, era: int) -> int:
        """Return what chance adds to `v` in a build."""
        chance = zlib.crc32(f"{recipe.name} {era}".encode()) % len(CHANCES)
        return CHANCES[chance] if self.varies(recipe) else 0

    def run(self, recipe: Recipe, era: int) -> Table:
        """Return the table that a run makes of what its inputs hold now."""
        noise = self.noise(recipe, era)
        rows = self.apply(recipe, self.holds)
        rows = replace(rows, v=rows.v + noise)
        known = self.required(recipe.output)
        return Table(0, rows, rows, self.made(recipe, rows), known, noise)

    def restored(self, recipe: Recipe, number: int) -> Table:
        """Return the table that a past state of it becomes."""
        (then,) = (t for t in self.past[recipe.output] if t.number == number)
        return replace(then, made=self.made(recipe, then.version))

    def made(self, recipe: Recipe, wrote: object) -> Made:
        meaning = self.meaning(recipe)
        saw = self.sights(recipe)
        return Made(recipe.name, meaning.plan, meaning.query, meaning.views, saw, wrote)

    def commit(self, output: str, table: Table) -> bool:
        """Put a table in place of what was there; return whether that is other rows."""
        before = self.tables.get(output)
        if before is not None:
            self.past.setdefault(output, []).append(before)
        self.writes += 1
        self.tables[output] = replace(table, number=self.writes)
        return before is None or before.version != table.version
