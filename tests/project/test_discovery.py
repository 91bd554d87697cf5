"""Discovery: which tasks a project has, and what of its modules is remembered."""

import sys

import pytest

from cpgbuild.core.task import TaskKind
from cpgbuild.errors.graph import DuplicateDataset, DuplicateTask, ShadowsSource
from cpgbuild.errors.project import (
    BadName,
    BadSqlHeader,
    BadTask,
    BadValue,
    ModuleFailed,
    UnknownKey,
)
from cpgbuild.project.config import load
from cpgbuild.project.discovery import discover
from cpgbuild.project.modules import importable
from tests.support.projects import ProjectFolder, empty_project

VIEW = """
from cpgbuild import view

@view
def {name}(catalog):
    return catalog.table("orders")
"""


@pytest.fixture
def project(tmp_path) -> ProjectFolder:
    return empty_project(tmp_path)


def found(project: ProjectFolder):
    """Discover a project's tasks: by name, and what is wrong."""
    loaded = load(project.root)
    with importable(project.root):
        found = discover(loaded)
        definitions, errors = found.definitions, found.errors
        return {d.name: d for d in definitions}, errors


def only(project: ProjectFolder):
    """The one task of a project without errors."""
    definitions, errors = found(project)
    assert errors == []
    (definition,) = definitions.values()
    return definition


def wrong(project: ProjectFolder):
    """The one error of a project."""
    _, (error,) = found(project)
    return error


def test_tasks_are_found_in_folders_below(project):
    project.write("tasks/a.py", VIEW.format(name="a"))
    project.write("tasks/deep/er/b.py", VIEW.format(name="b"))
    project.write("tasks/deep/c.sql", "SELECT 1 AS one")
    assert list(found(project)[0]) == ["view.a", "view.c", "view.b"]


def test_hidden_folders_and_other_files_are_passed_over(project):
    project.write("tasks/.hidden/a.py", "1 / 0")
    project.write("tasks/__pycache__/a.py", "1 / 0")
    project.write("tasks/notes.txt", "SELECT")
    assert found(project) == ({}, [])


def test_a_folder_of_tasks_may_have_an_init_module(project):
    project.write("tasks/__init__.py", "LIMIT = 3\n")
    project.write("tasks/a.py", "from tasks import LIMIT\n" + VIEW.format(name="a"))
    assert only(project).name == "view.a"


def test_tasks_may_name_single_files(project):
    project.write("cpgbuild.toml", '[project]\ntasks = ["more/one.py", "tasks"]')
    project.write("more/one.py", VIEW.format(name="a"))
    project.write("more/two.py", VIEW.format(name="b"))
    project.write("tasks/c.py", VIEW.format(name="c"))
    assert list(found(project)[0]) == ["view.a", "view.c"]


def test_a_module_without_tasks_is_a_helper(project):
    project.write("tasks/helpers.py", "def positive(table):\n    return table\n")
    project.write("tasks/a.py", "from tasks.helpers import positive\n" + VIEW.format(name="a"))
    assert only(project).name == "view.a"


def test_a_task_that_another_module_imports_is_one_task(project):
    project.write("tasks/a.py", VIEW.format(name="a"))
    project.write("tasks/b.py", "from tasks.a import a\n\nsame = a\n")
    assert only(project).name == "view.a"


def test_a_module_beside_the_task_folders_can_be_imported(project):
    project.write("shared/names.py", "NAME = 'v_orders'\n")
    project.write(
        "tasks/a.py",
        """
        from cpgbuild import view
        from shared.names import NAME

        @view(output=NAME)
        def a(catalog):
            return catalog.table("orders")
        """,
    )
    assert only(project).name == "view.v_orders"


def test_a_module_that_raises_is_told_with_the_line_of_the_project(project):
    project.write("tasks/a.py", "import json\n\nVALUES = json.loads('[')\n")
    error = wrong(project)
    assert isinstance(error, ModuleFailed)
    assert (error.place.path, error.place.line) == (str(project.root / "tasks/a.py"), 3)
    assert "JSONDecodeError" in error.message


