"""Nodes of the graph, one task a source of nodes."""

import ibis
from ibis import _, ir

from cpgbuild import Catalog, compute, view
from tasks.nested import file_id, no_span, span

COLUMNS = (
    "node_id",
    "path",
    "kind",
    "name",
    "full_name",
    "span",
    "line",
    "is_external",
    "cst_kind",
)

# What stands behind the dot, by the grammars' words.
FIELDS = ("attribute", "property")


@compute(name="compute.write_nodes_delta", key="path", priority=90, tags=["graph"])
def cpg_nodes_delta(catalog: Catalog) -> ibis.Table:
    """All nodes of the graph."""
    return catalog.table("v_nodes_union")


@compute(key="path", tags=["graph"])
def nodes_across(catalog: Catalog) -> ibis.Table:
    """Nodes that an edit of any file may change: of symbols, types and other packages."""
    return catalog.table("v_nodes_across")


@view(contributes_to="v_nodes_union", tags=["nodes"])
def known_nodes_across(catalog: Catalog) -> ibis.Table:
    """Nodes that an edit of any file may change, as they were found."""
    return catalog.table("nodes_across")


@view(contributes_to="v_nodes_union", tags=["nodes"])
def nodes_of_syntax(catalog: Catalog) -> ibis.Table:
    """Every named node of the syntax trees, by the kind that the specification gives it."""
    nodes = catalog.table("v_cst_nodes")
    kinds = catalog.table("v_cpg_kinds")
    named = catalog.table("v_full_names").select("path", "node_id", "full_name")
    params = catalog.table("v_cst_params").select("path", param_id="node_id", param="name")
    found = nodes.left_join(kinds, "cst_kind").drop("cst_kind_right")
    # By the path too, though the id has it: so it is known that other files do not matter.
    found = found.left_join(named, ["path", "node_id"]).drop("path_right", "node_id_right")
    is_param = [found.path == params.path, found.node_id == params.param_id]
    found = found.left_join(params, is_param).drop("path_right")
    kind = ibis.cases(
        (found.param_id.notnull(), "METHOD_PARAMETER_IN"),
        (found.field.isin(FIELDS) & (found.kind == "IDENTIFIER"), "FIELD_IDENTIFIER"),
        else_=ibis.coalesce(found.kind, "UNKNOWN"),
    )
    return found.mutate(
        kind=kind,
        name=ibis.coalesce(found.param, found.name),
        span=span(found.start, found.end),
        is_external=ibis.literal(value=False),
    ).select(COLUMNS)


@view(contributes_to="v_nodes_union", tags=["nodes"])
def nodes_of_files(catalog: Catalog) -> ibis.Table:
    """A FILE node for each source file."""
    files = catalog.table("cst_nested").select("path", "size")
    return files.mutate(
        node_id=file_id(files.path),
        kind=ibis.literal("FILE"),
        name="path",
        full_name="path",
        span=span(ibis.literal(0, "int32"), files.size.cast("int32")),
        line=ibis.literal(1, "int32"),
        is_external=ibis.literal(value=False),
        cst_kind=ibis.null("string"),
    ).select(COLUMNS)


@view(contributes_to="v_nodes_across", tags=["nodes"])
def nodes_of_symbols(catalog: Catalog) -> ibis.Table:
    """Variables, members, and functions, types and members of other packages."""
    symbols = catalog.table("v_norm_ids").filter(_.name_id.isnull())
    own = symbols.filter(symbols.kind != "NAMESPACE_BLOCK")
    nodes = own.group_by("node_id").agg(
        path=_.path.min(),
        kind=_.kind.min(),
        name=_.name.min(),
        full_name=_.full_name.min(),
        is_external=_.is_external.min(),
    )
    return nowhere(nodes)


@view(contributes_to="v_nodes_across", tags=["nodes"])
def nodes_of_external_modules(catalog: Catalog) -> ibis.Table:
    """Modules of other packages: the index names some of them, import statements all."""
    symbols = catalog.table("v_norm_ids").filter(_.is_external, _.kind == "NAMESPACE_BLOCK")
    imports = catalog.table("v_resolved_imports").filter(_.is_external)
    known = symbols.select("node_id", "full_name")
    named = imports.select(node_id="module_id", full_name="module")
    modules = known.union(named, distinct=True)
    return nowhere(
        modules.mutate(
            path=ibis.null("string"),
            kind=ibis.literal("NAMESPACE_BLOCK"),
            name=modules.full_name.re_extract(r"([^.]*)$", 1),
            is_external=ibis.literal(value=True),
        )
    )


@view(contributes_to="v_nodes_across", tags=["nodes", "calls"])
def nodes_of_outside_calls(catalog: Catalog) -> ibis.Table:
    """What is called of other packages, where only the value flow knows of it."""
    calls = catalog.table("v_resolved_calls").filter(_.is_external, _.symbol.isnull())
    full_name = calls.callee_id.re_replace(r"^external:(.*)\(\)$", r"\1")
    named = calls.mutate(full_name=full_name, is_class=_.how == "constructor")
    nodes = named.group_by("full_name", node_id="callee_id").agg(is_class=_.is_class.any())
    return nowhere(
        nodes.mutate(
            path=ibis.null("string"),
            kind=nodes.is_class.ifelse("TYPE_DECL", "METHOD"),
            name=nodes.full_name.re_extract(r"([^.]*)$", 1),
            is_external=ibis.literal(value=True),
        )
    )


@view(contributes_to="v_nodes_across", tags=["nodes", "types"])
def nodes_of_types(catalog: Catalog) -> ibis.Table:
    """A TYPE node for each distinct annotated type."""
    types = catalog.table("type_nodes_v1")
    return nowhere(
        types.select(
            "name",
            node_id="type_id",
            path=ibis.null("string"),
            kind=ibis.literal("TYPE"),
            full_name="name",
            is_external=ibis.literal(value=False),
        )
    )


def nowhere(nodes: ir.Table) -> ir.Table:
    """Return nodes that have no span of their own with all columns."""
    line, cst_kind = ibis.null("int32"), ibis.null("string")
    return nodes.mutate(span=no_span(), line=line, cst_kind=cst_kind).select(COLUMNS)
