"""How values flow, and the calls that this finds."""

import ibis

from cpgbuild import Catalog, compute
from tasks.extracts import python_files
from tasks.values.extract import values_of_files
from tasks.values.facts import VALUE_CALLS, VALUES_NESTED
from tasks.values.follow import follow

FILE = ("path", "module", "package", "n_variables", "ops", "sites", "objects")


@compute(map=values_of_files, schema=VALUES_NESTED, key="path", content="sha256", tags=["values"])
def values_nested(catalog: Catalog) -> ibis.Table:
    """Value flow inside of each file: a row a file; only changed files are walked."""
    return python_files(catalog)


@compute(map=follow, schema=VALUE_CALLS, key="path", tags=["values", "calls"])
def value_calls(catalog: Catalog) -> ibis.Table:
    """Calls found by following values through all files: a row for each thing a site may call."""
    modules = catalog.table("v_modules").select("path", "module", "package")
    files = catalog.table("values_nested").join(modules, "path")
    # One list of all, since each list would be sorted by itself.
    file = ibis.struct({name: files[name] for name in FILE})
    return files.aggregate(files=file.collect(order_by=files.path))
