"""A project in Hamilton's own driver: the same tables, traces and skips as a build's."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("hamilton")

from hamilton import async_driver
from hamilton import driver as hamilton
from hamilton.execution import executors
from hamilton.io.materialization import to

from cpgbuild import api
from cpgbuild.cli.errors_text import report_text
from cpgbuild.core.events import Built, Event, Failed, Restored, Skipped, Unchanged, UpToDate
from cpgbuild.errors.project import HamiltonMissing, ModuleOutdated
from cpgbuild.errors.run import GivenOtherwise, TaskFailed
from cpgbuild.errors.state import BuildInProgress
from cpgbuild.export.hamilton import driver, module
from cpgbuild.export.hamilton_module import export
from cpgbuild.export.references import SourceReference, TableReference, ViewReference
from cpgbuild.project.config import Overrides
from tests.cpg.graphs import build, write_tree
from tests.engine.builds import Site
from tests.support.commands import environment, run
from tests.support.golden import check_golden
from tests.support.projects import shop

ROOT = Path(__file__).parents[2]
ENDED = (Built, Unchanged, Restored, UpToDate, Failed, Skipped)


@pytest.fixture
def made(tmp_path: Path) -> Site:
    """orders → v_orders → sales → top ← customers, and customers → names."""
    folder = tmp_path / "shop"
    folder.mkdir()
    found = Site(shop(folder))
    found.sql("names", "select name from customers")
    return found


class Ran:
    """What became of tasks, by name, while a driver executed."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def take(self) -> dict[str, str]:
        """Return how each task ended, and forget it."""
        ended = {e.task.name: type(e).__name__ for e in self.events if isinstance(e, ENDED)}
        self.events = []
        return ended


def built(root: Path, *targets: str) -> dict[str, str]:
    """Build, and return how each task ended."""
    ran = Ran()
    api.build(root, targets=targets, report=ran)
    return ran.take()


