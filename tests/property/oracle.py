"""Oracle: what a build must do, task by task and why, by recursion over recipes and memories.

Nothing of cpgbuild is used here. Two states of a leaf are the same to a reader where their versions
are, or else where the columns that it requires held the same and that can still be known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.property.recipes import Made, Project, Recipe, Sight, Table

# A cause, and the dataset that it is about.
Why = frozenset[tuple[str, str]]


@dataclass
class Oracle:
    """One build, or (`planning`) what can be said of it before anything runs.

    `store` is what is remembered between builds, by task. Afterwards `does` says of each task what
    becomes of it, `why` its reasons, and `project` is what the project is then.
    """

    project: Project
    store: Mapping[str, Made]
    wanted: set[str]
    forced: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    era: int = 0
    planning: bool = False
    does: dict[str, str] = field(default_factory=dict)
    why: dict[str, Why] = field(default_factory=dict)
    _unknown: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.project = self.project.copied()
        # Views are judged by what readers were made with before this build.
        self._tables = dict(self.project.tables)
        for name, recipe in self.project.recipes.items():
            if name in self.wanted and name not in self.does:
                stored = self.project.stored(recipe)
                self.does[name] = self._table(recipe) if stored else self._view(recipe)

    def those(self, *does: str) -> set[str]:
        """Return the names of the stored tasks of which one of these things becomes."""
        recipes = self.project.recipes
        return {n for n, d in self.does.items() if d in does and self.project.stored(recipes[n])}

    # -- views -----------------------------------------------------------------------------

    def _view(self, recipe: Recipe) -> str:
        reasons = set()
        readers = self._stored_readers(recipe.dataset)
        if readers and not any(self._made_with(reader) for reader in readers):
            memory = self.store.get(recipe.name)
            if memory is None:
                reasons.add(("never_built", recipe.dataset))
            elif memory.query != self.project.meaning(recipe).query:
                reasons.add(("plan_changed", recipe.dataset))
        if recipe.name in self.forced:
            reasons.add(("forced", recipe.dataset))
        self.why[recipe.name] = frozenset(reasons)
        return self._word("run" if reasons else "skip", "built" if reasons else "up_to_date")

    def _stored_readers(self, dataset: str) -> list[Recipe]:
        found: list[Recipe] = []
        for reader in self.project.recipes.values():
            if dataset in {read.dataset for read in reader.reads}:
                stored = self.project.stored(reader)
                found += [reader] if stored else self._stored_readers(reader.dataset)
        return [reader for reader in found if reader.name in self.wanted]

    def _made_with(self, reader: Recipe) -> bool:
        table = self._tables.get(reader.output)
        plans = {m.plan for m in (self.store.get(reader.name), table.made if table else None) if m}
        return self.project.meaning(reader).plan in plans

    # -- tables ----------------------------------------------------------------------------

    def _table(self, recipe: Recipe) -> str:
        project, name = self.project, recipe.name
        sights = {
            leaf: None if leaf in self._unknown else project.sight(leaf, columns)
            for leaf, columns in project.meaning(recipe).leaves.items()
        }
        found = [self._reasons(recipe, memory, sights) for memory in self._memories(recipe)]
        reasons = min(
            found, key=lambda why: (len([r for r in why if r[0] != "upstream"]), len(why))
        )
        if name in self.forced:
            reasons |= {("forced", recipe.dataset)}
        self.why[name] = reasons
        if not reasons:
            return self._word("skip", "up_to_date")
        past = self._restorable(recipe, sights)
        if name in self.broken:
            for lost in project.below(name) & self.wanted:
                self.does[lost] = "skipped"
            return "failed"
        if past is not None:
            project.commit(recipe.output, project.restored(recipe, past.number))
            return self._word("restore", "restored")
        if self.planning:
            self._unknown.add(recipe.output)
            return "maybe" if {cause for cause, _ in reasons} == {"upstream"} else "run"
        changed = project.commit(recipe.output, project.run(recipe, self.era))
        return "built" if changed else "unchanged"

    def _word(self, planned: str, done: str) -> str:
        return planned if self.planning else done

    def _memories(self, recipe: Recipe) -> list[Made | None]:
        """Return all that may speak for what an output holds; None alone where nothing does."""
        table = self.project.tables.get(recipe.output)
        kept = self.store.get(recipe.name)
        if kept is not None and kept.wrote == "a view":
            kept = None
        if table is None:
            return [kept]
        own = table.made if table.made and table.made.task == recipe.name else None
        speaks = [m for m in (kept, own) if m is not None and m.wrote == table.version]
        earlier = [past.made for past in reversed(self.project.past.get(recipe.output, ()))]
        equal = [m for m in earlier if m and (m.task, m.wrote) == (recipe.name, table.version)]
        # A table's own record is the last word on what it holds.
        return speaks or [*equal, *([kept] if own is None else [])]

    def _reasons(
        self, recipe: Recipe, memory: Made | None, sights: Mapping[str, Sight | None]
    ) -> Why:
        table = self.project.tables.get(recipe.output)
        mine = recipe.dataset
        if memory is None:
            return frozenset({("output_changed" if table else "never_built", mine)})
        found = {("plan_changed", d) for d in self._edited(recipe, memory)}
        if table is None:
            found.add(("output_missing", mine))
        elif memory.wrote != table.version:
            found.add(("output_changed", mine))
        for leaf, now in sights.items():
            dataset = leaf.split("/")[0]
            then = memory.saw.get(leaf)
            if now is None:
                found.add(("upstream", dataset))
            elif then is not None and then.types != now.types:
                if then.version == now.version and self.project.meaning(recipe).plan != memory.plan:
                    continue  # Other columns of the same.
                found.add(("schema_changed", dataset))
            elif then is not None and not self._same(leaf, then, now):
                found.add(("data_changed", dataset))
        if self.project.meaning(recipe).volatile:
            found.add(("volatile", mine))
        return frozenset(found)

    def _edited(self, recipe: Recipe, memory: Made) -> set[str]:
        """Return whose text changed: the task's own, or that of views that it reads."""
        meaning = self.project.meaning(recipe)
        if meaning.plan == memory.plan:
            return set()
        views = {d for d, m in meaning.views.items() if memory.views.get(d, m) != m}
        return views if views and meaning.query == memory.query else {recipe.dataset, *views}

    def _same(self, leaf: str, then: Sight, now: Sight) -> bool:
        if then.version == now.version:
            return True
        can_be_known = then.known or self.project.at(leaf, then.version) is not None
        return can_be_known and then.values == now.values

    def _restorable(self, recipe: Recipe, sights: Mapping[str, Sight | None]) -> Table | None:
        """Return the newest past state that this meaning made of what is there now."""
        if recipe.name in self.forced or self.project.varies(recipe) or None in sights.values():
            return None
        plan = self.project.meaning(recipe).plan
        for past in reversed(self.project.past.get(recipe.output, ())):
            made = past.made
            if made is None or (made.task, made.plan) != (recipe.name, plan):
                continue
            reasons = self._reasons(recipe, made, sights)
            if all(cause in {"output_changed", "output_missing"} for cause, _ in reasons):
                return past
        return None
