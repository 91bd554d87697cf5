"""What is said of tasks that fail while they run, and what a failure leaves behind."""

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from cpgbuild.api import build
from cpgbuild.state.holder import held
from tests.support.projects import ProjectFolder

MAPPED = '''
from pathlib import Path

import pyarrow as pa
from cpgbuild import compute


def shout(rows):
    """What each test says."""
    {body}


@compute(map=shout, schema={{"customer_id": "int64", "name": "string"}}{options})
def loud(catalog):
    {plan}
'''
KEYED = ', key="customer_id", content="name"'


def mapped(
    project: ProjectFolder, body: str, options: str = "", plan: str = 'catalog.table("customers")'
) -> None:
    """Write a python-lane task `loud` of customers, and a view that reads it."""
    text = MAPPED.format(body=body, options=options, plan=f"return {plan}")
    project.write("tasks/loud.py", text)
    project.write("tasks/v_loud.sql", "SELECT name FROM loud\n")


def rows(project: ProjectFolder, table: str) -> list[dict]:
    return DeltaTable(project.root / "warehouse" / table).to_pyarrow_table().to_pylist()


def test_function_that_raises_on_a_row(project, says):
    mapped(project, "raise ValueError(f'no name like {rows[1][0]}')")
    assert says("build --target v_loud", project.root).code == 1


def test_function_that_returns_other_columns(project, says):
    mapped(project, 'return pa.table({"customer_id": rows["customer_id"], "title": rows["name"]})')
    assert says("build --target loud", project.root).code == 1


def test_function_that_returns_other_types(project, says):
    mapped(project, 'return pa.table({"customer_id": rows["name"], "name": rows["name"]})')
    assert says("build --target loud", project.root).code == 1


def test_function_that_returns_no_table(project, says):
    mapped(project, "return rows.to_pylist()")
    assert says("build --target loud", project.root).code == 1


def test_function_that_returns_keys_that_it_was_not_given(project, says):
    mapped(project, 'return pa.table({"customer_id": [7], "name": ["eve"]})', KEYED)
    assert says("build --target loud", project.root).code == 1


def test_function_that_ends_its_process(project, says):
    mapped(project, "import os; os._exit(3)")
    assert says("build --target loud", project.root).code == 1


def test_function_whose_code_cannot_be_known(project, says):
    mapped(project, "return next(STREAM)")
    project.edit("tasks/loud.py", "def shout", "STREAM = (n for n in range(3))\n\n\ndef shout")
    assert says("build --target loud", project.root).code == 2


def test_key_that_names_two_rows(project, says):
    mapped(project, "return rows", KEYED, 'catalog.table("orders").mutate(name="region")')
    assert says("build --target loud", project.root).code == 1


def test_key_that_is_null(project, says):
    mapped(project, "return rows", KEYED)
    project.write("data/customers.csv", "customer_id,name\n1,ada\n,bob\n")
    assert says("build --target loud", project.root).code == 1


def test_value_that_cannot_be_cast(project, says):
    project.write(
        "tasks/top.sql",
        '-- cpgbuild: kind = "compute"\nSELECT CAST(name AS INT) AS n FROM customers\n',
    )
    assert says("build --target top", project.root).code == 1


def test_value_that_overflows(project, says):
    project.edit(
        "tasks/sales.py", "orders.amount.sum()", '(orders.amount.sum() * 100).cast("int8")'
    )
    assert says("build --target sales", project.root).code == 1


def test_division_by_zero(project, says):
    project.write(
        "tasks/top.sql",
        '-- cpgbuild: kind = "compute"\nSELECT 1 / (order_id - 1) AS n FROM orders\n',
    )
    assert says("build --target top", project.root).code == 1


def test_memory_that_is_not_enough(project, says):
    project.append("cpgbuild.toml", '[engine]\nmemory_limit = "1KB"\nthreads = 1\n')
    assert says("build --target sales", project.root).code == 1


def test_failure_takes_its_descendants_along(project, says):
    project.edit(
        "tasks/sales.py", "orders.amount.sum()", '(orders.amount.sum() * 100).cast("int8")'
    )
    assert says("build", project.root).code == 1


def test_failure_that_others_go_on_after(project, says):
    project.edit(
        "tasks/sales.py", "orders.amount.sum()", '(orders.amount.sum() * 100).cast("int8")'
    )
    project.write("tasks/zz.sql", '-- cpgbuild: kind = "compute"\nSELECT name FROM customers\n')
    assert says("build --keep-going", project.root).code == 1


def test_source_that_changes_while_it_is_read(project, says):
    mapped(project, "Path('data/customers.csv').write_text('customer_id,name\\n'); return rows")
    assert says("build --target loud", project.root).code == 1
    assert not (project.root / "warehouse/loud/_delta_log").exists()


def test_listed_file_that_changes_before_it_is_read(project, says):
    project.append(
        "cpgbuild.toml", '[sources.texts]\nformat = "files"\npath = "data"\ninclude = ["*.csv"]\n'
    )
    project.write(
        "tasks/texts.sql",
        '-- cpgbuild: kind = "compute", output = "bytes"\nSELECT path, content, name FROM texts, loud\n',
    )
    mapped(
        project,
        "Path('data/customers.csv').write_text('changed'); return rows",
        plan='catalog.table("orders").select("customer_id", name=catalog.table("texts").path.max().as_scalar())',
    )
    assert says("build --target bytes", project.root).code == 1


def test_warehouse_below_a_file(project, says):
    assert says("build --warehouse data/customers.csv/tables", project.root).code == 2


def test_warehouse_that_another_build_holds(project, says):
    warehouse = str(project.root / "warehouse")
    with held(project.root / "warehouse", warehouse):
        assert says("build", project.root).code == 75


def test_excluded_table_that_was_never_built(project, says):
    assert says("build --exclude sales", project.root).code == 1


def test_excluded_table_that_lost_a_column_meanwhile(project, says):
    build(project.root)
    other = pa.table({"customer_id": [1], "total": [1.0]})
    write_deltalake(
        project.root / "warehouse/sales", other, mode="overwrite", schema_mode="overwrite"
    )
    assert says("build --exclude sales", project.root).code == 1
    assert rows(project, "top") == [{"name": "ada", "amount": 20.0}]


def test_excluded_table_whose_type_changed_meanwhile(project, says):
    build(project.root)
    other = pa.table({"customer_id": [1], "amount": ["much"]})
    write_deltalake(
        project.root / "warehouse/sales", other, mode="overwrite", schema_mode="overwrite"
    )
    assert says("build --exclude sales", project.root).code == 1


def test_corrupt_table_in_the_warehouse(project, says):
    build(project.root)
    log = project.root / "warehouse/sales/_delta_log/00000000000000000000.json"
    log.write_text('{"commitInfo":{"timestamp":17')
    assert says("build", project.root).code == 1


def test_text_compared_with_a_number_in_sql(project, says):
    """The engine reads the text as a number, so that only the rows can tell."""
    project.write(
        "tasks/top.sql",
        '-- cpgbuild: kind = "compute"\nSELECT order_id FROM orders WHERE region > 5\n',
    )
    assert says("build --target top", project.root).code == 1