def written(made: Site, name: str = "generated_pipeline") -> ModuleType:
    """Write a project's module, and import it as a user would."""
    path = made.root / f"{name}.py"
    export(made.root, path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    return found


def driving(found: ModuleType) -> hamilton.Driver:
    return hamilton.Builder().with_modules(found).with_adapters(found.PIPELINE).build()


ALL = ["v_orders", "sales", "top", "names"]
FRESH = dict.fromkeys(("view.v_orders", "compute.sales", "compute.top", "compute.names"), "Built")
CURRENT = dict.fromkeys(FRESH, "UpToDate")


def test_the_same_tables_and_traces_as_a_build(made: Site, tmp_path: Path) -> None:
    other = Site(replace(made.folder, root=Path(shutil.copytree(made.root, tmp_path / "other"))))
    ran = Ran()
    driver(made.root, report=ran).execute(ALL)
    assert ran.take() == built(other.root) == FRESH
    for name in ("sales", "top", "names"):
        assert made.rows(name) == other.rows(name)
        mine, theirs = (
            replace(one.trace(name), facts={}, seconds=0.0, finished="") for one in (made, other)
        )
        assert mine == theirs
    assert (made.root / "cpgbuild.lock").read_bytes() == (other.root / "cpgbuild.lock").read_bytes()


def test_after_an_execution_a_build_has_nothing_to_do_and_the_other_way_round(made: Site) -> None:
    ran = Ran()
    dr = driver(made.root, report=ran)
    dr.execute(ALL)
    assert ran.take() == FRESH
    assert built(made.root) == CURRENT
    dr.execute(ALL)
    assert ran.take() == CURRENT
    shutil.rmtree(made.root / "warehouse")
    shutil.rmtree(made.root / ".cpgbuild")
    assert built(made.root) == FRESH
    dr.execute(ALL)
    assert ran.take() == CURRENT


def test_a_changed_source_reruns_exactly_its_descendants(made: Site, tmp_path: Path) -> None:
    ran = Ran()
    dr = driver(made.root, report=ran)
    dr.execute(ALL)
    ran.take()
    made.folder.write("data/customers.csv", "customer_id,name\n1,eda\n2,bob\n3,eve\n")
    other = shutil.copytree(made.root, tmp_path / "other")
    dr.execute(ALL)
    assert (
        ran.take() == built(other) == CURRENT | {"compute.top": "Built", "compute.names": "Built"}
    )


def test_a_table_that_comes_out_as_it_was_stops_there(made: Site) -> None:
    ran = Ran()
    dr = driver(made.root, report=ran)
    dr.execute(ALL)
    ran.take()
    made.folder.edit("tasks/sales.py", "orders.amount.sum()", "orders.amount.sum() + 0.0")
    dr.execute(ALL)
    assert ran.take() == CURRENT | {"compute.sales": "Unchanged"}


def test_a_change_taken_back_is_restored(made: Site) -> None:
    ran = Ran()
    dr = driver(made.root, report=ran)
    dr.execute(["names"])
    made.folder.write("data/customers.csv", "customer_id,name\n1,eda\n")
    dr.execute(["names"])
    made.folder.write("data/customers.csv", "customer_id,name\n1,ada\n2,bob\n3,eve\n")
    ran.take()
    dr.execute(["names"])
    assert ran.take() == {"compute.names": "Restored"}


def test_only_what_a_target_needs_is_built(made: Site) -> None:
    ran = Ran()
    found = driver(made.root, report=ran).execute(["sales"])
    assert ran.take() == {"view.v_orders": "Built", "compute.sales": "Built"}
    assert found.keys() == {"sales"}
    # What was left out is not taken for up to date, also not by who looks for no more than that.
    assert run("plan", folder=made.root).stdout.endswith("2 tasks run, 2 up to date\n")
    assert built(made.root) == FRESH | {"view.v_orders": "UpToDate", "compute.sales": "UpToDate"}


def test_views_and_tables_come_as_references(made: Site) -> None:
    found = driver(made.root).execute(["v_orders", "sales"])
    trace = made.trace("sales")
    assert found["sales"] == TableReference(
        dataset="sales",
        path=str(made.root / "warehouse/sales"),
        version=made.version("sales"),
        schema_fingerprint=trace.wrote.schema,
        rows=2,
    )
    view = found["v_orders"]
    assert isinstance(view, ViewReference)
    assert (view.name, view.plan_fingerprint) == (
        "v_orders",
        trace.views["v_orders"],
    ) or view.plan_fingerprint


def test_functions_have_real_signatures(made: Site) -> None:
    found = module(made.root)
    signature = inspect.signature(found.top)
    assert {n: p.annotation for n, p in signature.parameters.items()} == {
        "sales": TableReference,
        "customers": SourceReference,
    }
    assert signature.return_annotation is TableReference
    assert found.sales.__doc__ == "What each customer spent."
    assert 'PIPELINE.table("compute.top", sales, customers)' in inspect.getsource(found.top)


def test_the_written_module_does_the_same(made: Site) -> None:
    found = written(made)
    ran = Ran()
    found.PIPELINE.report = ran
    driving(found).execute(ALL)
    assert ran.take() == FRESH
    assert built(made.root) == CURRENT


def test_without_the_adapter_each_function_opens_the_project(made: Site) -> None:
    found = written(made)
    ran = Ran()
    found.PIPELINE.report = ran
    dr = hamilton.Builder().with_modules(found).build()
    dr.execute(ALL)
    assert made.rows("top") == [("ada", 20.0)]
    assert ran.take() == CURRENT | {t: "Built" for t in FRESH if t.startswith("compute.")}
    assert built(made.root) == CURRENT
    made.folder.write("data/customers.csv", "customer_id,name\n1,eda\n")
    dr.execute(["top"], inputs=found.SOURCES)
    assert made.rows("top") == [("eda", 20.0)]


def test_the_module_is_the_same_byte_for_byte_where_the_graph_is(
    made: Site, tmp_path: Path
) -> None:
    path = made.root / "generated_pipeline.py"
    assert export(made.root, path).changed
    stamp, text = path.stat().st_mtime_ns, path.read_bytes()
    assert str(tmp_path).encode() not in text
    made.folder.edit(
        "tasks/sales.py", "amount=orders.amount.sum()", "amount=2 * orders.amount.sum()"
    )
    made.folder.write("data/customers.csv", "customer_id,name\n1,eda\n")
    built(made.root)
    assert not export(made.root, path).changed
    assert (path.stat().st_mtime_ns, path.read_bytes()) == (stamp, text)
    other = shutil.copytree(made.root, tmp_path / "elsewhere/shop")
    export(other, other / "generated_pipeline.py")
    assert (other / "generated_pipeline.py").read_bytes() == text


def test_the_module_finds_the_project_from_beside_it(made: Site, tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    path = tmp_path / "flows/shop_flow.py"
    export(made.root, path)
    assert 'Path(__file__).parent / "../shop"' in path.read_text()
    code = (
        "from hamilton import driver; import shop_flow as m; "
        "dr = driver.Builder().with_modules(m).with_adapters(m.PIPELINE).build(); "
        "print(dr.execute(['top'])['top'].rows)"
    )
    env = environment(PYTHONPATH=f"{ROOT}:{path.parent}")
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd="/", env=env, capture_output=True, text=True, check=False
    )
    assert ended.stdout == "1\n", ended.stderr


def test_the_module_is_as_ruff_writes_it(made: Site) -> None:
    made.sql(
        "a_dataset_whose_name_is_rather_long_but_not_too_long",
        "select name from customers",
        more=', tags = ["one of several tags that are long", "another one of several", "one of sever", "\\"q"]',
    )
    made.sql(
        "long",
        "select count(*) as n from a_dataset_whose_name_is_rather_long_but_not_too_long, sales, top, names, orders",
    )
    made.folder.append(
        "tasks/sales.py",
        '''
    @view
    def quoted(catalog: Catalog) -> ibis.Table:
        r"""Says "a", \\ and 'b'.

          Indented, and at its end a "quote"
        """
        return catalog.table("customers")
    ''',
    )
    path = made.root / "generated_pipeline.py"
    export(made.root, path)
    ended = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    ended = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E,F,W,B,D1", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    assert "Says \"a\", \\ and 'b'." in module(made.root).quoted.__doc__
    assert driver(made.root).execute(["long"])["long"].rows > 0


def test_a_failure_is_raised_by_the_driver_and_leaves_what_was_built(made: Site) -> None:
    made.sql("bad", "select cast(name as int) as n from names")
    made.sql("beyond", "select n from bad")
    ran = Ran()
    dr = driver(made.root, report=ran)
    with pytest.raises(TaskFailed) as raised:
        dr.execute(["beyond"])
    assert any("bad.sql" in note for note in raised.value.__notes__)
    assert ran.take() == {
        "compute.names": "Built",
        "compute.bad": "Failed",
        "compute.beyond": "Skipped",
    }
    made.sql("bad", "select 1 as n from names")
    dr.execute(["beyond"])
    assert ran.take() == {
        "compute.names": "UpToDate",
        "compute.bad": "Built",
        "compute.beyond": "Built",
    }


def test_an_execution_that_is_interrupted_lets_go_of_the_warehouse(made: Site) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Built) and event.task.name == "compute.sales":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        driver(made.root, report=interrupt).execute(ALL)
    # What is committed stays.
    assert built(made.root)["compute.sales"] == "UpToDate"


