"""The SQL of a model: the same text for every tool but for how it names datasets and calls helpers.

It means the same in DuckDB and in DataFusion. All arithmetic is on integers, so that results are
equal to the bit from run to run and from engine to engine.
"""

from collections.abc import Callable
from dataclasses import dataclass

from peers.dag import STAGING, Helpers, Model


@dataclass(frozen=True)
class Spelling:
    """How a tool writes what is its own: a model read, a source read, a helper called."""

    model: Callable[[str], str]
    source: Callable[[int], str]
    helper: Callable[..., str]


def inlined(helpers: Helpers) -> Callable[..., str]:
    """Return a spelling of helper calls as what they stand for."""

    def call(name: str, *arguments: object) -> str:
        if name == "is_kept":
            return f"({arguments[0]} >= {arguments[1]})"
        return f"({arguments[0]} % {helpers.modulus})"

    return call


def query(model: Model, spell: Spelling) -> str:
    """Return the SQL text of a model."""
    if model.layer == STAGING:
        return _staging(model, spell)
    if model.table:
        return _mart(model, spell)
    if len(model.reads) > 1:
        return _join(model, spell)
    return (_filter if model.number % 2 else _aggregate)(model, spell)


def _staging(model: Model, spell: Spelling) -> str:
    a, br = model.alias, "\n\n" if model.spaced else "\n"
    columns = [
        f"{a}.id % 500 AS key",
        f"upper({a}.cat) AS cat",
        f"CAST({a}.v1 AS BIGINT) AS v1",
        f"CAST({a}.v2 * 2 AS BIGINT) AS v2",
        "CAST(1 AS BIGINT) AS n",
    ]
    if model.sized:
        columns.append(f"CAST({spell.helper('size_class', f'{a}.v1')} AS BIGINT) AS size_class")
    if model.extra:
        columns.append("CAST(7 AS BIGINT) AS extra")
    kept = f"{a}.v1 >= {model.least}"
    if model.helped:
        kept = spell.helper("is_kept", f"{a}.v1", model.least)
    remark = f"-- {model.remark}\n" if model.remark else ""
    listed = f",{br}  ".join(columns)
    return f"{remark}SELECT {listed}{br}FROM {spell.source(model.source)} AS {a}{br}WHERE {kept}"


def _filter(model: Model, spell: Spelling) -> str:
    return (
        f"SELECT a.key AS key, a.cat AS cat, a.v1 AS v1, a.v2 + {model.number} AS v2, a.n AS n\n"
        f"FROM {spell.model(model.reads[0])} AS a\n"
        f"WHERE a.key % 7 <> {model.number % 7}"
    )


def _aggregate(model: Model, spell: Spelling) -> str:
    return (
        "SELECT a.key AS key, min(a.cat) AS cat, CAST(sum(a.v1) AS BIGINT) AS v1, "
        f"CAST(max(a.v2) + {model.number} AS BIGINT) AS v2, CAST(sum(a.n) AS BIGINT) AS n\n"
        f"FROM {spell.model(model.reads[0])} AS a\n"
        "GROUP BY a.key"
    )


def _join(model: Model, spell: Spelling) -> str:
    first, *others = map(spell.model, model.reads)
    parts = [
        "c0 AS (\n  SELECT key, min(cat) AS cat, CAST(max(v1) AS BIGINT) AS v1, "
        "CAST(max(v2) AS BIGINT) AS v2, CAST(sum(n) AS BIGINT) AS n "
        f"FROM {first} GROUP BY key\n)"
    ]
    parts += [
        f"c{i} AS (\n  SELECT key, CAST(max(v2) AS BIGINT) AS v2 FROM {other} GROUP BY key\n)"
        for i, other in enumerate(others, 1)
    ]
    total = " + ".join(f"coalesce(c{i}.v2, 0)" for i in range(1, len(parts)))
    joins = "".join(f"\nLEFT JOIN c{i} ON c0.key = c{i}.key" for i in range(1, len(parts)))
    return (
        f"WITH {', '.join(parts)}\n"
        f"SELECT c0.key AS key, c0.cat AS cat, c0.v1 AS v1, {total} + {model.number} AS v2, c0.n AS n\n"
        f"FROM c0{joins}"
    )


def _mart(model: Model, spell: Spelling) -> str:
    first, *others = map(spell.model, model.reads)
    joins = "".join(
        f"\nLEFT JOIN (SELECT key, CAST(max(v2) AS BIGINT) AS w FROM {other} GROUP BY key) AS b{i}"
        f" ON a.key = b{i}.key"
        for i, other in enumerate(others)
    )
    sums = "".join(
        f", CAST(sum(coalesce(b{i}.w, 0)) AS BIGINT) AS w{i}" for i in range(len(others))
    )
    return (
        "SELECT a.cat AS cat, count(*) AS n_keys, CAST(sum(a.v1) AS BIGINT) AS v1, "
        f"CAST(sum(a.v2) AS BIGINT) AS v2{sums}\n"
        f"FROM {first} AS a{joins}\n"
        "GROUP BY a.cat"
    )
