"""TypeScript's grammars: which facts their syntax kinds state, by the columns of `cst_schema`."""

import re
from collections.abc import Iterator
from functools import cache

import tree_sitter_typescript
from tree_sitter import Language, Node

from tasks.extract.file_facts import FileFacts, Here, first_named, local_id, optional_id
from tasks.extract.grammar import Grammar, Handler

NAMES = frozenset(
    (
        "identifier",
        "property_identifier",
        "private_property_identifier",
        "type_identifier",
        "shorthand_property_identifier",
        "shorthand_property_identifier_pattern",
    )
)
FUNCTIONS = frozenset(
    (
        "function_declaration",
        "function_expression",
        "generator_function_declaration",
        "generator_function",
        "function_signature",
        "arrow_function",
        "method_definition",
        "method_signature",
        "abstract_method_signature",
    )
)
CLASSES = frozenset(
    (
        "class_declaration",
        "abstract_class_declaration",
        "class",
        "interface_declaration",
        "enum_declaration",
    )
)
PARAMETERS = frozenset(("required_parameter", "optional_parameter", "identifier"))
DECLARATORS = frozenset(("variable_declarator", "public_field_definition"))
# A module is imported by its path, with the ending that it will have, or with none.
RELATIVE = re.compile(r"^(?P<up>\.(?:\.(?:/\.\.)*)?)(?:/(?P<path>.*))?$")
ENDING = re.compile(r"(?:^|/)index$|(?:(?:^|/)index)?(?:\.d)?\.[cm]?[jt]sx?$")


def on_name(facts: FileFacts, node: Node, here: Here) -> str:
    """Record a name."""
    text = facts.text(node)
    facts.facts["names"].facts.append((*here.place, text, here.parent_kind, here.field))
    return text


def on_literal(facts: FileFacts, node: Node, here: Here) -> str:
    """A literal's name is its text, cut short; that of a module's path is a name, too."""
    text = facts.excerpt(node)
    if here.field == "source":
        facts.facts["names"].facts.append((*here.place, text, here.parent_kind, here.field))
    return text


def on_function(facts: FileFacts, node: Node, here: Here) -> str:
    """Record a function; one without a name is called like the variable that it is put into."""
    token = node.child_by_field_name("name")
    if token is None and here.field == "value" and here.parent_kind in DECLARATORS:
        declared = node.parent and node.parent.child_by_field_name("name")
        token = declared if declared is not None and declared.type in NAMES else None
    kind = "lambda" if token is None else "function"
    is_async = any(child.type == "async" for child in node.children[:1])
    name = _record_definition(facts, here, kind, token, is_async=is_async)
    add = facts.facts["params"].facts.append
    for index, parameter in enumerate(_parameters(node)):
        pattern = parameter.child_by_field_name("pattern") or parameter
        is_rest = pattern.type == "rest_pattern"
        bound = first_named(pattern) if is_rest else pattern
        bound = bound if bound is not None and bound.type in NAMES else None
        text = None if bound is None else facts.text(bound)
        has_default = parameter.child_by_field_name("value") is not None
        span = (parameter.start_byte, parameter.end_byte)
        how = "args" if is_rest else "positional"
        named = (here.node, index, text, optional_id(bound), how, has_default)
        add((local_id(parameter), here.node, *span, *named))
    return name


def on_class(facts: FileFacts, node: Node, here: Here) -> str:
    """Record a class, an interface or an enumeration with what it extends and implements."""
    token = node.child_by_field_name("name")
    name = _record_definition(facts, here, "class", token, is_async=False)
    add = facts.facts["bases"].facts.append
    for index, base in enumerate(_bases(node)):
        head = base.child_by_field_name("name") if base.type == "generic_type" else base
        span = (base.start_byte, base.end_byte)
        named = (here.node, index, facts.excerpt(base), optional_id(_last_name(head)))
        add((local_id(base), here.scope, *span, *named))
    return name


