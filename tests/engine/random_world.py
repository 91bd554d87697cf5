"""World on disk: a random project as files and Delta tables, built by the commands themselves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError

from cpgbuild import api
from cpgbuild.core.builder import Outcome
from cpgbuild.core.events import (
    Action,
    Built,
    Failed,
    Planned,
    Progressed,
    Restored,
    SharedView,
    Started,
    Unchanged,
    UpToDate,
)
from cpgbuild.core.selection import Request
from cpgbuild.core.task import Lane
from cpgbuild.state.answers import kept_answer
from cpgbuild.state.holder import warehouse_key
from tests.engine.builds import Site
from tests.engine.random_sql import Plans, RealProject, sql_of
from tests.property.oracle import Oracle
from tests.property.recipes import Made, Project, Recipe, Rows, SourceState, Table
from tests.property.world import HEADER, World
from tests.support.projects import ProjectFolder

OUTPUT = pa.schema([("v", pa.int64()), ("x", pa.int64())])


@dataclass
class RealWorld(World):
    """A project on disk. An edit changes `project`; `sync` does to the disk what was done to it.

    `commits` has the Delta version at which each state of a table began, by the number of the
    state; `source_commits` those of sources, by their versions. The others say what is on disk.
    """

    commits: dict[str, dict[int, int]] = field(default_factory=dict)
    source_commits: dict[str, dict[int, int]] = field(default_factory=dict)
    plans: Plans = field(default_factory=Plans)
    _files: dict[tuple[str, int], bytes] = field(default_factory=dict)
    _sources: dict[str, SourceState] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)
    _lossy: bool = False
    quick: int = 0

    @classmethod
    def begun(cls, project: Project, root: Path) -> RealWorld:
        """Return a world of a new project in an empty folder."""
        (root / "tasks").mkdir()
        (root / "data").mkdir()
        journal = f"traces-{warehouse_key(str(root / 'warehouse'))}.jsonl"
        real = RealProject(project.sources, project.recipes)
        return cls(real, root / ".cpgbuild" / journal)

    @property
    def root(self) -> Path:
        return self.path.parents[1]

    def folder(self, output: str) -> Path:
        return self.root / "warehouse" / output.replace("/", ".")

    # -- from the model to the disk ----------------------------------------------------------

    def sync(self) -> None:
        """Let the disk be what edits made of the project."""
        self._configure()
        for name, state in self.project.sources.items():
            if self._sources.get(name) != state:
                self._write_source(name, state)
                self._sources[name] = state
        for recipe in self.project.recipes.values():
            self._write_task(recipe)
        for output in self.commits.keys() - self.project.tables.keys():
            shutil.rmtree(self.folder(output))
            del self.commits[output]
        for output, table in self.project.tables.items():
            if table.number not in self.commits[output]:
                self._write_foreign(output, table)
        if self._lossy:
            self._forget_lost()

    def _configure(self) -> None:
        lines = [
            '[project]\nname = "random"\ntasks = ["tasks"]\nwarehouse = "warehouse"',
            f"[engine]\nthreads = 1\n[lanes]\nengine = {self.lanes[Lane.ENGINE]}",
        ]
        for name, state in self.project.sources.items():
            form, path = ("parquet", f"{name}.parquet") if state.eager else ("delta", name)
            lines.append(f'[sources.{name}]\nformat = "{form}"\npath = "data/{path}"')
        file = self.root / "cpgbuild.toml"
        if not file.exists() or file.read_text() != "\n".join(lines):
            file.write_text("\n".join(lines))

    def _write_source(self, name: str, state: SourceState) -> None:
        if not state.eager:
            folder = self.root / "data" / name
            write_deltalake(folder, source_rows(state), mode="overwrite", schema_mode="overwrite")
            version = DeltaTable(folder).version()
            self.source_commits.setdefault(name, {}).setdefault(state.version, version)
            return
        file = self.root / "data" / f"{name}.parquet"
        key = (name, state.version)
        if key in self._files:
            file.write_bytes(self._files[key])
        else:
            # Other bytes, even where the rows are the same.
            rows = source_rows(state).replace_schema_metadata({"version": str(state.version)})
            pq.write_table(rows, file)
            self._files[key] = file.read_bytes()

    def _write_task(self, recipe: Recipe) -> None:
        where = f"{recipe.dataset}/{recipe.part or recipe.dataset}"
        more = f', name = "{recipe.name}", priority = {recipe.priority}'
        more += f', contributes_to = "{recipe.dataset}"' if recipe.part else ""
        sql = sql_of(self.project, recipe)
        if self._texts.get(where) != more + sql:
            self._texts[where] = more + sql
            Site(ProjectFolder(self.root)).sql(where, sql, recipe.kind, more)

    def _write_foreign(self, output: str, table: Table) -> None:
        """Write as somebody else would: at once, or what was there out and the new rows in."""
        rows = [(table.rows.v, table.rows.x)] + [(0, 0)] * (table.rows.n - 1)
        data = pa.table(list(zip(*rows, strict=True)), schema=OUTPUT)
        self.commits[output][table.number] = self._version(output) + 1
        if table.number % 2:
            write_deltalake(self.folder(output), data, mode="overwrite")
        else:
            DeltaTable(self.folder(output)).delete()
            write_deltalake(self.folder(output), data, mode="append")

    def _version(self, output: str) -> int:
        return DeltaTable(self.folder(output)).version()

    def lose(self) -> None:
        """Say that files may be gone: also of what is there now, which is old after an edit."""
        self._lossy = True
        self._forget_lost()

    def _forget_lost(self) -> None:
        """Take from the project the old states of which files are gone, as the disk says."""
        for output, past in self.project.past.items():
            self.project.past[output] = [t for t in past if self._is_there(output, t.number)]
        for name, states in self.project.past_sources.items():
            known, folder = self.source_commits.get(name, {}), self.root / "data" / name
            self.project.past_sources[name] = [
                s for s in states if s.version in known and is_whole(folder, known[s.version])
            ]

    def _is_there(self, output: str, number: int) -> bool:
        """Return whether the first or the last version of a state has all of its files."""
        begins = self.commits.get(output, {})
        if number not in begins:
            return False
        following = [v for v in begins.values() if v > begins[number]]
        ends = min(following, default=self._version(output) + 1) - 1
        return any(is_whole(self.folder(output), version) for version in (begins[number], ends))

    # -- commands ----------------------------------------------------------------------------

    def plan(self, request: Request) -> list[Planned]:
        self.sync()
        known = kept_answer(str(self.path.parent), request.targets, ())
        planned = api.plan(self.root, targets=request.targets, force=request.force)
        if known is not None and not request.force:
            work = [one.task.name for one in planned if one.action is not Action.SKIP]
            assert (work, len(planned)) == ([], known.tasks), "it was said that nothing changed"
            self.quick += 1
        # What views mean is planned for those who ask.
        with api.opened(self.root) as workspace:
            for task in workspace.graph.tasks.values():
                self.plans.check(self.project, task)
        return planned

    def build(
        self,
        request: Request,
        *,
        keep_going: bool = False,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> Outcome:
        self.sync()
        self.era += 1
        self.ran, self.events = [], []
        if not self.broken:
            self._remember()
        store, lines = self.remembered(), self._lines()
        before = {output: self._version(output) for output in self.commits}
        outcome = api.build(
            self.root,
            targets=request.targets,
            force=request.force,
            keep_going=keep_going,
            report=self.events.append,
            interrupted=self._once_between_tasks(interrupted),
        )
        for event in self.events:
            if isinstance(event, Failed) and event.task.name not in self.broken:
                raise event.error
            if isinstance(event, Built | Unchanged | Restored) and event.task.stored:
                self._take(event, before)
        assert {output: self._version(output) for output in self.commits} == before
        self._remember_traces(store, lines)
        return outcome

    def _once_between_tasks(self, interrupted: Callable[[], bool]) -> Callable[[], bool]:
        """Ask as often as tasks end, whatever the time between: so a build can be repeated."""
        asked = set[int]()

        def ask() -> bool:
            ended = sum(
                not isinstance(event, Started | Progressed | SharedView) for event in self.events
            )
            new = ended not in asked
            asked.add(ended)
            return new and interrupted()

        return ask

    def _take(self, event: Built | Unchanged | Restored, before: dict[str, int]) -> None:
        """Note what a task that ended well left on disk: one commit, with these rows."""
        recipe = self.project.recipes[event.task.name]
        output = recipe.output
        if not isinstance(event, Restored):
            self.ran.append(recipe.name)
        rows = stored_rows(DeltaTable(self.folder(output)))
        self.project.commit(output, Table(0, rows, rows, self.project.made(recipe, rows)))
        before[output] = before.get(output, -1) + 1
        number = self.project.tables[output].number
        self.commits.setdefault(output, {})[number] = before[output]

    # -- what is remembered --------------------------------------------------------------------

    def _lines(self) -> list[bytes]:
        data = self.path.read_bytes() if self.path.exists() else b""
        return data.split(b"\n")[1:-1] if data.startswith(HEADER) else []

    def _remember_traces(self, store: dict[str, Made], before: list[bytes]) -> None:
        """See that just the traces were recorded that had to be, and note what they say."""
        after = self._lines()
        if after[: len(before)] != before:
            before = list({json.loads(line)["task"]: line for line in before}.values())
            assert after[: len(before)] == before, "a trace is lost"
        lines = after[len(before) :]
        for event in self.events:
            if isinstance(event, SharedView):
                # What it took comes after how it is defined, and says that too.
                name = event.task.name
                last = max(n for n, line in enumerate(lines) if json.loads(line)["task"] == name)
                self.memories[lines.pop(last)] = self._view(self.project.recipes[name])
        fresh = {json.loads(line)["task"]: line for line in lines}
        assert len(fresh) == len(lines), "a trace is recorded twice"
        wanted = self._traces(store)
        assert fresh.keys() == wanted.keys(), f"{sorted(fresh)} recorded, not {sorted(wanted)}"
        self.memories |= {fresh[name]: made for name, made in wanted.items()}

    def _traces(self, store: dict[str, Made]) -> dict[str, Made]:
        """Return what the last build must have recorded, by task."""
        project, found = self.project, dict[str, Made]()
        oracle = Oracle(project, store, set())
        for event in self.events:
            if isinstance(event, Built | Unchanged | Restored | UpToDate):
                recipe = project.recipes[event.task.name]
                made = project.tables[recipe.output].made if project.stored(recipe) else None
                if isinstance(event, UpToDate):
                    made = renewed(oracle, recipe) if project.stored(recipe) else None
                    found |= {recipe.name: made} if made else {}
                elif made is not None:
                    found[recipe.name] = made
                else:
                    found[recipe.name] = self._view(recipe)
        return found

    def _view(self, recipe: Recipe) -> Made:
        meaning = self.project.meaning(recipe)
        plan, query, views = meaning.plan, meaning.query, meaning.views
        return Made(recipe.name, plan, query, views, {}, "a view")


def renewed(oracle: Oracle, recipe: Recipe) -> Made | None:
    """Return what is newly known of a task that is up to date, with inputs of other versions."""
    now = oracle.project.sights(recipe)
    memories = (m for m in oracle._memories(recipe) if not oracle._reasons(recipe, m, now))
    memory = next(memories)
    assert memory is not None
    if all(memory.saw[leaf].version == sight.version for leaf, sight in now.items()):
        return None
    saw = {
        leaf: memory.saw[leaf]
        if memory.saw[leaf].version == sight.version
        else replace(sight, known=True)
        for leaf, sight in now.items()
    }
    return replace(memory, saw=memory.saw | saw)


def source_rows(state: SourceState) -> pa.Table:
    """Return the table of which a source's state tells: the first row has all that is not zero."""
    zeros = [0] * (state.rows.n - 1)
    numbers = {c: [getattr(state.rows, c), *zeros][: state.rows.n] for c in ("v", "x", "unread")}
    columns = {c: pa.array(values, pa.int64()) for c, values in numbers.items()}
    if state.unread == "date":
        days = [date.fromordinal(1 + number) for number in numbers["unread"]]
        columns["unread"] = pa.array(days, pa.date32())
    return pa.table(columns)


def stored_rows(table: DeltaTable) -> Rows:
    """Return of which rows a table is."""
    rows = [(row["v"], row["x"]) for row in table.to_pyarrow_table().to_pylist()]
    assert rows.count((0, 0)) >= len(rows) - 1, "only the first row is not all zeros"
    return Rows(len(rows), *(map(sum, zip(*rows, strict=True))))


def is_whole(folder: Path, version: int) -> bool:
    """Return whether all files of a version of a Delta table are there."""
    try:
        files: Iterable[str] = DeltaTable(folder, version=version).file_uris()
    except DeltaError:
        return False
    return all(Path(file).exists() for file in files)
