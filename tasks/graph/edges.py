"""Edges of the graph, one task a kind of edge."""

import ibis
from ibis import _

from cpgbuild import Catalog, compute, view
from tasks.graph.rows import edges
from tasks.nested import file_id, node_id


@compute(name="compute.write_edges_delta", key="owner_path", priority=90, tags=["graph"])
def cpg_edges_delta(catalog: Catalog) -> ibis.Table:
    """All edges of the graph."""
    return catalog.table("v_edges_union")


@compute(key="owner_path", tags=["graph"])
def edges_across(catalog: Catalog) -> ibis.Table:
    """Edges that an edit of another file may change.

    They are found anew after each edit, and kept apart, so that of all others only those of the
    edited file are.
    """
    return catalog.table("v_edges_across")


@view(contributes_to="v_edges_union", tags=["edges"])
def known_edges_across(catalog: Catalog) -> ibis.Table:
    """Edges that an edit of another file may change, as they were found."""
    return catalog.table("edges_across")


@view(contributes_to="v_edges_union", tags=["edges"])
def ast_edges(catalog: Catalog) -> ibis.Table:
    """AST: from a node to the nodes that it is made of; `how` is the child's role.

    `argument_index` is the specification's order: the child's place among its siblings.
    """
    nodes = catalog.table("v_cst_nodes").filter(_.parent_id.notnull())
    roles = catalog.table("v_ast_roles").rename(role_of="parent_kind")
    found = nodes.left_join(roles, nodes.parent_kind == roles.role_of)
    is_comment = found.cst_kind == "comment"
    role = is_comment.ifelse("comment", ibis.coalesce(found.role, "part"))
    how = ibis.coalesce(found.field, role)
    ends = {"src": found.parent_id, "dst": found.node_id}
    return edges(found, "AST", **ends, how=how, argument_index=found.sibling)


@view(contributes_to="v_edges_union", tags=["edges"])
def ast_edges_of_files(catalog: Catalog) -> ibis.Table:
    """AST: from a file to its module."""
    files = catalog.table("cst_nested").filter(_.language.notnull()).select("path")
    ends = {"src": file_id(files.path), "dst": node_id(files.path, "module")}
    first = ibis.literal(1, "int32")
    return edges(files, "AST", **ends, how=ibis.literal("module"), argument_index=first)


@view(contributes_to="v_edges_union", tags=["edges"])
def contains_edges(catalog: Catalog) -> ibis.Table:
    """CONTAINS: from a module, class or function to what its body holds, not what nested ones do.

    Held are definitions, calls, imports and returns; `how` tells which.
    """
    held = [
        catalog.table(f"v_cst_{facts}").select("path", "scope_id", "node_id", how=ibis.literal(how))
        for facts, how in (("defs", "definition"), ("calls", "call"), ("returns", "return"))
    ]
    imports = catalog.table("v_cst_imports").select("path", "scope_id", "node_id").distinct()
    all_held = ibis.union(*held, imports.mutate(how=ibis.literal("import")))
    return edges(
        all_held, "CONTAINS", src=all_held.scope_id, dst=all_held.node_id, how=all_held.how
    )


@view(contributes_to="v_edges_union", tags=["edges"])
def contains_edges_of_files(catalog: Catalog) -> ibis.Table:
    """CONTAINS: from a file to its module."""
    files = catalog.table("cst_nested").filter(_.language.notnull()).select("path")
    module, how = node_id(files.path, "module"), ibis.literal("module")
    return edges(files, "CONTAINS", src=file_id(files.path), dst=module, how=how)


@view(contributes_to="v_edges_across", tags=["edges"])
def ref_edges(catalog: Catalog) -> ibis.Table:
    """REF: from a name to each definition of what it refers to; `how` is reference or import."""
    uses = catalog.table("name_symbols").filter(_.role != "definition")
    symbols = catalog.table("v_norm_ids").select("symbol", target_id="node_id")
    refs = uses.select("path", "node_id", "symbol", "role").join(symbols, "symbol")
    return edges(refs, "REF", src=refs.node_id, dst=refs.target_id, how=refs.role)


@view(contributes_to="v_edges_across", tags=["edges"])
def def_edges(catalog: Catalog) -> ibis.Table:
    """DEF: from a name to what it defines there."""
    names = catalog.table("name_symbols").filter(_.role == "definition")
    symbols = catalog.table("v_norm_ids").select("symbol", "name_id", target_id="node_id")
    found = names.select("path", "node_id", "symbol").join(symbols, "symbol")
    # One of several definitions of a function is defined by its own name only.
    own = found.filter(found.name_id.isnull() | (found.name_id == found.node_id))
    return edges(own, "DEF", src=own.node_id, dst=own.target_id)


@view(contributes_to="v_edges_across", tags=["edges", "calls"])
def call_edges(catalog: Catalog) -> ibis.Table:
    """CALL: from what calls to what is called; `how` tells by which rule."""
    calls = catalog.table("v_resolved_calls")
    return edges(
        calls,
        "CALL",
        src=calls.call_id,
        dst=calls.callee_id,
        how=calls.how,
        confidence=calls.confidence,
    )


@view(contributes_to="v_edges_across", tags=["edges", "inheritance"])
def inherits_from_edges(catalog: Catalog) -> ibis.Table:
    """INHERITS_FROM: from a class to each of its direct bases."""
    ids = catalog.table("v_norm_ids").filter(_.kind == "TYPE_DECL")
    classes = ids.filter(_.path.notnull()).select("symbol", "path", class_id="node_id")
    targets = ids.select(base="symbol", base_id="node_id")
    found = catalog.table("v_bases").join(classes, "symbol").join(targets, "base")
    return edges(found, "INHERITS_FROM", src=found.class_id, dst=found.base_id)


@view(contributes_to="v_edges_union", tags=["edges", "imports"])
def imports_edges(catalog: Catalog) -> ibis.Table:
    """IMPORTS: from a module to a module it imports; `how` is import, from or wildcard."""
    found = catalog.table("v_resolved_imports")
    pairs = found.select("path", "importer_id", "module_id", "how").distinct()
    return edges(pairs, "IMPORTS", src=pairs.importer_id, dst=pairs.module_id, how=pairs.how)


@view(contributes_to="v_edges_union", tags=["edges", "types"])
def eval_type_edges(catalog: Catalog) -> ibis.Table:
    """EVAL_TYPE: from what has a type to it; `how` is parameter, return, variable or call."""
    types = catalog.table("type_exprs_norm_v1")
    inferred = (types.origin == "inferred").ifelse("medium", ibis.null("string"))
    return edges(
        types,
        "EVAL_TYPE",
        src=types.target_id,
        dst=types.type_id,
        how=types.role,
        confidence=inferred,
    )
