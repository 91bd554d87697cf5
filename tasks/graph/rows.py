"""The columns of an edge; every task that contributes edges makes them here."""

import ibis
from ibis import ir


def edges(  # noqa: PLR0913 -- an edge has these columns
    facts: ir.Table,
    kind: str,
    *,
    src: ir.StringValue,
    dst: ir.StringValue,
    how: ir.StringValue | None = None,
    argument_index: ir.IntegerValue | None = None,
    confidence: ir.StringValue | None = None,
) -> ir.Table:
    """Return one edge a fact; the file that states it, in the column `path`, owns it.

    Args:
        facts: a table with the column `path`.
        kind: by the CPG specification 1.1.
        src: node ids; each must be a node.
        dst: the same.
        how: by which rule, or in which role.
        argument_index: int32; of an ARGUMENT edge, and the order of an AST edge.
        confidence: of an edge that an analysis found and that might not hold.
    """
    return facts.select(
        src=src,
        dst=dst,
        kind=ibis.literal(kind),
        owner_path=facts.path,
        how=ibis.null("string") if how is None else how,
        argument_index=ibis.null("int32") if argument_index is None else argument_index,
        confidence=ibis.null("string") if confidence is None else confidence,
    )
