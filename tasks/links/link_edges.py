"""Edges between calls, arguments, parameters and files."""

import ibis
from ibis import _

from cpgbuild import Catalog, view
from tasks.graph.rows import edges
from tasks.nested import file_id


@view(contributes_to="v_edges_union", tags=["edges"])
def source_file_edges(catalog: Catalog) -> ibis.Table:
    """SOURCE_FILE: from a module, class, function or lambda to its file."""
    named = catalog.table("v_full_names").select("path", "node_id")
    return edges(named, "SOURCE_FILE", src=named.node_id, dst=file_id(named.path))


@view(contributes_to="v_edges_union", tags=["edges", "calls"])
def argument_edges(catalog: Catalog) -> ibis.Table:
    """ARGUMENT: from a call to each expression that it is given, the receiver at 0."""
    given = catalog.table("v_arguments")
    ends = {"src": given.call_id, "dst": given.argument_id}
    return edges(given, "ARGUMENT", **ends, how=given.how, argument_index=given["index"])


@view(contributes_to="v_edges_union", tags=["edges", "calls"])
def receiver_edges(catalog: Catalog) -> ibis.Table:
    """RECEIVER: from a call to the object that it calls a method of."""
    receivers = catalog.table("v_cst_args").filter(_["index"] == 0)
    return edges(receivers, "RECEIVER", src=receivers.call_id, dst=receivers.node_id)


@view(contributes_to="v_edges_across", tags=["edges", "calls"])
def parameter_link_edges(catalog: Catalog) -> ibis.Table:
    """PARAMETER_LINK: from an argument to the parameter that it binds; `how` tells in which way."""
    links = catalog.table("v_parameter_links")
    links = links.group_by("path", "argument_id", "param_id", "how").agg(
        is_certain=links.is_certain.max()
    )
    return edges(
        links,
        "PARAMETER_LINK",
        src=links.argument_id,
        dst=links.param_id,
        how=links.how,
        confidence=links.is_certain.ifelse("high", "medium"),
    )


@view(contributes_to="v_edges_union", tags=["edges"])
def default_edges(catalog: Catalog) -> ibis.Table:
    """PARAMETER_LINK: from a default to the parameter that it binds where a call leaves it out."""
    params = catalog.table("v_cst_params").filter(_.has_default).select("path", param_id="node_id")
    values = catalog.table("v_cst_nodes").filter(_.field == "value")
    same = [values.path == params.path, values.parent_id == params.param_id]
    found = values.join(params, same)
    ends = {"src": found.node_id, "dst": found.param_id}
    sure = ibis.literal("high")
    return edges(found, "PARAMETER_LINK", **ends, how=ibis.literal("default"), confidence=sure)


@view(contributes_to="v_edges_across", tags=["edges"])
def capture_edges(catalog: Catalog) -> ibis.Table:
    """CAPTURE: from a function or lambda to a variable of a function around that it uses."""
    found = catalog.table("v_captures")
    return edges(found, "CAPTURE", src=found.closure_id, dst=found.variable_id)
