"""The compiler: every task once, after what it reads, wherever its text is found."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import datafusion
import pyarrow as pa
import pytest

from cpgbuild.errors.project import SourceMissing
from cpgbuild.errors.report import Place
from cpgbuild.plan.compiler import Compiler
from tests.plan.corpus import SCHEMAS
from tests.property.compiling import definition


def compiled(texts: dict[str, str]) -> Compiler:
    sources = {name: partial(lambda s: s, schema) for name, schema in SCHEMAS.items()}
    made = Compiler([definition(n, text) for n, text in texts.items()], sources, {}, Path())
    made.compile_all()
    return made


def test_a_chain_may_be_longer_than_pythons_stack_is_deep() -> None:
    texts = {f"v{n:03}": f"select id from v{n + 1:03}" for n in range(300)}
    made = compiled({**texts, "v300": "select id from orders"})
    assert made.errors == []
    assert len(made.tasks) == 301


def test_a_query_is_planned_once_where_its_text_names_what_it_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planned: list[str] = []
    plan = datafusion.SessionContext.sql_with_options

    def counted(ctx: datafusion.SessionContext, sql: str, *more: object) -> object:
        planned.append(sql)
        return plan(ctx, sql, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(datafusion.SessionContext, "sql_with_options", counted)
    texts = {
        "a": "select id from b join c using (id)",
        "b": "select id from c where id > 1",
        "c": "select id from orders",
        "d": "select id from orders where id > 2",
    }
    made = compiled(texts)
    assert made.errors == []
    assert sorted(planned) == sorted(texts.values())


@pytest.mark.parametrize(
    "text",
    [
        "select id from orders -- not from broken",
        "with broken as (select id from orders) select id from broken",
        "select id, 'x from broken' as said from orders",
    ],
)
def test_a_source_that_a_text_only_seems_to_read_is_not_read(text: str) -> None:
    def broken() -> pa.Schema:
        raise SourceMissing("broken", "nowhere", Place("cpgbuild.toml"))

    sources = {"orders": lambda: SCHEMAS["orders"], "items": broken, "broken": broken}
    made = Compiler([definition("a", text)], sources, {}, Path())
    made.compile_all()
    assert made.errors == []
    assert list(made.sources) == ["orders"]
    assert list(made.outline("view.a").asked) == ["orders"]


def test_a_source_that_is_read_and_missing_is_told_where_it_is_read() -> None:
    def broken() -> pa.Schema:
        raise SourceMissing("broken", "nowhere", Place("cpgbuild.toml"))

    made = Compiler([definition("a", "select id from broken")], {"broken": broken}, {}, Path())
    made.compile_all()
    assert [type(error) for error in made.errors] == [SourceMissing]


@pytest.mark.parametrize(
    "texts",
    [
        # Named and not read, by one or by each of two.
        {"a": "select id as b from orders", "b": "select b as a from a"},
        {"a": "with b as (select 1 as id) select id from b", "b": "select id from a"},
        {"a": "select id, 'b' as s from orders -- b", "b": "select id from a"},
        {"orders_of_a": "select orders_of_a from a", "a": "select id as orders_of_a from orders"},
    ],
)
def test_a_name_that_is_not_read_is_no_dependency(texts: dict[str, str]) -> None:
    made = compiled(texts)
    assert made.errors == []
    a, b = (made.tasks[f"view.{name}"] for name in sorted(texts))
    assert [r.dataset for r in a.requires] in ([], ["orders"])
    assert [r.dataset for r in b.requires] == ["a"]
