"""The extract of control flow, and views that open its nested facts."""

from collections.abc import Iterable, Mapping

import ibis

from cpgbuild import Catalog, compute, view
from tasks.control import control_schema
from tasks.control.control_facts import control_facts
from tasks.control.control_schema import CONTROL_NESTED
from tasks.extracts import python_files
from tasks.nested import explode, node_id

ID_NAMES = {
    "method": "method_id",
    "exit": "exit_id",
    "node": "node_id",
    "src": "src",
    "dst": "dst",
}


@compute(map=control_facts, schema=CONTROL_NESTED, key="path", content="sha256", tags=["control"])
def control_nested(catalog: Catalog) -> ibis.Table:
    """Control flow and data flow: a row a file, facts of its functions in nested lists."""
    return python_files(catalog)


def facts(catalog: Catalog, column: str, fields: Iterable[str]) -> ibis.Table:
    """Return the facts of one column with ``path`` and global ids."""
    rows = explode(catalog.table("control_nested"), column, fields, keep=["path"])
    local = [name for name in ID_NAMES if name in rows.columns]
    ids: Mapping[str, ibis.Value] = {
        ID_NAMES[name]: node_id(rows.path, rows[name]) for name in local
    }
    return rows.mutate(**ids).drop(*(name for name in local if ID_NAMES[name] != name))


@view(tags=["control"])
def v_control_methods(catalog: Catalog) -> ibis.Table:
    """Functions, lambdas and modules with their exits and the size of their flow."""
    return facts(catalog, "methods", control_schema.METHODS)


@view(tags=["control"])
def v_cfg_nodes(catalog: Catalog) -> ibis.Table:
    """Nodes of control flow graphs, with the line and the beginning of their code."""
    return facts(catalog, "steps", control_schema.STEPS)


@view(tags=["control"])
def v_cfg_edges(catalog: Catalog) -> ibis.Table:
    """Ways of control inside a function; `how` says why control goes this way."""
    return facts(catalog, "flows", control_schema.FLOWS)


@view(tags=["control"])
def v_dominate(catalog: Catalog) -> ibis.Table:
    """Nodes with their immediate dominators (`src`)."""
    return facts(catalog, "dominators", control_schema.DOMINATORS)


@view(tags=["control"])
def v_post_dominate(catalog: Catalog) -> ibis.Table:
    """Nodes with their immediate post-dominators (`src`)."""
    return facts(catalog, "post_dominators", control_schema.DOMINATORS)


@view(tags=["control"])
def v_control_dependences(catalog: Catalog) -> ibis.Table:
    """Nodes whose execution a fork (`src`) decides upon; `how` is the way out of the fork."""
    return facts(catalog, "dependences", control_schema.DEPENDENCES)


@view(tags=["control"])
def v_reaching_defs(catalog: Catalog) -> ibis.Table:
    """Uses of a variable (`dst`) with the definitions (`src`) that reach them."""
    return facts(catalog, "reaches", control_schema.REACHES)
