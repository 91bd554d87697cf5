"""How values flow, and the calls that this finds."""

import ibis
from ibis import _

from cpgbuild import Catalog, compute
from tasks.extracts import python_files
from tasks.values.extract import values_of_files
from tasks.values.facts import VALUE_CALLS, VALUES_NESTED
from tasks.values.follow import follow


@compute(map=values_of_files, schema=VALUES_NESTED, key="path", content="sha256", tags=["values"])
def values_nested(catalog: Catalog) -> ibis.Table:
    """Value flow inside of each file: a row a file; only changed files are walked."""
    return python_files(catalog)


@compute(map=follow, schema=VALUE_CALLS, key="path", tags=["values", "calls"])
def value_calls(catalog: Catalog) -> ibis.Table:
    """Calls found by following values through all files: a row for each thing a site may call."""
    modules = catalog.table("v_modules").select("path", "module", "package")
    files = catalog.table("values_nested").join(modules, "path")
    return files.aggregate(
        paths=_.path.collect(order_by=_.path),
        modules=_.module.collect(order_by=_.path),
        packages=_.package.collect(order_by=_.path),
        n_variables=_.n_variables.collect(order_by=_.path),
        ops=_.ops.collect(order_by=_.path),
        sites=_.sites.collect(order_by=_.path),
        objects=_.objects.collect(order_by=_.path),
    )