def test_several_tasks_contribute_to_a_dataset(made: Site) -> None:
    made.sql(
        "all_one",
        "select name from customers where customer_id = 1",
        more=', contributes_to = "everyone"',
    )
    made.sql(
        "all_rest",
        "select name from customers where customer_id > 1",
        "view",
        ', contributes_to = "everyone"',
    )
    made.sql("counted", "select count(*) as n from everyone")
    ran = Ran()
    dr = driver(made.root, report=ran)
    found = dr.execute(["counted", "everyone", "everyone__all_one"])
    assert made.rows("counted") == [(3,)]
    assert found["everyone__all_one"].dataset == "everyone/all_one"
    assert found["everyone"].name == "everyone"
    assert ran.take() == dict.fromkeys(
        ("compute.all_one", "view.all_rest", "compute.counted"), "Built"
    )
    made.folder.write("data/customers.csv", "customer_id,name\n1,ada\n4,zoe\n5,yan\n6,kim\n")
    again = dr.execute(["counted", "everyone"])
    assert made.rows("counted") == [(4,)]
    assert ran.take()["compute.all_one"] == "Unchanged"
    assert again["everyone"] == found["everyone"]
    assert built(made.root, "counted").values() == {"UpToDate"} or set(
        built(made.root, "counted").values()
    ) == {"UpToDate"}


