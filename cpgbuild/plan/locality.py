"""Locality: of which inputs a task needs no rows but those of a key, to know its rows of that key.

A value is asked for in columns of a plan's result, and followed down to what the plan scans. Where
it arrives at each scan of an input, in a column of that input, then the rows of the result that
have the value in those columns are a function of the input's rows that have it there. What cannot
be followed is let go: less is asked for below, and a scan at which nothing arrives is read whole.

The rules, for a value that is not null, where a *choice* keeps the rows that have it:

* a projection, an alias, a sort, a filter: a choice goes through a column that is passed on;
* aggregate and window: through columns that group or partition: a group is whole or not there;
* inner join: to the side that a column is of; where the join demands `l = r`, on both sides;
* left join, semi and anti join: to the side whose rows are kept, and to the other one only by
  `l = r`, since rows of that side that have another value meet none of those that are left; `l`
  may be any column that has the value because joins below demand it;
* union: to each part; unnest: through columns that are repeated.

For rows whose value is null the same rules hold, but that `l = r` is never so: an inner or a semi
join has no such row, and the others have them whatever is on the other side.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from cpgbuild.plan.inference import as_optimised, optimised, scans

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    import datafusion

    from cpgbuild.core.task import Task
    from cpgbuild.plan.compiled import Compiled, Plans

# Columns of a node's result, by their places.
Places = frozenset[int]
# What a rule asks for of an input: nothing at all, not even that there are rows, where it is None.
Wants = Places | None
# Stands for all columns of what is scanned, where no row of it matters.
_NOTHING = frozenset(["*"])
_UNASKED: frozenset[str] = frozenset()
# For each output that is read, the columns at which the value arrives in all scans.
Local = dict[str, frozenset[str]]

_LIMITED = re.compile(r"\bfetch=\d")
_ONE_SIDE = {"Left", "LeftSemi", "LeftAnti", "LeftMark"}
_OTHER_SIDE = {"Right", "RightSemi", "RightAnti", "RightMark"}
_UNKNOWN: Places = frozenset()


def local_inputs(plans: Plans, task: str, key: str, *, null: bool = False) -> Local:
    """Return by which columns a task needs of each output only the rows of a key's value.

    The value is one of the column `key` of the task's result: any that is not null, or null
    itself. Outputs are those that hold rows, through views; one of which more is needed has none.
    """
    return _Walk(plans, null=null).of_task(plans.compiled(task), frozenset([key]))


class _Walk:
    """A walk down the plans of a task and of all views behind it."""

    def __init__(self, plans: Plans, *, null: bool) -> None:
        self._plans = plans
        self._rules = Rules(null=null)
        self._known: dict[tuple[str, frozenset[str]], Local] = {}
        self._parts: dict[str, list[Task]] = {}
        for task in plans.tasks.values():
            self._parts.setdefault(task.dataset, []).append(task)

    def of_task(self, compiled: Compiled, columns: frozenset[str]) -> Local:
        """Return where values arrive that are asked for in columns of a task's result."""
        known = (compiled.task.name, columns)
        if known not in self._known:
            self._known[known] = self._of_task(compiled, columns)
        return self._known[known]

    def _of_task(self, compiled: Compiled, columns: frozenset[str]) -> Local:
        frame = self._plans.frame(compiled.task.name)
        plan, text = optimised(frame), as_optimised(frame)
        asked: Wants = None if columns == _NOTHING else places_of(compiled, frame, columns)
        arrived: list[tuple[str, frozenset[str]]] = []
        # What asks for rows around it is evaluated for each of them, and not walked through.
        if "outer_ref(" not in text and not compiled.recursive:
            self._scans(plan, asked, arrived)
        scanned = Counter(name for name, _ in scans(text))
        seen = Counter(name for name, _ in arrived)
        found: list[Local] = []
        for requirement in compiled.task.requires:
            dataset = requirement.dataset
            whole = seen[dataset] < max(scanned[dataset], 1)
            wants = {columns for name, columns in arrived if name == dataset}
            wants |= {_UNASKED} if whole else set()
            found += [self._of_dataset(dataset, some) for some in wants]
        return _in_all(found)

    def _of_dataset(self, dataset: str, columns: frozenset[str]) -> Local:
        """Return where values arrive that are asked for in columns of a dataset."""
        parts = self._parts.get(dataset)
        if parts is None:
            return {dataset: columns}
        return _in_all(
            {part.output: frozenset(part.schema.names) if columns == _NOTHING else columns}
            if part.stored
            else self.of_task(self._plans.compiled(part.name), columns)
            for part in parts
        )

    def _scans(self, plan: Any, asked: Wants, arrived: list[tuple[str, frozenset[str]]]) -> None:
        """Follow values down a plan; note of each scan the columns in which they arrive."""
        node = variant(plan)
        if type(node).__name__ == "TableScan":
            limited = _LIMITED.search(plan.display()) is not None
            at = _UNKNOWN if limited else asked
            columns = frozenset(scanned_columns(plan, at or _UNKNOWN))
            arrived.append((node.table_name(), _NOTHING if at is None else columns))
            return
        for part, some in zip(plan.inputs(), self._rules.below(plan, asked), strict=True):
            self._scans(part, some, arrived)


