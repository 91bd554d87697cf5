"""Recipes: what random projects mean, and the oracle. Nothing of cpgbuild is used here.

The oracle answers, by recursion over the recipes alone, what every dataset must hold and which
compute tasks have to run.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Read:
    """One input, with the columns that are needed of it (of `v` and `x`; perhaps none)."""

    dataset: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """A task's meaning: a number made of its salt and of what its inputs hold."""

    name: str
    dataset: str
    kind: str
    reads: tuple[Read, ...]
    salt: int = 0
    part: str = ""
    lane: str = "engine"
    priority: int = 100
    volatile: bool = False

    @property
    def output(self) -> str:
        return f"{self.dataset}/{self.part}" if self.part else self.dataset

    @property
    def meaning(self) -> str:
        reads = ";".join(f"{r.dataset}({','.join(r.columns)})" for r in self.reads)
        return f"{self.kind} {self.salt} {reads} {self.volatile}"


@dataclass(frozen=True)
class SourceState:
    """What a source holds: a number, the type of its column `x`, and of one that nobody reads."""

    value: int
    x: str = "int64"
    unread: str = "int64"


@dataclass(frozen=True)
class Made:
    """What the oracle remembers of a run: who made an output, by which meaning, seeing what."""

    task: str
    meaning: str
    saw: tuple[object, ...]


@dataclass
class Table:
    """A stored output. `made` is None for what somebody else wrote."""

    value: int
    token: str
    made: Made | None
    trace: str = ""


@dataclass
class Project:
    """Sources, recipes in an order in which each reads only what comes before it, and tables."""

    sources: dict[str, SourceState]
    recipes: dict[str, Recipe]
    tables: dict[str, Table] = field(default_factory=dict)

    def producers(self, dataset: str) -> list[Recipe]:
        return [r for r in self.recipes.values() if r.dataset == dataset]

    def edit(self, name: str, **changes: object) -> None:
        self.recipes[name] = replace(self.recipes[name], **changes)  # type: ignore[arg-type]

    def rename(self, old: str, new: str) -> None:
        renamed = [replace(r, name=new) if n == old else r for n, r in self.recipes.items()]
        self.recipes = {r.name: r for r in renamed}

    # -- what everything must hold ---------------------------------------------------------

    def apply(self, recipe: Recipe, value_of: object) -> int:
        """Return the number that a task makes of its inputs, which `value_of` gives."""
        total = recipe.salt
        for position, read in enumerate(recipe.reads):
            kind = self.sources[read.dataset].x if read.dataset in self.sources else "int64"
            typed = len(kind) if "x" in read.columns else 0
            total = total * 31 + (position + 1) * value_of(read.dataset) + typed  # type: ignore[operator]
        return total % 1_000_003

    def from_scratch(self, dataset: str) -> int:
        """Return what a dataset holds where everything is made anew."""
        if dataset in self.sources:
            return self.sources[dataset].value
        parts = [self.apply(r, self.from_scratch) for r in self.producers(dataset)]
        return sum(parts)

    def stored(self, dataset: str) -> int:
        """Return what a dataset holds now: views of what is stored."""
        if dataset in self.sources:
            return self.sources[dataset].value
        return sum(
            self.apply(r, self.stored) if r.kind == "view" else self.tables[r.output].value
            for r in self.producers(dataset)
        )

    # -- what has to run -------------------------------------------------------------------

    def saw(self, recipe: Recipe, era: int) -> tuple[object, ...]:
        """Return what a task sees now; in another `era` (build) a volatile view is another."""
        return tuple((r.dataset, self._types(r), self._token(r.dataset, era)) for r in recipe.reads)

    def _types(self, read: Read) -> tuple[str, ...]:
        source = self.sources.get(read.dataset)
        return tuple(source.x if source is not None and c == "x" else "int64" for c in read.columns)

    def _token(self, dataset: str, era: int) -> object:
        if dataset in self.sources:
            return self.sources[dataset].value
        tokens: list[object] = []
        for recipe in sorted(self.producers(dataset), key=lambda r: r.output):
            if recipe.kind == "compute":
                table = self.tables.get(recipe.output)
                tokens.append(table.token if table else None)
            else:
                when = era if recipe.volatile else 0
                tokens.append((recipe.meaning, when, self.saw(recipe, era)))
        return tuple(tokens)

    def must_run(self, wanted: set[str], forced: set[str], era: int) -> set[str]:
        """Return the names of the compute tasks among `wanted` that have to run in this build."""
        found: set[str] = set()
        for name, recipe in self.recipes.items():
            if name not in wanted or recipe.kind == "view":
                continue
            table = self.tables.get(recipe.output)
            now = Made(name, recipe.meaning, self.saw(recipe, era))
            changed = table is None or table.made != now or recipe.volatile or name in forced
            if changed or self.above(name) & found:
                found.add(name)
        return found

    def above(self, name: str) -> set[str]:
        """Return the names of all tasks that a task needs."""
        found: set[str] = set()
        for read in self.recipes[name].reads:
            for producer in self.producers(read.dataset):
                found |= {producer.name, *self.above(producer.name)}
        return found

    def below(self, name: str) -> set[str]:
        """Return the names of all tasks that need a task."""
        return {other for other in self.recipes if name in self.above(other)}
