"""Types as they are written or inferred, normalised so that equal types have equal text."""

import ibis
from ibis import _, ir

from cpgbuild import Catalog, compute, view
from tasks.nested import explode
from tasks.types.pyrefly import NONE, TYPES

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
    """Types with normalised text; of an annotation also the symbol of its outermost type."""
    written = catalog.table("v_cst_annotations")
    spans = catalog.table("scip_spans").filter(~_.is_definition, ~_.is_local)
    heads = spans.group_by("path", head_start="start", head_end="end").agg(symbol=_.symbol.min())
    found = written.left_join(heads, ["path", "head_start", "head_end"])
    norm = (found.language == "python").ifelse(
        normal_text(found.text), found.text.re_replace(r"\s+", " ")
    )
    annotations = found.mutate(norm_text=norm, origin=ibis.literal("annotation"))
    columns = ("path", "node_id", "target_id", "role", "text", "symbol", "norm_text", "origin")
    types = annotations.select(columns)
    if catalog.var("type_checker") != NONE:
        types = types.union(_inferred(catalog).select(columns))
    return types.mutate(type_id=ibis.literal("type:").concat(types.norm_text))


def _inferred(catalog: Catalog) -> ir.Table:
    return catalog.table("v_inferred_types").mutate(
        node_id=ibis.null("string"),
        symbol=ibis.null("string"),
        norm_text=normal_text(_.text),
        origin=ibis.literal("inferred"),
    )


@view(tags=["types"])
def v_checked_types(catalog: Catalog) -> ibis.Table:
    """Types as the checker reports them, by line and column."""
    return explode(catalog.table("pyrefly_nested"), "types", TYPES, ["path"])


@compute(name="compute.type_nodes", tags=["types"])
def type_nodes_v1(catalog: Catalog) -> ibis.Table:
    """Distinct types, with how often they occur; the symbol is the outermost type's."""
    written = catalog.table("type_exprs_norm_v1")
    return written.group_by("type_id", name="norm_text").agg(
        symbol=written.symbol.min(), n_uses=written.count(), first_path=written.path.min()
    )
