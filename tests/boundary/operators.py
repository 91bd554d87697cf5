"""Every operator of Ibis that a pipeline could reasonably use, as `name -> table expression`."""

from tests.boundary import operators_numbers as numbers
from tests.boundary import operators_rows as rows
from tests.boundary import operators_texts as texts
from tests.boundary.columns import Make

OPERATORS: dict[str, Make] = {
    **numbers.ARITHMETIC,
    **numbers.COMPARISONS,
    **numbers.CONDITIONALS,
    **numbers.CASTS,
    **texts.STRINGS,
    **texts.TIMES,
    **texts.NESTED,
    **rows.AGGREGATES,
    **rows.WINDOWS,
    **rows.RELATIONS,
    **rows.LITERALS,
}
