"""`explain`: every error says what it means, and its example gives it in a new project."""

import re
import textwrap
from pathlib import Path

import pytest

from cpgbuild.cli.meanings import explained
from cpgbuild.errors.codes import STAGES, errors_by_code, meaning
from cpgbuild.project.starter import start_project
from tests.support.commands import run_here

CODES = list(errors_by_code())
BLOCK = re.compile(r"(?:^ {4}.*\n|^\n(?= {4}))+", re.MULTILINE)
# Examples of what takes another process, a moment, or a git repository show the message instead.
SHOWN = {
    "E141", "E142", "E143", "E144", "E146", "E150", "E151", "E152", "E160", "E161", "E170", "E360",
    "E382",
    "E205", "E211", "E215", "E300", "E304", "E307", "E309", "E330", "E401", "E402", "E407",
    "E408", "E409", "E900",
}  # fmt: skip


def example(code: str) -> str:
    """Return the indented block of an explanation, as a user would write it."""
    found = BLOCK.findall(explained(code))
    assert len(found) == 1, f"{code} has {len(found)} examples"
    return textwrap.dedent(found[0]).strip("\n") + "\n"


def given(root: Path, text: str) -> list[str]:
    """Write the files of an example into a new project; return the command in it, or `build`."""
    start_project(root)
    command = ["build"]
    file = None
    for line in text.splitlines():
        if line.startswith("$ cpgbuild "):
            command = line.removeprefix("$ cpgbuild ").split()
        elif begun := re.fullmatch(r"(?:#|--) ((?:tasks/)?[\w-]+\.(?:py|sql|toml|lock))", line):
            file = root / begun[1]
            if file.suffix != ".toml" or "[project]" in text:
                file.write_text("")
        else:
            assert file is not None, f"of which file is {line!r}?"
            file.write_text(file.read_text() + line + "\n" if file.exists() else line + "\n")
    return command


@pytest.mark.parametrize("code", CODES)
def test_every_error_is_explained_in_a_few_lines_with_an_example(code):
    prose = BLOCK.sub("\n", explained(code)).strip().splitlines()
    assert 2 <= len([line for line in prose if line]) <= 8
    assert all(len(line) <= 100 for line in explained(code).splitlines())
    assert example(code)
    assert meaning(errors_by_code()[code]).endswith(".")
    assert code[:2] in STAGES


def test_nothing_is_explained_that_does_not_exist():
    folder = Path(meaning.__code__.co_filename).parent / "explained"
    assert sorted(file.stem for file in folder.iterdir()) == CODES


@pytest.mark.parametrize("code", [code for code in CODES if code not in SHOWN])
def test_the_example_gives_the_error_in_a_new_project(code, tmp_path):
    root = tmp_path / "shop"
    root.mkdir()
    command = given(root, example(code))
    if code == "E130":
        outdated(root)
    ended = run_here(*command, folder=root)
    assert f"error[{code}]" in ended.stderr
    assert ended.code == errors_by_code()[code].exit_code


def outdated(root: Path) -> None:
    """Leave a table with rows that no revert needs."""
    for smallest in ("1", "10"):
        config = (root / "cpgbuild.toml").read_text()
        (root / "cpgbuild.toml").write_text(
            re.sub(r'smallest = ".*"', f'smallest = "{smallest}"', config)
        )
        assert run_here("build", folder=root).code == 0


def test_an_error_is_explained(tmp_path, says):
    assert says("explain E204", tmp_path).code == 0


def test_a_code_is_read_as_a_person_types_it(tmp_path):
    answers = {
        run_here("explain", code, folder=tmp_path).stdout for code in ("E204", "e204", "[E204]")
    }
    assert len(answers) == 1


def test_unknown_code_is_answered_with_those_alike(tmp_path, says):
    assert says("explain E1204", tmp_path).code == 2


def test_without_a_code_all_are_listed(tmp_path):
    lines = run_here("explain", folder=tmp_path).stdout.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ")] == CODES


def test_explanations_as_json(tmp_path):
    ended = run_here("explain", "E204", "--json", folder=tmp_path)
    (record,) = ended.events("explained_error")
    assert record["meaning"] == "An edge requires a column that the dataset does not have."
    assert (record["exit_code"], "SELECT contry" in record["text"]) == (2, True)
    assert ended.records[-1]["event"] == "summary"
    assert len(run_here("explain", "--json", folder=tmp_path).events("explained_error")) == len(
        CODES
    )