class Rules:
    """What each kind of node asks for below, where a value is asked for in columns of its result.

    The value is any that is not null, or null itself.
    """

    def __init__(self, *, null: bool) -> None:
        """Take whether the value is null."""
        self._null = null

    def below(self, plan: Any, asked: Wants) -> Sequence[Wants]:
        """Return what a node asks for of each of its inputs."""
        below, node = plan.inputs(), variant(plan)
        rule: Callable[..., Sequence[Wants]] | None = getattr(self, f"_{type(node).__name__}", None)
        names_below = [_names(part) for part in below]
        # Places are counted by the columns of what is below.
        if asked and rule is not None and None not in names_below:
            return rule(node, plan, asked, names_below)
        return [None if asked is None else _UNKNOWN] * len(below)

    # -- nodes, by the names that the planner's Python classes have ------------------------------

    def _SubqueryAlias(self, _node: Any, _plan: Any, asked: Places, _below: object) -> list[Places]:  # noqa: N802
        return [asked]

    _Filter = _SubqueryAlias

    def _Repartition(self, _node: Any, _plan: Any, asked: Places, _below: object) -> list[Places]:  # noqa: N802
        return [asked]

    def _Sort(self, _node: Any, plan: Any, asked: Places, _below: object) -> list[Places]:  # noqa: N802
        return [_UNKNOWN if _LIMITED.search(plan.display()) else asked]

    def _Union(self, _node: Any, _plan: Any, asked: Places, below: Sequence[Any]) -> list[Places]:  # noqa: N802
        return [asked] * len(below)

    def _Distinct(self, _node: Any, plan: Any, asked: Places, _below: object) -> list[Places]:  # noqa: N802
        return [_UNKNOWN if plan.display().startswith("DistinctOn") else asked]

    def _Projection(  # noqa: N802
        self, node: Any, _plan: Any, asked: Places, below: Sequence[list[str]]
    ) -> list[Places]:
        given = node.projections()
        return [_found(_passed(given[place]) for place in asked)(below[0])]

    def _Aggregate(  # noqa: N802
        self, node: Any, _plan: Any, asked: Places, below: Sequence[list[str]]
    ) -> list[Places]:
        groups = node.group_by_exprs()
        if any(e.variant_name() == "GroupingSet" for e in groups):
            return [_UNKNOWN]
        return [_found(_passed(groups[p]) for p in asked if p < len(groups))(below[0])]

    def _WindowExpr(  # noqa: N802
        self, node: Any, _plan: Any, asked: Places, below: Sequence[list[str]]
    ) -> list[Places]:
        parts = [
            {column_of(part) for part in node.get_partition_exprs(e)}
            for e in node.get_window_expr()
        ]
        names = below[0]
        inner = [p for p in asked if p < len(names) and names.count(names[p]) == 1]
        return [frozenset(p for p in inner if all(names[p] in some for some in parts))]

    def _Unnest(  # noqa: N802
        self, _node: Any, plan: Any, asked: Places, below: Sequence[list[str]]
    ) -> list[Places]:
        lists, _, structs = plan.display().partition("] structs[")
        given, fields = _names(plan) or [], structs.rstrip("]").split(", ")
        names = (given[place] for place in asked if place < len(given))
        return [_found(n for n in names if f"{n}|" not in lists and n not in fields)(below[0])]

    def _CrossJoin(  # noqa: N802
        self, _node: Any, _plan: Any, asked: Places, below: Sequence[list[str]]
    ) -> list[Places]:
        return list(_sides(asked, len(below[0])))

    def _Join(  # noqa: N802
        self, node: Any, plan: Any, asked: Places, below: Sequence[list[str]]
    ) -> Sequence[Wants]:
        kind, (left, right) = str(node.join_type()), below
        both = kind in {"Inner", "Left", "Right"}
        one, other = _sides(asked, len(left)) if both else (asked, asked)
        pairs = [] if " null_aware" in plan.display() else _equal(node, left, right)
        if kind == "Inner":
            if not self._null:
                one, other = _sides(_widened(plan, asked), len(left))
            return self._inner(one, other, pairs, may_be_null=node.null_equals_null())
        if kind in _ONE_SIDE:
            kept = frozenset(place for place in one if place < len(left))
            if not self._null:
                kept = _widened(plan.inputs()[0], kept)
            return [kept, self._beside(kept, pairs, may_be_null=node.null_equals_null())]
        if kind in _OTHER_SIDE:
            kept = frozenset(place for place in other if place < len(right))
            if not self._null:
                kept = _widened(plan.inputs()[1], kept)
            turned = [(b, a) for a, b in pairs]
            return [self._beside(kept, turned, may_be_null=node.null_equals_null()), kept]
        return [_UNKNOWN, _UNKNOWN]

    def _inner(
        self, one: Places, other: Places, pairs: list[tuple[int, int]], *, may_be_null: bool
    ) -> Sequence[Wants]:
        """Return what an inner join asks for on its sides."""
        if self._null:
            never = any(a in one or b in other for a, b in pairs) and not may_be_null
            return [None, None] if never else [one, other]
        return [one, other]

    def _beside(self, kept: Places, pairs: list[tuple[int, int]], *, may_be_null: bool) -> Wants:
        """Return what is asked for on the side of a join that only meets the rows that are kept."""
        met = frozenset(b for a, b in pairs if a in kept)
        if not self._null:
            return met
        # A null meets nothing, so that it is all one what there is.
        return None if met and not may_be_null else _UNKNOWN


