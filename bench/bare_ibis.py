"""Builds and compiles the expressions of a project of Ibis alone, and does nothing else with them.

    python bench/bare_ibis.py PROJECT

What that costs is the least that planning such a project from nothing can cost.
"""

import importlib
import sys
from pathlib import Path

import ibis
import pyarrow.parquet as pq
from ibis.backends.sql.compilers import DataFusionCompiler

MARK = "__cpgbuild_task__"


class Tables:
    """A catalog that makes each table's expression when it is first asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.functions = {}
        self.schemas = {}
        self.texts = {}

    def table(self, name: str) -> ibis.Table:
        if name not in self.schemas:
            self.schemas[name] = self.made(name) if name in self.functions else self.source(name)
        return ibis.table(self.schemas[name], name=name)

    def source(self, name: str) -> ibis.Schema:
        return ibis.Schema.from_pyarrow(pq.read_schema(self.root / f"data/{name}.parquet"))

    def made(self, name: str) -> ibis.Schema:
        expression = self.functions[name](self)
        self.texts[name] = DataFusionCompiler().to_sqlglot(expression).sql("datafusion")
        return expression.schema()


def main() -> None:
    """Build and compile all."""
    root = Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(root))
    tables = Tables(root)
    for file in sorted((root / "tasks").glob("*.py")):
        for value in vars(importlib.import_module(f"tasks.{file.stem}")).values():
            if hasattr(value, MARK):
                tables.functions[value.__name__] = value
    for name in tables.functions:
        tables.table(name)
    print(len(tables.texts), "expressions")


if __name__ == "__main__":
    main()