def on_call(facts: FileFacts, node: Node, here: Here) -> str | None:
    """Record a call or a `new`; the node's name is the last name of what is called."""
    field = "constructor" if node.type == "new_expression" else "function"
    arguments = node.child_by_field_name("arguments")
    given = () if arguments is None else arguments.named_children
    passed = [argument for argument in given if argument.type != "comment"]
    callee = node.child_by_field_name(field)
    receiver = None if callee is None else callee.child_by_field_name("object")
    add = facts.facts["args"].facts.append
    if receiver is not None:
        add((here.node, local_id(receiver), 0, None, False, optional_id(_last_name(receiver))))
    for index, argument in enumerate(passed, start=1):
        is_spread = argument.type == "spread_element"
        token = optional_id(_last_name(argument))
        add((here.node, local_id(argument), index, None, is_spread, token))
    return _record_call(facts, here, "call", callee, len(passed))


def on_decorator(facts: FileFacts, node: Node, here: Here) -> str | None:
    """Record ``@f`` as the call of ``f``; of ``@f(x)`` only ``f(x)`` names its callee."""
    callee = first_named(node)
    if _last_name(callee) is None:
        return None
    return _record_call(facts, here, "decorator", callee, 1)


def on_import(facts: FileFacts, node: Node, here: Here) -> None:
    """Record each name of an `import`, or of an `export … from`."""
    source = node.child_by_field_name("source")
    if source is None:
        return
    level, module = _module(facts.text(source).strip("\"'`"))
    add = facts.facts["imports"].facts.append
    clauses = [child for child in node.named_children if child.type in {*IMPORTS, *NAMES}]
    for clause in clauses:
        for name, alias in _imported(facts, clause):
            add((*here.place, module, level, name, alias))
    if not clauses:  # for what it does when it is loaded, or `export * from`
        add((*here.place, module, level, "*" if node.type == "export_statement" else None, None))


def on_annotation(facts: FileFacts, node: Node, here: Here) -> None:
    """Record the annotation of a parameter, a variable, a field or a function's result."""
    if here.parent_kind in {"required_parameter", "optional_parameter"}:
        role = "parameter"
    elif here.field == "return_type":
        role = "return"
    elif here.parent_kind in {*DECLARATORS, "property_signature"}:
        role = "variable"
    else:
        return
    head = first_named(node)
    if head is None:
        return
    token = _last_name(head.child_by_field_name("name") if head.type == "generic_type" else head)
    span = (None, None) if token is None else (token.start_byte, token.end_byte)
    add = facts.facts["annotations"].facts.append
    add((*here.place, role, here.parent, facts.text(head), *span))


def on_assignment(facts: FileFacts, node: Node, here: Here) -> str | None:
    """Record an assignment; the node's name is its operator."""
    declares = node.type in DECLARATORS
    target = node.child_by_field_name("name" if declares else "left")
    value = node.child_by_field_name("value" if declares else "right")
    if value is not None:
        kinds = [None if part is None else part.type for part in (target, value)]
        fact = (*here.place, optional_id(target), kinds[0], optional_id(value), kinds[1])
        facts.facts["assigns"].facts.append(fact)
    operator = node.child_by_field_name("operator")
    return "=" if operator is None else operator.type


def on_return(facts: FileFacts, node: Node, here: Here) -> None:
    """Record what a function gives back."""
    kind = "return" if node.type == "return_statement" else "yield"
    facts.facts["returns"].facts.append((*here.place, kind, optional_id(first_named(node))))


def on_operator(_: FileFacts, node: Node, __: Here) -> str | None:
    """An operator's name is its token."""
    token = node.child_by_field_name("operator")
    return None if token is None else token.type


def _record_definition(
    facts: FileFacts, here: Here, kind: str, token: Node | None, *, is_async: bool
) -> str:
    name = f"<{kind}>" if token is None else facts.text(token)
    holder = facts.scopes[here.scope].kind
    qualname = facts.open_scope(here, kind, name)
    named = (kind, holder, name, qualname, optional_id(token), is_async)
    facts.facts["defs"].facts.append((*here.place, *named, None, False))
    return name


