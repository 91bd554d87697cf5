"""Recursive queries scan their inputs once a round, and each round sees all rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.builds import Site, site

REACHED = """
WITH RECURSIVE walk AS (
  SELECT 1 AS at, 0 AS steps
  UNION ALL
  SELECT e.b, walk.steps + 1 FROM walk JOIN {edges} AS e ON walk.at = e.a WHERE walk.steps < 9
)
SELECT at, CAST(steps AS BIGINT) AS steps FROM walk
"""
CHAIN = (
    "SELECT * FROM (VALUES (1, 2, 'x'), (2, 3, 'x'), (3, 4, 'x'), (4, 5, 'x')) AS v(a, b, unread)"
)
WHOLE = [(n + 1, n) for n in range(5)]


@pytest.fixture
def chain(tmp_path: Path) -> Site:
    made = site(tmp_path)
    made.sql("edges", CHAIN)
    return made


def test_over_a_table(chain: Site) -> None:
    chain.sql("reached", REACHED.format(edges="edges"))
    chain.built()
    assert chain.rows("reached") == WHOLE


def test_over_a_view_of_a_table_beside_one_that_is_not_recursive(chain: Site) -> None:
    chain.sql("v_edges", "SELECT a, b FROM edges", kind="view")
    chain.sql("reached", REACHED.format(edges="v_edges"))
    chain.sql("counted", "SELECT count(*) AS n FROM v_edges")
    chain.built()
    assert chain.rows("reached") == WHOLE
    assert chain.rows("counted") == [(4,)]


def test_in_a_view_that_a_table_reads(chain: Site) -> None:
    chain.sql("v_reached", REACHED.format(edges="edges"), kind="view")
    chain.sql("furthest", "SELECT max(steps) AS steps FROM v_reached")
    chain.sql("ends", "SELECT v.at, e.unread FROM v_reached AS v JOIN edges AS e ON e.b = v.at")
    chain.built()
    assert chain.rows("furthest") == [(4,)]
    assert len(chain.rows("ends")) == 4


def test_over_an_empty_table(chain: Site) -> None:
    chain.sql("none", "SELECT a, b FROM edges WHERE a > 100")
    chain.sql("reached", REACHED.format(edges="none"))
    chain.built()
    assert chain.rows("reached") == WHOLE[:1]


def test_over_parts_that_are_tables(chain: Site) -> None:
    chain.sql("low", "SELECT a, b FROM edges WHERE a < 3", more=', contributes_to = "parts"')
    chain.sql("high", "SELECT a, b FROM edges WHERE a >= 3", more=', contributes_to = "parts"')
    chain.sql("reached", REACHED.format(edges="parts"))
    chain.built()
    assert chain.rows("reached") == WHOLE