def test_a_broken_module_takes_no_other_along(project):
    project.write("tasks/a.py", "1 / 0\n")
    project.write("tasks/b.py", VIEW.format(name="b"))
    definitions, errors = found(project)
    assert list(definitions) == ["view.b"]
    assert len(errors) == 1


def test_a_module_that_is_no_text(project):
    (project.root / "tasks/a.py").write_bytes(b"x = '\xff'\n")
    (project.root / "tasks/b.sql").write_bytes(b"SELECT '\xff' AS b\n")
    _, errors = found(project)
    assert [type(e) for e in errors] == [ModuleFailed, ModuleFailed]


def test_two_tasks_for_one_dataset(project):
    project.write("tasks/a.py", VIEW.format(name="a"))
    project.write("tasks/deep/a.sql", "SELECT 1 AS one")
    error = wrong(project)
    assert isinstance(error, DuplicateDataset)
    assert [value.partition(" ")[0] for _, value in error.facts] == ["`view.a`", "`view.a`"]


def test_two_tasks_of_one_name(project):
    project.write("tasks/a.py", VIEW.format(name="a"))
    project.write("tasks/b.sql", '-- cpgbuild: name = "view.a"\nSELECT 1 AS one')
    assert isinstance(wrong(project), DuplicateTask)


def test_a_contribution_does_not_excuse_a_producer_that_says_nothing(project):
    project.write("tasks/all.sql", "SELECT 1 AS one")
    project.write("tasks/b.sql", '-- cpgbuild: contributes_to = "all"\nSELECT 2 AS one')
    assert isinstance(wrong(project), DuplicateDataset)


def test_two_parts_of_one_name_for_one_dataset(project):
    for folder in ("x", "y"):
        project.write(
            f"tasks/{folder}/b.sql", '-- cpgbuild: contributes_to = "everything"\nSELECT 2 AS one'
        )
    assert isinstance(wrong(project), DuplicateTask)


def test_a_task_that_shadows_a_source(project):
    project.write("cpgbuild.toml", "[sources.orders]\npath = 'data'")
    project.write("tasks/orders.sql", "SELECT 1 AS one")
    assert isinstance(wrong(project), ShadowsSource)


def test_names_outputs_and_the_other_options_of_a_decorator(project):
    project.write(
        "tasks/a.py",
        '''
        from cpgbuild import compute

        @compute(
            name="compute.daily", output="sales", priority=-5, tags=["x", "y"],
            partition_by="day", schema={"day": "date"},
        )
        def a(catalog):
            """What was sold,

            by day.
            """
        ''',
    )
    task = only(project)
    assert (task.name, task.dataset, task.output) == ("compute.daily", "sales", "sales")
    assert (task.priority, task.tags, task.partition_by) == (-5, ("x", "y"), ("day",))
    assert task.description == "What was sold,\n\nby day."
    assert task.place.line == 7
    assert task.kind is TaskKind.COMPUTE


def test_a_description_wins_over_the_docstring(project):
    project.write("tasks/a.py", VIEW.format(name="a").replace("@view", '@view(description="said")'))
    assert only(project).description == "said"


def test_the_options_of_a_sql_file(project):
    project.write(
        "tasks/a.sql",
        """
        -- What was sold,
        -- by day.
        -- cpgbuild: kind = "compute", name = "compute.daily", output = "sales"
        -- cpgbuild: priority = -5, tags = ["x", "y"], partition_by = ["day"]
        -- cpgbuild: schema = { day = "date" }

        -- no part of the header
        SELECT day FROM orders -- cpgbuild: kind = "view"
        """,
    )
    task = only(project)
    assert (task.kind, task.name, task.dataset) == (TaskKind.COMPUTE, "compute.daily", "sales")
    assert (task.priority, task.tags, task.partition_by) == (-5, ("x", "y"), ("day",))
    assert task.schema == {"day": "date"}
    assert task.description.startswith("What was sold,\nby day.")
    assert task.place.line == 8


