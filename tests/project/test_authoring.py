"""What a user may write, from the file to the rows that it makes."""

import pytest
from deltalake import DeltaTable

from cpgbuild import api
from cpgbuild.core.events import Built, Started, Unchanged
from cpgbuild.project.config import Overrides
from tests.support.projects import ProjectFolder, shop

PARTS = '''
import ibis
import pyarrow as pa
import pyarrow.compute as pc
from cpgbuild import compute, view

SCHEMA = {"label": "string", "number": "int64"}


@view(contributes_to="v_labels")
def from_orders(catalog):
    """Columns in another order, which are matched by name."""
    orders = catalog.table("orders")
    return orders.select(number=orders.order_id, label=orders.region)


@compute(contributes_to="v_labels")
def from_customers(catalog):
    customers = catalog.table("customers")
    return customers.select(label=customers.name, number=customers.customer_id)


def louder(rows):
    return pa.table({"label": pc.utf8_upper(rows["label"]), "number": rows["number"]})


@compute(contributes_to="v_labels", map=louder, schema=SCHEMA)
def from_python(catalog):
    customers = catalog.table("customers").filter(ibis._.customer_id == 1)
    return customers.select(label=customers.name, number=customers.customer_id)


@compute
def labels(catalog):
    return catalog.table("v_labels")
'''


@pytest.fixture
def project(tmp_path) -> ProjectFolder:
    return shop(tmp_path)


def rows(project: ProjectFolder, table: str) -> list[tuple]:
    """A table's rows, sorted, with their values in the order of the columns' names."""
    found = DeltaTable(project.root / "warehouse" / table).to_pyarrow_table().to_pylist()
    return sorted(tuple(row[name] for name in sorted(row)) for row in found)


def ran(project: ProjectFolder, **options) -> list[str]:
    """Build, and return the compute tasks that ran, in the order in which they ended."""
    events = []
    outcome = api.build(project.root, report=events.append, **options)
    assert outcome.failed == 0
    return [e.task.name for e in events if isinstance(e, Built | Unchanged) and e.rows is not None]


def test_tasks_of_all_kinds_contribute_to_one_dataset(project):
    project.write("tasks/parts.py", PARTS)
    project.write(
        "tasks/from_sql.sql",
        "-- cpgbuild: contributes_to = \"v_labels\"\nSELECT 'four' AS label, CAST(4 AS BIGINT) AS number\n",
    )
    api.build(project.root, targets=["labels"])
    expected = [("ada", 1), ("bob", 2), ("eve", 3), ("ADA", 1), ("four", 4)]
    expected += [("eu", 1), ("eu", 2), ("eu", 3), ("us", 4)]
    assert rows(project, "labels") == sorted(expected)
    assert ran(project, targets=["labels"]) == []


def test_a_dataset_is_ready_when_all_that_contribute_are(project):
    project.write("tasks/parts.py", PARTS)
    order = ran(project, targets=["labels"])
    assert order[-1] == "compute.labels"
    assert set(order[:-1]) == {"compute.from_customers", "compute.from_python"}


def test_one_part_that_changes_reruns_itself_and_the_readers_alone(project):
    project.write("tasks/parts.py", PARTS)
    api.build(project.root, targets=["labels"])
    project.edit("tasks/parts.py", "ibis._.customer_id == 1", "ibis._.customer_id == 2")
    assert ran(project, targets=["labels"]) == ["compute.from_python", "compute.labels"]
    assert ("BOB", 2) in rows(project, "labels")


def test_the_smallest_priority_of_the_ready_ones_comes_first(project):
    for name, priority in (("a", 30), ("b", 10), ("c", 20), ("d", -1)):
        header = f'-- cpgbuild: kind = "compute", priority = {priority}, output = "t_{name}"'
        project.write(f"tasks/{name}.sql", f"{header}\nSELECT * FROM customers\n")
    events = []
    api.build(project.root, targets=["t_a", "t_b", "t_c", "t_d"], report=events.append)
    started = [e.task.dataset for e in events if isinstance(e, Started)]
    assert started == ["t_d", "t_b", "t_c", "t_a"]


def test_a_table_is_split_by_its_partition_columns(project):
    project.edit("tasks/sales.py", "@compute\n", '@compute(partition_by=["customer_id"])\n')
    api.build(project.root)
    table = DeltaTable(project.root / "warehouse/sales")
    assert table.metadata().partition_columns == ["customer_id"]
    assert rows(project, "top") == [(20.0, "ada")]


def test_a_change_of_the_partition_columns_is_a_change(project):
    api.build(project.root)
    project.edit("tasks/sales.py", "@compute\n", '@compute(partition_by="customer_id")\n')
    assert "compute.sales" in ran(project)
    assert DeltaTable(project.root / "warehouse/sales").metadata().partition_columns == [
        "customer_id"
    ]


def test_tags_and_descriptions_change_nothing(project):
    api.build(project.root)
    project.edit("tasks/sales.py", "@compute\n", '@compute(tags=["daily"], description="other")\n')
    assert ran(project) == []


def test_a_task_is_a_target_by_its_name_and_by_its_dataset(project):
    project.edit("tasks/sales.py", "@compute\n", '@compute(name="compute.daily", output="sold")\n')
    project.edit("tasks/top.sql", "FROM sales", "FROM sold")
    assert ran(project, targets=["compute.daily"]) == ["compute.daily"]
    assert ran(project, targets=["sold"], force=["sold"]) == ["compute.daily"]


def test_a_variable_of_the_command_line_changes_exactly_what_reads_it(project):
    api.build(project.root)
    overrides = Overrides({"region": "us"})
    assert ran(project, overrides=overrides) == ["compute.sales", "compute.top"]
    assert rows(project, "top") == [(99.0, "eve")]
    assert ran(project, overrides=overrides) == []


def test_an_environment_builds_into_a_warehouse_of_its_own(project):
    api.build(project.root)
    project.append(
        "cpgbuild.toml", '[env.dev.project]\nwarehouse = "dev"\n[env.dev.vars]\nregion = "us"\n'
    )
    overrides = Overrides(environment="dev")
    assert ran(project, overrides=overrides) == ["compute.sales", "compute.top"]
    assert (project.root / "dev/top/_delta_log").is_dir()
    assert ran(project) == []
    assert ran(project, overrides=overrides) == []


def test_an_edit_of_a_helper_is_seen_by_the_next_build_of_one_process(project):
    project.write("tasks/helpers.py", "def worth(orders):\n    return orders.amount > 5\n")
    project.edit(
        "tasks/sales.py", "import ibis\n", "import ibis\nfrom tasks.helpers import worth\n"
    )
    project.edit("tasks/sales.py", "orders.region ==", "worth(orders), orders.region ==")
    api.build(project.root)
    project.edit("tasks/helpers.py", "> 5", "> 8")
    assert ran(project) == ["compute.sales", "compute.top"]
    assert rows(project, "top") == [(12.5, "ada")]


def test_a_changed_function_of_the_python_lane_runs_in_its_new_form(project):
    project.write("tasks/parts.py", PARTS)
    api.build(project.root, targets=["labels"])
    project.edit("tasks/parts.py", "pc.utf8_upper", "pc.utf8_reverse")
    assert ran(project, targets=["labels"]) == ["compute.from_python", "compute.labels"]
    assert ("ada", 1) in rows(project, "labels")
    assert ("ADA", 1) not in rows(project, "labels")
