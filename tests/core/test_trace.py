"""What is remembered of a run survives on disk, and what is not of this format is nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpgbuild.core.evidence import Stamp
from cpgbuild.core.fingerprint import Fingerprint, fingerprint
from cpgbuild.core.schema import Column, Schema
from cpgbuild.core.trace import FORMAT, Trace
from tests.core.graphs import schema
from tests.core.warehouses import evidence
from tests.property.profiles import laws

F = Fingerprint
FULL = Trace(
    task="täsk\n",
    plan=F("p"),
    reads={"s": Stamp(F("schema"), F("version"), F("data")), "d/p": Stamp(F("other"), F("1"))},
    wrote=Stamp(F("wrote"), F("2"), F("2")),
    data={(): F("rows"), ("a", "b"): F("ab"), ("a,b",): F("odd")},
    query=F("q"),
    views={"v": F("view")},
    rows=7,
    seconds=1.25,
    finished="2026-01-01T00:00:00Z",
    facts={"k": 'v"\n'},
)
BARE = Trace("t", F("p"), {}, Stamp(F("s"), F("v")))

texts = st.text(max_size=5)
prints = texts.map(F)
stamps = st.builds(Stamp, prints, prints, st.none() | st.text(min_size=1, max_size=5).map(F))
traces = st.builds(
    Trace,
    task=texts,
    plan=prints,
    reads=st.dictionaries(texts, stamps, max_size=3),
    wrote=stamps,
    data=st.dictionaries(st.lists(texts, max_size=3).map(tuple), prints, max_size=3),
    query=prints,
    views=st.dictionaries(texts, prints, max_size=3),
    rows=st.integers(0, 2**62),
    seconds=st.just(0.5),
    finished=texts,
    facts=st.dictionaries(texts, texts, max_size=2),
)


@pytest.mark.parametrize("trace", [FULL, BARE])
def test_a_trace_survives_json(trace: Trace) -> None:
    text = trace.to_json()
    assert "\n" not in text
    assert Trace.from_json(text) == trace


@laws(100)
@given(trace=traces)
def test_every_trace_survives_json_as_one_line_of_ascii(trace: Trace) -> None:
    text = trace.to_json()
    assert text.isascii()
    assert "\n" not in text
    assert Trace.from_json(text) == trace


def test_the_same_trace_is_the_same_text_whatever_the_order_of_its_parts() -> None:
    turned = replace(
        FULL,
        reads=dict(reversed(FULL.reads.items())),
        data=dict(reversed(FULL.data.items())),
        views=dict(reversed(FULL.views.items())),
    )
    assert turned.to_json() == FULL.to_json()


@pytest.mark.parametrize("field", sorted(json.loads(FULL.to_json())))
def test_a_trace_without_one_of_its_fields_is_none(field: str) -> None:
    record = json.loads(FULL.to_json())
    del record[field]
    assert Trace.from_json(json.dumps(record)) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 1},
        {"v": FORMAT + 1},
        {"v": str(FORMAT)},
        {"reads": {"s": ["schema", "data"]}},
        {"reads": {"s": ["a", "b", "c", "d"]}},
        {"reads": []},
        {"wrote": ["schema"]},
        {"wrote": None},
        {"data": {"a": "1"}},
        {"data": [[["a"]]]},
        {"data": [[[["a"]], "1"]]},
        {"views": ["v"]},
    ],
)
def test_a_trace_of_another_shape_is_none(changed: dict[str, object]) -> None:
    assert Trace.from_json(json.dumps(json.loads(FULL.to_json()) | changed)) is None


@pytest.mark.parametrize("text", ["", "x", "null", "[]", "{}", "2", FULL.to_json()[:-1]])
def test_what_is_no_trace_is_none(text: str) -> None:
    assert Trace.from_json(text) is None


def test_the_trace_of_the_first_format_is_none() -> None:
    old = (
        '{"v":1,"task":"compute.t","plan":"p","reads":{"s":["schema","data"]},'
        '"wrote":["schema","run"],"rows":1,"seconds":0.1,"finished":"","facts":{}}'
    )
    assert Trace.from_json(old) is None


def test_an_output_is_what_its_trace_says() -> None:
    found = FULL.evidence(schema("a, b"))
    assert (found.schema, found.version) == (schema("a, b"), F("2"))
    assert found.stamp(["b", "a"]).data == F("ab")
    assert found.stamp(["b"]).data is None


def test_a_reader_sees_the_columns_that_it_requires_in_any_order() -> None:
    there = evidence("id, name: string, unread: date", "1", id="A", id_name="B")
    assert there.stamp(["id"]) == Stamp(schema("id").fingerprint, F("1"), F("A"))
    assert there.stamp(["name", "id"]) == there.stamp(["id", "name"])
    assert there.stamp(["name", "id"]).data == F("B")
    assert there.stamp(["name"]).data is None
    assert there.stamp([]).schema == schema("").fingerprint


def test_all_columns_are_known_by_the_version() -> None:
    there = evidence("id, name", "1", id="A")
    assert there.stamp() == Stamp(there.schema.fingerprint, F("1"), F("1"))


def test_fingerprints_tell_lists_apart() -> None:
    lists = [(), ("",), ("", ""), ("a", "b"), ("ab",), ("a", "", "b"), ("b", "a"), ("ab", "")]
    assert len({fingerprint(*parts) for parts in lists}) == len(lists)
    assert fingerprint("a") == fingerprint(b"a")


def test_a_schema_fingerprint_sees_names_types_nullability_and_order() -> None:
    a, b = Column("a", "int64"), Column("b", "int64")
    schemas = [
        Schema((a, b)),
        Schema((b, a)),
        Schema((a,)),
        Schema((a, Column("b", "int32"))),
        Schema((a, Column("b", "int64", nullable=False))),
        Schema((Column("a: int64", "b"),)),
    ]
    assert len({s.fingerprint for s in schemas}) == len(schemas)
    assert Schema((a, b)).restricted(["b", "a"]) == Schema((b, a)).restricted(["a", "b"])
