"""Which node each symbol is."""

import ibis
from ibis import _, ir

from cpgbuild import Catalog, compute, view
from tasks.nested import node_id

# `scheme manager package version descriptors`: a space inside a part is doubled.
GLOBAL_SYMBOL = r"^(?:[^ ]|  )+ (?:[^ ]|  )+ (?:[^ ]|  )+ (?:[^ ]|  )+ (.*)$"
MODULE_SYMBOL = r"(/|/__init__:)$"
COLUMNS = ("symbol", "node_id", "path", "kind", "name", "full_name", "is_external", "name_id")


def descriptors(symbol: ir.StringValue) -> ir.StringValue:
    """Return the part of a symbol that names it inside its package."""
    return symbol.re_replace(GLOBAL_SYMBOL, r"\1")


def dotted_name(symbol: ir.StringValue) -> ir.StringValue:
    """Return ``pkg.module.Class.method`` for a symbol's descriptors."""
    # Where a module is a file: `lib/index.ts`/ is lib, `cart.d.ts`/ is cart.
    module = descriptors(symbol).re_replace(r"`index(?:\.d)?\.[cm]?[jt]sx?`/", "")
    module = module.re_replace(r"`([^`/]+?)(?:\.d)?\.[cm]?[jt]sx?`/", r"\1/")
    plain = module.replace("`", "").replace("/__init__:", "/").replace("().", ".")
    dotted = plain.re_replace(r"\(\+\d+\)\.", ".").re_replace(r"[/#]", ".")
    return dotted.re_replace(r"[()\[\]]", "").re_replace(r"[.:]+$", "")


def kind_of(symbol: ir.StringValue) -> ir.StringValue:
    """Return the CPG node kind that a symbol's suffix tells."""
    return ibis.cases(
        (symbol.contains("#local "), "LOCAL"),
        (symbol.re_search(MODULE_SYMBOL), "NAMESPACE_BLOCK"),
        (symbol.endswith(")."), "METHOD"),
        (symbol.endswith("#"), "TYPE_DECL"),
        (symbol.endswith(")"), "METHOD_PARAMETER_IN"),
        (symbol.re_search(r"#`?[^#/`]+`?\.$"), "MEMBER"),
        (symbol.endswith("."), "LOCAL"),
        else_="UNKNOWN",
    )


@compute(key="path", tags=["ids"])
def tree_symbols(catalog: Catalog) -> ibis.Table:
    """Symbols with the nodes of the syntax tree where it defines them: all in one file."""
    names = catalog.table("name_symbols")
    definitions = names.filter(names.role == "definition")
    return _of_tree(definitions, catalog).union(_modules(catalog.table("scip_spans")))


@compute(key="path", tags=["ids"])
def symbol_nodes(catalog: Catalog) -> ibis.Table:
    """Symbols with their nodes: those of the syntax tree where it defines them, else own ones.

    A symbol defined more than once (overloads, branches) has a row for each definition.
    """
    names, known = catalog.table("name_symbols"), catalog.table("tree_symbols")
    first = _first_mentions(names).anti_join(known, "symbol")
    declared = catalog.table("scip_spans").filter(_.is_definition)
    declared = declared.group_by("symbol").agg(declared_in=declared.path.min())
    others = first.left_join(declared, "symbol").drop("symbol_right")
    return known.union(_own_nodes(others).select(COLUMNS))


@view(name="view.norm_ids", tags=["ids"])
def v_norm_ids(catalog: Catalog) -> ibis.Table:
    """Every symbol's node id, with what is known of the node."""
    return catalog.table("symbol_nodes")


def _of_tree(definitions: ir.Table, catalog: Catalog) -> ir.Table:
    """Functions, classes and parameters: the node whose name token the symbol defines."""
    tokens = definitions.select("symbol", "path", name_id="node_id")
    functions = catalog.table("v_cst_defs").mutate(
        cpg_kind=(_.kind == "class").ifelse("TYPE_DECL", "METHOD")
    )
    params = catalog.table("v_cst_params").mutate(cpg_kind=ibis.literal("METHOD_PARAMETER_IN"))
    wanted = ("path", "node_id", "name_id", "name", "cpg_kind")
    nodes = functions.select(wanted).union(params.select(wanted))
    # By the path too, though the id has it: so it is known that other files do not matter.
    found = tokens.join(nodes, ["path", "name_id"])
    # A lambda's parameter is a local symbol: it has no name outside.
    is_local = found.symbol.contains("#local ")
    full_name = is_local.ifelse(ibis.null("string"), dotted_name(found.symbol))
    return found.mutate(
        kind="cpg_kind", full_name=full_name, is_external=ibis.literal(value=False)
    ).select(COLUMNS)


def _modules(spans: ir.Table) -> ir.Table:
    """Modules, which an index defines by an empty span at the top of their file."""
    modules = spans.filter(spans.is_definition, spans.start == spans.end, ~spans.is_local)
    full_name = dotted_name(modules.symbol)
    return modules.mutate(
        node_id=node_id(modules.path, "module"),
        kind=ibis.literal("NAMESPACE_BLOCK"),
        name=full_name.re_extract(r"([^.]*)$", 1),
        full_name=full_name,
        is_external=ibis.literal(value=False),
        name_id=ibis.null("string"),
    ).select(COLUMNS)


def _first_mentions(names: ir.Table) -> ir.Table:
    """For each symbol its name, and its file and place: of its first definition, if it has any."""
    is_definition = names.role == "definition"
    return names.group_by("symbol", "is_local").agg(
        path=names.path.min(),
        text=names.text.min(),
        start=ibis.coalesce(names.start.min(where=is_definition), names.start.min()),
    )


def _own_nodes(symbols: ir.Table) -> ir.Table:
    """Variables, members and everything of other packages: nodes made from the symbol."""
    kind = kind_of(symbols.symbol)
    external = ~symbols.is_local & symbols.declared_in.isnull()
    full_name = dotted_name(symbols.symbol)
    name = symbols.is_local.ifelse(symbols.text, full_name.re_extract(r"([^.]*)$", 1))
    module_or_symbol = (kind == "NAMESPACE_BLOCK").ifelse(full_name, descriptors(symbols.symbol))
    node = ibis.cases(
        (symbols.is_local, local_node_id(symbols.path, symbols.start, symbols.text)),
        (external, ibis.literal("external:").concat(module_or_symbol)),
        else_=ibis.literal("symbol:").concat(descriptors(symbols.symbol)),
    )
    return symbols.mutate(
        node_id=node,
        path=symbols.is_local.ifelse(symbols.path, symbols.declared_in),
        kind=kind,
        name=name,
        full_name=symbols.is_local.ifelse(ibis.null("string"), full_name),
        is_external=external,
        name_id=ibis.null("string"),
    )


def local_node_id(
    path: ir.StringValue, start: ir.IntegerValue, name: ir.StringValue
) -> ir.StringValue:
    """Return the id of a local variable: where it is first defined, and its name."""
    return path.concat(":", start.cast("string"), ":local:", name)
