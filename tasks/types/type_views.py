"""Types as annotations write them, normalised so that equal types have equal text."""

import ibis
from ibis import _, ir

from cpgbuild import Catalog, compute, view

BUILTINS = ("List", "Dict", "Set", "FrozenSet", "Tuple", "Type")


def normal_text(text: ir.StringValue) -> ir.StringValue:
    """Return a type's text without quotes, spare blanks, aliases of builtins and `Optional`."""
    plain = text.re_replace(r"""["']""", "").re_replace(r"\s+", " ").strip()
    plain = plain.re_replace(r"\s*([\[\],|])\s*", r"\1")
    plain = plain.re_replace(r"\b(?:typing|t)\.", "")
    for alias in BUILTINS:
        plain = plain.re_replace(rf"\b{alias}\b", alias.lower())
    plain = plain.re_replace(r"^Optional\[(.*)\]$", r"\1|None")
    return plain.replace("|", " | ").replace(",", ", ")


@view(name="view.type_exprs_norm", tags=["types"])
def type_exprs_norm_v1(catalog: Catalog) -> ibis.Table:
    """Annotations with normalised text, and the symbol of their outermost type."""
    written = catalog.table("v_cst_annotations")
    spans = catalog.table("scip_spans").filter(~_.is_definition, ~_.is_local)
    heads = spans.group_by("path", head_start="start", head_end="end").agg(symbol=_.symbol.min())
    found = written.left_join(heads, ["path", "head_start", "head_end"])
    norm = normal_text(found.text)
    return found.select(
        "path",
        "node_id",
        "target_id",
        "role",
        "text",
        "symbol",
        norm_text=norm,
        type_id=ibis.literal("type:").concat(norm),
    )


@compute(name="compute.type_nodes", tags=["types"])
def type_nodes_v1(catalog: Catalog) -> ibis.Table:
    """Distinct types, with how often they are written; the symbol is the outermost type's."""
    written = catalog.table("type_exprs_norm_v1")
    return written.group_by("type_id", name="norm_text").agg(
        symbol=written.symbol.min(), n_uses=written.count(), first_path=written.path.min()
    )
