"""Python's grammar: which facts its syntax kinds state."""

from functools import cache

import tree_sitter_python
from tree_sitter import Language

from tasks.extract import definitions as defs
from tasks.extract import expressions as exprs
from tasks.extract.grammar import Grammar, Handler

HANDLERS: dict[str, Handler] = {
    "identifier": exprs.on_identifier,
    "call": exprs.on_call,
    "decorator": exprs.on_decorator,
    "function_definition": defs.on_function,
    "class_definition": defs.on_class,
    "lambda": defs.on_lambda,
    "attribute": exprs.on_attribute,
    "dotted_name": exprs.on_dotted_name,
    "aliased_import": exprs.on_alias,
    "type": defs.on_annotation,
    "return_statement": exprs.on_return,
    "yield": exprs.on_return,
}
HANDLERS |= dict.fromkeys(
    ("import_statement", "import_from_statement", "future_import_statement"), exprs.on_import
)
HANDLERS |= dict.fromkeys(
    ("assignment", "augmented_assignment", "named_expression"), exprs.on_assignment
)
HANDLERS |= dict.fromkeys(
    ("integer", "float", "string", "true", "false", "none", "ellipsis"), exprs.on_literal
)
HANDLERS |= dict.fromkeys(
    ("binary_operator", "boolean_operator", "comparison_operator", "not_operator"),
    exprs.on_operator,
)
HANDLERS["unary_operator"] = exprs.on_operator

SCOPE_KINDS = frozenset(("function_definition", "class_definition", "lambda"))


@cache
def python_grammar() -> Grammar:
    """Return the Python grammar, loaded once a process."""
    language = Language(tree_sitter_python.language())
    return Grammar("python", language, HANDLERS, SCOPE_KINDS)
