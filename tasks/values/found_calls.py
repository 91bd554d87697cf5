"""The calls that the value flow finds: the fixpoint's numbers as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.values import solver
from tasks.values.analysis import analyse
from tasks.values.arrays import column, flags, texts
from tasks.values.facts import TEXT, VALUE_CALLS, Site
from tasks.values.gather import gather

if TYPE_CHECKING:
    import numpy.typing as npt

    from tasks.values.analysis import Calls
    from tasks.values.gather import Program

    Ints = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]

HOW_OF_SITE = {
    Site.DECORATOR: "decorator",
    Site.OPERATOR: "operator",
    Site.ITERATION: "iteration",
    Site.CONTEXT: "context",
    Site.RAISE: "constructor",
    Site.ATTRIBUTE: "property",
    Site.CALLBACK: "callback",
}
FEW, MANY = 3, 8  # a callee that may be so many things is still worth believing, or saying


def value_calls(request: pa.RecordBatch) -> pa.Table:
    """Return the calls of a whole tree.

    Args:
        request: one row; `files`, a list of structs by path: path, module, package, and of what
            `values_nested` has n_variables, ops, sites, objects.

    Returns:
        A row for each site and thing that it may call, by the schema `VALUE_CALLS`.
    """
    files = request.column("files").flatten()
    lists = {field.name: files.field(field.name) for field in files.type}
    paths = lists["path"].to_pylist()
    if not paths:
        return VALUE_CALLS.empty_table()
    dotted = zip(lists["module"].to_pylist(), lists["package"].to_pylist(), strict=True)
    modules = dict(zip(paths, dotted, strict=True))
    table = pa.table({name: lists[name] for name in ("n_variables", "ops", "sites", "objects")})
    program = gather(paths, modules, table)
    calls = analyse(program)
    return _rows(table, texts(paths), program, calls)


def _rows(table: pa.Table, paths: pa.Array, program: Program, calls: Calls) -> pa.Table:
    sites, objects = (table[name].combine_chunks().flatten() for name in ("sites", "objects"))
    kept = _kept(program, calls)
    site, obj = calls.site[kept], calls.obj[kept]
    is_inside = obj < program.n_objects
    file = np.searchsorted(program.site_starts, site, side="right") - 1
    path = paths.take(column(file))
    inside = np.where(is_inside, obj, 0)
    callee_file = np.searchsorted(program.object_starts, inside, side="right") - 1
    callee = _ids(paths.take(column(callee_file)), objects.field("node").take(column(inside)))
    outside = np.where(is_inside, 0, (obj - 4 * program.n_objects) >> 1)
    names = texts(calls.outside or [""]).take(column(outside))
    empty = pa.nulls(len(path), TEXT)
    mask = flags(is_inside)

    rows = {
        "path": path,
        "call_id": _ids(path, sites.field("node").take(column(site))),
        "caller_id": _ids(path, sites.field("scope").take(column(site))),
        "callee_id": pc.if_else(mask, callee, empty),
        "callee_name": pc.if_else(mask, empty, names),
        "how": texts(_how(program, calls)[kept]),
        "confidence": texts(_confidence(program, calls)[kept]),
    }
    return pa.table(rows, schema=VALUE_CALLS)


def _ids(paths: pa.Array, local: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(paths, local, texts(":")[0])


def _kept(program: Program, calls: Calls) -> Flags:
    """Return which calls say something.

    A class counts as called itself only where no constructor of the tree is. A callee that may be
    many things, or a builtin's method that an operator stands for, says nothing.
    """
    inside = calls.obj < program.n_objects
    constructed = np.unique(calls.site[(calls.how == solver.CONSTRUCTOR) & inside])
    shadowed = (calls.how == solver.CLASS_ITSELF) & np.isin(calls.site, constructed)
    kinds = program.site_kinds[calls.site]
    implied = ~inside & (kinds != Site.CALL) & (kinds != Site.DECORATOR)
    # What a value of another package has under a name is known where it can be nothing else.
    guessed = ~inside & (calls.n_held > 1) & ~calls.is_plain
    return ~shadowed & ~implied & ~guessed & (calls.n_held < min(MANY + 1, calls.most_held))


def _how(program: Program, calls: Calls) -> npt.NDArray[np.object_]:
    found = np.where(calls.is_plain, "direct", "flow").astype(object)
    found[calls.how == solver.BOUND] = "method"
    outside = calls.obj >= program.n_objects
    found[calls.is_super] = "super"
    found[outside & ~calls.is_plain & ~calls.is_super] = "method"
    constructs = np.isin(calls.how, (solver.CONSTRUCTOR, solver.CLASS_ITSELF))
    found[constructs] = "constructor"
    kinds = program.site_kinds[calls.site]
    for kind, how in HOW_OF_SITE.items():
        found[kinds == kind] = how
    return found


def _confidence(program: Program, calls: Calls) -> npt.NDArray[np.object_]:
    """Return `high` where a callee can be one thing only, `medium` for few, else `low`."""
    found = np.where(calls.n_held <= 1, "high", np.where(calls.n_held <= FEW, "medium", "low"))
    found = found.astype(object)
    found[program.site_kinds[calls.site] == Site.CALLBACK] = "low"
    return found
