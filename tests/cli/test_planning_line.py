"""While a large project is planned, a terminal shows what is going on; nothing else does."""

import os
import pty
import re
import shutil
import sys

import pytest

from cpgbuild.cli.planning_line import planning_text
from tests.support.commands import environment, run
from tests.support.projects import empty_project

MANY = 1500
COMMANDS = [
    "plan",
    "build",
    "check",
    "ls t0",
    "show t0",
    "history",
    "lineage t0.n",
    "docs",
    "clean",
]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A project that takes some seconds to plan from nothing."""
    project = empty_project(tmp_path_factory.mktemp("large"))
    project.write("tasks/t0.sql", "SELECT 1 AS n")
    for number in range(1, MANY):
        project.write(f"tasks/t{number}.sql", f"SELECT n + {number} AS n FROM t{number // 2}")
    return project


def on_a_terminal(folder, *arguments, **env):
    """Return all that a terminal is sent, and the exit code."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        command = [sys.executable, "-m", "cpgbuild", *arguments]
        os.execve(sys.executable, command, environment(**env))
    shown = b""
    try:
        while more := os.read(terminal, 65536):
            shown += more
    except OSError:
        pass
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    os.close(terminal)
    return shown.decode(), code


@pytest.mark.parametrize("command", COMMANDS)
def test_a_terminal_shows_how_far_planning_is_and_takes_that_away(command, large):
    shutil.rmtree(large.root / ".cpgbuild", ignore_errors=True)
    shown, code = on_a_terminal(large.root, *command.split())
    assert code == 0
    found = re.findall(rf"planning ([\d,]+) of {MANY:,} tasks", shown)
    counts = [int(count.replace(",", "")) for count in found]
    assert counts or f"planned {MANY:,} tasks" in shown, shown
    assert counts == sorted(counts)
    # Whatever was drawn is wiped out before the answer.
    assert "\x1b[2K" in shown
    assert "planning" not in shown[shown.rindex("\x1b[2K") :]


@pytest.mark.parametrize("arguments", [["plan", "--json", "--no-cache"], ["plan"]])
def test_nothing_is_shown_under_json_and_where_it_is_over_soon(arguments, large):
    run("plan", folder=large.root)
    shown, _ = on_a_terminal(large.root, *arguments)
    assert "planning" not in shown


def test_nothing_is_shown_where_there_is_no_terminal_or_a_dumb_one(large):
    ended = run("check", folder=large.root)
    assert (ended.stderr, "planning" in ended.stdout) == ("", False)
    shown, _ = on_a_terminal(large.root, "plan", "--no-cache", TERM="dumb")
    assert "planning" not in shown


def test_what_is_going_on_in_words():
    assert planning_text(None) == "reading task files"
    assert planning_text((1234, 10_000)) == "planning 1,234 of 10,000 tasks"
    assert planning_text((3, 3)) == "planned 3 tasks, finding the answer"
