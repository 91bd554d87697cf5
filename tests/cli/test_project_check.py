"""`check`: all that is wrong at once, and how declared inputs differ from those that are read."""

import pytest

from tests.support.commands import run_here

DECLARED = '@view(inputs=["orders", "customers"])\ndef v_orders'


def files(root):
    """Return all files of a project with what they hold, but for Python's own."""
    return {
        path: path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def declare(project, old="@view\ndef v_orders", new=DECLARED):
    project.edit("tasks/sales.py", old, new)


def test_a_project_that_is_fine(project, says):
    assert says("check", project.root).code == 0


def test_every_task_with_what_it_reads(project, says):
    assert says("check -v", project.root).code == 0


def test_everything_that_is_wrong_at_once(project, says):
    project.write("tasks/broken.py", "import pandsa\n\n\ndef elsewhere(): ...")
    project.write("tasks/header.sql", "-- cpgbuild: kind = compute\nSELECT 1 AS n")
    project.write("tasks/sales.sql", "SELECT 1 AS n")
    project.write("tasks/column.sql", "SELECT regoin FROM v_orders")
    project.write("tasks/dataset.sql", "SELECT region FROM v_ordrs")
    project.write("tasks/first.sql", "-- cpgbuild: contributes_to = 'both'\nSELECT 1 AS n")
    project.write("tasks/second.sql", "-- cpgbuild: contributes_to = 'both'\nSELECT 'x' AS n")
    # These are wrong only because others are.
    project.write("tasks/follows.sql", "SELECT * FROM elsewhere")
    project.write("tasks/follows_too.sql", "SELECT * FROM header")
    assert says("check", project.root).code == 2


def test_a_source_that_is_gone_and_a_query_that_is_wrong(project, says):
    (project.root / "data/orders.parquet").unlink()
    project.write("tasks/names.sql", "SELECT nmae FROM customers")
    assert says("check", project.root).code == 2


def test_a_configuration_that_is_wrong(project, says):
    project.append("cpgbuild.toml", "[engine]\nthread = 4\nkind = 'duckdb'")
    assert says("check", project.root).code == 2


def test_inputs_that_are_not_those_declared(project, says):
    declare(project)
    project.edit("tasks/top.sql", '"compute"', '"compute", inputs = ["sales"]')
    assert says("check", project.root).code == 0


def test_under_strict_such_inputs_are_wrong(project, says):
    declare(project)
    assert says("check --strict", project.root).code == 2


def test_inputs_that_are_those_declared(project):
    declare(project, new='@view(inputs=["orders"])\ndef v_orders')
    project.edit("tasks/top.sql", '"compute"', '"compute", inputs = ["sales", "customers"]')
    ended = run_here("check", "--strict", folder=project.root)
    assert (ended.code, ended.stdout) == (0, "3 tasks and 2 sources are fine\n")


def test_a_task_that_declares_that_it_reads_nothing(project):
    project.edit("tasks/top.sql", '"compute"', '"compute", inputs = []')
    ended = run_here("check", "--json", folder=project.root)
    (drift,) = ended.events("drift")
    assert (drift["unread"], drift["undeclared"]) == ([], ["customers", "sales"])


@pytest.mark.parametrize("kind", ["python", "sql"])
def test_what_is_declared_changes_no_plan_and_shows_at_once(project, kind):
    assert run_here("build", folder=project.root).code == 0
    lock = (project.root / "cpgbuild.lock").read_bytes()
    for names in ('["orders", "customers"]', '["customers"]'):
        if kind == "python":
            text = (project.root / "tasks/sales.py").read_text()
            head, _, rest = text.partition("def v_orders")
            head = head[: head.rindex("@view")]
            (project.root / "tasks/sales.py").write_text(
                f"{head}@view(inputs={names})\ndef v_orders{rest}"
            )
        else:
            text = (project.root / "tasks/top.sql").read_text().partition("\n")[2]
            head = f'-- cpgbuild: kind = "compute", inputs = {names}\n'
            (project.root / "tasks/top.sql").write_text(head + text)
        for _ in "12":
            (drift,) = run_here("check", "--json", folder=project.root).events("drift")
            assert "customers" in names
            assert ("orders" in drift["undeclared"]) == (kind == "python" and "orders" not in names)
        ended = run_here("build", folder=project.root)
        assert ended.stdout.startswith("Everything is up to date"), ended.stdout
        assert (project.root / "cpgbuild.lock").read_bytes() == lock


def test_nothing_is_run_and_nothing_is_written(project):
    before = files(project.root)
    assert run_here("check", folder=project.root).code == 0
    assert files(project.root) == before
    assert run_here("build", folder=project.root).code == 0
    before = files(project.root)
    project.edit("tasks/top.sql", "> 10", "> 11")
    before[project.root / "tasks/top.sql"] = (project.root / "tasks/top.sql").read_bytes()
    assert run_here("check", folder=project.root).code == 0
    assert files(project.root) == before


def test_problems_as_json(project):
    project.write("tasks/column.sql", "SELECT regoin FROM v_orders")
    ended = run_here("check", "--json", folder=project.root)
    assert [record["code"] for record in ended.events("error")] == ["E204"]
    summary = ended.records[-1]
    assert (summary["event"], summary["tasks"], summary["sources"]) == ("summary", 3, 2)
    assert (summary["problems"], summary["drifts"], ended.code) == (1, 0, 2)


def test_inputs_that_are_no_names(project, says):
    declare(project, new="@view(inputs=[1])\ndef v_orders")
    assert says("check", project.root).code == 2
