"""Control flow of statements: the flow graph of one function or module."""

from collections.abc import Callable

from tasks.control.expressions import Expressions, Part, built
from tasks.control.flow_graph import (
    BREAK,
    CONTINUE,
    ENTRY,
    EXCEPTION,
    EXIT,
    FALSE,
    RETURN,
    TRUE,
    Draft,
    Flow,
)
from tasks.control.syntax_table import SyntaxTable
from tasks.control.ways_out import (
    Around,
    cleanup_around,
    function_around,
    handlers_around,
    loop_around,
)

JUMPS = {
    "return_statement": RETURN,
    "raise_statement": EXCEPTION,
    "break_statement": BREAK,
    "continue_statement": CONTINUE,
}


def flow_of(table: SyntaxTable, splits: list[int], source: bytes, function: int) -> Flow:
    """Return the control flow graph of a function, a lambda or a module.

    Args:
        table: the file's syntax.
        splits: `split_nodes` of it.
        source: the file.
        function: the node; the root is the module.
    """
    draft = Draft(function)
    statements = Statements(table, splits, source, draft)
    around = function_around()
    body = function if table.kinds[function] == "module" else table.child(function, "body")
    if body is None:
        start = EXIT
    elif table.kinds[function] == "lambda":
        start = built(statements.value(body, EXIT, around))
    else:
        start = built(statements.block(body, EXIT, around))
    draft.connect(ENTRY, start)
    return draft.finish()


