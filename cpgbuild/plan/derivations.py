"""Derivations: what each column of a query is made of, as the planner resolved its names.

The plan is walked as it was written, from its tables up: each node gives columns, and each of these
knows the columns of datasets that it is made of, with the expression that makes it. Names of
relations, common table expressions and aliases are the planner's to resolve, not ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import datafusion

from cpgbuild.core.lineage import Cell, Derivation, Derivations, Use, as_use, merged
from cpgbuild.plan import functions
from cpgbuild.plan.contract import arrow_of
from cpgbuild.plan.expressions import Made, Reader, Unreadable, alternatives, names, pretty
from cpgbuild.plan.plantext import split
from cpgbuild.plan.session import register_empty, session_config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cpgbuild.core.lineage import Uses
    from cpgbuild.plan.compiled import Compiled

# A subquery that asks for nothing around it would be left for the time when the query runs.
_JOINED = {"datafusion.optimizer.enable_physical_uncorrelated_scalar_subquery": "false"}
_ROUNDS = 16
_ON = re.compile(
    r"DistinctOn: on_expr=\[\[(.*)\]\], select_expr=\[\[(.*)\]\], sort_expr=\[\[(.*)\]\]", re.DOTALL
)
_LIST = re.compile(r",depth=\d+\)$")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a node gives: by which relation and name it is asked for, what it is made of.

    One that was `unnested` is asked for by longer names, a struct's by those of its fields.
    """

    relation: str | None
    name: str
    made: Made
    unnested: bool = False

    @property
    def title(self) -> str:
        """The name as the planner prints it."""
        return f"{self.relation}.{self.name}" if self.relation else self.name


@dataclass(frozen=True, slots=True)
class Scope:
    """What a node gives: columns in their order, and what decides which rows there are."""

    columns: tuple[Column, ...]
    rows: Uses = field(default_factory=dict)

    def find(self, relation: str | None, name: str) -> Made | None:
        """Return what a column is made of; None where there is no such column."""
        for column in self.columns:
            if column.name == name and _is_of(column.relation, relation):
                return column.made
        return next(filter(None, (_field(c, name) for c in self.columns if c.unnested)), None)


def _is_of(given: str | None, wanted: str | None) -> bool:
    return wanted is None or given == wanted or (given or "").endswith(f".{wanted}")


def _field(column: Column, name: str) -> Made | None:
    """Return what an unnested column gives under a name that it got by that."""
    if _LIST.sub(")", name) == column.name:
        return Made(f"unnest({column.made.text})", as_use(column.made.uses, Use.TRANSFORMATION))
    if name.startswith(f"{column.name}."):
        text = f"{column.made.bracketed}.{name.removeprefix(f'{column.name}.')}"
        return Made(text, as_use(column.made.uses, Use.TRANSFORMATION))
    return None


