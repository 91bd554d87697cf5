"""`cpgbuild.toml`: what it says, what it may not say, and what the command line lays over it."""

import pytest

from cpgbuild.core.task import Lane
from cpgbuild.errors.project import (
    BadName,
    BadToml,
    BadValue,
    NoProject,
    UnknownEnvironment,
    UnknownKey,
    UnknownVariable,
)
from cpgbuild.errors.report import Problems
from cpgbuild.project.config import Overrides, find_root, load
from tests.support.projects import ProjectFolder


@pytest.fixture
def configured(tmp_path):
    """Load a configuration's text."""

    def read(text="", **overrides):
        ProjectFolder(tmp_path).write("cpgbuild.toml", text)
        return load(tmp_path, Overrides(**overrides))

    return read


def test_an_empty_file_is_a_project_with_defaults(configured, tmp_path):
    project = configured()
    assert project.name == tmp_path.name
    assert [path for path, _ in project.tasks] == [tmp_path / "tasks"]
    assert project.warehouse == str(tmp_path / "warehouse")
    assert project.lanes == {Lane.ENGINE: 1, Lane.PYTHON: 2}
    assert (project.engine.memory_limit, project.engine.threads) == (None, 0)
    assert (project.sources, project.variables) == ({}, {})


def test_the_root_is_the_nearest_folder_above_that_has_the_file(tmp_path):
    below = tmp_path / "a/b"
    below.mkdir(parents=True)
    with pytest.raises(NoProject):
        find_root(below)
    (tmp_path / "cpgbuild.toml").touch()
    assert find_root(below) == tmp_path
    (tmp_path / "a/cpgbuild.toml").touch()
    assert find_root(below) == tmp_path / "a"


def test_the_root_is_found_by_a_way_that_leads_back(tmp_path):
    folder = ProjectFolder(tmp_path)
    folder.write("shop/cpgbuild.toml", '[project]\ntasks = ["tasks"]\n')
    folder.write("flows/flow.py", "")
    root = find_root(tmp_path / "flows/../shop")
    assert root == tmp_path / "shop"
    assert [path for path, _ in load(root).tasks] == [root / "tasks"]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8GB", 8 << 30),
        ("8GiB", 8 << 30),
        ("8g", 8 << 30),
        ("512MB", 512 << 20),
        ("1.5 GB", 3 << 29),
        ("64kb", 64 << 10),
        ("2TB", 2 << 40),
        ("1000", 1000),
        ("100B", 100),
    ],
)
def test_a_memory_limit_is_a_size_in_powers_of_1024(configured, text, size):
    assert configured(f'[engine]\nmemory_limit = "{text}"').engine.memory_limit == size


@pytest.mark.parametrize("value", ['"much"', '"8XB"', '"-1GB"', '""', "true", "[1]"])
def test_a_memory_limit_is_nothing_else(configured, value):
    with pytest.raises(BadValue, match="memory_limit"):
        configured(f"[engine]\nmemory_limit = {value}")


def test_variables_are_text(configured):
    project = configured('[vars]\na = "x"\nb = 1\nc = 1.5\nd = true\ne = -0.0')
    assert project.variables == {"a": "x", "b": "1", "c": "1.5", "d": "true", "e": "-0.0"}


@pytest.mark.parametrize("value", ["[1]", "{ a = 1 }", "2026-01-01"])
def test_a_variable_is_a_string_or_a_number(configured, value):
    with pytest.raises(BadValue):
        configured(f"[vars]\nday = {value}")


def test_the_command_line_sets_a_declared_variable(configured):
    text = '[vars]\nregion = "eu"\n[sources.orders]\npath = "data/{region}.parquet"'
    project = configured(text, variables={"region": "us"})
    assert project.variables == {"region": "us"}
    assert project.sources["orders"].path.endswith("/data/us.parquet")
    assert project.overridden


def test_the_command_line_sets_no_other_variable(configured):
    with pytest.raises(UnknownVariable) as error:
        configured('[vars]\nregion = "eu"', variables={"regoin": "us"})
    assert error.value.hint == "did you mean `region`?"


def test_placeholders_stand_in_paths_of_sources_and_of_the_warehouse(configured, tmp_path):
    project = configured(
        """
        [project]
        warehouse = "tables/{region}"
        [vars]
        region = "eu"
        year = 2026
        [sources.orders]
        path = "data/{region}/{year}-*.parquet"
        """
    )
    assert project.warehouse == str(tmp_path / "tables/eu")
    assert project.sources["orders"].path == str(tmp_path / "data/eu/2026-*.parquet")


def test_a_placeholder_names_a_declared_variable_and_its_place_is_marked(configured):
    with pytest.raises(UnknownVariable) as error:
        configured('[sources.orders]\npath = "data/{region}.parquet"')
    assert (error.value.place.line, error.value.place.column, error.value.place.length) == (
        2,
        14,
        8,
    )


