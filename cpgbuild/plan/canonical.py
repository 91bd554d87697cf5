"""Canonical: a plan's text without the names that the query made up and the order of conditions.

A wrong "equal" is a wrong skip, so there are few rewrites, each with its proof where it is made.
What they have in common: the text of an unambiguous plan (`clarity`) is the plan, so a rewrite of
the text that keeps what the plan means may be applied to both sides of a comparison.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from typing import TYPE_CHECKING

from cpgbuild.plan.plantext import CLOSERS, OPENERS, nest, split, tokens_of

if TYPE_CHECKING:
    from collections.abc import Sequence

# What is renamed is in lower case; keywords are in upper case, types and nodes in camel case.
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_CAMEL = re.compile(r"[A-Z]\w*[a-z]\w*")
# The planner's own words in lower case, and the columns that it makes up without an alias.
_AFTER = frozenset({"null_aware", "Filter"})
_RESERVED = frozenset({"true", "false", "null", "inf", "nan", "mark", "null_aware", "non"})
_IMPLICIT = re.compile(r"column\d+|__(?!correlated_sq_\d|scalar_sq_\d|common_expr_\d)\w*")

_MADE_UP = re.compile(r"(__(?:common_expr|datafusion_extracted|correlated_sq|scalar_sq)_)\d+")
_ALIAS = re.compile(r"( *)SubqueryAlias: ([a-z_][a-z0-9_]*)")
_SCAN = re.compile(r" *TableScan: ([a-z_][a-z0-9_]*) projection=\[[^\]]*\]")
_TURNED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_UNOWNED = re.compile(r"^ *(Union|RecursiveQuery|Subquery:)|outer_ref")
_WORD = re.compile(r"\w+")
_LISTED = re.compile(r"(?<=projection=\[)([^\]]*)")
_PASSING = re.compile(r" *(Filter|Sort|Limit): ")
_IN = re.compile(r"(.* IN \(\[)(.*)(\]\))")
_COLUMN = re.compile(r"([a-z_]\w*)\.[a-z_]\w*")
_PROJECTION = re.compile(r"( *Projection: )(.*)", re.DOTALL)
_FILTER = re.compile(r"( *Filter: )(.*)", re.DOTALL)
_JOIN = re.compile(r"( *\w+ Join: )(.*)", re.DOTALL)


def canonical(text: str) -> str:
    """Return the one form of a plan's text, as `display_indent` gives it of an optimised plan.

    Names: a map of identifiers that is injective, and the identity but on names that the plan
    itself introduces, renames bound names and nothing else. Two plans with one image differ by a
    bijection between bound names, which changes neither what any reference refers to nor a value;
    the names of the result's columns are facts of their own. So all turns on telling bound names
    from others: see `_free`. Where a scan does not say its columns, nothing is renamed.
    """
    lines = _renumbered(text.split("\n"))
    text = "\n".join(lines)
    scans = [line for line in lines if line.lstrip().startswith("TableScan: ")]
    if "$" in text or any("projection=[" not in line for line in scans):
        return "as it is\n" + text
    lines = _without_unseen_aliases(lines)
    root = lines[0]
    lines = [_named_once(line, root=number == 0) for number, line in enumerate(lines)]
    lines = _without_aliases_of_scans(lines)
    lines = _in_order_of_names(lines, aliased=" AS " in root)
    return "\n".join(_sorted(line) for line in _renamed(lines))


def _renumbered(lines: list[str]) -> list[str]:
    """Number the names that the planner makes up in the order in which the plan has them.

    It goes on counting from plan to plan, so that their numbers say how many plans came before.
    The map is injective on names of one kind. A scanned column of such a name is no made-up one.
    """
    if not any("__" in line for line in lines):
        return lines
    tokens = [tokens_of(line) for line in lines]
    numbers: dict[str, dict[str, str]] = {}
    names: dict[str, str] = {}
    for line, words in zip(lines, tokens, strict=True):
        for word in words:
            made = _MADE_UP.fullmatch(word)
            if made is not None:
                if line.lstrip().startswith("TableScan: "):
                    return lines
                kind = numbers.setdefault(made[1], {})
                names[word] = kind.setdefault(word, f"{made[1]}{len(kind) + 1}")
    return ["".join(names.get(word, word) for word in words) for words in tokens]


def _renamed(lines: list[str]) -> list[str]:
    """Number the bound names in the order in which the tree defines them."""
    defined = dict.fromkeys(name for line in lines for name in _defined(line))
    if not defined:
        return lines
    free = _free(lines, frozenset(defined))
    tables = _tables(lines)
    bound = [name for name in defined if name not in free]
    names = {name: f"${number}" for number, name in enumerate(bound, 1)}
    renamed = []
    for line in lines:
        tokens = tokens_of(line)
        if _SCAN.match(line) or names.keys().isdisjoint(tokens):
            renamed.append(line)
            continue
        renamed.append(
            "".join(
                names[token] if token in names and _qualifier(tokens, i) not in tables else token
                for i, token in enumerate(tokens)
            )
        )
    return renamed


def _tables(lines: list[str]) -> set[str]:
    """Return the tables that are scanned and whose names stand for nothing else."""
    scanned = {scan[1] for line in lines if (scan := _SCAN.match(line))}
    return scanned - {name for line in lines for name in _defined(line)}


def _qualifier(tokens: Sequence[str], i: int) -> str:
    return tokens[i - 2] if i > 1 and tokens[i - 1] == "." else ""


@functools.lru_cache(maxsize=4096)
def _defined(line: str) -> tuple[str, ...]:
    """Return the names that a line introduces: of a relation, or of items of its list."""
    alias = _ALIAS.fullmatch(line)
    if alias:
        return (alias[2],)
    if " AS " not in line:
        return ()
    node = line.lstrip().partition(":")[0]
    base = {"Projection": [], "Aggregate": ["[", "["], "WindowAggr": ["[", "["]}.get(node)
    if base is None:
        return ()
    found = []
    stack: list[str] = []
    tokens = tokens_of(line)
    for i, word in enumerate(tokens):
        nest(stack, word)
        named = word == "AS" and stack == base and _NAME.fullmatch("".join(tokens[i + 2 : i + 3]))
        if named and "".join(tokens[i + 3 : i + 4]) in {"", ",", "]"}:
            found.append(tokens[i + 2])
    return tuple(found)


def _free(lines: list[str], asked: frozenset[str]) -> set[str]:
    """Return those names that occur anywhere as something that the plan does not introduce.

    A name of a table; of a scan's column, unless `_hidden`; of a function, an option or a field
    (what stands before a bracket or `=`, or behind the dot of a bracket); what is in a literal or
    a type (in the brackets of a camel-cased word, or behind an AS in brackets); what stands
    beside another word that is no keyword (units in the bounds of a frame); what belongs to
    a relation that is neither introduced nor a table; and what the planner makes up.
    """
    relations = {m[2] for line in lines if (m := _ALIAS.fullmatch(line))}
    tables = _tables(lines)
    hidden = _hidden(lines)
    found = set(_RESERVED.intersection(asked))
    for line in lines:
        tokens = tokens_of(line)
        if found.issuperset(asked) or asked.isdisjoint(tokens):
            continue
        # All names of a scan are free but for what is hidden, whatever they stand beside.
        listed = _SCAN.fullmatch(line) is not None
        scan = line.lstrip().startswith("TableScan: ")
        closed = [True] * len(tokens) if listed else _closed(tokens)
        for i, token in enumerate(tokens):
            if token not in asked or token in found:
                continue
            owner = "" if listed else _qualifier(tokens, i)
            if token in hidden and (scan or owner in tables):
                continue
            owns = not listed and tokens[i + 1 : i + 2] == (".",)
            foreign = (owner and owner not in relations) or (owns and token not in relations)
            if (
                scan
                or foreign
                or closed[i]
                or _IMPLICIT.fullmatch(token)
                or not _operand(tokens, i)
            ):
                found.add(token)
    return found


def _hidden(lines: list[str]) -> set[str]:
    """Return the columns of scans that are seen as `t.c` alone, `t` being a table.

    Then `c` elsewhere is another column that the plan introduces, as in `sum(t.c) AS c`. Columns
    lose their table in unions, recursion and subqueries of expressions, and below an alias; all
    of these are taken to show every column, but an alias over a projection, which lists them.
    """
    if _has_places(lines):
        return set()
    columns = {name for line in lines if _SCAN.match(line) for name in tokens_of(line)[4:]}
    for number, line in enumerate(lines):
        if _ALIAS.fullmatch(line):
            columns -= _shown(_below(lines, number))
    return columns - {scan[1] for line in lines if (scan := _SCAN.match(line))}


def _shown(below: list[str]) -> set[str]:
    """Return the names of columns of scans that an alias over these lines may show."""
    for line in below:
        node, _, items = line.lstrip().partition(": ")
        if node == "Projection":
            return {token for item in split(items, ", ") for token in _plain(item)}
        if node not in {"Filter", "Sort", "Limit"}:
            break
    return {token for line in below for token in tokens_of(line)}


def _plain(item: str) -> Sequence[str]:
    """Return the words of an item of a projection that passes on a column as it is."""
    return tokens_of(item) if len(split(item, " AS ")) == 1 else ()


def _closed(tokens: Sequence[str]) -> list[bool]:
    """Say of each token whether it is in a literal or in a type."""
    if "(" not in tokens and "[" not in tokens:
        return [False] * len(tokens)
    found: list[bool] = []
    stack: list[tuple[str, bool]] = []
    before = ""
    for word in tokens:
        opener, inside = stack[-1] if stack else ("", False)
        found.append(inside)
        if word in OPENERS:
            stack.append((word, inside or _CAMEL.fullmatch(before) is not None))
        elif word in CLOSERS and stack:
            stack.pop()
        elif word == "AS" and opener == "(":
            stack[-1] = (opener, True)
        before = word
    return found


def _operand(tokens: Sequence[str], i: int) -> bool:
    """Return whether a name stands where a column or a relation does."""
    before, after = tokens[i - 1] if i else "", "".join(tokens[i + 1 : i + 2])
    if after in {"(", "[", "=", "'"} or before == "'":
        return False
    if before == "." and not (i > 1 and _WORD.fullmatch(tokens[i - 2])):
        return False
    beside = []
    if before.isspace() and i > 1:
        beside.append(tokens[i - 2])
    if after.isspace():
        beside += tokens[i + 2 : i + 3]
    return all(word.isupper() or word in _AFTER or not _WORD.match(word) for word in beside)


def _named_once(line: str, *, root: bool) -> str:
    """Leave an item of a projection its last name only, and at the root of the plan none.

    What has a name and is given another has the other. The names of the result are facts of
    their own, and at the root nothing else refers to them.
    """
    found = _PROJECTION.fullmatch(line)
    if found is None:
        return line
    items = [split(item, " AS ") for item in split(found[2], ", ")]
    kept = [item[:1] if root else item[:1] + item[1:][-1:] for item in items]
    return found[1] + ", ".join(map(" AS ".join, kept))


def _in_order_of_names(lines: list[str], *, aliased: bool) -> list[str]:
    """Sort the columns of scans, and those that a projection below the root passes on from scans.

    What is above refers to them by their names, and the result's names and their order are facts
    of their own: a column of the result that comes straight from a scan has its name there, if
    the root is not `aliased`. Where columns are taken by their places, as in unions, nothing is
    sorted.
    """
    if _has_places(lines):
        return lines
    tables = _tables(lines)
    lines = [_in_order(line, tables, root=number == 0) for number, line in enumerate(lines)]
    numbers = range(1 if aliased else 0, len(lines))
    turned = [number for number in numbers if _only_turns(lines, number, tables)]
    for number in reversed(turned):
        lines = _without(lines, number)
    return lines


def _in_order(line: str, tables: set[str], *, root: bool) -> str:
    scan = _SCAN.match(line)
    if scan:
        head, names, rest = _LISTED.split(line, maxsplit=1)
        names = ", ".join(sorted(names.split(", ")))
        return head + names + rest
    found = _PROJECTION.fullmatch(line)
    if found is None or root:
        return line
    items = found[2].split(", ")
    plain = all((item := _COLUMN.fullmatch(each)) and item[1] in tables for each in items)
    return found[1] + ", ".join(sorted(items)) if plain else line


def _only_turns(lines: list[str], number: int, tables: set[str]) -> bool:
    """Return whether a line is a projection that gives all columns of a scan, in some order.

    It is there where that is not the scan's own order. Between them are nodes that pass them on.
    """
    found = _PROJECTION.fullmatch(lines[number])
    below = _below(lines, number) if found else []
    scan = _SCAN.match(below[-1]) if found and below else None
    if found is None or scan is None or scan[1] not in tables:
        return False
    names = _LISTED.split(below[-1], maxsplit=1)[1].split(", ")
    columns = sorted(f"{scan[1]}.{name}" for name in names)
    passed = all(_PASSING.match(line) for line in below[:-1])
    return passed and sorted(found[2].split(", ")) == columns


def _has_places(lines: list[str]) -> bool:
    """Return whether columns may be taken by their places, or lose the table that they are of."""
    words = "Union", "Recursive", "Subquery:", "outer_ref"
    return any(word in line for word in words for line in lines)


def _without_unseen_aliases(lines: list[str]) -> list[str]:
    """Take away each alias of a relation that nothing can refer to.

    At the root there is nothing above it, a union's columns have no relation, and an alias
    directly above it is the only one that is seen.
    """
    for number in reversed(range(len(lines))):
        if not _ALIAS.fullmatch(lines[number]):
            continue
        depth = _indent(lines[number])
        above = next((line for line in lines[:number][::-1] if _indent(line) < depth), "")
        unseen = not number or above.lstrip() == "Union" or _ALIAS.fullmatch(above)
        if unseen:
            lines = _without(lines, number)
    return lines


def _without(lines: list[str], number: int) -> list[str]:
    """Return the lines without one, and those below it moved to where it was."""
    below = _below(lines, number)
    after = lines[number + 1 + len(below) :]
    return [*lines[:number], *(line[2:] for line in below), *after]


def _without_aliases_of_scans(lines: list[str]) -> list[str]:
    """Take away each alias `x` of a relation that is part of the only scan of a table `t`.

    What it stands over are a scan and nodes that pass on the scan's columns, or some of them, as
    `t.c`. Over the alias they are `x.c`. Nothing else is called `t` there: no other scan and no
    alias is, and what is below an alias is not seen above it. So the relation may keep the name
    `t`, and each `x.c` be `t.c`; `x` is introduced once and is nothing but that relation.
    """
    for number in reversed(range(len(lines))):
        alias = _ALIAS.fullmatch(lines[number])
        table = _scanned(_below(lines, number)) if alias else None
        if alias and table and _alone(lines, alias[2], table):
            kept = _without(lines, number)
            lines = [_moved(line, alias[2], table) for line in kept]
    return lines


def _below(lines: list[str], number: int) -> list[str]:
    """Return the lines of all inputs of a line."""
    more = lines[number + 1 :]
    ends = (i for i, line in enumerate(more) if _indent(line) <= _indent(lines[number]))
    return more[: next(ends, len(more))]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _alone(lines: list[str], name: str, table: str) -> bool:
    """Return whether a table is scanned once, and neither name stands for something else."""
    defined = Counter(name for line in lines for name in _defined(line))
    scans = Counter(scan[1] for line in lines if (scan := _SCAN.match(line)))
    once = defined[name] == 1 and scans[table] == 1 and not defined[table]
    return once and not _free(lines, frozenset((name,)))


def _scanned(below: list[str]) -> str | None:
    """Return the table whose columns, or some of them, are all that these lines give."""
    scan = _SCAN.match(below[-1]) if below else None
    if scan is None:
        return None
    for line in below[:-1]:
        node, _, items = line.lstrip().partition(": ")
        columns = items.split(", ") if node == "Projection" else ()
        plain = columns and all((m := _COLUMN.fullmatch(c)) and m[1] == scan[1] for c in columns)
        if node not in {"Filter", "Sort", "Limit"} and not plain:
            return None
    return scan[1]


def _moved(line: str, name: str, table: str) -> str:
    """Return a line that says `table` where a column's relation was `name`."""
    tokens = list(tokens_of(line))
    for i, token in enumerate(tokens[:-1]):
        if token == name and tokens[i + 1] == ".":
            tokens[i] = table
    return "".join(tokens)