class Walk:
    """A walk through one plan; `tables` has the columns of what it scans, by name."""

    def __init__(self, tables: Mapping[str, Sequence[str]], datasets: frozenset[str]) -> None:
        """Take the tables' columns, and which of the tables are datasets."""
        self._tables = tables
        self._datasets = datasets
        # What a recursive query has gathered until now, by its name.
        self._gathered: dict[str, Scope] = {}

    def scope(self, plan: Any, outer: tuple[Scope, ...] = ()) -> Scope:
        """Return what a plan gives.

        Raises:
            Unreadable: there is a node in it that is not known here.
        """
        node = plan.to_variant()
        read: Callable[..., Scope] | None = getattr(self, f"_{type(node).__name__}", None)
        if read is None:
            raise Unreadable(type(node).__name__)
        return read(node, plan, outer)

    def _input(self, plan: Any, outer: tuple[Scope, ...]) -> Scope:
        (below,) = plan.inputs()
        return self.scope(below, outer)

    def _reader(self, scope: Scope, outer: tuple[Scope, ...]) -> Reader:
        """Return who reads expressions over a scope."""
        return Reader(
            scope.find,
            lambda relation, name: next(
                filter(None, (one.find(relation, name) for one in outer)), None
            ),
            tuple((c.title, c.made) for c in scope.columns),
        )

    # -- nodes, by the names that the planner's Python classes have ------------------------------

    def _TableScan(self, node: Any, _plan: Any, _outer: object) -> Scope:  # noqa: N802
        name = node.table_name()
        if name in self._gathered and name not in self._datasets:
            columns = self._gathered[name].columns
            made = (Made(f"{name}.{c.name}", c.made.uses) for c in columns)
            return Scope(tuple(Column(name, c.name, m) for c, m in zip(columns, made, strict=True)))
        if name not in self._tables:
            raise Unreadable(f"TableScan of {name}")
        known = name in self._datasets
        columns = tuple(
            Column(
                name,
                column,
                Made(
                    f"{name}.{column}",
                    {Cell(name, column): frozenset({Use.IDENTITY})} if known else {},
                ),
            )
            for column in self._tables[name]
        )
        scope = Scope(columns)
        reader = self._reader(scope, ())
        filters = [reader.read(e).uses for e in node.filters()]
        return replace(scope, rows=as_use(merged(filters), Use.FILTER))

    def _SubqueryAlias(self, node: Any, plan: Any, outer: tuple[Scope, ...]) -> Scope:  # noqa: N802
        scope = self._input(plan, outer)
        alias = node.alias()
        return replace(
            scope, columns=tuple(replace(column, relation=alias) for column in scope.columns)
        )

    def _Subquery(self, _node: Any, plan: Any, outer: tuple[Scope, ...]) -> Scope:  # noqa: N802
        return self._input(plan, outer)

    def _Projection(self, node: Any, plan: Any, outer: tuple[Scope, ...]) -> Scope:  # noqa: N802
        scope = self._input(plan, outer)
        reader = self._reader(scope, outer)
        return replace(scope, columns=tuple(_output(e, reader) for e in node.projections()))

    def _Filter(self, node: Any, plan: Any, outer: tuple[Scope, ...]) -> Scope:  # noqa: N802
        scope = self._input(plan, outer)
        uses = self._reader(scope, outer).read(node.predicate()).uses
        return _deciding(scope, uses, Use.FILTER)

    def _Limit(self, _node: Any, plan: Any, outer: tuple[Scope, ...]) -> Scope:  # noqa: N802
        return self._input(plan, outer)

    def _Repartition(self, _node: Any, plan: Any, outer: tuple[Scope, ...]) -> Scope:  # noqa: N802
        return self._input(plan, outer)

    def _Sort(self, node: Any, plan: Any, outer: tuple[Scope, ...]) -> Scope:  # noqa: N802
        scope = self._input(plan, outer)
        reader = self._reader(scope, outer)
        uses = [reader.read(sort.expr()).uses for sort in node.sort_exprs()]
        return _deciding(scope, merged(uses), Use.SORT)

    def _Aggregate(self, node: Any, plan: Any, outer: tuple[Scope, ...]) -> Scope:  # noqa: N802
        scope = self._input(plan, outer)
        reader = self._reader(scope, outer)
        groups = node.group_by_exprs()
        columns = [_output(e, reader) for e in groups if e.variant_name() != "GroupingSet"]
        # What the sets of a ROLLUP are, has no accessor; its text has the columns.
        sets = [e.canonical_name() for e in groups if e.variant_name() == "GroupingSet"]
        columns += [c for c in scope.columns if any(names(text, c.title) for text in sets)]
        made = [_output(e, reader) for e in node.aggregate_exprs()]
        decided = merged(column.made.uses for column in columns)
        given = Scope((*columns, *made), scope.rows)
        return _deciding(given, decided, Use.GROUP)

    def _WindowExpr(self, node: Any, plan: Any, outer: tuple[Scope, ...]) -> Scope:  # noqa: N802
        scope = self._input(plan, outer)
        reader = self._reader(scope, outer)
        made = tuple(
            Column(None, e.schema_name(), reader.window(node, e)) for e in node.get_window_expr()
        )
        return replace(scope, columns=(*scope.columns, *made))

    def _Join(self, node: Any, plan: Any, outer: tuple[Scope, ...]) -> Scope:  # noqa: N802
        first, second = plan.inputs()
        left = self.scope(first, outer)
        # A lateral one sees what is on its left.
        right = self.scope(second, (left, *outer))
        both = Scope((*left.columns, *right.columns), merged([left.rows, right.rows]))
        reader = self._reader(both, outer)
        conditions = [e for pair in node.on() for e in pair]
        conditions += [node.filter()] if node.filter() is not None else []
        uses = merged(reader.read(e).uses for e in conditions)
        kind = str(node.join_type())
        if kind.endswith(("Semi", "Anti", "Mark")):
            kept, other = (right, left) if kind.startswith("Right") else (left, right)
            marks = merged([as_use(uses, Use.CONDITION), as_use(other.rows, Use.CONDITION)])
            mark = Column(other.columns[0].relation, "mark", Made("EXISTS (…)", marks))
            columns = (*kept.columns, mark) if kind.endswith("Mark") else kept.columns
            both = replace(both, columns=columns)
        return _deciding(both, uses, Use.JOIN)

    def _Union(self, _node: Any, plan: Any, outer: tuple[Scope, ...]) -> Scope:  # noqa: N802
        return _together([self.scope(part, outer) for part in plan.inputs()])

    def _Distinct(self, _node: Any, plan: Any, outer: tuple[Scope, ...]) -> Scope:  # noqa: N802
        scope = self._input(plan, outer)
        on = _ON.match(plan.display())
        if on is None:
            return _deciding(scope, merged(c.made.uses for c in scope.columns), Use.GROUP)
        reader = self._reader(scope, outer)
        columns = tuple(_named(text, reader) for text in split(on[2], ", "))
        given = _deciding(Scope(columns, scope.rows), reader.read_text(on[1]).uses, Use.GROUP)
        return _deciding(given, reader.read_text(on[3]).uses, Use.SORT)

    def _Unnest(self, _node: Any, plan: Any, outer: tuple[Scope, ...]) -> Scope:  # noqa: N802
        scope = self._input(plan, outer)
        lists, _, structs = plan.display().partition("] structs[")
        columns = tuple(
            replace(c, unnested=f"{c.name}|" in lists or c.name in structs) for c in scope.columns
        )
        uses = merged(c.made.uses for c in columns if f"{c.name}|" in lists)
        return _deciding(replace(scope, columns=columns), uses, Use.UNNEST)

    def _Values(self, node: Any, _plan: Any, _outer: object) -> Scope:  # noqa: N802
        first = node.values()[0]
        return Scope(
            tuple(Column(None, f"column{n}", Made("VALUES")) for n in range(1, len(first) + 1))
        )

    def _EmptyRelation(self, _node: Any, _plan: Any, _outer: object) -> Scope:  # noqa: N802
        return Scope(())

    def _RecursiveQuery(self, node: Any, plan: Any, outer: tuple[Scope, ...]) -> Scope:  # noqa: N802
        static, recursive = plan.inputs()
        name, first = node.name(), self.scope(static, outer)
        scope = first
        for _ in range(_ROUNDS):
            self._gathered[name] = scope
            again = _together([first, self.scope(recursive, outer)])
            settled = _used(again) == _used(scope)
            scope = again
            if settled:
                break
        del self._gathered[name]
        return scope