def test_an_environment_lies_over_the_other_tables(configured, tmp_path):
    text = """
        [project]
        name = "shop"
        warehouse = "warehouse"
        [vars]
        region = "eu"
        year = 2026
        [sources.orders]
        format = "csv"
        path = "data/orders.csv"
        [env.dev.project]
        warehouse = "dev"
        [env.dev.vars]
        region = "us"
        [env.dev.sources.orders]
        path = "data/few.csv"
        """
    project = configured(text, environment="dev")
    assert project.warehouse == str(tmp_path / "dev")
    assert project.variables == {"region": "us", "year": "2026"}
    assert project.sources["orders"].path.endswith("data/few.csv")
    assert project.sources["orders"].format == "csv"
    assert project.overridden
    plain = configured(text)
    assert plain.variables["region"] == "eu"
    assert not plain.overridden


def test_the_command_line_wins_over_an_environment(configured):
    text = '[vars]\nregion = "eu"\n[env.dev.vars]\nregion = "us"'
    project = configured(text, environment="dev", variables={"region": "fr"})
    assert project.variables == {"region": "fr"}


def test_an_environment_is_declared(configured):
    with pytest.raises(UnknownEnvironment, match="`prod` is not declared"):
        configured("[env.dev]", environment="prod")


def test_what_is_wrong_in_an_environment_is_said(configured):
    with pytest.raises(BadValue, match="threads"):
        configured("[env.dev.engine]\nthreads = -1", environment="dev")
    with pytest.raises(BadValue):
        configured("env = 3", environment="dev")
    with pytest.raises(BadValue):
        configured("[env]\ndev = 3", environment="dev")


def test_a_url_is_kept_as_it_is(configured):
    project = configured(
        '[project]\nwarehouse = "s3://bucket/tables"\n[sources.o]\npath = "https://host/o.parquet"'
    )
    assert project.warehouse == "s3://bucket/tables"
    assert project.sources["o"].path == "https://host/o.parquet"


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("[project]\nwarehose = 'w'", "warehose", "did you mean `warehouse`?"),
        ("[engine]\nthread = 1", "thread", "did you mean `threads`?"),
        ("[lanes]\npyhton = 1", "pyhton", "did you mean `python`?"),
        ("[sources.o]\npath = 'o'\nfromat = 'csv'", "fromat", "did you mean `format`?"),
        ("[source.o]\npath = 'o'", "source", "did you mean `sources`?"),
        ("[vasr]\na = 'o'", "vasr", "did you mean `vars`?"),
        ("[project]\ncolour = 1", "colour", "remove it, or check its spelling"),
    ],
)
def test_an_unknown_key_is_an_error_with_a_near_match(configured, text, key, hint):
    with pytest.raises(UnknownKey, match=key) as error:
        configured(text)
    assert error.value.hint == hint
    assert text.splitlines()[error.value.place.line - 1][error.value.place.column - 1 :].startswith(
        key
    )


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("[project]\nname = 3", "3"),
        ("[project]\ntasks = [1]  # a comment", "[1]"),
        ("[engine]\nkind = 'flink'", "'flink'"),
        ("[engine]\nthreads = 1.5", "1.5"),
        ("[engine]\nthreads = true", "true"),
        ("[lanes]\nengine = 0", "0"),
        ("[sources.o]\npath = 'o'\nformat = \"xls\" # sheet", '"xls"'),
        ("[sources.o]\npath = 'o'\nheader = 'yes'", "'yes'"),
        ("project = 3", "3"),
    ],
)
def test_a_wrong_value_is_marked_where_it_stands(configured, text, marked):
    with pytest.raises(BadValue) as error:
        configured(text)
    place = error.value.place
    line = text.splitlines()[place.line - 1]
    assert line[place.column - 1 : place.column - 1 + place.length] == marked


def test_a_source_has_a_path(configured):
    with pytest.raises(BadValue, match="path"):
        configured("[sources.orders]\nformat = 'csv'")


@pytest.mark.parametrize("name", ["Orders", "my-orders", "'a b'", "1st", "'a/b'"])
def test_a_source_has_the_name_of_a_dataset(configured, name):
    with pytest.raises(BadName):
        configured(f"[sources.{name}]\npath = 'o'")


def test_all_errors_are_told_at_once(configured):
    with pytest.raises(Problems) as error:
        configured("[project]\nname = 3\n[engine]\nthreads = -1\nkinds = 'x'\n[lanes]\nengine = 0")
    assert len(error.value.errors) == 4


def test_broken_toml_is_told_with_its_line(configured):
    with pytest.raises(BadToml) as error:
        configured('[project]\nname = "shop\n')
    assert error.value.place.line == 2
