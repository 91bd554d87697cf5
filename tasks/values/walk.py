"""The walk over a file's statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.values.annotations import annotated
from tasks.values.assignment import assign, elements
from tasks.values.definitions import on_class, on_decorated, on_function
from tasks.values.facts import ANY, UNKNOWN_KEY, Op, Site
from tasks.values.narrowing import narrow
from tasks.values.scopes import State, capture_tokens, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tree_sitter import Node

    from tasks.values.file_values import FileValues


def on_expression(values: FileValues, node: Node) -> None:
    """Walk an expression, or the assignments that it is."""
    for child in node.named_children:
        if child.type == "assignment":
            on_assignment(values, child)
        elif child.type == "augmented_assignment":
            on_augmented(values, child)
        else:
            values.evaluate(child)


def on_assignment(values: FileValues, node: Node) -> int | None:
    """Assign; of ``a = b = c`` the right side is an assignment itself."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    kind = node.child_by_field_name("type")
    value: int | None = None
    source = right
    if right is not None and right.type == "assignment":
        if values.enter():
            value = on_assignment(values, right)
            values.depth -= 1
        while source is not None and source.type == "assignment":
            source = source.child_by_field_name("right")
    elif (right is not None and right.type not in {"expression_list", "tuple"}) or (
        right is not None
        and left is not None
        and left.type in {"identifier", "attribute", "subscript"}
    ):
        value = values.evaluate(right)
    stated = None if kind is None else annotated(values, kind)
    if left is not None and (right is not None or stated is not None):
        if right is None and left.type == "identifier" and values.scope.kind != "class":
            return None
        value = values.copied((value, stated)) if stated is not None else value
        assign(values, left, value, source)
    return value


def on_augmented(values: FileValues, node: Node) -> None:
    """Call the operator's method and assign what it gives."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None:
        return
    before, value = values.evaluate(left), values.evaluate(right)
    operator = node.child_by_field_name("operator")
    name = INPLACE.get("" if operator is None else operator.type)
    result = None
    if name is not None:
        result = values.method(node, Site.OPERATOR, before, f"__i{name}__", (value,))
        other = values.method(node, Site.OPERATOR, before, f"__{name}__", (value,))
        result = values.copied((result, other, before))
    if before is not None and value is not None:
        found = values.load(value, ANY)
        values.emit(Op.STORE, before, found, -1, UNKNOWN_KEY)
        values.emit(Op.STORE, before, found, -1, ANY)
    assign(values, left, result, None)


INPLACE = {
    "+=": "add", "-=": "sub", "*=": "mul", "/=": "truediv", "//=": "floordiv", "%=": "mod",
    "@=": "matmul", "&=": "and", "|=": "or", "^=": "xor", ">>=": "rshift", "<<=": "lshift",
    "**=": "pow",
}  # fmt: skip


def on_return(values: FileValues, node: Node) -> None:
    """Let the function return a value."""
    for child in node.named_children:
        values.give_back(values.evaluate(child))
    values.scope.state.is_reached = False


def on_raise(values: FileValues, node: Node) -> None:
    """Raise: a class that stands there is called."""
    for index, child in enumerate(node.named_children):
        value = values.evaluate(child)
        if index == 0 and child.type != "call":
            values.called(node, Site.RAISE, value)
    values.scope.state.is_reached = False


def on_assert(values: FileValues, node: Node) -> None:
    """Evaluate a condition, which holds from here on."""
    for child in node.named_children:
        values.evaluate(child)
    if node.named_children:
        narrow(values, node.named_children[0])


def on_delete(values: FileValues, node: Node) -> None:
    """Forget names."""
    for child in node.named_children:
        parts = child.named_children if child.type == "expression_list" else [child]
        for part in parts:
            if part.type == "identifier":
                values.scope.state.names.pop(text(part), None)
            else:
                values.evaluate(part)


def on_if(values: FileValues, node: Node) -> None:
    """Walk the ways of an `if` from the state after its condition; one `elif` after the other."""
    ends: list[State] = []
    clauses = [node, *node.children_by_field_name("alternative")]
    scope = values.scope
    for clause in clauses:
        if clause.type == "else_clause":
            values.body(clause.child_by_field_name("body"))
            ends.append(scope.state)
            break
        condition = clause.child_by_field_name("condition")
        if condition is not None:
            values.evaluate(condition)
        otherwise = scope.state.copy()
        if condition is not None:
            narrow(values, condition)
        values.body(clause.child_by_field_name("consequence"))
        ends.append(scope.state)
        scope.state = otherwise
    else:
        ends.append(scope.state)
    scope.state = values.merge(ends)


def on_loop(values: FileValues, node: Node) -> None:
    """Walk a `for` or a `while`: names that its turns bind hold what any turn left in them."""
    scope = values.scope
    right = node.child_by_field_name("right")
    iterated = None if right is None else values.evaluate(right)
    names = values.bound_in(node, [node]).bound & scope.bound
    held = values.open_loop(names)
    breaks: list[State] = []
    continues: list[State] = []
    scope.loops.append((breaks, continues))
    if right is None:
        condition = node.child_by_field_name("condition")
        if condition is not None:
            values.evaluate(condition)
            exit_state = scope.state.copy()
            narrow(values, condition)
        else:
            exit_state = scope.state.copy()
    else:
        exit_state = scope.state.copy()
        left = node.child_by_field_name("left")
        if left is not None:
            assign(values, left, elements(values, node, iterated), None)
    values.body(node.child_by_field_name("body"))
    scope.loops.pop()
    values.close_loop(held, [scope.state, *continues])
    exit_state.places.clear()
    exit_state.is_reached = True
    scope.state = exit_state
    for clause in node.children_by_field_name("alternative"):
        values.body(clause.child_by_field_name("body"))
    scope.state = values.merge([scope.state, *breaks])


def on_jump(values: FileValues, node: Node) -> None:
    """Leave a loop's turn with the state that is."""
    if values.scope.loops:
        breaks, continues = values.scope.loops[-1]
        ways = breaks if node.type == "break_statement" else continues
        ways.append(values.scope.state.copy())
    values.scope.state.is_reached = False