def test_a_view_that_is_kept_is_a_table(made: Site) -> None:
    made.sql("v", "select uuid() as id", "view")
    made.sql("one", "select id from v")
    made.sql("two", "select id from v")
    dr = driver(made.root)
    found = dr.execute(["v", "one", "two"])
    assert isinstance(found["v"], TableReference)
    assert made.rows("one") == made.rows("two") == made.rows("v")


def test_a_task_of_the_python_lane_maps_only_what_changed(made: Site) -> None:
    made.folder.write("pages/a.txt", "one two")
    made.folder.write("pages/b.txt", "three")
    made.folder.append(
        "cpgbuild.toml",
        """
        [sources.pages]
        format = "files"
        path = "pages"
    """,
    )
    made.python(
        "pages",
        """
        def words(batch: pa.RecordBatch) -> pa.RecordBatch:
            counts = [len(content.split()) for content in batch["content"].to_pylist()]
            return pa.record_batch({"path": batch["path"], "words": pa.array(counts, pa.int64())})


        @compute(map=words, key="path", content="sha256", schema={"path": "string", "words": "int64"})
        def word_counts(catalog: Catalog) -> ibis.Table:
            return catalog.table("pages").select("path", "sha256", "content")
    """,
    )
    ran = Ran()
    dr = driver(made.root, report=ran)
    dr.execute(["word_counts"])
    made.folder.write("pages/b.txt", "three four five")
    dr.execute(["word_counts"])
    assert made.rows("word_counts") == [("a.txt", 2), ("b.txt", 3)]
    details = [e.detail for e in ran.events if isinstance(e, Built)]
    assert details[1].startswith("1 of 2")


def test_names_that_python_or_hamilton_would_not_take(made: Site) -> None:
    made.sql("class", "select name from customers", "view")
    made.sql("class_", "select name from class", "view")
    made.sql("_hidden", "select name from class_", "view")
    made.sql("tag", "select name from _hidden", "view")
    made.sql("_1", "select name from tag", "view")
    made.sql("v__x", "select name from _1")
    made.sql("list", "select name from v__x")
    found = driver(made.root).execute(["list"])
    assert found["list"].rows == 3
    names = {v.name: v.tags.get("task") for v in driver(made.root).list_available_variables()}
    assert names["class__"] == "view.class"
    assert names["class_"] == "view.class_"
    assert names["hidden"] == "view._hidden"
    assert names["tag_"] == "view.tag"
    assert names["v__x"] == "compute.v__x"


def test_what_is_overridden_is_left_as_it_is(made: Site) -> None:
    ran = Ran()
    dr = driver(made.root, report=ran)
    sales = dr.execute(["sales"])["sales"]
    made.folder.edit("tasks/sales.py", "orders.amount.sum()", "orders.amount.sum() * 2")
    ran.take()
    dr.execute(["top"], overrides={"sales": sales})
    assert ran.take() == {"compute.top": "Built"}
    assert made.rows("top") == [("ada", 20.0)]


@pytest.mark.parametrize("given", [None, "data", "older"])
def test_what_is_given_in_the_place_of_a_table_must_be_that_table(made: Site, given: Any) -> None:
    dr = driver(made.root)
    sales = dr.execute(["sales"])["sales"]
    if given == "older":
        given = replace(sales, version=sales.version - 1)
    with pytest.raises(GivenOtherwise):
        dr.execute(["top"], overrides={"sales": given})


def test_a_module_that_is_out_of_date_runs_nothing(made: Site) -> None:
    found = written(made)
    ran = Ran()
    found.PIPELINE.report = ran
    dr = driving(found)
    made.sql("names", "select name from customers join sales using (customer_id)")
    with pytest.raises(ModuleOutdated) as raised:
        dr.execute(["names"])
    assert raised.value.facts == (("names", "reads `customers`, `sales`; read `customers`"),)
    assert not ran.events
    # Nobody sees that before it begins; so the function itself does.
    with pytest.raises(ModuleOutdated):
        hamilton.Builder().with_modules(found).build().execute(["names"])
    assert not ran.events
    # What the change is not about still runs.
    dr.execute(["top"])
    assert ran.take().keys() == {"view.v_orders", "compute.sales", "compute.top"}
    driving(written(made)).execute(["names"])
    assert made.rows("names") == [("ada",), ("bob",)]


