"""Calls, and what they call: by the index, and by following values."""

import ibis
from ibis import _, ir

from cpgbuild import Catalog, compute, view

# The last name of the symbol belongs to a type.
METHOD_SYMBOL = r"#`?[^#/().]+`?\([^)]*\)\.$"

IMPLIED = ("operator", "iteration", "context", "callback", "property")


@view(tags=["calls"])
def v_candidate_calls(catalog: Catalog) -> ibis.Table:
    """Every call with the symbol of what it names; none where the index does not know it."""
    calls = catalog.table("v_cst_calls").rename(call_id="node_id", caller_id="scope_id")
    named = catalog.table("name_symbols").filter(_.role != "definition")
    callees = named.select("path", name_id="node_id", symbol="symbol")
    return calls.left_join(callees, ["path", "name_id"]).drop("path_right", "name_id_right")


@view(name="view.resolved_calls", tags=["calls"])
def v_resolved_calls(catalog: Catalog) -> ibis.Table:
    """Calls with what they call, one row for each thing that it may be."""
    return catalog.table("resolved_calls")


@compute(key="path", tags=["calls"])
def resolved_calls(catalog: Catalog) -> ibis.Table:
    """Of each call the best that is known: values followed, then the index, then names outside.

    Where values lead into the tree, that is what runs: the index knows what a name was declared as,
    and not what a decorator or an assignment made of it.
    """
    # What the language or a builtin calls by itself there is known beside what stands there.
    possible = catalog.table("v_possible_calls").mutate(is_implied=_.how.isin(IMPLIED))
    alike = ibis.window(group_by=["path", "call_id", "is_implied"])
    ranked = possible.mutate(best=_.rank.min().over(alike))
    return ranked.filter(_.rank == _.best).drop("rank", "best", "is_implied").distinct()


@view(contributes_to="v_possible_calls", tags=["calls"])
def followed_calls(catalog: Catalog) -> ibis.Table:
    """Calls that the value flow leads to functions and classes of the tree."""
    found = catalog.table("value_calls").filter(_.callee_id.notnull())
    return found.select(
        "path", "call_id", "caller_id", "callee_id", "how", "confidence",
        symbol=ibis.null("string"),
        is_external=ibis.literal(value=False),
        rank=ibis.literal(1, "int32"),
    )  # fmt: skip


@view(contributes_to="v_possible_calls", tags=["calls"])
def followed_calls_outside(catalog: Catalog) -> ibis.Table:
    """Calls that the value flow leads to other packages: the index's nodes, where it has any."""
    found = catalog.table("value_calls").filter(_.callee_id.isnull())
    known = catalog.table("v_norm_ids").filter(_.is_external, _.kind != "NAMESPACE_BLOCK")
    known = known.group_by(callee_name="full_name").agg(
        node_id=_.node_id.min(), symbol=_.symbol.min()
    )
    named = found.left_join(known, "callee_name").drop("callee_name_right")
    return named.select(
        "path", "call_id", "caller_id", "how", "confidence", "symbol",
        callee_id=ibis.coalesce(named.node_id, outside_id(named.callee_name)),
        is_external=ibis.literal(value=True),
        # The inherited constructor of a class of the tree stands beside the class.
        rank=(named.how == "constructor").ifelse(1, 3).cast("int32"),
    )  # fmt: skip


def outside_id(name: ir.StringValue) -> ir.StringValue:
    """Return the id of something of another package that is called, by its dotted name."""
    return ibis.literal("external:").concat(name, "()")


@view(contributes_to="v_possible_calls", tags=["calls"])
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
        confidence=ibis.literal("high"),
        rank=ibis.literal(2, "int32"),
    )
