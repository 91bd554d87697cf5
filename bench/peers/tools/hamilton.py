"""Hamilton with its cache: one module with one function for each model."""

import json

from peers.dag import STAGING, Model
from peers.queries import Spelling, query
from peers.tools.base import Ran, Tool
from peers.tools.helpers import as_python, called

RUNTIME = """import duckdb

con = duckdb.connect()
con.execute('set threads=1')
ran = []


def run(name, query, **inputs):
    ran.append(name)
    for key, value in inputs.items():
        con.register(key, value)
    return con.execute('SELECT * FROM (' + query + '\\n) ORDER BY ALL').df()
"""
MAIN = """import json
import os
from hamilton import driver
import flow, runtime

dr = driver.Builder().with_modules(flow).with_cache(path='.hamilton_cache').build()
results = dr.execute(json.load(open('results.json')))
os.makedirs('out', exist_ok=True)
for name, frame in results.items():
    frame.to_parquet(f'out/{name}.parquet')
with open('ran.log', 'w') as log:
    log.write('\\n'.join(runtime.ran))
"""


class Hamilton(Tool):
    """Hamilton: sources are read in every run, as its guide says for data from outside."""

    key = "hamilton"
    title = "Hamilton"

    def installed(self) -> bool:
        return self.venv("hamilton", "python").exists()

    def version(self) -> str:
        return self.package_version("hamilton", "apache-hamilton")

    def write_project(self) -> None:
        self.write("runtime.py", RUNTIME)
        self.write("main.py", MAIN)
        self.write("results.json", json.dumps(list(self.dag.models)))

    def write_model(self, model: Model) -> None:
        self.write_models([model])

    def write_models(self, models) -> None:
        """Write the one module that all are in."""
        head = (
            "import pandas as pd\nfrom hamilton.function_modifiers import cache\n"
            "from helpers import is_kept, size_class\nfrom runtime import run\n"
        )
        sources = map(self.source, range(self.dag.sources))
        functions = map(self.function, self.dag.models.values())
        self.write("flow.py", "\n\n".join([head, *sources, *functions]))

    def source(self, i: int) -> str:
        path = self.folder / f"data/src_{i:05d}.parquet"
        return (
            f"@cache(behavior='recompute')\ndef src_{i:05d}() -> pd.DataFrame:\n"
            f"    return pd.read_parquet('{path}')\n"
        )

    def function(self, model: Model) -> str:
        reads = [f"src_{model.source:05d}"] if model.layer == STAGING else model.reads
        spell = Spelling(str, "src_{:05d}".format, called("{", repr, "}"))
        arguments = ", ".join(f"{name}: pd.DataFrame" for name in reads)
        given = ", ".join(f"{name}={name}" for name in reads)
        return (
            f"def {model.name}({arguments}) -> pd.DataFrame:\n"
            f"    return run({model.name!r}, f'''{query(model, spell)}''', {given})\n"
        )

    def write_helpers(self) -> None:
        self.write("helpers.py", as_python(self.dag.helpers))

    def build(self) -> Ran:
        ran = self.ran_by_log(self.venv("hamilton", "python"), "main.py")
        return Ran(tables=tuple(sorted(ran.names)))

    def relations(self) -> dict[str, str]:
        return {
            name: f"read_parquet('{self.folder}/out/{name}.parquet')" for name in self.dag.models
        }
