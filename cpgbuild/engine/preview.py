"""Preview: the first rows of a dataset, as they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.engine.frames import quote
from cpgbuild.plan.failures import reason

if TYPE_CHECKING:
    import pyarrow as pa

    from cpgbuild.core.graph import Graph
    from cpgbuild.engine.datafusion_engine import DataFusionEngine
    from cpgbuild.plan.compiled import Plans


class NoRows(Exception):
    """There is nothing to show; the message says why, in a clause."""


def first_rows(
    engine: DataFusionEngine, plans: Plans, graph: Graph, dataset: str, count: int
) -> pa.Table:
    """Return so many rows of a source, a table or a view; a view is evaluated for it.

    Raises:
        NoRows: what holds them was not built yet, or a view's query fails.
    """
    makers = graph.makers(dataset)
    try:
        if len(makers) == 1 and not makers[0].stored:
            frame = engine.context.rows_of(plans.compiled(makers[0].name))
        else:
            engine.context.register(dataset)
            frame = engine.context.session.table(quote(dataset))
        return frame.limit(count).to_arrow_table()
    except FileNotFoundError as error:
        raise NoRows("a table that holds these rows is not built yet") from error
    except Exception as error:
        raise NoRows(f"its rows cannot be read: {reason(error)}") from error