@pytest.mark.parametrize("adapters", [True, False])
def test_a_task_that_is_gone_or_of_another_kind_is_told(made: Site, adapters: bool) -> None:
    found = written(made)
    ran = Ran()
    found.PIPELINE.report = ran
    dr = driving(found) if adapters else hamilton.Builder().with_modules(found).build()
    made.sql("names", "select name from customers", more=', name = "compute.all_names"')
    with pytest.raises(ModuleOutdated):
        dr.execute(["names"])
    made.sql("names", "select name from customers", "view")
    with pytest.raises(ModuleOutdated):
        dr.execute(["names"])
    (made.root / "tasks/names.sql").unlink()
    with pytest.raises(ModuleOutdated):
        dr.execute(["names"])
    assert not ran.events


def test_one_build_at_a_time(made: Site) -> None:
    seen: list[str] = []

    def report(event: Event) -> None:
        if isinstance(event, Built) and event.task.name == "compute.sales":
            with pytest.raises(BuildInProgress):
                api.build(made.root)
            seen.append("refused")

    dr = driver(made.root, report=report)
    dr.execute(["top"])
    assert seen == ["refused"]
    assert built(made.root, "top")


def test_who_is_refused_does_not_close_the_project_of_another(made: Site, tmp_path: Path) -> None:
    found = written(made)
    dr = driving(found)
    saved = to.pickle(id="saved", dependencies=["names"], path=str(tmp_path / "names.pickle"))
    refused: list[str] = []

    def report(event: Event) -> None:
        if isinstance(event, Built) and event.task.name == "compute.sales":
            for _ in range(2):
                with pytest.raises(BuildInProgress):
                    dr.materialize(saved)
                refused.append("refused")

    found.PIPELINE.report = report
    dr.execute(["top"])
    assert refused == ["refused", "refused"]
    assert made.rows("top") == [("ada", 20.0)]
    found.PIPELINE.report = None
    dr.materialize(saved)


def test_a_function_may_be_called_again(made: Site) -> None:
    found = written(made)
    analysis = ModuleType("analysis")

    def twice(sales: TableReference, v_orders: ViewReference) -> bool:
        return found.sales(v_orders) == sales

    twice.__annotations__ = {"sales": TableReference, "v_orders": ViewReference, "return": bool}
    twice.__module__ = "analysis"
    analysis.twice = twice
    sys.modules["analysis"] = analysis
    builder = hamilton.Builder().with_modules(found, analysis).with_adapters(found.PIPELINE)
    assert builder.build().execute(["twice"]) == {"twice": True}


def test_the_picture_has_every_node(made: Site, tmp_path: Path) -> None:
    if shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    picture = driver(made.root).display_all_functions()
    for name in (*ALL, "orders", "customers"):
        assert name in picture.source


def test_hamiltons_cache_decides_nothing(made: Site, tmp_path: Path) -> None:
    found = written(made)
    builder = hamilton.Builder().with_modules(found).with_adapters(found.PIPELINE)
    dr = builder.with_cache(path=tmp_path / "cache").build()
    dr.execute(["top"])
    made.folder.write("data/customers.csv", "customer_id,name\n1,eda\n")
    dr.execute(["top"])
    assert made.rows("top") == [("eda", 20.0)]


def test_a_users_own_functions_read_the_tables(made: Site) -> None:
    analysis = ModuleType("analysis")
    code = """
from deltalake import DeltaTable
from cpgbuild.export.references import TableReference

def richest(top: TableReference) -> str:
    return DeltaTable(top.path, version=top.version).to_pyarrow_table()["name"][0].as_py()
"""
    exec(code, analysis.__dict__)
    sys.modules["analysis"] = analysis
    ran = Ran()
    assert driver(made.root, analysis, report=ran).execute(["richest"]) == {"richest": "ada"}
    assert ran.take().keys() == FRESH.keys() - {"compute.names"}


