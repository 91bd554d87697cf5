"""Calls, and what they call."""

import ibis
from ibis import _

from cpgbuild import Catalog, view

# The last name of the symbol belongs to a type.
METHOD_SYMBOL = r"#`?[^#/().]+`?\([^)]*\)\.$"


@view(tags=["calls"])
def v_candidate_calls(catalog: Catalog) -> ibis.Table:
    """Every call with the symbol of what it names; none where the index does not know it."""
    calls = catalog.table("v_cst_calls").rename(call_id="node_id", caller_id="scope_id")
    named = catalog.table("name_symbols").filter(_.role != "definition")
    callees = named.select("path", name_id="node_id", symbol="symbol")
    return calls.left_join(callees, ["path", "name_id"]).drop("path_right", "name_id_right")


@view(name="view.resolved_calls", contributes_to="v_resolved_calls", tags=["calls"])
def symbol_calls(catalog: Catalog) -> ibis.Table:
    """Calls whose symbol is a function or a class; calling a class calls its constructor."""
    calls = catalog.table("v_candidate_calls").filter(_.symbol.notnull())
    callees = catalog.table("v_norm_ids").filter(_.kind.isin(["METHOD", "TYPE_DECL"]))
    callees = callees.select("symbol", "node_id", "is_external", callee_kind="kind")
    constructors = catalog.table("v_constructors")
    known = calls.join(callees, "symbol").left_join(constructors, "symbol").drop("symbol_right")
    how = ibis.cases(
        (known.kind == "decorator", "decorator"),
        (known.callee_kind == "TYPE_DECL", "constructor"),
        (known.symbol.re_search(METHOD_SYMBOL), "method"),
        else_="direct",
    )
    return known.select(
        "path",
        "call_id",
        "caller_id",
        symbol=ibis.coalesce(known.init_symbol, known.symbol),
        callee_id=ibis.coalesce(known.init_id, known.node_id),
        how=how,
        is_external=ibis.coalesce(known.init_is_external, known.is_external),
    )
