"""What is said of sources that are missing or cannot be read."""

import pyarrow as pa
from deltalake import write_deltalake

from tests.support.projects import ProjectFolder


def declare(project: ProjectFolder, name: str, form: str, path: str) -> None:
    """Declare a source, and a task that reads it whole."""
    project.append("cpgbuild.toml", f'[sources.{name}]\nformat = "{form}"\npath = "{path}"\n')
    project.write(f"tasks/all_{name}.sql", f'-- cpgbuild: kind = "compute"\nSELECT * FROM {name}\n')


def test_missing_path(project, says):
    (project.root / "data/orders.parquet").unlink()
    assert says("build", project.root).code == 2


def test_two_missing_paths(project, says):
    (project.root / "data/orders.parquet").unlink()
    (project.root / "data/customers.csv").unlink()
    project.write("tasks/names.sql", "SELECT name FROM customers\n")
    assert says("build", project.root).stderr.count("error[") == 2


def test_glob_without_a_match(project, says):
    project.edit("cpgbuild.toml", "data/orders.parquet", "data/2026-*/orders.parquet")
    assert says("build", project.root).code == 2


def test_empty_folder(project, says):
    (project.root / "data/none").mkdir()
    project.edit("cpgbuild.toml", "data/orders.parquet", "data/none")
    assert says("plan", project.root).code == 2


def test_truncated_parquet(project, says):
    file = project.root / "data/orders.parquet"
    file.write_bytes(file.read_bytes()[:-20])
    assert says("build", project.root).code == 2


def test_parquet_file_without_bytes(project, says):
    (project.root / "data/orders.parquet").write_bytes(b"")
    assert says("build", project.root).code == 2


def test_one_broken_parquet_of_several(project, says):
    project.edit("cpgbuild.toml", "data/orders.parquet", "data/orders")
    for month in ("01", "02", "03"):
        project.parquet(f"data/orders/{month}.parquet", {"region": ["eu"], "customer_id": [1]})
    (project.root / "data/orders/02.parquet").write_bytes(b"PAR1 and then nothing of use")
    assert says("build", project.root).code == 2


def test_garbage_as_arrow(project, says):
    project.write("data/events.arrow", "this is no Arrow file, long enough to look like one\n" * 9)
    declare(project, "events", "arrow", "data/events.arrow")
    assert says("build", project.root).code == 2


def test_garbage_as_json_lines(project, says):
    project.write("data/events.json", '{"id": 1}\n{"id": \n')
    declare(project, "events", "json", "data/events.json")
    assert says("build", project.root).code == 2


def test_csv_row_with_too_many_fields(project, says):
    project.write("data/customers.csv", "customer_id,name\n1,ada\n2,bob,of,too,many\n")
    assert says("build", project.root).code == 2


def test_csv_value_that_does_not_fit_far_down(project, says):
    rows = "".join(f"{n},name\n" for n in range(3000))
    project.write("data/customers.csv", f"customer_id,name\n{rows}three,eve\n")
    assert says("build", project.root).code == 1


def test_folder_that_is_no_delta_table(project, says):
    declare(project, "events", "delta", "data")
    assert says("build", project.root).code == 2


def test_missing_delta_table(project, says):
    declare(project, "events", "delta", "data/events")
    assert says("build", project.root).code == 2


def test_corrupt_delta_log(project, says):
    write_deltalake(project.root / "data/events", pa.table({"id": [1, 2]}))
    log = project.root / "data/events/_delta_log/00000000000000000000.json"
    log.write_text('{"commitInfo":{"timestamp":17')
    declare(project, "events", "delta", "data/events")
    assert says("build", project.root).code == 2


def test_delta_table_whose_data_file_is_gone(project, says):
    write_deltalake(project.root / "data/events", pa.table({"id": [1, 2]}))
    for file in (project.root / "data/events").glob("*.parquet"):
        file.unlink()
    declare(project, "events", "delta", "data/events")
    assert says("build --target all_events", project.root).code == 1


def test_missing_folder_to_list(project, says):
    declare(project, "sources", "files", "../elsewhere")
    assert says("build", project.root).code == 2


def test_url_of_something_else_than_a_delta_table(project, says):
    project.edit("cpgbuild.toml", "data/orders.parquet", "s3://bucket/orders.parquet")
    assert says("build", project.root).code == 2
