"""Calls that the value flow finds in small sources, in words."""

from collections.abc import Mapping

import pyarrow as pa

from tasks.extract.concrete_syntax import extract_files
from tasks.values.extract import values_of_files
from tasks.values.found_calls import value_calls
from tests.cpg.sources import listing


def rows(files: Mapping[str, str]) -> list[dict[str, str | None]]:
    """Return the calls found in files, with names for ids; `lambda` numbers its lambdas."""
    batch = listing(files)
    table = values_of_files(batch)
    modules = [_module(path) for path in files]
    lists = {name: table[name].combine_chunks() for name in table.schema.names if name != "note"}
    columns = {
        "path": lists["path"],
        "module": pa.array([module for module, _ in modules]),
        "package": pa.array([package for _, package in modules]),
        **{name: lists[name] for name in ("n_variables", "ops", "sites", "objects")},
    }
    each = pa.StructArray.from_arrays(list(columns.values()), list(columns))
    one = pa.ListArray.from_arrays([0, len(files)], each)
    found = value_calls(pa.record_batch([one], names=["files"])).to_pylist()
    names = _names(batch, dict(zip(files, modules, strict=True)))
    return [
        {
            "caller": names[row["caller_id"]],
            "callee": names.get(row["callee_id"], row["callee_name"]),
            "how": row["how"],
            "confidence": row["confidence"],
        }
        for row in found
    ]


def calls(files: Mapping[str, str] | str) -> set[tuple[str, str]]:
    """Return (caller, callee) of calls; of one source the module is `m`."""
    given = {"m.py": files} if isinstance(files, str) else files
    return {(str(row["caller"]), str(row["callee"])) for row in rows(given)}


def hows(files: Mapping[str, str] | str) -> set[tuple[str, str]]:
    """Return (callee, how) of calls."""
    given = {"m.py": files} if isinstance(files, str) else files
    return {(str(row["callee"]), str(row["how"])) for row in rows(given)}


def _module(path: str) -> tuple[str, str]:
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        return ".".join(parts[:-1]), ".".join(parts[:-1])
    return ".".join(parts), ".".join(parts[:-1])


def _names(batch: pa.RecordBatch, modules: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    names = {}
    for row in extract_files(batch).to_pylist():
        path = row["path"]
        module = modules[path][0]
        names[f"{path}:module"] = module
        for definition in row["defs"]:
            names[f"{path}:{definition['node']}"] = f"{module}.{definition['qualname']}"
    return names
