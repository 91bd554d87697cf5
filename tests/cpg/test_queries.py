"""The queries that people come for, on a small package."""

import pytest
import rustworkx as rx

from cpgbuild.api.datasets import open_project
from cpgbuild.project.config import Overrides
from tests.cpg.graphs import ROOT, build, write_tree

SHOP = {
    "__init__.py": "from shop.api import exported\n",
    "api.py": """import os
import pickle
import yaml
from typing import TYPE_CHECKING

from shop import store

if TYPE_CHECKING:
    from shop import late

__all__ = ["listed"]


def exported(text):
    return run(text)


def run(text):
    return deep(text, 1)


def deep(text, unused):
    return eval(text)


def listed():
    os.system("ls")


def dead(again):
    return dead(again)


def named(f, yaml):
    return yaml.load(f)


def mentioned():
    return getattr(store, "looked_up")


print(named, mentioned)


def read(data):
    def inner(_skipped, used=lambda: locals()):
        return pickle.loads(data)

    return inner()


registry = []


@registry.append
def registered():
    pass
""",
    "store.py": """import shop.third


class Base:
    def hook(self, given, kept):
        raise NotImplementedError

    def plain(self, left, right, vars):
        return left.locals

    def kw(self, **options):
        return self.hook(options=1)


class Mixin(Base):
    def hook(self, given, kept):
        return 1


class Other(Base):
    pass


class Bottom(Mixin, Other):
    def __call__(self, nothing):
        return 1


def looked_up():
    return 1


def protocol(stub):
    ...
""",
    "third.py": "from shop import store\n\nimport shop.late\n",
    "late.py": "def later():\n    import shop.third\n    import shop.api\n",
    "self_import.py": "import shop.self_import\n",
}


@pytest.fixture(scope="module")
def query(tmp_path_factory):
    folder = tmp_path_factory.mktemp("queries")
    tree, warehouse = write_tree(folder / "shop", SHOP), folder / "warehouse"
    tables = ("cpg_nodes_delta", "cpg_edges_delta", "cpg_props_delta")
    build(tree, warehouse, *tables)
    overrides = Overrides({"repo": str(tree), "scip_index": ""}, None, str(warehouse))
    with open_project(ROOT, overrides) as datasets:
        yield lambda text: {
            tuple(row.values()) for row in datasets.sql(text).read_all().to_pylist()
        }


def test_callers_are_known_through_others_with_the_distance(query):
    found = query("SELECT caller, distance FROM v_callers WHERE callee = 'shop.api.deep'")
    assert found == {("shop.api.run", 1), ("shop.api.exported", 2)}


def test_what_reaches_a_sink_is_known_all_the_way_and_by_name_where_nothing_is_resolved(query):
    found = query("SELECT caller, sink, distance, how FROM v_reaches_sink")
    assert {row for row in found if row[1] == "builtins.eval"} == {
        ("shop.api.deep", "builtins.eval", 1, "resolved"),
        ("shop.api.run", "builtins.eval", 2, "resolved"),
        ("shop.api.exported", "builtins.eval", 3, "resolved"),
    }
    assert ("shop.api.listed", "os.system", 1, "resolved") in found
    assert ("shop.api.named", "yaml.load", 1, "by name") in found
    assert {row[0] for row in found if "pickle" in row[1]} == {
        "shop.api.read.inner",
        "shop.api.read",
    }


def test_dead_functions_are_those_that_nothing_calls_names_exports_or_registers(query):
    assert query("SELECT function, confidence FROM v_dead_functions") == {
        ("shop.api.dead", "high"),  # calls itself only
        ("shop.api.listed", "low"),  # `__all__` says its name
        ("shop.store.looked_up", "low"),  # as `getattr` does
        ("shop.api.read", "high"),
        ("shop.store.Base.plain", "high"),
        ("shop.store.Base.kw", "high"),
        ("shop.store.protocol", "high"),
        ("shop.late.later", "high"),
    }


def test_modules_that_import_each_other_are_a_cycle_and_late_imports_are_none(query):
    assert query("SELECT cycle, module, n_members FROM v_import_cycles") == {
        ("shop.store", "shop.store", 2),
        ("shop.store", "shop.third", 2),
    }


def test_import_cycles_are_the_strongly_connected_components(query):
    steps = query("SELECT importer_id, module_id FROM v_module_imports")
    graph = rx.PyDiGraph()
    at = {name: graph.add_node(name) for name in {end for step in steps for end in step}}
    graph.add_edges_from_no_data([(at[a], at[b]) for a, b in steps])
    components = [c for c in rx.strongly_connected_components(graph) if len(c) > 1]
    members = query("SELECT module_id FROM v_import_cycles")
    assert {name for (name,) in members} == {graph[i] for c in components for i in c}


def test_unused_parameters_are_those_that_no_signature_asks_for(query):
    assert query("SELECT function, parameter FROM v_unused_parameters") == {
        ("shop.api.deep", "unused"),
        ("shop.store.Base.plain", "right"),
        ("shop.store.Base.plain", "vars"),  # nor is an attribute called `locals` one of all names
        ("shop.store.Base.kw", "options"),  # the name of a keyword is no use of it
    }


def test_a_class_has_all_its_ancestors_in_the_order_of_resolution(query):
    found = query(
        "SELECT ancestor, distance, position, way FROM v_class_hierarchy "
        "WHERE class = 'shop.store.Bottom'"
    )
    assert found == {
        ("shop.store.Mixin", 1, 1, "Bottom > Mixin"),
        ("shop.store.Other", 1, 2, "Bottom > Other"),
        ("shop.store.Base", 2, 3, "Bottom > Mixin > Base"),
    }