def test_threads_may_ask(made: Site) -> None:
    found = written(made)
    dr = (
        hamilton.Builder()
        .with_modules(found)
        .with_adapters(found.PIPELINE)
        .enable_dynamic_execution(allow_experimental_mode=True)
        .with_remote_executor(executors.MultiThreadingExecutor(max_tasks=4))
        .build()
    )
    dr.execute(ALL)
    assert built(made.root) == CURRENT


def test_materializers_open_and_close_the_project_too(made: Site, tmp_path: Path) -> None:
    ran = Ran()
    dr = driver(made.root, report=ran)
    saved = to.pickle(id="saved", dependencies=["top"], path=str(tmp_path / "top.pickle"))
    dr.materialize(saved)
    assert pickle.loads((tmp_path / "top.pickle").read_bytes()).rows == 1
    assert ran.take().keys() == FRESH.keys() - {"compute.names"}
    assert built(made.root)


def test_an_asynchronous_driver_does_the_same(made: Site) -> None:
    found = written(made)
    ran = Ran()
    found.PIPELINE.report = ran

    async def execute() -> dict[str, Any]:
        dr = await async_driver.Builder().with_modules(found).with_adapters(found.PIPELINE).build()
        return await dr.execute(ALL)

    assert asyncio.run(execute())["top"].rows == 1
    assert ran.take() == FRESH
    assert built(made.root) == CURRENT


def test_overrides_of_the_project_are_those_of_the_driver(made: Site, tmp_path: Path) -> None:
    overrides = Overrides(variables={"region": "us"}, warehouse=str(tmp_path / "us"))
    found = driver(made.root, overrides=overrides).execute(["sales"])["sales"]
    assert (found.path, found.rows) == (str(tmp_path / "us/sales"), 1)
    assert not (made.root / "warehouse").exists()


def test_without_hamilton_it_says_what_to_install(made: Site) -> None:
    code = "import sys; sys.modules['hamilton'] = None\n"
    code += "from cpgbuild.export.hamilton_module import export\nfrom pathlib import Path\n"
    code += "print(export('.', Path('m.py')).functions)\nimport m"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=made.root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout == "4\n"
    assert ended.stderr.splitlines()[-2:] == [
        "cpgbuild.errors.project.HamiltonMissing: Hamilton is not installed",
        "hint: pip install 'cpgbuild[hamilton]'",
    ]


def test_messages(made: Site, tmp_path: Path) -> None:
    """What a user of Hamilton may come upon, whole."""
    dr = driver(made.root)
    dr.execute(["sales"])
    with pytest.raises(GivenOtherwise) as given:
        dr.execute(["top"], overrides={"sales": "data/sales.parquet"})
    made.sql("top", "select name from customers")
    made.sql("sales", "select customer_id, amount from orders", "view")
    (made.root / "tasks/sales.py").unlink()
    with pytest.raises(ModuleOutdated) as outdated:
        dr.execute(["top"])
    found = [given.value, outdated.value, HamiltonMissing()]
    texts = [report_text(one.report(), tmp_path).plain for one in found]
    check_golden("\n".join(texts), Path(__file__).parent / "golden/messages.txt")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {
        "__init__.py": "from .base import Base\n",
        "base.py": "class Base:\n    def total(self):\n        return self.part()\n\n    def part(self):\n        return 1\n",
    }
    return write_tree(tmp_path_factory.mktemp("tree") / "shop", files)


def test_the_code_property_graph_runs_through_it(tree: Path, tmp_path: Path) -> None:
    targets = ["cpg_nodes_delta", "cpg_edges_delta", "cpg_props_delta"]
    ran, variables = Ran(), {"repo": str(tree)}
    overrides = Overrides(variables=variables, warehouse=str(tmp_path / "warehouse"))
    dr = driver(ROOT, overrides=overrides, report=ran)
    dr.execute(targets)
    assert set(ran.take().values()) == {"Built"}
    graph = build(tree, tmp_path / "warehouse", *targets)
    assert not graph.built
    assert ("shop.base.Base.total", "shop.base.Base.part", "method") in graph.calls()
    (tree / "base.py").write_text((tree / "base.py").read_text() + "\nadded = 1\n")
    dr.execute(targets)
    ended = ran.take()
    assert ended["compute.cst_nested"] == "Built"
    assert "Failed" not in ended.values()
    assert not build(tree, tmp_path / "warehouse", *targets).built
