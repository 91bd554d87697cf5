"""Facts stated by functions, classes and lambdas."""

import re
from collections.abc import Iterator

from tree_sitter import Node

from tasks.extract.file_facts import FileFacts, Here, first_named, local_id, name_token, optional_id

QUOTED_NAME = re.compile(rb"""^[\w.\s]*?(\w+)\s*(?:\[.*)?$""", re.DOTALL)
LONGEST_QUOTED = 1_000  # bytes of a quoted type in which a name is looked for
PARAMETER_KINDS = {"list_splat_pattern": "args", "dictionary_splat_pattern": "kwargs"}
IDLE = {"pass_statement", "raise_statement", "comment"}
NOT_PARAMETERS = {"positional_separator", "keyword_separator", "comment", "ERROR"}


def on_function(facts: FileFacts, node: Node, here: Here) -> str:
    """Record a function with its parameters; its name is the node's name."""
    is_async = any(child.type == "async" for child in node.children[:1])
    name = _record_definition(facts, node, here, kind="function", is_async=is_async)
    _record_parameters(facts, node, here)
    return name


def on_class(facts: FileFacts, node: Node, here: Here) -> str:
    """Record a class with its bases; its name is the node's name."""
    name = _record_definition(facts, node, here, kind="class", is_async=False)
    bases = node.child_by_field_name("superclasses")
    add = facts.facts["bases"].facts.append
    for index, base in enumerate(bases.named_children if bases else ()):
        if base.type in {"keyword_argument", "comment"}:
            continue
        # `Generic[T]` inherits from what `Generic` names.
        head = base.child_by_field_name("value") if base.type == "subscript" else base
        token = optional_id(name_token(head))
        span = (base.start_byte, base.end_byte)
        add((local_id(base), here.scope, *span, here.node, index, facts.excerpt(base), token))
    return name


def on_lambda(facts: FileFacts, node: Node, here: Here) -> str:
    """Record a lambda with its parameters."""
    name = _record_definition(facts, node, here, kind="lambda", is_async=False)
    _record_parameters(facts, node, here)
    return name


def on_annotation(facts: FileFacts, node: Node, here: Here) -> None:
    """Record the annotation of a parameter, a variable or a function's result."""
    role = _annotation_role(here)
    if role is None:
        return
    head = _type_head(facts.source, node)
    text = facts.text(node).strip("\"'")
    add = facts.facts["annotations"].facts.append
    add((*here.place, role, here.parent, text, *(head or (None, None))))


def _record_definition(
    facts: FileFacts, node: Node, here: Here, *, kind: str, is_async: bool
) -> str:
    token = node.child_by_field_name("name")
    name = "<lambda>" if token is None else facts.text(token)
    holder = facts.scopes[here.scope].kind
    qualname = facts.open_scope(here, kind, name)
    doc = _docstring(facts, node)
    fact = (
        *here.place,
        kind,
        holder,
        name,
        qualname,
        optional_id(token),
        is_async,
        doc,
        _is_stub(node),
    )
    facts.facts["defs"].facts.append(fact)
    return name


def _is_stub(node: Node) -> bool:
    """Return whether a body states nothing but that there is nothing."""
    body = node.child_by_field_name("body")
    if body is None or body.type != "block":
        return False
    return all(
        statement.type in IDLE
        or (
            statement.type == "expression_statement"
            and (value := first_named(statement)) is not None
            and value.type in {"string", "concatenated_string", "ellipsis"}
        )
        for statement in body.named_children
    )


def _docstring(facts: FileFacts, node: Node) -> str | None:
    body = node.child_by_field_name("body")
    first = first_named(body) if body is not None and body.type == "block" else None
    if first is None or first.type != "expression_statement":
        return None
    string = first_named(first)
    if string is None or string.type != "string":
        return None
    return facts.excerpt(string).strip("rRuUbB\"' \t\r\n")


def _record_parameters(facts: FileFacts, node: Node, here: Here) -> None:
    parameters = node.child_by_field_name("parameters")
    if parameters is None:
        return
    add = facts.facts["params"].facts.append
    for index, (parameter, kind) in enumerate(_parameters(parameters)):
        token = _parameter_name(parameter)
        name = None if token is None else facts.text(token)
        has_default = parameter.child_by_field_name("value") is not None
        span = (parameter.start_byte, parameter.end_byte)
        named = (here.node, index, name, optional_id(token), kind, has_default)
        add((local_id(parameter), here.node, *span, *named))


def _parameters(parameters: Node) -> Iterator[tuple[Node, str]]:
    """Yield each parameter with how it is passed, in order."""
    children = parameters.named_children
    separators = [i for i, child in enumerate(children) if child.type == "positional_separator"]
    last_positional_only = separators[0] if separators else -1
    after_star = False
    for index, child in enumerate(children):
        pattern = first_named(child) if child.type == "typed_parameter" else child
        kind = PARAMETER_KINDS.get(pattern.type if pattern is not None else "")
        if kind is None and index < last_positional_only:
            kind = "positional_only"
        if child.type not in NOT_PARAMETERS:
            yield child, kind or ("keyword_only" if after_star else "positional")
        after_star = after_star or child.type == "keyword_separator" or kind == "args"


def _parameter_name(parameter: Node) -> Node | None:
    """Return the name token of a parameter, none for a tuple of Python 2."""
    token: Node | None = parameter
    while token is not None and token.type != "identifier":
        if token.type.endswith("default_parameter"):
            token = token.child_by_field_name("name")
        elif token.type == "typed_parameter" or token.type in PARAMETER_KINDS:
            token = first_named(token)
        else:
            return None
    return token


def _annotation_role(here: Here) -> str | None:
    if here.parent_kind in {"typed_parameter", "typed_default_parameter"}:
        return "parameter"
    if here.field == "return_type":
        return "return"
    return "variable" if here.parent_kind == "assignment" else None


def _type_head(source: bytes, node: Node) -> tuple[int, int] | None:
    """Return the span of the last name of the outermost type, also of a quoted one."""
    head: Node | None = node
    while head is not None and head.type in {"type", "generic_type", "subscript", "member_type"}:
        head = first_named(head)
    token = name_token(head)
    if token is not None:
        return token.start_byte, token.end_byte
    if head is None or head.type != "string" or head.named_child_count != len(("[", "x", "]")):
        return None
    content = head.named_children[1]
    if content.end_byte - content.start_byte > LONGEST_QUOTED:
        return None
    found = QUOTED_NAME.match(source[content.start_byte : content.end_byte])
    return found and (content.start_byte + found.start(1), content.start_byte + found.end(1))
