"""The laws of a build on DataFusion over Delta: the random projects of tests/property as SQL."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from cpgbuild import api
from cpgbuild.core.events import Built
from tests.engine.builds import Site, site
from tests.property.profiles import laws
from tests.property.projects import SOURCES, projects
from tests.property.recipes import Made, Project, Recipe, SourceState, Table


def sql_of(recipe: Recipe) -> str:
    """Return the query that means what the oracle's `apply` does."""
    total = str(recipe.salt)
    for position, read in enumerate(recipe.reads):
        value = f"(select coalesce(sum(v), 0) from {read.dataset})"
        typed = f"(select coalesce(max(x), 0) from {read.dataset})" if "x" in read.columns else "0"
        total = f"({total}) * 31 + {position + 1} * {value} + {typed}"
    moved = " + cast(random() as bigint) * 0" if recipe.volatile else ""
    return f"select ({total}{moved}) % 1000003 as v, cast(5 as bigint) as x"


class RealLife(RuleBasedStateMachine):
    """The life of one project on disk."""

    @initialize(project=projects(max_datasets=5))
    def begin(self, project: Project) -> None:
        self.folder = Path(tempfile.mkdtemp())
        lines = "\n".join(f"{name} parquet data/{name}.parquet" for name in SOURCES)
        self.site: Site = site(self.folder, lines, engine="threads = 1")
        self.project = project
        self.era = 0
        for name in SOURCES:
            self._write_source(name)
        for recipe in project.recipes.values():
            self._write_task(recipe)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    def _write_source(self, name: str) -> None:
        # `x` is as long as the name of its type, which is what the oracle counts.
        rows = {"v": [self.project.sources[name].value], "x": [5], "unread": ["y"]}
        types = pa.schema([("v", pa.int64()), ("x", pa.int64()), ("unread", pa.string())])
        self.site.folder.parquet(f"data/{name}.parquet", rows, types)

    def _write_task(self, recipe: Recipe) -> None:
        more = f', name = "{recipe.name}", priority = {recipe.priority}'
        more += f', contributes_to = "{recipe.dataset}"' if recipe.part else ""
        name = recipe.part + recipe.dataset if recipe.part else recipe.dataset
        self.site.sql(name, sql_of(recipe), recipe.kind, more)

    def _recipe(self, pick: int) -> Recipe:
        recipes = list(self.project.recipes.values())
        return recipes[pick % len(recipes)]

    def _path(self, recipe: Recipe) -> str:
        return f"{recipe.dataset}/{recipe.part}{recipe.dataset}" if recipe.part else recipe.dataset

    @rule(name=st.sampled_from(SOURCES), value=st.integers(0, 3))
    def a_source_gets_other_rows(self, name: str, value: int) -> None:
        self.project.sources[name] = SourceState(value)
        self._write_source(name)

    @rule(pick=st.integers(0, 99), salt=st.integers(0, 3))
    def a_plan_is_edited(self, pick: int, salt: int) -> None:
        name = self._recipe(pick).name
        self.project.edit(name, salt=salt)
        self._write_task(self.project.recipes[name])

    @rule(pick=st.integers(0, 99), foreign=st.booleans())
    def somebody_spoils_a_table(self, pick: int, foreign: bool) -> None:
        recipe = self._recipe(pick)
        folder = self.folder / "warehouse" / self._path(recipe).replace("/", ".")
        if recipe.output not in self.project.tables:
            return
        if foreign:
            write_deltalake(folder, pa.table({"v": [77], "x": [5]}), mode="append")
            self.project.tables[recipe.output] = Table(0, f"foreign {self.era}", None)
        else:
            shutil.rmtree(folder)
            del self.project.tables[recipe.output]

    @rule()
    def the_state_is_lost(self) -> None:
        shutil.rmtree(self.folder / ".cpgbuild", ignore_errors=True)

    @rule(keep_going=st.booleans())
    def build(self, keep_going: bool) -> None:
        self.era += 1
        project = self.project
        must = project.must_run(set(project.recipes), set(), self.era)
        planned = {p.task.name for p in api.plan(self.folder) if p.action == "run"}
        self.site.build(keep_going=keep_going)
        built = [e.task for e in self.site.events if isinstance(e, Built)]
        assert planned == {task.name for task in built}, "plan said otherwise"
        ran = {task.name for task in built if task.kind == "compute"}
        assert ran == must, "not exactly what had to run ran"
        for recipe in project.recipes.values():
            if recipe.name in ran:
                made = Made(recipe.name, recipe.meaning, project.saw(recipe, self.era))
                token = f"{self.era} {recipe.name}"
                project.tables[recipe.output] = Table(0, token, made)
        # What was seen is what is there once all that was read is made: in their order.
        for recipe in project.recipes.values():
            if recipe.name in ran:
                made = Made(recipe.name, recipe.meaning, project.saw(recipe, self.era))
                project.tables[recipe.output].made = made
        for recipe in project.recipes.values():
            if recipe.kind == "compute":
                (row,) = self.site.rows(self._path(recipe))
                assert row[0] == project.apply(recipe, project.from_scratch), recipe.name


RealLife.TestCase.settings = laws(examples=6, steps=12)
TestRealLife = RealLife.TestCase
