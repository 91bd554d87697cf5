"""Facts stated by expressions and simple statements."""

from collections.abc import Iterable

from tree_sitter import Node

from tasks.extract.file_facts import FileFacts, Here, first_named, local_id, name_token, optional_id

# The keyword that a spread argument is recorded with.
SPLATS = {"list_splat": None, "dictionary_splat": "**"}


def on_identifier(facts: FileFacts, node: Node, here: Here) -> str:
    """Record a name."""
    text = facts.text(node)
    facts.facts["names"].facts.append((*here.place, text, here.parent_kind, here.field))
    return text


def on_dotted_name(facts: FileFacts, node: Node, here: Here) -> str:
    """Record ``a.b`` as one name, since an import names it whole; ``a`` is an identifier."""
    if node.named_child_count > 1:
        return on_identifier(facts, node, here)
    return facts.text(node)


def on_alias(facts: FileFacts, node: Node, here: Here) -> str:
    """Record ``x as y`` as one name `y`: indexers define the alias with this span."""
    alias = node.child_by_field_name("alias")
    text = facts.text(node if alias is None else alias)
    facts.facts["names"].facts.append((*here.place, text, here.parent_kind, here.field))
    return text


def on_attribute(facts: FileFacts, node: Node, here: Here) -> None:
    """Record ``a.b`` as one name where it is assigned to: indexers define it with this span."""
    if here.field == "left" and here.parent_kind in {"assignment", "augmented_assignment"}:
        on_identifier(facts, node, here)


def on_call(facts: FileFacts, node: Node, here: Here) -> str | None:
    """Record a call; the node's name is the last name of what is called."""
    arguments = node.child_by_field_name("arguments")
    passed: list[Node] = []
    if arguments is not None and arguments.type == "argument_list":
        passed = [child for child in arguments.named_children if child.type != "comment"]
    elif arguments is not None:
        passed = [arguments]  # a generator is passed without parentheses of its own
    callee = node.child_by_field_name("function")
    _record_arguments(facts, here, callee, passed)
    return _record_call(facts, here, "call", callee, len(passed))


def on_decorator(facts: FileFacts, node: Node, here: Here) -> str | None:
    """Record ``@f`` as the call ``f(definition)``; of ``@f(x)`` only ``f(x)`` names its callee."""
    callee = first_named(node)
    around = node.parent
    definition = None if around is None else around.child_by_field_name("definition")
    _record_arguments(facts, here, callee, [] if definition is None else [definition])
    return _record_call(facts, here, "decorator", callee, 1)


def on_import(facts: FileFacts, node: Node, here: Here) -> None:
    """Record each name of an import statement."""
    source = node.child_by_field_name("module_name")
    dotted = "" if source is None else facts.text(source)
    module = dotted.lstrip(".")
    is_from = node.type != "import_statement"
    if node.type == "future_import_statement":
        module = dotted = "__future__"
    add = facts.facts["imports"].facts.append
    for imported in node.children_by_field_name("name"):
        name, alias = imported, None
        if imported.type == "aliased_import":
            name = imported.child_by_field_name("name") or imported
            alias = imported.child_by_field_name("alias")
        text = facts.text(name)
        what = (module, len(dotted) - len(module), text) if is_from else (text, 0, None)
        add((*here.place, *what, None if alias is None else facts.text(alias)))
    if any(child.type == "wildcard_import" for child in node.named_children):
        add((*here.place, module, len(dotted) - len(module), "*", None))


def on_assignment(facts: FileFacts, node: Node, here: Here) -> str | None:
    """Record an assignment; the node's name is its operator."""
    is_named = node.type == "named_expression"
    target = node.child_by_field_name("name" if is_named else "left")
    value = node.child_by_field_name("value" if is_named else "right")
    kinds = [None if part is None else part.type for part in (target, value)]
    fact = (*here.place, optional_id(target), kinds[0], optional_id(value), kinds[1])
    facts.facts["assigns"].facts.append(fact)
    operator = node.child_by_field_name("operator")
    return (":=" if is_named else "=") if operator is None else operator.type


def on_return(facts: FileFacts, node: Node, here: Here) -> None:
    """Record what a function gives back."""
    kind = "return" if node.type == "return_statement" else "yield"
    value = first_named(node)
    facts.facts["returns"].facts.append((*here.place, kind, optional_id(value)))


def on_literal(facts: FileFacts, node: Node, _: Here) -> str:
    """A literal's name is its text, cut short."""
    return facts.excerpt(node)


def on_operator(_: FileFacts, node: Node, __: Here) -> str | None:
    """An operator's name is its token; of a chain of comparisons, the first."""
    token = node.child_by_field_name("operator") or node.child_by_field_name("operators")
    return "not" if token is None else token.type


def _record_arguments(
    facts: FileFacts, here: Here, callee: Node | None, passed: Iterable[Node]
) -> None:
    """Record the receiver, then what is passed, in the order that it is written in."""
    add = facts.facts["args"].facts.append
    receiver = None
    if callee is not None and callee.type == "attribute":
        receiver = callee.child_by_field_name("object")
    if receiver is not None:
        token = optional_id(name_token(receiver))
        add((here.node, local_id(receiver), 0, None, False, token))
    for index, argument in enumerate(passed, start=1):
        value, keyword, is_splat = argument, None, argument.type in SPLATS
        if argument.type == "keyword_argument":
            value = argument.child_by_field_name("value") or argument
            name = argument.child_by_field_name("name")
            keyword = None if name is None else facts.text(name)
        elif is_splat:
            keyword = SPLATS[argument.type]
        token = optional_id(name_token(value))
        add((here.node, local_id(value), index, keyword, is_splat, token))


def _record_call(
    facts: FileFacts, here: Here, kind: str, callee: Node | None, n_args: int
) -> str | None:
    if callee is None:
        return None
    token = name_token(callee)
    name = None if token is None else facts.text(token)
    receiver = callee.child_by_field_name("object") if callee.type == "attribute" else None
    before = None if receiver is None else facts.excerpt(receiver)
    if token is None and kind == "decorator":
        return None
    name_node = None if token is None else local_id(token)
    fact = (*here.place, kind, facts.excerpt(callee), name, name_node, before, n_args)
    facts.facts["calls"].facts.append(fact)
    return name
