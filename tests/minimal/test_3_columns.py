"""A column added to an upstream that the task does not read: nothing downstream runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from tests.engine.builds import Site
from tests.minimal.expect import becomes, nothing
from tests.minimal.forms import FORMS, edit, in_turn, opened, orders, write

UNREAD: dict[str, Callable[[pa.Table], pa.Table]] = {
    "added": lambda t: t.append_column("more", pa.array(range(len(t)))),
    "added in front": lambda t: t.add_column(0, "more", pa.array(["m"] * len(t))),
    "dropped": lambda t: t.drop_columns(["kind"]),
    "renamed": lambda t: t.rename_columns(["id", "amount", "note", "sort"]),
    "of another type": lambda t: t.set_column(3, "kind", pa.array([1.5] * len(t))),
    "with other values": lambda t: t.set_column(3, "kind", pa.array(["other"] * len(t))),
    "before the others": lambda t: t.select(["kind", "id", "amount", "note"]),
    "among the others": lambda t: t.select(["note", "kind", "id", "amount"]),
}


@pytest.mark.parametrize(("column", "form"), in_turn(UNREAD))
def test_a_column_of_a_source_that_nobody_reads_runs_nothing(
    column: str, form: str, tmp_path: Path
) -> None:
    made = opened(tmp_path, form)
    write(made, UNREAD[column](orders()))
    nothing(made)


VIEW = {
    "ibis": {
        "added": ('select("id", "amount")\n\n\n@compute\ndef lines', 'select("id", "amount", "kind")\n\n\n@compute\ndef lines'),
        "computed": ('select("id", "amount")\n\n\n@compute\ndef lines', 'select("id", "amount", k=orders.amount * 7)\n\n\n@compute\ndef lines'),
    },
    "sql": {
        "added": ("id, amount from", "id, amount, kind from"),
        "computed": ("id, amount from", "id, amount, amount * 7 as k from"),
        "reordered": ("id, amount from", "note, amount, id from"),
    },
}  # fmt: skip
VIEW["keyed"] = VIEW["sql"]


@pytest.mark.parametrize(
    ("form", "column"),
    [(form, column) for form in FORMS for column in VIEW[form]],
)
def test_a_column_of_a_view_that_nobody_reads_runs_nothing(
    column: str, form: str, tmp_path: Path
) -> None:
    """It comes, becomes another one, and goes."""
    made = opened(tmp_path, form)
    old, new = VIEW[form][column]
    edit(made, form, "v_big", old, new)
    nothing(made)
    edit(made, form, "v_big", new, new.replace("kind", "note").replace("* 7", "* 8"))
    nothing(made)
    edit(made, form, "v_big", new.replace("kind", "note").replace("* 7", "* 8"), old)
    nothing(made)


def with_column_of_lines(made: Site, form: str, change: str) -> None:
    """Change a column of `lines` that `totals` does not read."""
    if form == "keyed":
        new = {
            "added": ('{"id": "int64"', '{"id": "int64", "more": "int64"'),
            "dropped": ('"amount": "int64", ', ""),
            "retyped": ('"amount": "int64"', '"amount": "int32"'),
            "reordered": ('"id": "int64", "amount": "int64"', '"amount": "int64", "id": "int64"'),
        }
        made.folder.edit("tasks/lines.py", *new[change])
        if change == "added":
            made.folder.edit("tasks/mapped.py", '"id": rows', '"more": rows["id"], "id": rows')
        if change == "dropped":
            made.folder.edit("tasks/mapped.py", '"amount": rows["amount"], ', "")
        return
    old = {"ibis": '"id", "amount", doubled=big', "sql": "id, amount, amount"}[form]
    new_texts = {
        "added": (
            '"id", "amount", more=big.id + 1, doubled=big',
            "id, amount, id + 1 as more, amount",
        ),
        "dropped": ('"id", doubled=big', "id, amount"),
        "retyped": (
            '"id", amount=big.amount.cast("int32"), doubled=big',
            "id, cast(amount as int) as amount, amount",
        ),
        "reordered": ('"amount", "id", doubled=big', "amount, id, amount"),
    }
    edit(made, form, "lines", old, new_texts[change][FORMS.index(form)])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("change", ["added", "dropped", "retyped", "reordered"])
def test_a_column_of_a_table_that_nobody_reads_runs_that_table_alone(
    change: str, form: str, tmp_path: Path
) -> None:
    made = opened(tmp_path, form)
    with_column_of_lines(made, form, change)
    becomes(made, built={"lines": "plan_changed lines"}, maybe=["totals", "report"])
    nothing(made)


@pytest.mark.parametrize("form", FORMS)
def test_a_column_that_is_read_and_gets_another_type_runs_its_readers(
    form: str, tmp_path: Path
) -> None:
    """The other side of it: names reads `note`, and only names does."""
    made = opened(tmp_path, form)
    write(made, orders().set_column(2, "note", pa.array([1, 2, 3, 4, 5])))
    becomes(made, built={"names": "plan_changed names, schema_changed orders"})


@pytest.mark.parametrize("partitions", ["", ', partition_by = ["id"]'])
def test_a_table_whose_columns_change_places_is_as_its_query_says(
    partitions: str, tmp_path: Path
) -> None:
    """Fields of structs, too; and back again."""
    made = opened(tmp_path, "sql")
    struct = "named_struct({}) as s"
    texts = [
        "select id, amount, " + struct.format("'a', id, 'b', amount") + " from orders",
        "select amount, id, " + struct.format("'a', id, 'b', amount") + " from orders",
        "select amount, id, " + struct.format("'b', amount, 'a', id") + " from orders",
    ]
    made.sql("k", texts[0])
    made.sql("all_of_k", "select * from k")
    made.built()
    for text in texts[1:]:
        made.sql("k", text, more=partitions)
        ran = made.built()
        assert ran.keys() == {"k", "all_of_k"}
        assert made.table("all_of_k").schema.equals(made.table("k").schema)
        nothing(made)
    made.sql("k", texts[0])
    made.built()
    assert made.restored == ["all_of_k", "k"]
    nothing(made)
