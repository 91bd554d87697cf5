"""The helpers in the languages that tools have for such things."""

from collections.abc import Callable

from peers.dag import Helpers


def as_python(helpers: Helpers) -> str:
    """Return Python functions that put SQL text together."""
    kept = """
def is_kept(column, least):
    return f"({column} >= {least})"
"""
    if helpers.refactored:
        kept = """
def _at_least(value, limit):
    return f"({value} >= {limit})"


def is_kept(column, least):
    kept = _at_least(column, least)
    return kept
"""
    return f'''"""Helpers of the staging models."""

{kept}

def size_class(column):
    return f"({{column}} % {helpers.modulus})"
'''


def as_jinja(helpers: Helpers) -> str:
    """Return Jinja macros; the refactored one only has other names for its arguments."""
    column, least = ("value", "limit") if helpers.refactored else ("column", "least")
    return (
        f"{{% macro is_kept({column}, {least}) -%}}\n"
        f"({{{{ {column} }}}} >= {{{{ {least} }}}})\n"
        "{%- endmacro %}\n\n"
        "{% macro size_class(column) -%}\n"
        f"({{{{ column }}}} % {helpers.modulus})\n"
        "{%- endmacro %}\n"
    )


def as_duckdb(helpers: Helpers) -> str:
    """Return macros of DuckDB; the refactored one has other names for its arguments."""
    column, least = ("a", "b") if helpers.refactored else ("x", "y")
    return (
        f"CREATE OR REPLACE TEMP MACRO is_kept({column}, {least}) AS ({column} >= {least});\n"
        f"CREATE OR REPLACE TEMP MACRO size_class(x) AS (x % {helpers.modulus});\n"
    )


def called(opening: str, quote: Callable[[object], str], closing: str = "") -> Callable[..., str]:
    """Return a spelling of calls: `opening`, name, arguments in parentheses, `closing`."""

    def call(name: str, *arguments: object) -> str:
        return f"{opening}{name}({', '.join(map(quote, arguments))}){closing}"

    return call
