"""`--help`, `--version` and `init`: what a newcomer meets first, at once."""

import re
import subprocess
import sys

import pytest
from typer.main import get_command

from cpgbuild.cli.app import app
from cpgbuild.cli.headings import HEADINGS
from tests.support.commands import environment, run, run_here

COMMANDS = [
    *("plan", "why", "build", "watch"),
    *("ls", "show", "query", "history", "diff"),
    *("impact", "lineage", "graph", "docs"),
    *("check", "clean", "doctor", "explain", "init"),
    *("export graph", "export hamilton", "import dbt"),
]
HEAVY = ["ibis", "datafusion", "deltalake", "pyarrow", "rustworkx", "sqlglot", "numpy", "pandas"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_an_example(command, tmp_path):
    ended = run_here(*command.split(), "--help", folder=tmp_path)
    assert ended.code == 0
    assert f"cpgbuild {command}" in ended.stdout
    assert "Examples:" in ended.stdout


def test_help_lists_every_command_under_a_heading(tmp_path):
    text = run_here("--help", folder=tmp_path).stdout
    names = {command.split()[0] for command in COMMANDS}
    headed = [name for under in HEADINGS.values() for name in under]
    assert sorted(headed) == sorted(names) == sorted(get_command(app).commands)
    for heading, under in HEADINGS.items():
        block = text.partition(f"\n{heading}:\n")[2].partition("\n\n")[0]
        assert [line.split()[0] for line in block.splitlines()] == list(under)


def test_no_line_of_help_is_cut_or_wider_than_a_terminal(tmp_path):
    for command in ["", *COMMANDS]:
        text = run_here(*command.split(), "--help", folder=tmp_path).stdout
        assert max(map(len, text.splitlines())) <= 80
        assert not re.search(r"(?<![\]S])\.\.\.$", text, re.MULTILINE), command


def test_a_letter_means_the_same_option_everywhere():
    meant = {}
    for name, command in get_command(app).commands.items():
        for option in command.params:
            for short in (
                text for text in option.opts if len(text) == 2 and option.opts[0] != text
            ):
                assert meant.setdefault(short, option.opts[0]) == option.opts[0], (name, short)


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["build", "--help"]])
def test_help_and_version_import_nothing_heavy(arguments, tmp_path):
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "cpgbuild", *arguments],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "typer" in imported
    assert imported.isdisjoint(HEAVY)


def test_version_is_one_line(tmp_path):
    ended = run("--version", folder=tmp_path)
    assert (ended.code, len(ended.stdout.splitlines())) == (0, 1)
    assert ended.stdout.startswith("cpgbuild ")


def test_new_project_builds_at_once_and_twice(tmp_path):
    assert run("init", folder=tmp_path).code == 0
    first = run("build", folder=tmp_path)
    assert (first.code, first.stderr) == (0, "")
    second = run("build", folder=tmp_path)
    assert second.code == 0
    assert second.stdout.startswith("Everything is up to date")


def test_new_project_in_a_folder_that_is_made(tmp_path):
    ended = run_here("init", "my-shop/2026", folder=tmp_path)
    assert ended.stdout.splitlines()[-1] == "Now: cd my-shop/2026 && cpgbuild build"
    assert run_here("build", folder=tmp_path / "my-shop/2026").code == 0


def test_init_overwrites_nothing(project, says):
    before = {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}
    assert says("init", project.root).code == 2
    after = {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}
    assert after == before


def test_init_below_a_file(tmp_path, says):
    (tmp_path / "file").touch()
    assert says("init file/shop", tmp_path).code == 2


def test_init_says_what_it_made(tmp_path, says):
    assert says("init", tmp_path).code == 0
