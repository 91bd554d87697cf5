"""Expectations: dbt's tests of columns as options of a SQL task's header."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from cpgbuild.project.dbt.manifest import Node

# dbt's generic tests, named as the options are.
_KINDS = ("not_null", "unique", "accepted_values", "relationships")
# What narrows a test down, or lets its failure pass.
_CONDITIONS = ("where", "limit")
_REF = re.compile(r"(ref|source)\s*\(")


class Untold(Exception):
    """A test that no option of a header says; its text says why, as a clause.

    With `as_query`, its own query may be a check: what it gives are the bad rows.
    """

    def __init__(self, why: str, *, as_query: bool = False) -> None:
        """Take why, and whether the query would say it."""
        super().__init__(why)
        self.as_query = as_query


def tested(test: Node) -> str | None:
    """Return the id of the model that a test is of; None where it is a query of its own."""
    attached = test.facts.get("attached_node")
    return str(attached) if attached and test.facts.get("test_metadata") else None


def expect(
    options: dict[str, Any],
    test: Node,
    known: Collection[str],
    dataset: Callable[[str], str | None],
    above: Mapping[str, Collection[str]],
) -> None:
    """Add to a header's options what a dbt test expects of the task.

    `known` has the options that headers may have, `dataset` the dataset of a node by its id,
    `above` for each node what it reads.

    Raises:
        Untold: no option says it.
    """
    metadata = test.facts.get("test_metadata") or {}
    name, arguments = str(metadata.get("name", "")), metadata.get("kwargs") or {}
    if metadata.get("namespace") or name not in _KINDS:
        package = f"{metadata['namespace']}." if metadata.get("namespace") else ""
        _check_severity(test.config)
        why = f"`{package}{name}` is a test of dbt's packages or the project's own"
        raise Untold(why, as_query=True)
    if name not in known:
        raise Untold(f"tasks have no option `{name}`")
    _check_severity(test.config)
    for key in _CONDITIONS:
        if test.config.get(key):
            raise Untold(f"it has a `{key}`", as_query=True)
    column = str(arguments.get("column_name") or test.facts.get("column_name") or "")
    if not column.isidentifier():
        raise Untold("it is of an expression, not of a column", as_query=True)
    column = column.lower()
    if name in {"not_null", "unique"}:
        columns = options.setdefault(name, [])
        if column not in columns:
            columns.append(column)
    elif name == "accepted_values":
        options.setdefault(name, {})[column] = list(arguments.get("values") or ())
    else:
        options.setdefault(name, {})[column] = _target(test, arguments, dataset, above)


def check_of(test: Node, models: Collection[str], above: Mapping[str, Collection[str]]) -> str:
    """Return the model whose check a test's query can be: the last one that it reads.

    `models` are those that are tasks, `above` has for each what it reads.

    Raises:
        Untold: its failures pass, or it reads nothing that is a task.
    """
    _check_severity(test.config)
    if test.sql is None:
        raise Untold("dbt did not compile it")
    needed: list[str] = (test.facts.get("depends_on") or {}).get("nodes") or []
    ends = [end for end in needed if end in models]
    attached = str(test.facts.get("attached_node") or "")
    for end in ([attached] if attached in ends else []) + sorted(ends):
        # What is made of a task cannot be part of what has to be so of it.
        if not any(_reads(other, end, above) for other in ends if other != end):
            return end
    raise Untold("it reads no model that is a task")


def _reads(node: str, wanted: str, above: Mapping[str, Collection[str]]) -> bool:
    """Return whether a node is made of another."""
    waiting, seen = [node], {node}
    while waiting:
        found = [one for one in above.get(waiting.pop(), ()) if one not in seen]
        if wanted in found:
            return True
        seen.update(found)
        waiting += found
    return False


def _check_severity(config: Mapping[str, Any]) -> None:
    if str(config.get("severity") or "error").lower() != "error":
        raise Untold("its severity is `warn`, and what a task expects has to hold")
    if config.get("error_if") not in (None, "!= 0"):
        raise Untold(f"it may fail for some rows: `error_if: {config['error_if']}`")


def _target(
    test: Node,
    arguments: Mapping[str, Any],
    dataset: Callable[[str], str | None],
    above: Mapping[str, Collection[str]],
) -> str:
    """Return the column that a relationship leads to, as `customers.customer_id`."""
    field = str(arguments.get("field") or "")
    ends = (test.facts.get("depends_on") or {}).get("nodes") or []
    of = str(test.facts.get("attached_node"))
    others = [end for end in ends if end != of] or [end for end in ends if end == of]
    found = dataset(others[0]) if others and _REF.search(str(arguments.get("to", ""))) else None
    if found is None or not field.isidentifier():
        raise Untold("what it relates to is no dataset", as_query=True)
    if others[0] != of and _reads(others[0], of, above):
        # dbt tests when all is there; here what a task relates to is there before it.
        raise Untold("what it relates to is made of it", as_query=True)
    return f"{found}.{field.lower()}"
