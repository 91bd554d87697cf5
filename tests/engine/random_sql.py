"""The recipes of random projects as SQL, and what they mean to DataFusion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pyarrow as pa

from cpgbuild.core.task import Task, TaskKind
from cpgbuild.errors.report import Place
from cpgbuild.plan.compiler import Compiler
from cpgbuild.plan.definition import Options, define
from tests.property.compiling import ROOT
from tests.property.recipes import COLUMNS, Formula, Project, Recipe, Rows, Sight, Table

# A formula of which no row can come.
FAILS = Formula(how="fails")
# What is noted of a table that somebody else wrote just as it was.
RECOGNISED = "recognised"
HOW = ("sum", "parity", "least", "constant", "fails")


@dataclass
class RealProject(Project):
    """A project as the real engine takes it; `ours` are the last states that runs made."""

    ours: dict[str, Table] = field(default_factory=dict)

    def copied(self) -> RealProject:
        other = super().copied()
        assert isinstance(other, RealProject)
        other.ours = dict(self.ours)
        return other

    def commit(self, output: str, table: Table) -> bool:
        """What somebody else wrote is ours where it has our last rows, as long as it is there."""
        if table.made is not None:
            self.ours[output] = table
        elif table.rows == self.ours[output].rows:
            table = replace(self.ours[output], trace=RECOGNISED)
        changed = super().commit(output, table)
        past = self.past.get(output)
        if past and past[-1].trace == RECOGNISED:
            past[-1] = replace(past[-1], made=None)
        return changed

    def stored(self, recipe: Recipe) -> bool:
        """A view is kept where its own query varies, and one build would evaluate it twice."""

        def found() -> bool:
            varies = recipe.volatile or recipe.unstable
            return recipe.kind == "compute" or (varies and self._evaluations(recipe) > 1)

        return self._once(("stored", recipe.name), found)  # type: ignore[return-value]

    def _evaluations(self, recipe: Recipe) -> int:
        """Return how often a view is evaluated: by a table once, by a view as often as that is."""
        readers = [
            r for r in self.recipes.values() if recipe.dataset in {d.dataset for d in r.reads}
        ]
        return sum(1 if self.stored(r) else self._evaluations(r) for r in readers)

    def told(self, recipe: Recipe, columns: tuple[str, ...]) -> tuple[str, ...]:
        """A volatile query is taken as it is written, whatever is required of it."""
        return COLUMNS if recipe.volatile else columns

    def sight(self, leaf: str, columns: tuple[str, ...]) -> Sight:
        """A run notes what it saw of all that cannot be asked for later."""
        seen = super().sight(leaf, columns)
        return replace(seen, known=leaf not in self.sources or self.sources[leaf].eager)

    def noise(self, recipe: Recipe, era: int) -> int:
        return 0

    def write_source(self, name: str, **changes: object) -> None:
        """Where there are no rows, there is nothing in them; a table stays what it is by that."""
        was, rows = self.sources[name], changes.get("rows", self.sources[name].rows)
        if isinstance(rows, Rows) and not rows.n:
            changes["rows"] = Rows(0)
            if not was.rows.n and not was.eager:
                self.sources[name] = replace(was, **changes)  # type: ignore[arg-type]
                return
        super().write_source(name, **changes)


def sql_of(project: Project, recipe: Recipe) -> str:
    """Return the query that makes of its inputs what the oracle's `apply` does.

    Chance has its part in how many rows there are, so that it counts whatever is required.
    """
    chance = ["case when random() < 0 then 1 else 0 end"] * recipe.volatile
    chance += ["least(cast(row_number() over () as bigint), 1) - 1"] * recipe.unstable
    many = " + ".join([f"a{i}.n" for i in range(len(recipe.reads))] or ["0"])
    lines = [
        "select",
        f"  {_column(recipe.v, _terms(project, recipe, 'v'))} as v,",
        f"  {_column(recipe.x, _terms(project, recipe, 'x'))} as x",
        f"from (select i, {' + '.join(chance or ['0'])} as u from (values (0), (1)) as w(i)) as r",
    ]
    for i, read in enumerate(recipe.reads):
        sums = [f", coalesce(sum({c}), 0) as {c}" for c in read.of(COLUMNS)]
        lines += [f"cross join (select count(*) as n{''.join(sums)} from {read.dataset}) as a{i}"]
    return "\n".join([*lines, f"where r.i < r.u + 1 + ({many}) % 2"])


def _terms(project: Project, recipe: Recipe, column: str) -> Iterator[str]:
    """Give what a column is made of, in the order of the formula."""
    for i, read in enumerate(recipe.reads):
        yield f"a{i}.n"
        yield from (f"a{i}.{c}" for c in read.of([column]))
        if "x" in read.of([column]) and read.dataset in project.sources:
            yield str(len(project.sources[read.dataset].x))


def _column(formula: Formula, terms: Iterator[str]) -> str:
    """Return a column: in the first row the formula, in the second zero.

    What the planner can compute by itself it does: a branch that no row takes says which formula
    it was, or two that come to the same would be one plan.
    """
    total = str(formula.salt)
    for position, term in enumerate(terms, 1):
        total = f"(({total} * 31 + {position} * {term}) % 1000003)"
    made = {
        "sum": total,
        "parity": f"{total} % 2",
        "least": f"least({total}, 3)",
        "constant": f"case when {total} >= 0 then {formula.salt} else -1 end",
        "fails": f"{total} + cast(concat('x', cast(r.i as varchar)) as bigint)",
    }
    code = 10 * (1 + HOW.index(formula.how)) + formula.salt
    return f"case r.i when 0 then {made[formula.how]} when {code} then -1 else 0 end"


def compiled(project: Project) -> list[Task]:
    """Return the tasks of a project, without anything on disk."""
    definitions = [
        define(
            r.part or r.dataset,
            TaskKind(r.kind),
            Options(name=r.name, contributes_to=r.dataset if r.part else None),
            Place(f"{r.output}.sql", 1),
            sql=sql_of(project, r),
        )
        for r in project.recipes.values()
    ]
    columns = pa.schema([(c, pa.int64()) for c in ("v", "x", "unread")])
    made = Compiler(definitions, dict.fromkeys(project.sources, lambda: columns), {}, ROOT)
    made.compile_all()
    if made.errors:
        raise made.errors[0]
    return list(made.tasks.values())


@dataclass
class Plans:
    """All fingerprints in the life of a project: equal where meanings are, and nowhere else."""

    meanings: dict[str, int] = field(default_factory=dict)
    marks: dict[int, str] = field(default_factory=dict)

    def check(self, project: Project, task: Task) -> None:
        """See that a task is what its recipe says."""
        recipe = project.recipes[task.name]
        meaning = project.meaning(recipe)
        leaves = {leaf.dataset: tuple(sorted(leaf.names)) for leaf in task.leaves}
        assert leaves == meaning.leaves, task.name
        assert task.stored == project.stored(recipe), task.name
        flags = (bool(task.volatile), bool(task.unstable))
        assert flags == (meaning.volatile, meaning.unstable), task.name
        views = dict(task.views)
        assert views.keys() == meaning.views.keys(), task.name
        pairs = [(views[dataset], number) for dataset, number in meaning.views.items()]
        for mark, number in [*pairs, (task.plan, meaning.plan), (task.query, meaning.query)]:
            assert self.meanings.setdefault(mark, number) == number, "one mark, two meanings"
            assert self.marks.setdefault(number, mark) == mark, "one meaning, two marks"
