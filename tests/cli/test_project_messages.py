"""What is said of a project that is wrong. Each message as a whole is in `golden/`."""

from tests.support.projects import empty_project


def test_no_configuration_here_or_above(says, tmp_path):
    assert says("build", tmp_path).code == 2


def test_configuration_that_is_not_toml(project, says):
    project.edit("cpgbuild.toml", 'warehouse = "warehouse"', "warehouse = warehouse")
    assert says("build", project.root).code == 2


def test_configuration_that_is_not_utf8(project, says):
    (project.root / "cpgbuild.toml").write_bytes(b'[project]\nname = "caf\xe9"\n')
    assert says("plan", project.root).code == 2


def test_unknown_key(project, says):
    project.edit("cpgbuild.toml", "warehouse =", "warehose =")
    assert says("build", project.root).code == 2


def test_unknown_table(project, says):
    project.edit("cpgbuild.toml", "[vars]", "[variables]")
    assert says("build", project.root).code == 2


def test_all_errors_of_the_configuration_at_once(project, says):
    project.edit("cpgbuild.toml", "warehouse =", "warehose =")
    project.edit("cpgbuild.toml", 'format = "csv"', 'format = "tsv"')
    project.append("cpgbuild.toml", '[engine]\nmemory_limit = "much"\nthreads = -1\n')
    ended = says("build", project.root)
    assert ended.code == 2
    assert ended.stderr.count("error[") == 4


def test_unknown_variable_in_a_path(project, says):
    project.edit("cpgbuild.toml", "data/orders.parquet", "data/{regoin}.parquet")
    assert says("build", project.root).code == 2


def test_unknown_variable_on_the_command_line(project, says):
    assert says("build --var regoin=us", project.root).code == 2


def test_variable_without_a_value(project, says):
    assert says("build --var region", project.root).code == 2


def test_unknown_environment(project, says):
    project.append("cpgbuild.toml", "[env.dev.vars]\nregion = 'us'\n")
    assert says("build --env dve", project.root).code == 2


def test_unknown_target(project, says):
    assert says("build --target sale", project.root).code == 2


def test_several_unknown_targets(project, says):
    assert says("build --target sale --exclude nothing_like_it", project.root).code == 2


def test_unknown_name_for_impact(project, says):
    assert says("impact ordesr", project.root).code == 2


def test_missing_task_folder(project, says):
    project.edit("cpgbuild.toml", '["tasks"]', '["tasks", "task"]')
    assert says("build", project.root).code == 2


def test_module_that_raises_while_it_is_imported(project, says):
    project.write("tasks/report.py", "import cpgbuild\n\nLIMIT = int('ten')\n")
    assert says("build", project.root).code == 2


def test_module_whose_helper_raises(project, says):
    project.write("tasks/helpers.py", "def limit(text):\n    return int(text)\n")
    project.write("tasks/report.py", "from tasks.helpers import limit\n\nTEN = limit('ten')\n")
    assert says("build", project.root).code == 2


def test_module_that_imports_what_is_not_there(project, says):
    project.write("tasks/report.py", "from tasks.helper import limit\n")
    assert says("build", project.root).code == 2


def test_module_with_a_syntax_error(project, says):
    project.write("tasks/report.py", "def report(catalog:\n    return 1\n")
    assert says("build", project.root).code == 2


def test_module_that_exits(project, says):
    project.write("tasks/report.py", "import sys\n\nsys.exit('no licence')\n")
    assert says("build", project.root).code == 2


def test_two_tasks_for_one_dataset(project, says):
    project.write("tasks/more.sql", '-- cpgbuild: output = "sales"\nSELECT 1 AS one\n')
    assert says("build", project.root).code == 2


def test_two_functions_of_one_name_in_one_module(project, says):
    project.append(
        "tasks/sales.py",
        """
        @view
        def v_orders(catalog: Catalog) -> ibis.Table:
            return catalog.table("orders")
        """,
    )
    assert says("plan", project.root).code == 2


def test_two_tasks_of_one_name(project, says):
    project.write("tasks/more.sql", '-- cpgbuild: name = "view.v_orders"\nSELECT 1 AS one\n')
    assert says("build", project.root).code == 2


def test_task_that_shadows_a_source(project, says):
    project.write("tasks/orders.sql", "SELECT 1 AS one\n")
    assert says("build", project.root).code == 2


def test_name_that_no_dataset_can_have(project, says):
    project.write("tasks/Daily-Sales.sql", "SELECT 1 AS one\n")
    assert says("build", project.root).code == 2


def test_options_that_contradict_each_other(project, says):
    project.edit("tasks/sales.py", "@view\n", '@view(output="a", contributes_to="b")\n')
    assert says("build", project.root).code == 2


def test_option_of_the_wrong_type(project, says):
    project.edit("tasks/sales.py", "@compute\n", '@compute(priority="high")\n')
    assert says("build", project.root).code == 2


def test_option_that_does_not_exist(project, says):
    project.edit("tasks/sales.py", "@compute\n", '@compute(tag="daily")\n')
    assert says("build", project.root).code == 2


def test_header_that_is_not_toml(project, says):
    project.edit("tasks/top.sql", 'kind = "compute"', "kind = compute")
    assert says("build", project.root).code == 2


def test_header_with_an_unknown_key(project, says):
    project.edit("tasks/top.sql", 'kind = "compute"', 'kind = "compute", prioriti = 1')
    assert says("build", project.root).code == 2


def test_header_with_an_unknown_kind(project, says):
    project.edit("tasks/top.sql", 'kind = "compute"', 'kind = "table"')
    assert says("build", project.root).code == 2


def test_several_broken_files_at_once(project, says):
    project.write("tasks/a.py", "1 / 0\n")
    project.write("tasks/b.py", "import nothing_of_that_name\n")
    project.write("tasks/c.sql", "-- cpgbuild: kind = 1\nSELECT 1 AS one\n")
    assert says("plan", project.root).stderr.count("error[") == 3


def test_project_without_tasks(tmp_path, says):
    root = tmp_path / "empty"
    root.mkdir()
    empty_project(root)
    assert says("build", root).code == 0


def test_class_that_is_decorated(project, says):
    project.append("tasks/sales.py", "@view\nclass Report:\n    pass\n")
    assert says("plan", project.root).code == 2


def test_task_folder_outside_of_the_project(project, says):
    (project.root.parent / "elsewhere").mkdir()
    project.edit("cpgbuild.toml", '["tasks"]', '["tasks", "../elsewhere"]')
    assert says("plan", project.root).code == 2


def test_task_file_of_another_kind(project, says):
    project.edit("cpgbuild.toml", '["tasks"]', '["tasks", "data/customers.csv"]')
    assert says("plan", project.root).code == 2


def test_lock_that_cannot_be_written(project, says):
    (project.root / "cpgbuild.lock").mkdir()
    assert says("build", project.root).code == 1
