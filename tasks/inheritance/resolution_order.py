"""The method resolution order, of all classes at once."""

import ibis
from ibis import _

from cpgbuild import Catalog, compute
from tasks.inheritance.linearisation import CLASS_MRO, method_resolution_orders


@compute(map=method_resolution_orders, schema=CLASS_MRO, tags=["inheritance"])
def class_mro(catalog: Catalog) -> ibis.Table:
    """Each class with its ancestors in the order that methods are looked up in, itself first."""
    ids = catalog.table("v_norm_ids").filter(_.kind == "TYPE_DECL", ~_.is_external)
    bases = catalog.table("v_bases").union(catalog.table("v_unknown_bases"))
    edge = ibis.struct({"symbol": bases.symbol, "base": bases.base, "place": bases.place})
    stated = bases.aggregate(bases=edge.collect(order_by=[bases.symbol, bases.base]))
    names = ids.select("symbol").distinct()
    return names.aggregate(classes=names.symbol.collect(order_by=names.symbol)).cross_join(stated)
