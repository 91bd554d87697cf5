"""cpgbuild, in two layouts: views where dbt has views, or every model a table."""

import json
import os
import sys
from abc import abstractmethod
from pathlib import Path

from deltalake import DeltaTable

from peers.dag import STAGING, Model
from peers.queries import Spelling, inlined, query
from peers.tools.base import Ran, Tool

ROOT = Path(__file__).resolve().parents[3]
COMPUTE = '-- cpgbuild: kind = "compute"\n'
CONFIG = '[project]\nname = "bench"\ntasks = ["tasks"]\nwarehouse = "warehouse"\n'

HELPED = """

@{kind}
def {name}(catalog: Catalog) -> ibis.Table:
    s = catalog.table("{source}")
    return s.filter(is_kept(s.v1, {least})).select(
        key=s.id % 500,
        cat=s.cat.upper(),
        v1=s.v1.cast("int64"),
        v2=(s.v2 * 2).cast("int64"),
        n=ibis.literal(1).cast("int64"),{more}
    )
"""
SIZED = '\n        size_class=size_class(s.v1).cast("int64"),'
KEPT = """
def is_kept(column, least):
    return column >= least
"""
KEPT_IN_OTHER_WORDS = """
def _at_least(value, limit):
    return value >= limit


def is_kept(column, least):
    kept = _at_least(column, least)
    return kept
"""


class Cpgbuild(Tool):
    """cpgbuild of this repository, or of $CPGBUILD_ROOT, run by the interpreter that runs this."""

    title = "cpgbuild"

    @abstractmethod
    def stored(self, model: Model) -> bool:
        """Tell whether a model is a table in this layout."""

    def installed(self) -> bool:
        return True

    def version(self) -> str:
        return self.run(*self.command("--version")).strip().removeprefix("cpgbuild ")

    def command(self, *words: str) -> list[str]:
        self.environment["PYTHONPATH"] = os.environ.get("CPGBUILD_ROOT", str(ROOT))
        return [sys.executable, "-m", "cpgbuild", *words]

    def write_project(self) -> None:
        sources = (_source(i) for i in range(self.dag.sources))
        declared = (
            f'\n[sources.{name}]\nformat = "parquet"\npath = "data/{name}.parquet"\n'
            for name in sources
        )
        self.write("cpgbuild.toml", CONFIG + "".join(declared))

    def write_model(self, model: Model) -> None:
        if model.helped:
            self.write("tasks/staging.py", self.staging_module())
            return
        spell = Spelling(str, _source, inlined(self.dag.helpers))
        header = COMPUTE if self.stored(model) else ""
        self.write(f"tasks/{model.name}.sql", f"{header}{query(model, spell)}\n")

    def staging_module(self) -> str:
        """Return the module of the helped models, which call the functions of another one."""
        head = (
            "import ibis\n\nfrom cpgbuild import Catalog, compute, view\n"
            "from tasks.helpers import is_kept, size_class\n"
        )
        return head + "".join(map(self.staging_function, self.dag.helped()))

    def staging_function(self, model: Model) -> str:
        """Return one helped model, equal to what `query` says of it in SQL."""
        return HELPED.format(
            kind="compute" if self.stored(model) else "view",
            name=model.name,
            source=_source(model.source),
            least=model.least,
            more=SIZED if model.sized else "",
        )

    def write_helpers(self) -> None:
        helpers = self.dag.helpers
        kept = KEPT_IN_OTHER_WORDS if helpers.refactored else KEPT
        size = f"\n\ndef size_class(column):\n    return column % {helpers.modulus}\n"
        self.write("tasks/helpers.py", f'"""Helpers of the staging models."""\n\n{kept}{size}')

    def build(self) -> Ran:
        lines = self.run(*self.command("build", "--json")).splitlines()
        events = [json.loads(line) for line in lines]
        done = [e for e in events if e["event"] in {"built", "unchanged"}]
        return Ran(
            tables=_datasets(e for e in done if e["kind"] == "compute"),
            views=_datasets(e for e in done if e["kind"] == "view"),
            unchanged=_datasets(e for e in done if e["event"] == "unchanged"),
            restored=_datasets(e for e in events if e["event"] == "restored"),
        )

    def relations(self) -> dict[str, str]:
        """Return the tables, by the files of their newest versions. A view has no rows of its own."""
        tables = (m.name for m in self.dag.models.values() if self.stored(m))
        return {name: self.newest_version(name) for name in tables}

    def newest_version(self, name: str) -> str:
        files = DeltaTable(self.folder / "warehouse" / name).file_uris()
        return f"read_parquet({[f.removeprefix('file://') for f in files]!r})"