def test_a_sql_file_without_a_header_is_a_view_of_its_name(project):
    project.write("tasks/v_a.sql", "SELECT 1 AS one")
    task = only(project)
    assert (task.name, task.dataset, task.kind) == ("view.v_a", "v_a", TaskKind.VIEW)


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ("kind = compute", BadSqlHeader),
        ('kind = "compute", kind = "view"', BadSqlHeader),
        ('kind = "table"', BadValue),
        ('knid = "view"', UnknownKey),
        ('priority = "high"', BadValue),
        ("priority = true", BadValue),
        ('tags = "x"', BadValue),
        ("tags = [1]", BadValue),
        ("partition_by = [1]", BadValue),
        ("schema = 3", BadValue),
        ('output = "Sales"', BadName),
        ('output = "a", contributes_to = "b"', BadTask),
        ('partition_by = "day"', BadTask),
    ],
)
def test_a_wrong_header_is_told(project, header, error):
    project.write("tasks/a.sql", f"-- cpgbuild: {header}\nSELECT 1 AS one")
    assert isinstance(wrong(project), error)


@pytest.mark.parametrize(
    ("decorator", "error"),
    [
        ('@view(output="a", contributes_to="b")', BadTask),
        ('@view(output="Sales")', BadName),
        ("@view(name=3)", BadValue),
        ('@view(priority="1")', BadValue),
        ("@view(tags=[1])", BadValue),
        ("@view(schema=3)", BadValue),
        ("@compute(partition_by=[1])", BadValue),
        ('@compute(key="a", content="b")', BadTask),
        ("@compute(map=print)", BadTask),
        ('@compute(map=print, schema={"a": "int64"})', BadTask),
        ('@compute(map=same, schema={"a": "int64"}, content="a")', BadTask),
    ],
)
def test_wrong_options_are_told_at_the_decorator_or_its_function(project, decorator, error):
    text = "from cpgbuild import compute, view\n\ndef same(rows): ...\n\n"
    project.write("tasks/a.py", f"{text}{decorator}\ndef a(catalog): ...\n")
    told = wrong(project)
    assert isinstance(told, error)
    assert told.place.path.endswith("tasks/a.py")
    assert told.place.line in {5, 6}
    assert told.place.column


def test_wrong_options_of_one_module_take_no_other_along(project):
    project.write("tasks/a.py", VIEW.format(name="A"))
    project.write("tasks/b.py", VIEW.format(name="b"))
    definitions, (error,) = found(project)
    assert list(definitions) == ["view.b"]
    assert isinstance(error, BadName)


def test_an_edit_is_seen_by_the_next_load_of_one_process(project):
    project.write("tasks/helpers.py", "NAME = 'first'\n")
    text = "from cpgbuild import view\nfrom tasks.helpers import NAME\n\n@view(output=NAME)\ndef a(c): ...\n"
    project.write("tasks/a.py", text)
    assert only(project).dataset == "first"
    project.write("tasks/helpers.py", "NAME = 'other'\n")
    assert only(project).dataset == "other"


def test_two_projects_of_one_process_keep_their_modules_apart(tmp_path):
    names = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        project = empty_project(tmp_path / name)
        project.write("tasks/helpers.py", f"NAME = '{name}'\n")
        project.write(
            "tasks/a.py",
            "from cpgbuild import view\nfrom tasks.helpers import NAME\n\n@view(output=NAME)\ndef a(c): ...\n",
        )
        names.append(only(project).dataset)
    assert names == ["one", "two"]


def test_nothing_of_a_project_stays_behind(project):
    project.write("tasks/helpers.py", "")
    project.write("tasks/a.py", "import tasks.helpers\n" + VIEW.format(name="a"))
    modules, path = set(sys.modules), list(sys.path)
    found(project)
    assert {n for n in set(sys.modules) - modules if n.partition(".")[0] == "tasks"} == set()
    assert sys.path == path
