"""Importing: a compiled dbt project as the files of a project of cpgbuild's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot.dialects import DIALECT_MODULE_NAMES
from sqlglot.dialects.dialect import Dialect

from cpgbuild.core.task import TaskKind
from cpgbuild.errors.project import FileUnwritable, ImportOverwrites, NotCompiled, UnknownAdapter
from cpgbuild.plan.tokens import DIALECT
from cpgbuild.project.dbt.datasets import Datasets
from cpgbuild.project.dbt.expectations import Untold, check_of, expect, tested
from cpgbuild.project.dbt.manifest import read_manifest
from cpgbuild.project.dbt.sources import Declared, external, missing, seeded
from cpgbuild.project.dbt.translation import Translated, Untranslatable, translate
from cpgbuild.project.dbt.writing import config_text, task_text
from cpgbuild.project.sqlfile import options as header_options

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from cpgbuild.project.dbt.manifest import Manifest, Node

_IGNORE = ".cpgbuild/\nwarehouse/\n"
# dbt's adapters whose dialect sqlglot has under another name.
_DIALECTS = {
    "alloydb": "postgres",
    "fabric": "tsql",
    "greenplum": "postgres",
    "sqlserver": "tsql",
    "synapse": "tsql",
}
_STORED = {"table", "incremental", "materialized_view"}
_LAZY = {"view", "ephemeral"}
# Why what is no model is not taken.
_REASONS = {
    "snapshot": "a snapshot: what a table held in the past does not follow from what it holds",
    "analysis": "an analysis, of which dbt builds nothing",
    "operation": "a hook of the project, which would run before or after all",
    "sql_operation": "an operation, of which dbt builds nothing",
    "function": "a function of the database: write it as a UDF of Ibis",
    "exposure": "an exposure: nothing is built of it",
    "metric": "a metric, for dbt's semantic layer",
    "semantic_model": "a model of dbt's semantic layer",
    "saved_query": "a query, for dbt's semantic layer",
    "unit_test": "a unit test, of which nothing is built",
}


@dataclass(frozen=True, slots=True)
class TakenTask:
    """A task that a model became: its name, its file relative to the project, the model's id."""

    name: str
    path: str
    origin: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What was not taken of the dbt project, and why, as a clause; the rest of it, if `in_part`."""

    origin: str
    reason: str
    in_part: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a dbt project; `files` by their paths relative to the new one."""

    tasks: tuple[TakenTask, ...]
    sources: tuple[Declared, ...]
    left_out: tuple[LeftOut, ...]
    files: dict[str, bytes] = field(repr=False)


def import_dbt(place: Path, out: Path, dialect: str | None = None) -> Imported:
    """Write the project that a compiled dbt project is into a folder, and return what it has.

    `dialect` is sqlglot's name of the SQL that it is written in, where that is not its adapter's.

    Raises:
        NoManifest, BadManifest, NotCompiled, UnknownAdapter: the dbt project cannot be read.
        ImportOverwrites: a file is already there; nothing was written.
        FileUnwritable: the folder cannot be written.
    """
    manifest = read_manifest(place)
    imported = converted(manifest, _dialect(dialect or manifest.adapter), out, header_options())
    there = [str(out / path) for path in imported.files if (out / path).exists()]
    taken = [path for path in there if not path.endswith(".gitignore")]
    if taken:
        raise ImportOverwrites(taken)
    for relative, content in imported.files.items():
        path = out / relative
        if path.exists():
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise FileUnwritable(str(out), error) from error
    return imported


def converted(manifest: Manifest, dialect: str, out: Path, options: Collection[str]) -> Imported:
    """Return what a dbt project becomes in a folder, where SQL headers may have these options.

    Raises:
        NotCompiled: no model has its SQL.
    """
    return _Import(manifest, dialect, out, options).result()


def _dialect(adapter: str) -> str:
    name = _DIALECTS.get(adapter.lower(), adapter.lower())
    if not name or Dialect.get(name) is None:
        known = [*DIALECT_MODULE_NAMES, *_DIALECTS]
        raise UnknownAdapter(adapter, known)
    return name