class CpgbuildTables(Cpgbuild):
    """Every model is a table: beside tools that store everything."""

    key = "cpgbuild-tables"
    title = "cpgbuild, tables"

    def stored(self, model: Model) -> bool:
        return True


class CpgbuildViews(Cpgbuild):
    """Staging and intermediate models are views, marts are tables: beside dbt and its like."""

    key = "cpgbuild-views"
    title = "cpgbuild, views"

    def stored(self, model: Model) -> bool:
        return model.table


class CpgbuildSql(CpgbuildViews):
    """As dbt has it, and every model a SQL file."""

    key = "cpgbuild-sql"
    title = "cpgbuild, SQL"

    def write_model(self, model: Model) -> None:
        spell = Spelling(str, _source, inlined(self.dag.helpers))
        header = COMPUTE if self.stored(model) else ""
        self.write(f"tasks/{model.name}.sql", f"{header}{query(model, spell)}\n")


class CpgbuildIbis(CpgbuildViews):
    """As dbt has it, and every model an expression of Ibis, twenty to a module."""

    key = "cpgbuild-ibis"
    title = "cpgbuild, Ibis"

    def write_model(self, model: Model) -> None:
        names = list(self.dag.models)
        number = names.index(model.name) // MODULE
        models = (self.dag.models[name] for name in names[number * MODULE :][:MODULE])
        kinds = {True: "compute", False: "view"}
        functions = (expression(m, _source(m.source), kinds[self.stored(m)]) for m in models)
        self.write(f"tasks/models_{number:04d}.py", IBIS_HEAD + "".join(functions))


MODULE = 20
IBIS_HEAD = "import ibis\n\nfrom cpgbuild import Catalog, compute, view\n"


def expression(model: Model, source: str, kind: str) -> str:
    """Return a model as a task of Ibis that means what `queries.query` says of it in SQL."""
    if model.layer == STAGING:
        tables = f's = catalog.table("{source}")'
        body = (
            f's.filter(s.v1 >= {model.least}).select(key=s.id % 500, cat=s.cat.upper(), v1=s.v1.cast("int64"), '
            'v2=(s.v2 * 2).cast("int64"), n=ibis.literal(1).cast("int64"))'
        )
    else:
        reads = [f't{i} = catalog.table("{name}")' for i, name in enumerate(model.reads)]
        tables, body = "\n    ".join(reads), _body(model)
    head = f"@{kind}\ndef {model.name}(catalog: Catalog) -> ibis.Table:"
    return f"\n\n{head}\n    {tables}\n    return {body}\n"


def _body(model: Model) -> str:
    number, others = model.number, range(1, len(model.reads))
    if model.table:
        joined = "".join(_left(i, "t0") for i in others)
        sums = "".join(f', w{i - 1}=ibis._.w{i}.fill_null(0).sum().cast("int64")' for i in others)
        return (
            f't0{joined}.group_by("cat").agg(n_keys=ibis._.count(), v1=ibis._.v1.sum().cast("int64"), '
            f'v2=ibis._.v2.sum().cast("int64"){sums})'
        )
    if others:
        first = (
            't0.group_by("key").agg(cat=t0.cat.min(), v1=t0.v1.max().cast("int64"), '
            'v2=t0.v2.max().cast("int64"), n=t0.n.sum().cast("int64"))'
        )
        joined = "".join(_left(i, "ibis._") for i in others)
        total = " + ".join(f"ibis._.w{i}.fill_null(0)" for i in others)
        return f'{first}{joined}.select("key", "cat", "v1", v2={total} + {number}, n=ibis._.n)'
    if number % 2:
        kept = f"t0.filter(t0.key % 7 != {number % 7})"
        return f'{kept}.select("key", "cat", "v1", v2=t0.v2 + {number}, n=t0.n)'
    return (
        't0.group_by("key").agg(cat=t0.cat.min(), v1=t0.v1.sum().cast("int64"), '
        f'v2=(t0.v2.max() + {number}).cast("int64"), n=t0.n.sum().cast("int64"))'
    )


def _left(i: int, left: str) -> str:
    other = f't{i}.group_by(k{i}="key").agg(w{i}=t{i}.v2.max().cast("int64"))'
    return f".left_join({other}, [({left}.key, ibis._.k{i})])"


def _source(source: int) -> str:
    return f"src_{source:05d}"


def _datasets(events) -> tuple[str, ...]:
    return tuple(sorted(e["dataset"] for e in events))