def _structs(text: str) -> list[str]:
    """Return the columns that an unnesting opens into their fields."""
    return text.partition("] structs[")[2].rstrip("]").split(", ")


def variant(plan: Any) -> Any:
    """Return a node as Python knows it; None where Python knows nothing of its kind."""
    try:
        return plan.to_variant()
    except Exception:  # noqa: BLE001 -- whatever it is, it is not known
        return None


def places_of(compiled: Compiled, frame: datafusion.DataFrame, names: Collection[str]) -> Places:
    """Return the places of columns in a task's query, of those that no cast makes others."""
    given = frame.schema()
    return frozenset(
        place
        for place, field in enumerate(compiled.rows)
        if field.name in names and _is_same(given.field(place).type, field.type)
    )


def scanned_columns(plan: Any, asked: Places) -> list[str]:
    """Return the columns of a table that a scan has at some places."""
    names = _names(plan) or []
    return [names[place].rpartition(".")[2] for place in sorted(asked)]


def _names(plan: Any) -> list[str] | None:
    """Return the columns of a node's result, with their relations; None where it does not say."""
    schema = getattr(variant(plan), "schema", None)
    found = schema() if callable(schema) else None
    return list(found.field_names()) if found is not None else None


def _widened(plan: Any, asked: Places) -> Places:
    """Return columns of a result that have a value wherever some of them have it, by its joins."""
    node, below = variant(plan), plan.inputs()
    kind, given = type(node).__name__, [_names(part) for part in below]
    if kind in {"SubqueryAlias", "Filter"}:
        return _widened(below[0], asked)
    if kind == "Projection" and (known := given[0]) is not None:
        passed = [_found([_passed(e)])(known) for e in node.projections()]
        inner = _widened(below[0], frozenset().union(*(passed[place] for place in asked)))
        return asked | {place for place, at in enumerate(passed) if at & inner}
    if kind != "Join":
        return asked
    left, right = given
    if left is not None and str(node.join_type()) in _ONE_SIDE:
        one = frozenset(place for place in asked if place < len(left))
        return asked | _widened(below[0], one)
    if left is None or right is None or str(node.join_type()) != "Inner":
        return asked
    pairs = _equal(node, left, right)
    while True:
        one, other = _sides(asked, len(left))
        one, other = _widened(below[0], one), _widened(below[1], other)
        one |= {a for a, b in pairs if b in other}
        other |= {b for a, b in pairs if a in one}
        wider = one | {place + len(left) for place in other}
        if wider == asked:
            return asked
        asked = wider


def column_of(expression: Any) -> str | None:
    """Return the name, with its relation, of a column; None where it is no bare one."""
    if expression.variant_name() != "Column":
        return None
    node = expression.to_variant()
    return f"{node.relation()}.{node.name()}" if node.relation() else str(node.name())


def _passed(expression: Any) -> str | None:
    """Return the column that an expression passes on, under whatever name."""
    if expression.variant_name() == "Alias":
        return _passed(expression.to_variant().expr())
    return column_of(expression)


def _found(names: Iterable[str | None]) -> Callable[[list[str]], Places]:
    """Return what finds columns among those of an input, where there is but one of the name."""
    wanted = list(names)

    def places(known: list[str]) -> Places:
        return frozenset(known.index(n) for n in wanted if n is not None and known.count(n) == 1)

    return places


def _sides(asked: Places, width: int) -> tuple[Places, Places]:
    """Return which columns of a join are asked for on its left, and which on its right."""
    left = frozenset(place for place in asked if place < width)
    return left, frozenset(place - width for place in asked - left)


def _equal(node: Any, left: list[str], right: list[str]) -> list[tuple[int, int]]:
    """Return the columns that a join demands to be equal."""
    pairs = []
    for one, other in node.on():
        a, b = column_of(one), column_of(other)
        if a is not None and b is not None and left.count(a) == 1 and right.count(b) == 1:
            pairs.append((left.index(a), right.index(b)))
    return pairs


def _in_all(found: Iterable[Local]) -> Local:
    """Return by which columns values arrive wherever an output is read."""
    together: Local = {}
    for one in found:
        for output, columns in one.items():
            together[output] = together.get(output, columns) & columns
    return together


def _is_same(given: Any, wanted: Any) -> bool:
    """Return whether a column goes over the boundary as it is, but for the layout of strings."""
    return bool(given == wanted) or {str(given), str(wanted)} <= {"string", "string_view"}