def _output(expression: Any, reader: Reader) -> Column:
    """Return the column that an expression of a list gives."""
    kind = expression.variant_name()
    made = reader.read(expression)
    if kind == "Column":
        node = expression.to_variant()
        return Column(node.relation(), node.name(), made)
    if kind == "Alias":
        return Column(None, expression.to_variant().alias(), made)
    return Column(None, expression.schema_name(), made)


def _named(text: str, reader: Reader) -> Column:
    """Return the column that the text of an expression gives."""
    expression, _, alias = text.rpartition(" AS ")
    if expression:
        return Column(None, alias, reader.read_text(expression))
    relation, _, name = text.rpartition(".")
    return Column(relation or None, name, reader.read_text(text))


def _deciding(scope: Scope, uses: Uses, use: Use) -> Scope:
    return replace(scope, rows=merged([scope.rows, as_use(uses, use)]))


def _together(scopes: Sequence[Scope]) -> Scope:
    """Return what scopes give one after the other, column by column."""
    columns = [
        replace(parts[0], made=alternatives([part.made for part in parts]))
        for parts in zip(*(scope.columns for scope in scopes), strict=True)
    ]
    return Scope(tuple(columns), merged(scope.rows for scope in scopes))


def _used(scope: Scope) -> list[Uses]:
    return [scope.rows, *(column.made.uses for column in scope.columns)]


def derivations(one: Compiled, frame: datafusion.DataFrame) -> Derivations:
    """Return what a task's output is made of; `frame` is its query on empty inputs.

    What its function makes of rows, nobody knows: there each column may be made of all of them.

    Raises:
        Unreadable: the plan has a part that is not known here.
    """
    tables: dict[str, Sequence[str]] = {name: s.names for name, s in one.inputs.items()}
    tables |= {name: table.schema.names for name, table in one.memtables.items()}
    walk = Walk(tables, frozenset(one.inputs))
    try:
        scope = walk.scope(frame.logical_plan())
    except Unreadable:
        # Subqueries inside of expressions are joins there.
        scope = walk.scope(_joined(one))
    given = [column.made for column in scope.columns]
    if one.row_map is not None:
        uses = as_use(merged(made.uses for made in given), Use.TRANSFORMATION)
        name = f"{one.row_map.function.__module__}.{one.row_map.function.__qualname__}"
        mapped = Derivation(f"{name}(rows)", uses)
        columns = dict.fromkeys(one.schema.names, mapped)
        key = one.row_map.key
        if key is not None and key in one.rows.names:
            made = given[one.rows.names.index(key)]
            columns[key] = Derivation(pretty(made.text), made.uses)
        return Derivations(columns, scope.rows)
    names = one.rows.names
    return Derivations(
        {name: Derivation(pretty(m.text), m.uses) for name, m in zip(names, given, strict=True)},
        scope.rows,
    )


def _joined(one: Compiled) -> datafusion.plan.LogicalPlan:
    """Return a task's optimised plan with a join for every subquery inside of an expression."""
    ctx = datafusion.SessionContext(session_config(_JOINED))
    for name, schema in one.inputs.items():
        register_empty(ctx, name, arrow_of(schema))
    for name, table in one.memtables.items():
        register_empty(ctx, name, table.schema)
    functions.register(ctx, one.functions)
    return ctx.sql(one.sql).optimized_logical_plan()


def dependent(
    columns: Sequence[str], depends: Callable[[str | None], Mapping[str, frozenset[str]]]
) -> Derivations:
    """Return what columns may be made of, where only that is known on which they depend."""

    def uses(column: str | None, use: Use) -> Uses:
        found = depends(column).items()
        return {Cell(d, name): frozenset({use}) for d, names in found for name in names}

    made = {name: Derivation("…", uses(name, Use.TRANSFORMATION)) for name in columns}
    return Derivations(made, uses(None, Use.FILTER))
