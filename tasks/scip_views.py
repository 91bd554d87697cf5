"""Views that open the nested messages of `scip_nested`."""

import ibis
from ibis import ir

from cpgbuild import Catalog, view
from tasks.index import scip_schema
from tasks.nested import explode
from tasks.types.pyrefly import NONE

DEFINITION, IMPORT = 1, 2  # bits of SCIP's symbol roles


def global_symbol(path: ir.StringValue, symbol: ir.StringValue) -> ir.StringValue:
    """Return a symbol that means one thing in all files: a local one gets its file's path."""
    return symbol.startswith("local ").ifelse(path.concat("#", symbol), symbol)


@view(tags=["scip"])
def v_scip_occurrences(catalog: Catalog) -> ibis.Table:
    """Occurrences of symbols; columns count units of `position_encoding`."""
    keep = ["path", "position_encoding"]
    rows = explode(catalog.table("scip_nested"), "occurrences", scip_schema.OCCURRENCES, keep)
    return rows.filter(rows.symbol != "").mutate(
        symbol=global_symbol(rows.path, rows.symbol),
        is_local=rows.symbol.startswith("local "),
        is_definition=(rows.roles & DEFINITION) != 0,
        is_import=(rows.roles & IMPORT) != 0,
    )


@view(tags=["scip"])
def scip_symbol_information(catalog: Catalog) -> ibis.Table:
    """What the index says of each symbol; ``path`` is null for symbols of other packages."""
    rows = explode(catalog.table("scip_nested"), "symbols", scip_schema.SYMBOLS, ["path"])
    return rows.mutate(symbol=global_symbol(rows.path, rows.symbol))


@view(tags=["scip"])
def v_scip_relationships(catalog: Catalog) -> ibis.Table:
    """Relationships between symbols."""
    columns = scip_schema.RELATIONSHIPS
    rows = explode(catalog.table("scip_nested"), "relationships", columns, ["path"])
    return rows.mutate(
        symbol=global_symbol(rows.path, rows.symbol), target=global_symbol(rows.path, rows.target)
    )


@view(tags=["scip"])
def v_file_problems(catalog: Catalog) -> ibis.Table:
    """Files that are not covered whole, and why: nothing is left out in silence."""
    files = catalog.table("cst_nested").select("path", "size", "has_error", "note")
    documents = catalog.table("scip_nested").filter(lambda t: t.path.notnull())
    broken = files.filter(files.has_error).select("path", problem=ibis.literal("syntax error"))
    odd = files.filter(files.note.notnull()).select("path", problem="note")
    values = catalog.table("values_nested").filter(lambda t: t.note.notnull())
    cut = values.select("path", problem="note")
    missing = files.filter(files.size.notnull()).anti_join(documents, "path").select("path")
    unlisted = missing.mutate(problem=ibis.literal("not indexed: the index does not name it"))
    refused = documents.filter(documents.note.notnull())
    noted = refused.select("path", problem=ibis.literal("not indexed: ").concat(refused.note))
    problems = broken.union(odd).union(cut).union(unlisted).union(noted)
    if catalog.var("type_checker") == NONE:
        return problems
    unchecked = catalog.table("pyrefly_nested").filter(lambda t: t.note.notnull())
    untyped = unchecked.select("path", problem=ibis.literal("not checked: ").concat(unchecked.note))
    return problems.union(untyped)
