"""The value flow of the file that is being walked: its operations, and what its names hold."""

from __future__ import annotations

import builtins
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tasks.values.facts import IMPLICIT, Kind, Op, Site
from tasks.values.scopes import Bindings, Scope, State, bindings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from tree_sitter import Node

    Expression: TypeAlias = "Callable[[FileValues, Node], int | None]"
    Statement: TypeAlias = "Callable[[FileValues, Node], object]"

BUILTINS = frozenset(dir(builtins))
MODULE = "module"
COMPREHENSION = "comprehension"
# Deeper nesting is cut off: every level takes some frames of Python's stack.
MAX_DEPTH = 150


@dataclass
class FileValues:
    """Gathers the operations of one file."""

    has_walrus: bool
    expressions: Mapping[str, Expression]
    statements: Mapping[str, Statement]
    ops: list[tuple[int, int, int, int, str | None]] = field(default_factory=list)
    sites: list[tuple[str, str, int]] = field(default_factory=list)
    objects: list[tuple[int, str | None]] = field(default_factory=list)
    n_variables: int = 0
    # Bodies of functions are walked after what holds them.
    later: deque[Callable[[], None]] = field(default_factory=deque)
    stars: list[int] = field(default_factory=list)
    # What a variable was given as a literal: the key that it is of a container.
    keys: dict[int, str] = field(default_factory=dict)
    builtin_names: dict[int, str] = field(default_factory=dict)
    depth: int = 0
    is_cut: bool = False
    scope: Scope = field(init=False)
    _builtins: dict[str, int] = field(default_factory=dict)
    _literals: dict[str, int] = field(default_factory=dict)
    _bindings: dict[int, Bindings] = field(default_factory=dict)

    # The walk

    def evaluate(self, node: Node | None) -> int | None:
        """Return the variable that holds what an expression gives, if anything is known of it."""
        if node is None:
            return None
        handler = self.expressions.get(node.type)
        if handler is None:
            return None
        if not self.enter():
            return None
        try:
            return handler(self, node)
        finally:
            self.depth -= 1

    def enter(self) -> bool:
        """Go a level deeper, if that is not too deep; who is let in takes it back from `depth`."""
        if self.depth > MAX_DEPTH:
            self.is_cut = True
            return False
        self.depth += 1
        return True

    def evaluate_all(self, nodes: Iterable[Node]) -> None:
        """Evaluate expressions whose values nobody takes."""
        for node in nodes:
            self.evaluate(node)

    def block(self, nodes: Iterable[Node]) -> None:
        """Walk statements in order."""
        if not self.enter():
            return
        for node in nodes:
            handler = self.statements.get(node.type)
            if handler is not None:
                handler(self, node)
        self.depth -= 1

    def body(self, node: Node | None) -> None:
        """Walk a block, if there is one."""
        if node is not None:
            self.block(node.named_children)

    # Emission

    def emit(self, op: Op, a: int, b: int = -1, c: int = -1, name: str | None = None) -> None:
        """Record an operation."""
        self.ops.append((op, a, b, c, name))

    def variable(self) -> int:
        """Return a new variable."""
        self.n_variables += 1
        return self.n_variables - 1

    def object(self, kind: Kind, node: str | None) -> int:
        """Return a new object."""
        self.objects.append((kind, node))
        return len(self.objects) - 1

    def holding(self, obj: int) -> int:
        """Return a new variable that holds an object."""
        found = self.variable()
        self.emit(Op.ALLOC, found, obj)
        return found

    def container(self, kind: Kind) -> int:
        """Return a new variable that holds a new container."""
        return self.holding(self.object(kind, None))

    def site(self, node: Node, kind: Site) -> int:
        """Return a new place where something may be called."""
        here = f"{node.start_byte}-{node.end_byte}:{node.type}"
        self.sites.append((here, self.scope.node, kind))
        return len(self.sites) - 1

    def load(self, base: int, name: str, site: int = -1) -> int:
        """Return what an attribute of a variable's values holds."""
        found = self.variable()
        self.emit(Op.LOAD, found, base, site, name)
        return found

    def copied(self, sources: Iterable[int | None]) -> int | None:
        """Return a variable that holds what all of these hold."""
        known = {source for source in sources if source is not None}
        if len(known) < 2:  # noqa: PLR2004 -- one needs no copy
            return known.pop() if known else None
        found = self.variable()
        for source in sorted(known):
            self.emit(Op.COPY, found, source)
        return found

    def copy(self, target: int, source: int | None) -> None:
        """Let a variable hold what another holds too."""
        if source is not None and source != target:
            self.emit(Op.COPY, target, source)

    def called(
        self, node: Node, kind: Site, callee: int | None, arguments: Sequence[int | None] = ()
    ) -> int | None:
        """Return the result of calling a variable's values with positional arguments."""
        if callee is None:
            return None
        site, result = self.site(node, kind), self.variable()
        self.emit(Op.CALL, site, callee, result)
        for index, argument in enumerate(arguments):
            if argument is not None:
                self.emit(Op.ARGUMENT, site, argument, index)
        return result

    def method(
        self,
        node: Node,
        kind: Site,
        base: int | None,
        name: str,
        arguments: Sequence[int | None] = (),
    ) -> int | None:
        """Return the result of calling a method that the language calls by itself."""
        if base is None:
            return None
        return self.called(node, kind, self.load(base, name, IMPLICIT), arguments)

    def builtin(self, name: str) -> int:
        """Return the variable that holds a builtin."""
        found = self._builtins.get(name)
        if found is None:
            found = self._builtins[name] = self.variable()
            self.builtin_names[found] = name
            self.emit(Op.BUILTIN, found, name=name)
        return found

    def literal(self, kind: str) -> int:
        """Return the variable that holds an instance of a builtin class."""
        found = self._literals.get(kind)
        if found is None:
            found = self._literals[kind] = self.variable()
            self.emit(Op.LITERAL, found, name=kind)
        return found

    # Names

    def bound_in(self, node: Node, parts: Sequence[Node]) -> Bindings:
        """Return what a statement's parts bind; asked again of a loop in a loop, it is kept."""
        found = self._bindings.get(node.id)
        if found is None:
            found = self._bindings[node.id] = bindings(parts, has_walrus=self.has_walrus)
        return found

    def read(self, name: str) -> int | None:
        """Return the variable that holds what a name means here, if anything is known of it."""
        scope: Scope | None = self.scope
        is_inner = False
        while scope is not None:
            if name in scope.global_names:
                return self._of_module(name, scope)
            if name in scope.bound and name not in scope.nonlocals:
                if not is_inner and name in scope.state.names:
                    return scope.state.names[name]
                if not (is_inner and scope.kind == "class"):
                    return self.cell(scope, name)
            # A comprehension runs where it stands: it sees the present, not all that ever was.
            is_inner = is_inner or scope.kind != COMPREHENSION
            scope = scope.parent
        return self._unbound(name)

    def _of_module(self, name: str, scope: Scope) -> int | None:
        while scope.parent is not None:
            scope = scope.parent
        return self.cell(scope, name)

    def _unbound(self, name: str) -> int | None:
        if self.stars:
            found = self.variable()
            for module in self.stars:
                self.emit(Op.LOAD, found, module, -1, name)
            if name in BUILTINS:
                self.copy(found, self.builtin(name))
            return found
        return self.builtin(name) if name in BUILTINS else None

    def cell(self, scope: Scope, name: str) -> int:
        """Return the variable that holds all that a name is ever given in its scope."""
        found = scope.cells.get(name)
        if found is None:
            found = scope.cells[name] = self.variable()
            for given in scope.given.get(name, ()):
                self.copy(found, given)
        return found

    def write(self, name: str, value: int | None) -> None:
        """Give a name a value; None where nothing is known of it."""
        scope = self.scope
        while scope.kind == COMPREHENSION and name not in scope.bound and scope.parent is not None:
            scope = scope.parent
        if name in scope.global_names or name in scope.nonlocals:
            self._write_outside(scope, name, value)
            return
        if value is None:
            value = self.variable()
        scope.state.names[name] = value
        self._give(scope, name, value)
        for frame in scope.tries:
            if name in frame:
                self.copy(frame[name], value)

    def _give(self, scope: Scope, name: str, value: int) -> None:
        scope.given.setdefault(name, []).append(value)
        if name in scope.cells:
            self.copy(scope.cells[name], value)

    def _write_outside(self, scope: Scope, name: str, value: int | None) -> None:
        is_global = name in scope.global_names
        outer = scope.parent
        while outer is not None and outer.parent is not None:
            if not is_global and outer.kind != "class" and name in outer.bound:
                break
            outer = outer.parent
        if outer is not None and value is not None:
            outer.bound.add(name)
            self._give(outer, name, value)

    def forget_places(self) -> None:
        """After a call, whatever was stored into an object may be another."""
        scope: Scope | None = self.scope
        while scope is not None:
            scope.state.places.clear()
            scope = scope.parent if scope.kind == COMPREHENSION else None

    def give_back(self, value: int | None) -> None:
        """Let the function that is walked return a value.

        A parameter that comes back as it is, comes back to the call that passed it, and to no
        other.
        """
        scope = self.scope
        if value is None or scope.returns < 0:
            return
        if value not in scope.parameters:
            self.copy(scope.returns, value)
            return
        self.emit(Op.GIVES_BACK, scope.obj, value)
        for other in scope.parameters[value]:
            self.copy(scope.returns, other)

    # Control flow

    def merge(self, states: Sequence[State]) -> State:
        """Return the state where ways come together; names that differ get a variable of all."""
        ways = [state for state in states if state.is_reached]
        if not ways:
            return State(dict(states[0].names), {}, is_reached=False)
        if len(ways) == 1:
            return ways[0]
        merged = State()
        names = dict.fromkeys(name for way in ways for name in way.names)
        for name in names:
            held = [way.names.get(name) for way in ways]
            found = self.copied(held)
            if found is not None:
                merged.names[name] = found
        first, *others = ways
        for place, variable in first.places.items():
            if all(other.places.get(place) == variable for other in others):
                merged.places[place] = variable
        return merged

    def open_loop(self, names: Iterable[str]) -> dict[str, int]:
        """Let names hold what they do on entry and after each turn; return their variables."""
        state = self.scope.state
        state.places.clear()
        held = {name: self.variable() for name in sorted(names)}
        for name, variable in held.items():
            self.copy(variable, state.names.get(name))
            state.names[name] = variable
        return held

    def close_loop(self, held: dict[str, int], states: Iterable[State]) -> None:
        """Carry what names hold at the end of a turn back to the start."""
        for state in states:
            for name, variable in held.items() if state.is_reached else ():
                self.copy(variable, state.names.get(name))