def _record_call(
    facts: FileFacts, here: Here, kind: str, callee: Node | None, n_args: int
) -> str | None:
    if callee is None:
        return None
    token = _last_name(callee)
    name = None if token is None else facts.text(token)
    receiver = callee.child_by_field_name("object")
    before = None if receiver is None else facts.excerpt(receiver)
    fact = (*here.place, kind, facts.excerpt(callee), name, optional_id(token), before, n_args)
    facts.facts["calls"].facts.append(fact)
    return name


def _parameters(function: Node) -> Iterator[Node]:
    alone = function.child_by_field_name("parameter")  # x => x
    listed = function.child_by_field_name("parameters")
    for parameter in [alone] if alone is not None else listed.named_children if listed else ():
        if parameter.type in PARAMETERS:
            yield parameter


def _bases(definition: Node) -> Iterator[Node]:
    for child in definition.named_children:
        if child.type == "class_heritage":
            for clause in child.named_children:
                yield from _clause(clause)
        elif child.type == "extends_type_clause":
            yield from _clause(child)


def _clause(clause: Node) -> Iterator[Node]:
    for base in clause.named_children:
        if base.type not in {"type_arguments", "comment"}:
            yield base


def _last_name(expression: Node | None) -> Node | None:
    """Return the last name of ``a.b.c``, a plain name itself, else nothing."""
    if expression is not None and expression.type not in NAMES:
        field = "name" if expression.type == "nested_type_identifier" else "property"
        expression = expression.child_by_field_name(field)
    return expression if expression is not None and expression.type in NAMES else None


def _module(path: str) -> tuple[int, str]:
    """Return the level and the dotted name of what an import names by its path.

    The level is Python's number of leading dots: 1 is the file's own folder, 0 another package.
    """
    found = RELATIVE.match(path)
    if found is None:
        return 0, path
    level = 1 + found["up"].count("..")
    return level, ENDING.sub("", found["path"] or "").strip("/").replace("/", ".")


IMPORTS = {"import_clause", "export_clause", "namespace_export"}


def _imported(facts: FileFacts, clause: Node) -> Iterator[tuple[str | None, str | None]]:
    """Yield (name, alias): a default import is called so, a whole module has no name."""
    waiting = [clause]
    while waiting:
        part = waiting.pop()
        if part.type in {"import_specifier", "export_specifier"}:
            name, alias = part.child_by_field_name("name"), part.child_by_field_name("alias")
            yield (
                None if name is None else facts.text(name),
                None if alias is None else facts.text(alias),
            )
        elif part.type in {"namespace_import", "namespace_export"}:
            alias = first_named(part)
            yield None, None if alias is None else facts.text(alias)
        elif part.type in NAMES:
            yield "default", facts.text(part)
        else:
            waiting += reversed(part.named_children)


# Sorted: a set has another order in each process, and a table in another order is other code.
HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(sorted(NAMES), on_name),
    **dict.fromkeys(sorted(FUNCTIONS), on_function),
    **dict.fromkeys(sorted(CLASSES), on_class),
    **dict.fromkeys(("call_expression", "new_expression"), on_call),
    "decorator": on_decorator,
    **dict.fromkeys(("import_statement", "export_statement"), on_import),
    "type_annotation": on_annotation,
    **dict.fromkeys(
        (*sorted(DECLARATORS), "assignment_expression", "augmented_assignment_expression"),
        on_assignment,
    ),
    **dict.fromkeys(("return_statement", "yield_expression"), on_return),
    **dict.fromkeys(
        ("number", "string", "template_string", "regex", "true", "false", "null", "undefined"),
        on_literal,
    ),
    **dict.fromkeys(("binary_expression", "unary_expression", "update_expression"), on_operator),
}


@cache
def typescript_grammar() -> Grammar:
    """Return the grammar of `.ts` files, loaded once a process."""
    language = Language(tree_sitter_typescript.language_typescript())
    return Grammar("typescript", language, HANDLERS, FUNCTIONS | CLASSES)


@cache
def tsx_grammar() -> Grammar:
    """Return the grammar of `.tsx` files, where `<` also opens an element."""
    language = Language(tree_sitter_typescript.language_tsx())
    return Grammar("typescript", language, HANDLERS, FUNCTIONS | CLASSES)
