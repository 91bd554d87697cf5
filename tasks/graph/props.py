"""Properties of nodes, one task a source of properties."""

import ibis
from ibis import _, ir

from cpgbuild import Catalog, compute, view
from tasks.nested import file_id


@compute(name="compute.write_props_delta", key="owner_path", priority=90, tags=["graph"])
def cpg_props_delta(catalog: Catalog) -> ibis.Table:
    """All properties of nodes that are no columns: a row each, the value as text."""
    return catalog.table("v_props_union")


@compute(key="owner_path", tags=["graph"])
def props_across(catalog: Catalog) -> ibis.Table:
    """Properties that an edit of any file may change: of symbols, and what is wrong with files."""
    return catalog.table("v_props_across")


@view(contributes_to="v_props_union", tags=["props"])
def known_props_across(catalog: Catalog) -> ibis.Table:
    """Properties that an edit of any file may change, as they were found."""
    return catalog.table("props_across")


@view(contributes_to="v_props_union", tags=["props"])
def file_props(catalog: Catalog) -> ibis.Table:
    """Of files: sha256, size, n_lines."""
    files = catalog.table("cst_nested").select("path", "sha256", "size", "n_lines")
    files = files.mutate(node_id=file_id(files.path))
    return _props(files, files.path, "sha256", "size", "n_lines")


@view(contributes_to="v_props_across", tags=["props"])
def problem_props(catalog: Catalog) -> ibis.Table:
    """Of files: problem, why the file is not covered whole."""
    problems = catalog.table("v_file_problems")
    problems = problems.mutate(node_id=file_id(problems.path))
    return _props(problems, problems.path, "problem")


@view(contributes_to="v_props_union", tags=["props"])
def definition_props(catalog: Catalog) -> ibis.Table:
    """Of functions and classes: docstring, is_async."""
    defs = catalog.table("v_cst_defs")
    defs = defs.mutate(is_async=defs.is_async.ifelse("true", ibis.null("string")))
    return _props(defs, defs.path, "docstring", "is_async")


@view(contributes_to="v_props_union", tags=["props"])
def parameter_props(catalog: Catalog) -> ibis.Table:
    """Of parameters: index (0-based, `self` counted), passing, default."""
    params = catalog.table("v_cst_params").mutate(
        passing="kind", default=_.has_default.ifelse("true", ibis.null("string"))
    )
    return _props(params, params.path, "index", "passing", "default")


@view(contributes_to="v_props_union", tags=["props"])
def call_props(catalog: Catalog) -> ibis.Table:
    """Of calls: n_args, and callee, the called expression's text."""
    calls = catalog.table("v_cst_calls").mutate(callee="text")
    return _props(calls, calls.path, "n_args", "callee")


@view(contributes_to="v_props_across", tags=["props"])
def symbol_props(catalog: Catalog) -> ibis.Table:
    """Of symbols' nodes: symbol, signature."""
    ids = catalog.table("v_norm_ids").select("symbol", "node_id", "path", "full_name")
    known = catalog.table("scip_symbol_information").select("symbol", "signature")
    known = known.group_by("symbol").agg(signature=_.signature.min())
    found = ids.left_join(known, "symbol").drop("symbol_right").filter(_.full_name.notnull())
    return _props(found, found.path, "symbol", "signature").distinct()


def _props(facts: ir.Table, owner: ir.StringValue, *keys: str) -> ir.Table:
    """Return a row for each of the columns `keys` that has a value."""
    rows = [
        facts.select(
            "node_id",
            key=ibis.literal(key),
            value=facts[key].cast("string"),
            owner_path=owner,
        )
        for key in keys
    ]
    return ibis.union(*rows).filter(_.value.notnull())