class Statements(Expressions):
    """Builds the flow of statements of one function."""

    def block(self, block: int | None, after: int, around: Around) -> Part:
        """Build statements one after the other; a block that is missing is empty."""
        start = after
        statements = [] if block is None else list(self.table.children(block))
        for decorated in reversed(statements):
            statement = self._undecorated(decorated)
            kind = self.table.kinds[statement]
            if kind in COMPOUND:
                start = yield COMPOUND[kind](self, statement, start, around)
            elif kind in JUMPS:
                start = yield self._jump(statement, JUMPS[kind], around)
            elif kind == "function_definition":
                # Its name stands for it: the function's own node begins another flow.
                name = self.table.child(statement, "name")
                start = start if name is None else self.step(name, start, around)
            else:
                start = self.step(statement, start, around)
                if not self.is_plain(statement):
                    start = yield self.evaluated(statement, start, around)
        return start

    def _jump(self, statement: int, how: str, around: Around) -> Part:
        target = around.way_out(how, self.draft)
        node = self.step(statement, target, around, how)
        return (yield self.evaluated(statement, node, around))

    def assertion(self, statement: int, after: int, around: Around) -> Part:
        """The condition's node goes on, or to the statement's own, which raises."""
        way_out = around.way_out(EXCEPTION, self.draft)
        failing = self.step(statement, way_out, around, EXCEPTION)
        test, *message = self.table.children(statement)
        for part in message:
            if not self.is_plain(part):
                failing = yield self.evaluated(part, failing, around)
        return (yield self.condition(test, (after, failing), around))

    def branches(self, statement: int, after: int, around: Around) -> Part:
        """Build ``if`` with its alternatives, the last first."""
        table = self.table
        otherwise = after
        alternatives = [c for c in table.children(statement) if table.fields[c] == "alternative"]
        for clause in reversed(alternatives):
            otherwise = yield (
                self.block(table.child(clause, "body"), after, around)
                if table.kinds[clause] == "else_clause"
                else self._branch(clause, after, otherwise, around)
            )
        return (yield self._branch(statement, after, otherwise, around))

    def _branch(self, clause: int, after: int, otherwise: int, around: Around) -> Part:
        start = yield self.block(self.table.child(clause, "consequence"), after, around)
        test = self.table.child(clause, "condition")
        if test is None:
            return start
        return (yield self.condition(test, (start, otherwise), around))

    def while_loop(self, statement: int, after: int, around: Around) -> Part:
        """Build ``while``; where it begins is known only after its body is built."""
        head = self.draft.junction()
        otherwise = yield self._else(statement, after, around)
        body = self.table.child(statement, "body")
        inside = loop_around(around, head, after)
        start = yield self.block(body, head, inside)
        test = self.table.child(statement, "condition")
        if test is not None:
            start = yield self.condition(test, (start, otherwise), around)
        self.draft.connect(head, start)
        return head

    def for_loop(self, statement: int, after: int, around: Around) -> Part:
        """The iterable's node comes once; the statement's own takes the next item, or ends."""
        otherwise = yield self._else(statement, after, around)
        head = self.step(statement, otherwise, around, FALSE)
        inside = loop_around(around, head, after)
        start = yield self.block(self.table.child(statement, "body"), head, inside)
        self.draft.connect(head, start, TRUE)
        iterable = self.table.child(statement, "right")
        return head if iterable is None else (yield self.value(iterable, head, around))

    def _else(self, statement: int, after: int, around: Around) -> Part:
        """Build the ``else`` of a loop or of a ``try``."""
        clause = self.table.child_of_kind(statement, "else_clause")
        if clause is None:
            return after
        return (yield self.block(self.table.child(clause, "body"), after, around))

    def finalised(self, statement: int, after: int, around: Around) -> Part:
        """Build ``try``; all ways out of it share the nodes of its ``finally``."""
        clause = self.table.child_of_kind(statement, "finally_clause")
        if clause is None:
            return (yield self._handled(statement, after, around))
        draft = self.draft
        end = draft.junction()
        block = self.table.child_of_kind(clause, "block")
        start = yield self.block(block, end, around)
        normal = draft.junction()
        draft.connect(normal, start)
        inside = cleanup_around(around, start, end)
        whole = yield self._handled(statement, normal, inside)
        if draft.entered[normal] or whole == normal:
            draft.connect(end, after)
        return whole

    def _handled(self, statement: int, after: int, around: Around) -> Part:
        """Build a ``try`` without its ``finally``."""
        table, draft = self.table, self.draft
        clauses = [c for c in table.children(statement) if table.kinds[c] == "except_clause"]
        otherwise = yield self._else(statement, after, around)
        body = table.child(statement, "body")
        if not clauses:
            return (yield self.block(body, otherwise, around))
        following: int | None = None
        for clause in reversed(clauses):
            following = yield self._handler(clause, after, following, around)
        first = draft.junction() if following is None else following
        return (yield self.block(body, otherwise, handlers_around(around, first)))

    def _handler(self, clause: int, after: int, following: int | None, around: Around) -> Part:
        """Build a handler; one that does not match goes on to the following, or the way out.

        After a handler of ``except*``, also one that raises, the following ones get the rest.
        """
        table, draft = self.table, self.draft
        is_group = "*" in table.tokens.get(clause, "")
        catches_all = table.child(clause, "value") is None and not is_group
        done, inside = after, around
        if is_group:
            done = draft.junction()
            draft.connect(done, after if following is None else following)
            if following is None:
                draft.connect(done, around.way_out(EXCEPTION, draft), EXCEPTION)
            else:
                inside = handlers_around(around, following)
        block = table.child_of_kind(clause, "block")
        start = yield self.block(block, done, inside)
        node = self.step(clause, start, around, TRUE)
        if catches_all:
            return node
        if following is not None:
            draft.connect(node, following, FALSE)
        else:
            draft.connect(node, around.way_out(EXCEPTION, draft), EXCEPTION)
            if is_group:
                draft.connect(node, after, FALSE)
        return node

    def managed(self, statement: int, after: int, around: Around) -> Part:
        """Each manager's node enters it; the statement's own leaves them, on every way out."""
        table = self.table
        leaving = self.step(statement, after, around)
        inside = cleanup_around(around, leaving, leaving)
        start = yield self.block(table.child(statement, "body"), leaving, inside)
        clause = table.child_of_kind(statement, "with_clause")
        items = [] if clause is None else list(table.children(clause))
        for number, item in reversed(list(enumerate(items))):
            entering = around if number == 0 else inside
            node = self.step(item, start, entering)
            start = yield self.evaluated(item, node, entering)
        return start

    def cases(self, statement: int, after: int, around: Around) -> Part:
        """Build ``match``; a case that does not match goes on to the following."""
        table = self.table
        block = table.child(statement, "body")
        clauses = [] if block is None else list(table.children(block))
        following = after
        for clause in reversed([c for c in clauses if table.kinds[c] == "case_clause"]):
            following = yield self._case(clause, after, following, around)
        start = following
        subjects = [c for c in table.children(statement) if table.fields[c] == "subject"]
        for subject in reversed(subjects):
            start = yield self.value(subject, start, around)
        return start

    def _case(self, clause: int, after: int, following: int, around: Around) -> Part:
        table = self.table
        start = yield self.block(table.child(clause, "consequence"), after, around)
        guard = table.child(clause, "guard")
        for test in () if guard is None else table.children(guard):
            start = yield self.condition(test, (start, following), around)
        node = self.step(clause, start, around, TRUE)
        if not self._matches_all(clause):
            self.draft.connect(node, following, FALSE)
        return node

    def _matches_all(self, clause: int) -> bool:
        """Return whether the only pattern is a name or ``_``."""
        table = self.table
        patterns = [c for c in table.children(clause) if table.kinds[c] == "case_pattern"]
        if len(patterns) != 1:
            return False
        text = table.text(patterns[0], self.source)
        return text.isidentifier() and text not in {"None", "True", "False"}

    def class_body(self, statement: int, after: int, around: Around) -> Part:
        """The class's node evaluates its bases; its name is bound after the body's statements."""
        table = self.table
        name = table.child(statement, "name")
        bound = after if name is None else self.step(name, after, around)
        start = yield self.block(table.child(statement, "body"), bound, around)
        return self.step(statement, start, around)

    def _undecorated(self, statement: int) -> int:
        if self.table.kinds[statement] == "decorated_definition":
            return self.table.child(statement, "definition") or statement
        return statement


# The statements that hold others, or whose flow splits by itself.
COMPOUND: dict[str, Callable[[Statements, int, int, Around], Part]] = {
    "assert_statement": Statements.assertion,
    "class_definition": Statements.class_body,
    "for_statement": Statements.for_loop,
    "if_statement": Statements.branches,
    "match_statement": Statements.cases,
    "try_statement": Statements.finalised,
    "while_statement": Statements.while_loop,
    "with_statement": Statements.managed,
}
