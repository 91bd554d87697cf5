"""Edges of classes and methods: which method a class's objects have under each name."""

import ibis
from ibis import _

from cpgbuild import Catalog, view
from tasks.graph.rows import edges


@view(contributes_to="v_edges_across", tags=["edges", "inheritance"])
def binds_edges(catalog: Catalog) -> ibis.Table:
    """BINDS: from a class to each of its methods; `how` is own or inherited."""
    found = catalog.table("v_class_methods")
    return edges(found, "BINDS", src=found.class_id, dst=found.method_id, how=found.how)


@view(contributes_to="v_edges_across", tags=["edges", "inheritance"])
def overrides_edges(catalog: Catalog) -> ibis.Table:
    """BINDS: from a method to the one whose place it takes in its class; `how` is overrides."""
    found = catalog.table("v_overrides")
    how = ibis.literal("overrides")
    return edges(found, "BINDS", src=found.method_id, dst=found.overridden_id, how=how)


@view(contributes_to="v_props_across", tags=["props", "inheritance"])
def resolution_props(catalog: Catalog) -> ibis.Table:
    """Of classes: mro, where the method resolution order is not Python's, why."""
    noted = catalog.table("class_mro").filter(_.note.notnull(), _.position == 0)
    ids = catalog.table("v_norm_ids").filter(_.kind == "TYPE_DECL", ~_.is_external)
    found = noted.join(ids.select("symbol", "node_id", "path"), "symbol")
    return found.select("node_id", key=ibis.literal("mro"), value="note", owner_path="path")
