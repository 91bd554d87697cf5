"""Spans of the syntax tree beside spans of the index, and where they are the same."""

import ibis

from cpgbuild import Catalog, compute, view

COLUMNS = ("path", "start", "end", "origin", "kind", "node_id", "text", "symbol", "is_local")


@view(name="view.norm_spans", contributes_to="v_norm_spans", tags=["spans"])
def spans_of_names(catalog: Catalog) -> ibis.Table:
    """Name tokens of the syntax tree."""
    return _of_tree(catalog.table("v_cst_names"), "name")


@view(name="view.norm_spans_calls", contributes_to="v_norm_spans", tags=["spans"])
def spans_of_calls(catalog: Catalog) -> ibis.Table:
    """Calls of the syntax tree, whole."""
    return _of_tree(catalog.table("v_cst_calls"), "call")


@view(name="view.norm_spans_defs", contributes_to="v_norm_spans", tags=["spans"])
def spans_of_definitions(catalog: Catalog) -> ibis.Table:
    """Definitions of the syntax tree, whole."""
    return _of_tree(catalog.table("v_cst_defs").mutate(text="name"), "definition")


@view(name="view.norm_spans_scip", contributes_to="v_norm_spans", tags=["spans"])
def spans_of_symbols(catalog: Catalog) -> ibis.Table:
    """Occurrences of symbols in the index."""
    spans = catalog.table("scip_spans")
    role = ibis.cases((spans.is_definition, "definition"), (spans.is_import, "import"))
    return spans.mutate(
        origin=ibis.literal("scip"),
        kind=ibis.coalesce(role, "reference"),
        node_id=ibis.null("string"),
        text=ibis.null("string"),
    ).select(COLUMNS)


@compute(key="path", tags=["spans"])
def name_symbols(catalog: Catalog) -> ibis.Table:
    """Name tokens with the symbols that the index finds in exactly their span."""
    spans = catalog.table("v_norm_spans")
    names = spans.filter(spans.origin == "cst", spans.kind == "name")
    symbols = spans.filter(spans.origin == "scip").drop("node_id", "text")
    names = names.select("path", "start", "end", "node_id", "text")
    found = names.join(symbols, ["path", "start", "end"]).rename(role="kind")
    return found.select("path", "node_id", "text", "start", "end", "symbol", "is_local", "role")


def _of_tree(facts: ibis.Table, kind: str) -> ibis.Table:
    nothing = {"symbol": ibis.null("string"), "is_local": ibis.null("boolean")}
    return facts.mutate(origin=ibis.literal("cst"), kind=ibis.literal(kind), **nothing).select(
        COLUMNS
    )
