"""Edges and nodes of control flow and data flow, one task a kind."""

import ibis

from cpgbuild import Catalog, view
from tasks.graph.nodes import nowhere
from tasks.graph.rows import edges


@view(contributes_to="v_nodes_union", tags=["nodes", "control"])
def nodes_of_method_returns(catalog: Catalog) -> ibis.Table:
    """A METHOD_RETURN for each function, lambda and module: where its control flow ends."""
    methods = catalog.table("v_control_methods")
    return nowhere(
        methods.select(
            "path",
            node_id="exit_id",
            kind=ibis.literal("METHOD_RETURN"),
            name=ibis.literal("RET"),
            full_name=ibis.null("string"),
            is_external=ibis.literal(value=False),
        )
    )


@view(contributes_to="v_edges_union", tags=["edges", "control"])
def ast_edges_of_method_returns(catalog: Catalog) -> ibis.Table:
    """AST: from a function to its METHOD_RETURN."""
    methods = catalog.table("v_control_methods")
    how = ibis.literal("exit")
    return edges(methods, "AST", src=methods.method_id, dst=methods.exit_id, how=how)


@view(contributes_to="v_edges_union", tags=["edges", "control"])
def cfg_edges(catalog: Catalog) -> ibis.Table:
    """CFG: from a node to one that may be executed next; `how` is true, false, exception, …."""
    ways = catalog.table("v_cfg_edges")
    return edges(ways, "CFG", src=ways.src, dst=ways.dst, how=ways.how)


@view(contributes_to="v_edges_union", tags=["edges", "control"])
def dominate_edges(catalog: Catalog) -> ibis.Table:
    """DOMINATE: from a node to those that it dominates immediately."""
    found = catalog.table("v_dominate")
    return edges(found, "DOMINATE", src=found.src, dst=found.dst)


@view(contributes_to="v_edges_union", tags=["edges", "control"])
def post_dominate_edges(catalog: Catalog) -> ibis.Table:
    """POST_DOMINATE: from a node to those that it post-dominates immediately."""
    found = catalog.table("v_post_dominate")
    return edges(found, "POST_DOMINATE", src=found.src, dst=found.dst)


@view(contributes_to="v_edges_union", tags=["edges", "control"])
def cdg_edges(catalog: Catalog) -> ibis.Table:
    """CDG: from a fork to what it decides upon; `how` is the way out of the fork."""
    found = catalog.table("v_control_dependences")
    return edges(found, "CDG", src=found.src, dst=found.dst, how=found.how)


@view(contributes_to="v_edges_union", tags=["edges", "control"])
def reaching_def_edges(catalog: Catalog) -> ibis.Table:
    """REACHING_DEF: from a definition to a use that it reaches; `how` is the variable's name."""
    found = catalog.table("v_reaching_defs")
    return edges(found, "REACHING_DEF", src=found.src, dst=found.dst, how=found.name)
