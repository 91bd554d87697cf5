"""Views that open the nested facts of `cst_nested`, a row a fact."""

from collections.abc import Iterable

import ibis

from cpgbuild import Catalog, view
from tasks.extract import cst_schema
from tasks.nested import explode, node_id


def facts(catalog: Catalog, column: str, fields: Iterable[str]) -> ibis.Table:
    """Return the facts of one column with ``path``, and with global ids for local ones."""
    keep = ["path", "language"] if column in OF_A_LANGUAGE else ["path"]
    rows = explode(catalog.table("cst_nested"), column, fields, keep)
    local = [name for name in ("node", "scope", "parent", *REFERENCES) if name in rows.columns]
    ids = {ID_NAMES.get(name, f"{name}_id"): node_id(rows.path, rows[name]) for name in local}
    return rows.mutate(**ids).drop(*local)


# Facts that are read otherwise in another language.
OF_A_LANGUAGE = ("annotations",)
# Columns besides node, scope and parent that hold local ids.
REFERENCES = ("name_node", "function", "class", "target", "value", "call")
ID_NAMES = {"name_node": "name_id"}


@view(tags=["cst"])
def v_cst_nodes(catalog: Catalog) -> ibis.Table:
    """Named nodes of the syntax trees."""
    nodes = facts(catalog, "nodes", cst_schema.NODES)
    return nodes.rename(cst_kind="kind")


@view(tags=["cst"])
def v_cst_args(catalog: Catalog) -> ibis.Table:
    """What calls and decorators are given; 0 is the object that a method is called on."""
    return facts(catalog, "args", cst_schema.ARGS)


@view(tags=["cst"])
def v_cst_defs(catalog: Catalog) -> ibis.Table:
    """Functions, classes and lambdas."""
    return facts(catalog, "defs", cst_schema.DEFS)


@view(tags=["cst"])
def v_cst_params(catalog: Catalog) -> ibis.Table:
    """Parameters of functions and lambdas."""
    return facts(catalog, "params", cst_schema.PARAMS)


@view(tags=["cst"])
def v_cst_bases(catalog: Catalog) -> ibis.Table:
    """Base classes as written."""
    return facts(catalog, "bases", cst_schema.BASES)


@view(tags=["cst"])
def v_cst_calls(catalog: Catalog) -> ibis.Table:
    """Calls, and decorators applied."""
    return facts(catalog, "calls", cst_schema.CALLS)


@view(tags=["cst"])
def v_cst_names(catalog: Catalog) -> ibis.Table:
    """Every name token, and dotted or aliased names of imports as a whole."""
    return facts(catalog, "names", cst_schema.NAMES)


@view(tags=["cst"])
def v_cst_imports(catalog: Catalog) -> ibis.Table:
    """Imported names, a row each."""
    return facts(catalog, "imports", cst_schema.IMPORTS)


@view(tags=["cst"])
def v_cst_annotations(catalog: Catalog) -> ibis.Table:
    """Type annotations of parameters, results and variables."""
    return facts(catalog, "annotations", cst_schema.ANNOTATIONS)


@view(tags=["cst"])
def v_cst_assigns(catalog: Catalog) -> ibis.Table:
    """Assignments, augmented and named ones too."""
    return facts(catalog, "assigns", cst_schema.ASSIGNS)


@view(tags=["cst"])
def v_cst_returns(catalog: Catalog) -> ibis.Table:
    """What functions return and yield."""
    return facts(catalog, "returns", cst_schema.RETURNS)


@view(tags=["cst"])
def v_cst_lines(catalog: Catalog) -> ibis.Table:
    """Where each line starts."""
    return explode(catalog.table("cst_nested"), "lines", cst_schema.LINES, keep=["path"])


@view(tags=["cst"])
def v_cst_wide(catalog: Catalog) -> ibis.Table:
    """Characters outside ASCII, with their columns by encoding."""
    return explode(catalog.table("cst_nested"), "wide", cst_schema.WIDE, keep=["path"])
