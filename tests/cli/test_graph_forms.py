"""`graph` in its four forms."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from tests.support.commands import run_here


@pytest.mark.parametrize("form", ["dot", "mermaid", "json", "svg"])
def test_graph_as(project, says, form):
    assert says(f"graph --format {form}", project.root).code == 0


def test_graph_of_a_form_that_is_none(project, says):
    assert says("graph -f png", project.root).code == 2


def test_json_has_each_edge_with_the_columns_that_it_requires(project):
    graph = json.loads(run_here("graph", "-f", "json", folder=project.root).stdout)
    edges = {(e["from"], e["to"]): e["columns"] for e in graph["edges"]}
    assert edges["v_orders", "sales"] == ["amount", "customer_id"]
    assert {d["dataset"]: d["kind"] for d in graph["datasets"]}["sales"] == "table"


def test_svg_is_a_picture_of_each_dataset(project):
    root = ET.fromstring(run_here("graph", "-f", "svg", folder=project.root).stdout)
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(texts) == ["customers", "orders", "sales", "top", "v_orders"]
    assert len(list(root.iter("{http://www.w3.org/2000/svg}path"))) == 4