def on_try(values: FileValues, node: Node) -> None:
    """Walk a `try`: its handlers may find any of what the names were given in its body."""
    scope = values.scope
    tried = node.child_by_field_name("body")
    names = values.bound_in(node, [] if tried is None else [tried]).bound & scope.bound
    frame = {name: values.variable() for name in sorted(names)}
    failing = scope.state.copy()
    for name, variable in frame.items():
        values.copy(variable, scope.state.names.get(name))
        failing.names[name] = variable
    failing.places.clear()
    failing.is_reached = True
    scope.tries.append(frame)
    values.body(tried)
    scope.tries.pop()
    ends = []
    clauses = [child for child in node.named_children if child.type != "block"]
    for clause in clauses:
        if clause.type == "else_clause":
            values.body(clause.child_by_field_name("body"))
    ends.append(scope.state)
    for clause in clauses:
        if clause.type in {"except_clause", "except_group_clause"}:
            scope.state = failing.copy()
            _handler(values, clause)
            ends.append(scope.state)
    scope.state = values.merge(ends)
    was_reached = scope.state.is_reached
    for clause in clauses:
        if clause.type == "finally_clause":
            scope.state = values.merge([scope.state, failing]) if was_reached else failing
            scope.state = scope.state.copy()
            for child in clause.named_children:
                values.body(child)
            scope.state.is_reached = scope.state.is_reached and was_reached


def _handler(values: FileValues, clause: Node) -> None:
    for child in clause.named_children:
        if child.type == "block":
            values.body(child)
        elif child.type == "as_pattern":
            caught = values.evaluate(child.named_children[0])
            alias = child.child_by_field_name("alias")
            if alias is not None:
                assign(values, alias, _instances(values, child.named_children[0], caught), None)
        else:
            values.evaluate(child)


def _instances(values: FileValues, node: Node, classes: int | None) -> int | None:
    """Return instances of what an `except` names: a class, or a tuple of classes."""
    if classes is None:
        return None
    found = values.variable()
    source = values.load(classes, ANY) if node.type == "tuple" else classes
    values.emit(Op.INSTANCE, found, source)
    return found