def _sorted(line: str) -> str:
    """Sort the conditions of a filter and of a join.

    AND and OR are commutative, associative and idempotent, with nulls too, and so is the list of
    a join's equalities, of which all must hold. IN is an OR of equalities. The order in which
    they are evaluated is the engine's own matter: it may turn rows into an error, but never into
    other rows.
    """
    found = _FILTER.fullmatch(line)
    if found:
        return found[1] + _conditions(_bare(found[2]))
    found = _JOIN.fullmatch(line)
    if not found or " null_aware" in found[2]:
        return line
    parts = split(found[2], " Filter: ") if " Filter: " in found[2] else [found[2]]
    pairs = ", ".join(sorted(split(parts[0], ", ")))
    return found[1] + " Filter: ".join([pairs, *map(_conditions, parts[1:])])


def _conditions(text: str) -> str:
    """Sort what AND and OR join; what has an AND of another kind is left alone."""
    if "BETWEEN" in split(text, " "):
        return text
    for word in (" OR ", " AND "):
        parts = split(text, word)
        if len(parts) > 1:
            return word.join(sorted(set(map(_conditions, parts))))
    return _condition(text)


def _bare(text: str) -> str:
    """Return a text without the brackets around all of it."""
    wrapped = text.startswith("(") and split(text[1:], ")") == [text[1:-1], ""]
    return text[1:-1] if wrapped else text


def _condition(text: str) -> str:
    """Return one condition: its parts sorted where it is in brackets, or turned if it compares.

    `a < b` is `b > a`; the planner itself turns columns, by names that are not there any more.
    """
    if _bare(text) != text:
        return f"({_conditions(_bare(text))})"
    listed = _IN.fullmatch(text)
    if listed and len(split(text, " IN ")) > 1:
        return listed[1] + ", ".join(sorted(split(listed[2], ", "))) + listed[3]
    compared = [(op, split(text, f" {op} ")) for op in _TURNED]
    sides = [(op, *parts) for op, parts in compared if len(parts) > 1]
    if len(sides) == 1 and len(sides[0]) == len(("op", "left", "right")):
        op, left, right = sides[0]
        return min(text, f"{right} {_TURNED[op]} {left}")
    return text