class _Import:
    """One import on its way."""

    def __init__(
        self, manifest: Manifest, dialect: str, out: Path, options: Collection[str]
    ) -> None:
        models = list(manifest.of_kind("model"))
        if models and not any(node.sql for node in models if node.language == "sql"):
            raise NotCompiled(str(manifest.path), len(models))
        self._manifest = manifest
        self._dialect = dialect
        self._out = out
        self._options = options
        self._datasets = Datasets(dialect)
        # Whoever comes first is named as it is: what is read most by its plain name.
        named = [n for n in manifest.nodes if n.relation or n.materialized == "ephemeral"]
        order = ("model", "seed", "snapshot", "source")
        self._names = {
            node.id: self._datasets.add(node)
            for kind in order
            for node in named
            if node.kind == kind
        }
        self._left: list[LeftOut] = []
        # What each node reads.
        self._above = {
            n.id: (n.facts.get("depends_on") or {}).get("nodes") or () for n in manifest.nodes
        }

    def result(self) -> Imported:
        """Return what becomes of all."""
        models = dict(self._models())
        expected = self._expected(models)
        tasks, files = [], {}
        for node, query in models.values():
            dataset = self._names[node.id]
            kind = TaskKind.VIEW if node.materialized in _LAZY else TaskKind.COMPUTE
            folder = str(node.facts.get("path") or "").replace("\\", "/").rpartition("/")[0]
            package = "" if node.package == self._manifest.project else node.package
            path = "/".join(part for part in ("tasks", package, folder, f"{dataset}.sql") if part)
            header = {"tags": list(node.tags)} if node.tags else {}
            text = task_text(kind, header | expected.get(node.id, {}), node.description, query.sql)
            files[path] = text.encode()
            tasks.append(TakenTask(f"{kind}.{dataset}", path, node.id))
        made = {self._names[origin] for origin in models}
        sources = list(self._sources(made, models))
        files |= {s.path: s.content for s in sources if s.content is not None}
        self._others()
        files["cpgbuild.toml"] = config_text(self._manifest.project, sources).encode()
        files[".gitignore"] = _IGNORE.encode()
        left = sorted(self._left, key=lambda each: each.origin)
        return Imported(tuple(tasks), tuple(sources), tuple(left), files)

    def _leave(self, node: Node, reason: str, *, in_part: bool = False) -> None:
        self._left.append(LeftOut(node.id, reason, in_part))

    def _models(self) -> Iterator[tuple[str, tuple[Node, Translated]]]:
        """Give the models that can be tasks, with their queries."""
        for node in self._manifest.of_kind("model"):
            if node.language != "sql":
                self._leave(node, f"a {node.language.title()} model: write it as a task in Python")
                continue
            if node.sql is None or node.id not in self._names:
                self._leave(node, "dbt did not compile it")
                continue
            try:
                query = translate(node.sql, self._dialect, self._datasets)
            except Untranslatable as error:
                self._leave(node, str(error))
                continue
            if self._names[node.id] in query.reads:
                reason = "it reads its own table: compile it with `dbt compile --full-refresh`"
                self._leave(node, reason)
                continue
            doubts = [f"its SQL may not be right: {doubt}" for doubt in query.doubts]
            for reason in [*_lost(node), *doubts]:
                self._leave(node, reason, in_part=True)
            yield node.id, (node, query)

    def _expected(self, models: Collection[str]) -> dict[str, dict[str, Any]]:
        """Return what dbt's tests expect of the tasks, as options of their headers."""
        found: dict[str, dict[str, Any]] = {}
        for test in self._manifest.of_kind("test"):
            origin = tested(test)
            try:
                if origin is None or origin not in models:
                    self._checked(found, test, models)
                    continue
                try:
                    options = found.setdefault(origin, {})
                    expect(options, test, self._options, self._names.get, self._above)
                except Untold as untold:
                    if not untold.as_query:
                        raise
                    self._checked(found, test, models)
            except Untold as untold:
                self._leave(test, f"a test: {untold}")
        return found

    def _checked(
        self, found: dict[str, dict[str, Any]], test: Node, models: Collection[str]
    ) -> None:
        """Add the query of a test, which gives bad rows, to the checks of a task.

        Raises:
            Untold: that cannot be.
        """
        if "checks" not in self._options:
            raise Untold("tasks have no option `checks`")
        origin = check_of(test, models, self._above)
        try:
            query = translate(test.sql or "", self._dialect, self._datasets)
        except Untranslatable as error:
            raise Untold(str(error)) from error
        for doubt in query.doubts:
            self._leave(test, f"its SQL may not be right: {doubt}", in_part=True)
        # A header has one line.
        sql = sqlglot.parse_one(query.sql, read=DIALECT).sql(DIALECT, comments=False)
        found.setdefault(origin, {}).setdefault("checks", {})[test.name] = sql

    def _sources(
        self, made: Collection[str], models: dict[str, tuple[Node, Translated]]
    ) -> Iterator[Declared]:
        """Give what tasks read and none makes, and all that dbt calls a source or a seed."""
        nodes = {n.id: n for n in self._manifest.nodes}
        read = {name for _, query in models.values() for name in query.reads} - set(made)
        for origin in self._manifest.of_kind("seed", "source"):
            name = self._names.get(origin.id)
            if name is not None and self._datasets.owner(name) == origin.id:
                read.add(name)
        for name in sorted(read):
            of = nodes.get(self._datasets.owner(name))
            if of is None:
                yield missing(name, f"the table `{self._datasets.owner(name)}` of the database")
            elif of.kind == "seed":
                seed = seeded(name, of, self._manifest)
                for reason in seed.losses:
                    self._leave(of, reason, in_part=True)
                yield seed
            else:
                yield external(name, of, self._manifest, self._out) or missing(
                    name, f"the table of dbt's `{of.id}`", of.description, of.id
                )

    def _others(self) -> None:
        """Note what becomes neither a task nor a source."""
        for node in self._manifest.nodes:
            if node.kind not in {"model", "seed", "source", "test"}:
                self._leave(node, _REASONS.get(node.kind, f"a {node.kind} is nothing that is read"))


def _lost(node: Node) -> Iterator[str]:
    """Give what of a model that is taken a task does not do."""
    kind = node.materialized
    if kind == "incremental":
        yield "made whole when an input changes, not added to: older rows are not kept"
    elif kind not in _STORED | _LAZY:
        yield f"materialized as `{kind}`: it is a table of the warehouse"
    for when in ("pre-hook", "post-hook"):
        hooks = node.config.get(when) or ()
        for hook in [hooks] if isinstance(hooks, str | dict) else hooks:
            sql = hook.get("sql", "") if isinstance(hook, dict) else str(hook)
            yield f"its {when} does not run: `{' '.join(sql.split())}`"
    if (node.config.get("contract") or {}).get("enforced"):
        yield "its contract is not checked: say it with `schema`"
    if node.config.get("grants"):
        yield "its grants are those of the warehouse's files"