def on_with(values: FileValues, node: Node) -> None:
    """Enter and leave context managers."""
    is_async = any(child.type == "async" for child in node.children[:1])
    enter, leave = ("__aenter__", "__aexit__") if is_async else ("__enter__", "__exit__")
    items = [i for c in node.named_children if c.type == "with_clause" for i in c.named_children]
    for item in items:
        part = item.child_by_field_name("value") or item
        alias = part.child_by_field_name("alias") if part.type == "as_pattern" else None
        source = part.named_children[0] if alias is not None else part
        manager = values.evaluate(source)
        entered = values.method(item, Site.CONTEXT, manager, enter)
        values.method(item, Site.CONTEXT, manager, leave)
        if alias is not None:
            # What `contextlib.contextmanager` wraps gives what the generator yields.
            given = None if manager is None else values.load(manager, ANY)
            target = alias.named_children[0] if alias.named_children else alias
            assign(values, target, values.copied((entered, given)), None)
    values.body(node.child_by_field_name("body"))


def on_match(values: FileValues, node: Node) -> None:
    """Walk the cases, each from the state before; a name that stands alone is the subject."""
    subjects = [values.evaluate(child) for child in node.children_by_field_name("subject")]
    subject = subjects[0] if len(subjects) == 1 else None
    scope = values.scope
    before, ends = scope.state, [scope.state.copy()]
    cases = node.child_by_field_name("body")
    for clause in [] if cases is None else cases.named_children:
        if clause.type != "case_clause":
            continue
        scope.state = before.copy()
        whole = [c for c in clause.named_children if c.type == "case_pattern"]
        for token in capture_tokens(clause):
            is_all = len(whole) == 1 and whole[0].start_byte == token.start_byte
            is_all = is_all and whole[0].end_byte == token.end_byte
            values.write(text(token), subject if is_all else None)
        guard = clause.child_by_field_name("guard")
        for child in [] if guard is None else guard.named_children:
            values.evaluate(child)
        values.body(clause.child_by_field_name("consequence"))
        ends.append(scope.state)
    scope.state = values.merge(ends)


def on_import(values: FileValues, node: Node) -> None:
    """``import a.b`` gives `a`; ``import a.b as c`` gives what `a.b` is."""
    for name in node.children_by_field_name("name"):
        alias = name.child_by_field_name("alias") if name.type == "aliased_import" else None
        dotted = name.child_by_field_name("name") if name.type == "aliased_import" else name
        if dotted is None:
            continue
        module = text(dotted).replace(" ", "")
        found = values.variable()
        if alias is None:
            first = module.partition(".")[0]
            values.emit(Op.IMPORT, found, 0, -1, first)
            values.write(first, found)
        else:
            values.emit(Op.IMPORT, found, 0, -1, module)
            values.write(text(alias), found)


def on_import_from(values: FileValues, node: Node) -> None:
    """``from m import n`` gives an attribute of the module, or a module below it."""
    source = node.child_by_field_name("module_name")
    dotted = "" if source is None else text(source).replace(" ", "")
    module = dotted.lstrip(".")
    level = len(dotted) - len(module)
    for name in node.children_by_field_name("name"):
        alias = name.child_by_field_name("alias") if name.type == "aliased_import" else None
        plain = name.child_by_field_name("name") if name.type == "aliased_import" else name
        if plain is None:
            continue
        found = values.variable()
        values.emit(Op.FROM, found, level, -1, f"{module}:{text(plain)}")
        values.write(text(plain if alias is None else alias), found)
    if any(child.type == "wildcard_import" for child in node.named_children):
        found = values.variable()
        values.emit(Op.IMPORT, found, level, -1, module)
        values.emit(Op.STAR, found, level, -1, module)
        values.stars.append(found)


def on_scope_words(values: FileValues, node: Node) -> None:
    """`global` and `nonlocal` were seen when the scope was opened."""
    if node.type == "global_statement":
        module = values.scope
        while module.parent is not None:
            module = module.parent
        module.bound.update(text(child) for child in node.named_children)


STATEMENTS: dict[str, Callable[[FileValues, Node], object]] = {
    "expression_statement": on_expression,
    "return_statement": on_return,
    "raise_statement": on_raise,
    "assert_statement": on_assert,
    "delete_statement": on_delete,
    "if_statement": on_if,
    "for_statement": on_loop,
    "while_statement": on_loop,
    "break_statement": on_jump,
    "continue_statement": on_jump,
    "try_statement": on_try,
    "with_statement": on_with,
    "match_statement": on_match,
    "import_statement": on_import,
    "import_from_statement": on_import_from,
    "global_statement": on_scope_words,
    "nonlocal_statement": on_scope_words,
    "ERROR": lambda values, node: values.block(node.named_children),
    "function_definition": on_function,
    "class_definition": on_class,
    "decorated_definition": on_decorated,
}
