"""What is changed in a project, and how many models may rerun for it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from peers.dag import Dag
from peers.reference import stale_models
from peers.sources import Shift
from peers.tools import Ran, Tool

STRICTER = 20  # by how much the edit raises the constant in a filter


@dataclass
class Bench:
    """A tool with its project, and what has been changed in the project so far."""

    tool: Tool
    shift: Shift = field(default_factory=Shift)

    def edit(self, **changes: object) -> None:
        """Change the model in the middle and write its file."""
        model = self.tool.dag.middle()
        for name, value in changes.items():
            setattr(model, name, value)
        self.tool.write_model(model)

    def shift_source(self, **changes: int) -> None:
        """Change the rows of the source under the model in the middle."""
        for name, value in changes.items():
            setattr(self.shift, name, value)
        self.tool.change_source(self.tool.dag.middle().source, self.shift)

    def edit_helpers(self, **changes: object) -> None:
        """Change a helper and write the module of helpers."""
        for name, value in changes.items():
            setattr(self.tool.dag.helpers, name, value)
        self.tool.write_helpers()


@dataclass(frozen=True)
class Scenario:
    """One change, made on top of those before it, and how many models cpgbuild may rerun for it.

    Where staging models are views, a bound can differ. A view has no rows: that they are the same
    is seen in the first table after it, and a view that is redefined costs nothing. `with_views`
    is then how many tables may rerun, and how many models at all.
    """

    key: str
    head: str
    words: str
    change: Callable[[Bench], None]
    at_most: int
    with_views: tuple[int, int] | None = None
    exactly: Callable[[Dag], set[str]] | None = None

    def bound(self, *, views: bool) -> str:
        """Return the bound as the table shows it."""
        if views and self.with_views:
            return "+".join(map(str, (self.with_views[0], self.with_views[1] - self.with_views[0])))
        exactly = "=" if self.exactly and not views else ""
        return f"{exactly}{self.at_most}"

    def met_by(self, dag: Dag, ran: Ran, *, views: bool) -> bool:
        """Tell whether cpgbuild reran no more than it has to."""
        if self.exactly:  # a view may stay as it is where nobody reads what has changed in it
            changed = self.exactly(dag)
            return ran.names <= changed if views else ran.names == changed
        if views and self.with_views:
            tables, models = self.with_views
            return len(ran.tables) <= tables and len(ran.names) <= models
        return len(ran.names) <= self.at_most


def _least(bench: Bench, by: int) -> None:
    bench.edit(least=bench.tool.dag.middle().least + by)


def _sized(dag: Dag) -> set[str]:
    return {m.name for m in dag.helped() if m.sized}


# In the order in which they are run. The edit is reverted at once, so that each of the others
# changes one thing.
SCENARIOS = (
    Scenario("noop", "no-op", "nothing is changed", lambda _: None, 0),
    Scenario(
        "edit",
        "edit",
        "a constant in the filter of one staging model, so that it has fewer rows",
        lambda b: _least(b, STRICTER),
        10,
    ),
    Scenario(
        "revert",
        "undo",
        "that constant as it was before",
        lambda b: _least(b, -STRICTER),
        0,
        with_views=(0, 1),  # the view is redefined, the marts are as they were
    ),
    Scenario("comment", "note", "a comment above a query", lambda b: b.edit(remark="a remark"), 0),
    Scenario("space", "space", "empty lines in a query", lambda b: b.edit(spaced=True), 0),
    Scenario("alias", "alias", "another alias for a table", lambda b: b.edit(alias="raw_rows"), 0),
    Scenario(
        "column",
        "+col",
        "one more column in a staging model, which no model reads",
        lambda b: b.edit(extra=True),
        1,
    ),
    Scenario(
        "unused",
        "unus.",
        "a source's rows, in a column that no model reads",
        lambda b: b.shift_source(unused=1),
        0,
    ),
    Scenario(
        "same",
        "same",
        "a source's rows, but only those that all three of its staging models filter out",
        lambda b: b.shift_source(filtered=1),
        3,
        with_views=(4, 7),  # the marts over that source; its views may be looked at again
    ),
    Scenario(
        "source",
        "real",
        "one column of all of a source's rows",
        lambda b: b.shift_source(everywhere=1),
        12,
    ),
    Scenario(
        "helper",
        "help",
        "a helper that 4 of 12 staging models call for a column that no model reads",
        lambda b: b.edit_helpers(modulus=5),
        4,
        exactly=_sized,
    ),
    Scenario(
        "refactor",
        "refac",
        "a helper that all 12 call, in other words with the same meaning",
        lambda b: b.edit_helpers(refactored=True),
        0,
    ),
)


@dataclass(frozen=True)
class Result:
    """What a tool did in a scenario, and which models are not what a build from scratch gives."""

    ran: Ran
    stale: tuple[str, ...] = ()


def measure(tool: Tool) -> dict[str, Result]:
    """Build a project from nothing, then go through all scenarios."""
    tool.write_all()
    bench = Bench(tool)
    results = {"first": _result(tool)}
    for scenario in SCENARIOS:
        if tool.scenarios and scenario.key not in tool.scenarios:
            continue
        scenario.change(bench)
        results[scenario.key] = _result(tool)
    return results


def _result(tool: Tool) -> Result:
    ran = tool.build()
    return Result(ran, tuple(stale_models(tool.dag, tool.folder, tool.relations())))
