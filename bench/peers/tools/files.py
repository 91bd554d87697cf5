"""Tools that compare files: make, ninja, doit, Snakemake. A model is a script and its rows."""

import json
import shutil
from pathlib import Path

from peers.dag import STAGING, Model
from peers.queries import Spelling, query
from peers.tools.base import Ran, Tool
from peers.tools.helpers import as_duckdb, called

SPELLING = Spelling(
    model="read_parquet('out/{}.parquet')".format,
    source="read_parquet('data/src_{:05d}.parquet')".format,
    helper=called("", str),
)
DODO = """import json, os
DOIT_CONFIG = {'dep_file': '.doit.db', 'backend': 'sqlite3'}
_con = None


def act(name, helped):
    global _con
    import duckdb
    if _con is None:
        _con = duckdb.connect()
        _con.execute('set threads=1')
    if helped:
        _con.execute(open('helpers.sql').read())
    _con.execute(open(f'sql/{name}.sql').read())
    os.replace(f'tmp/{name}.parquet', f'out/{name}.parquet')
    with open('ran.log', 'a') as log:
        log.write(name + '\\n')


def task_build():
    for name, helped, reads in json.load(open('graph.json')):
        yield {'name': name, 'actions': [(act, [name, helped])], 'file_dep': reads,
               'targets': [f'out/{name}.parquet']}
"""


class FileTool(Tool):
    """What is common: rows are in out/, helpers are macros of DuckDB in a file of their own."""

    def installed(self) -> bool:
        return self.program().exists() and self.venv("doit", "duckdb").exists()

    def program(self) -> Path:
        return self.venv(self.key, self.key)

    def write_project(self) -> None:
        (self.folder / "out").mkdir(exist_ok=True)
        (self.folder / "tmp").mkdir(exist_ok=True)
        self.write_rules()

    def write_rules(self) -> None:
        """Write the tool's own file."""
        raise NotImplementedError

    def write_model(self, model: Model) -> None:
        rows = f"SELECT * FROM (\n{query(model, SPELLING)}\n) ORDER BY ALL"
        copy = f"COPY ({rows}) TO 'tmp/{model.name}.parquet' (FORMAT parquet);\n"
        self.write(f"sql/{model.name}.sql", copy)

    def write_helpers(self) -> None:
        self.write("helpers.sql", as_duckdb(self.dag.helpers))

    def reads(self, model: Model) -> list[str]:
        """Return the files that a model is made from."""
        rows = [f"out/{name}.parquet" for name in model.reads]
        if model.layer == STAGING:
            rows = [f"data/src_{model.source:05d}.parquet"]
        return [f"sql/{model.name}.sql", *(["helpers.sql"] if model.helped else []), *rows]

    def action(self, name: str, then: str = "") -> str:
        """Return the shell command that makes a model's file."""
        script = f"sql/{name}.sql"
        if name in self.dag.models and self.dag.models[name].helped:
            script = f"helpers.sql -f {script}"
        move = f"mv tmp/{name}.parquet out/{name}.parquet"
        return f"duckdb -batch :memory: -f {script} && {then or move} && echo {name} >> ran.log"

    def target(self, model: Model) -> str:
        return f"out/{model.name}.parquet"

    def as_ran(self, names) -> Ran:
        return Ran(tables=tuple(sorted(set(names))))

    def relations(self) -> dict[str, str]:
        return {
            name: f"read_parquet('{self.folder}/out/{name}.parquet')" for name in self.dag.models
        }


class Make(FileTool):
    """GNU make: times of files."""

    key = "make"
    title = "GNU make"

    def program(self) -> Path:
        return Path(shutil.which("make") or "/nonexistent")

    def version(self) -> str:
        return self.run(self.program(), "--version").split("\n")[0].split()[-1]

    def write_rules(self) -> None:
        models = self.dag.models.values()
        rules = [
            f"{self.target(m)}: {' '.join(self.reads(m))}\n\t@{self.action(m.name)}" for m in models
        ]
        all_ = f"all: {' '.join(map(self.target, models))}"
        self.write("Makefile", "\n".join([all_, ".DELETE_ON_ERROR:", *rules]) + "\n")

    def build(self) -> Ran:
        return self.ran_by_log(self.program(), "-j2")


class Ninja(FileTool):
    """ninja: times of files; with `restat`, a file that comes out equal stops there."""

    key = "ninja"
    title = "ninja"

    def program(self) -> Path:
        return self.venv("doit", "ninja")

    def version(self) -> str:
        return self.run(self.program(), "--version").strip()

    def write_rules(self) -> None:
        lines = ["rule q", "  command = $action", "  restat = 1"]
        for model in self.dag.models.values():
            made, kept = f"tmp/{model.name}.parquet", self.target(model)
            action = self.action(model.name, f"(cmp -s {made} {kept} || mv {made} {kept})")
            lines += [f"build {kept}: q {' '.join(self.reads(model))}", f"  action = {action}"]
        self.write("build.ninja", "\n".join(lines) + "\n")

    def build(self) -> Ran:
        return self.ran_by_log(self.program(), "-j2")


class Snakemake(FileTool):
    """Snakemake: times of files, and the rules' own text."""

    key = "snakemake"
    title = "Snakemake"

    def version(self) -> str:
        return self.package_version("snakemake", "snakemake")

    def write_rules(self) -> None:
        models = self.dag.models.values()
        targets = ",\n        ".join(f"'{self.target(m)}'" for m in models)
        rules = [f"rule all:\n    input:\n        {targets}\n"]
        rules += [
            f"rule {m.name}:\n    input: {', '.join(map(repr, self.reads(m)))}\n"
            f"    output: '{self.target(m)}'\n    shell: {self.action(m.name)!r}\n"
            for m in models
        ]
        self.write("Snakefile", "\n".join(rules))

    def build(self) -> Ran:
        return self.ran_by_log(self.program(), "-c2", "-q", "all")


class Doit(FileTool):
    """doit: contents of files."""

    key = "doit"
    title = "doit"

    def version(self) -> str:
        return self.package_version("doit", "doit")

    def write_rules(self) -> None:
        graph = [[m.name, m.helped, self.reads(m)] for m in self.dag.models.values()]
        self.write("graph.json", json.dumps(graph))
        self.write("dodo.py", DODO)

    def build(self) -> Ran:
        return self.ran_by_log(self.program(), "-n", "2")
