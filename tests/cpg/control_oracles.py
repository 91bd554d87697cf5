"""What control and data flow are by definition, computed naively."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tasks.control.flow_graph import ENTRY, EXIT, Edge, Flow
from tasks.control.names import DEFINE, USE, Event
from tests.cpg.flows import Source


def reached(edges: Iterable[tuple[int, int]], root: int, without: int | None = None) -> set[int]:
    """Return the nodes that a root reaches, in a graph without one of its nodes."""
    ways: dict[int, list[int]] = {}
    for source, target in edges:
        ways.setdefault(source, []).append(target)
    found, waiting = set(), [root]
    while waiting:
        node = waiting.pop()
        if node != without and node not in found:
            found.add(node)
            waiting += ways.get(node, [])
    return found


def dependences(edges: Sequence[Edge]) -> set[Edge]:
    """Return control dependences: a node is sure to come by one way out, and not without it."""
    pairs = [(e.source, e.target) for e in edges]
    nodes = {node for pair in pairs for node in pair} - {EXIT}

    def comes_surely(node: int, start: int) -> bool:
        return node == start or EXIT not in reached(pairs, start, without=node)

    surely = {n: {start for start in nodes | {EXIT} if comes_surely(n, start)} for n in nodes}
    return {
        Edge(edge.source, node, edge.how)
        for edge in edges
        for node in nodes
        if edge.target in surely[node]
        if edge.source not in surely[node] or node == edge.source
        if len({(e.target, e.how) for e in edges if e.source == edge.source}) > 1
    }


HEADS = ("for_statement", "for_in_clause", "except_clause")


def reaches(
    flow: Flow, events: Sequence[Sequence[Event]], kinds: Sequence[str]
) -> set[tuple[int, int]]:
    """Return (definition, use) by sets that grow until nothing is new.

    `kinds` are of syntax nodes: loops and handlers define nothing where they are not entered.
    """
    alive = reached([(e.source, e.target) for e in flow.edges], ENTRY)
    before: list[set[Event]] = [set() for _ in flow.nodes]
    changed = True
    while changed:
        changed = False
        for source, target, how in flow.edges:
            if source in alive:
                new = _after(before[source], events[source], halfway=how == "exception")
                if how != "true" and how != "exception" and kinds[flow.nodes[source]] in HEADS:
                    new = before[source]
                if not new <= before[target]:
                    before[target] |= new
                    changed = True
    found = set()
    for node in alive:
        current = set(before[node])
        for event in events[node]:
            if event.action == USE:
                same = {e for e in current if e.variable == event.variable}
                found |= {(definition.token, event.token) for definition in same}
            else:
                current = _after(current, [event], halfway=False)
    return found


def _after(before: set[Event], events: Sequence[Event], *, halfway: bool) -> set[Event]:
    current, all_of_them = set(before), set(before)
    for event in events:
        if event.action != USE:
            current = {e for e in current if e.variable != event.variable}
        if event.action == DEFINE:
            current.add(event)
            all_of_them.add(event)
    return all_of_them if halfway else current


class Steps:
    """Says which steps from line to line a flow can make.

    A step may pass nodes of both lines, and what the interpreter does not stop at.
    """

    def __init__(self, source: Source, flow: Flow) -> None:
        table = source.table
        self.lines = [source.line(syntax) for syntax in flow.nodes]
        self.lines[ENTRY], self.lines[EXIT] = 0, -1
        self.ways = [(e.source, e.target) for e in flow.edges]
        self.silent = {
            node
            for node, syntax in enumerate(flow.nodes)
            # A class's name is bound after its body, on the line where it began.
            if table.kinds[syntax] in SILENT or table.fields[syntax] == "name"
        }
        # When an exception leaves `finally`, CPython 3.11 shows its last line, which is not run.
        clauses = [n for n, kind in enumerate(table.kinds) if kind == "finally_clause"]
        self.shown = {source.line(statement) for n in clauses for statement in last(source, n)}
        self.known: dict[tuple[int, int], bool] = {}

    def impossible(self, lines: Sequence[int]) -> list[tuple[int, int]]:
        """Return the steps of a run that no path of the flow makes."""
        wrong = []
        before = 0
        for line in (*(line for line in lines if line in self.lines), -1):
            if self.is_possible(before, line):
                before = line
            elif line not in self.shown:
                wrong.append((before, line))
                before = line
        return wrong

    def is_possible(self, one: int, other: int) -> bool:
        step = one, other
        if step not in self.known:
            both = {n for n, line in enumerate(self.lines) if line in step} | self.silent
            inner = [(a, b) for a, b in self.ways if a in both and b in both]
            ends = {n for n, line in enumerate(self.lines) if line == other}
            starts = [n for n, line in enumerate(self.lines) if line == one]
            self.known[step] = one == other or any(reached(inner, n) & ends for n in starts)
        return self.known[step]


SILENT = ("true", "pass_statement", "break_statement", "continue_statement")


def last(source: Source, clause: int) -> list[int]:
    """Return the last statement of a clause, and those inside of it."""
    block = source.table.child_of_kind(clause, "block")
    if block is None:
        return []
    statement = list(source.table.children(block))[-1]
    return list(range(statement, source.table.stops[statement]))
