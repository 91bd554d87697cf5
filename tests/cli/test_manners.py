"""Streams, exit codes, colour, pipes: what scripts and terminals rely on."""

import subprocess

import pytest

from tests.support.commands import COMMAND, environment, run, run_here

ESCAPE = "\x1b["


def test_answer_is_on_stdout_and_errors_are_on_stderr(project):
    project.edit("tasks/top.sql", "SELECT c.name", "SELECT CAST(c.name AS INT) AS name")
    ended = run("build", folder=project.root)
    assert ended.code == 1
    assert ended.stdout.startswith("built    compute.sales")
    assert "error[" not in ended.stdout
    assert ended.stderr.startswith("error[E301]")


def test_nothing_is_on_stderr_when_all_goes_well(project):
    ended = run("build", folder=project.root)
    assert (ended.code, ended.stderr) == (0, "")


def test_last_line_sums_up(project):
    assert (
        run_here("build", folder=project.root).stdout.splitlines()[-1].startswith("2 tables built")
    )
    again = run_here("build", folder=project.root)
    assert again.stdout.startswith("Everything is up to date: 3 tasks")
    assert len(again.stdout.splitlines()) == 1


def test_plan_exits_with_0_whatever_there_is_to_do(project):
    assert run_here("plan", folder=project.root).code == 0


def test_plan_can_exit_with_3_where_there_is_work(project):
    assert run_here("plan", "--exit-code", folder=project.root).code == 3
    run_here("build", folder=project.root)
    assert run_here("plan", "--exit-code", folder=project.root).code == 0


def test_wrong_usage_exits_with_2(project):
    for arguments in (["bild"], ["build", "--nope"], ["impact"], ["plan", "--target"], []):
        ended = run_here(*arguments, folder=project.root)
        assert ended.code == 2
        assert "Traceback" not in ended.stderr


def test_bug_exits_with_70_and_shows_no_traceback(project, monkeypatch):
    def broken(*_arguments, **_options):
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr("cpgbuild.api.plan", broken)
    ended = run_here("plan", folder=project.root)
    assert ended.code == 70
    assert ended.stderr.startswith("error[E900]: ZeroDivisionError: of ours")
    assert "Traceback" not in ended.stderr
    assert "Traceback" in run_here("plan", "-v", folder=project.root).stderr


def test_bug_in_the_midst_of_a_build_exits_with_70(project, monkeypatch):
    def broken(*_arguments, **_options):
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr("cpgbuild.core.scheduler.Scheduler.succeed", broken)
    ended = run_here("build", "--json", folder=project.root)
    assert ended.code == 70
    assert [r["event"] for r in ended.records][-2:] == ["error", "summary"]


@pytest.mark.parametrize("command", ["plan", "build", "impact orders", "graph"])
def test_no_colour_in_a_pipe(project, command):
    ended = run_here(*command.split(), folder=project.root)
    assert ESCAPE not in ended.stdout + ended.stderr


def test_force_color_colours_a_pipe(project):
    assert ESCAPE in run("plan", folder=project.root, FORCE_COLOR="1").stdout


def test_no_color_wins_over_force_color_for_colours(project):
    stdout = run("plan", folder=project.root, FORCE_COLOR="1", NO_COLOR="1").stdout
    assert f"{ESCAPE}33m" not in stdout
    assert "run      compute.sales" in stdout


def test_dumb_terminal_gets_no_escapes(project):
    project.edit("tasks/sales.py", "catalog.var", "catalog.vra")
    ended = run("build", folder=project.root, TERM="dumb", FORCE_COLOR="1")
    assert ESCAPE not in ended.stdout + ended.stderr


def test_long_lines_are_not_wrapped_in_a_pipe(project):
    name = "a_name_of_a_dataset_that_is_longer_than_any_line_" * 5
    header = '-- cpgbuild: kind = "compute"'
    project.write(f"tasks/{name[:200]}.sql", f"{header}\nSELECT * FROM orders\n")
    lines = run("plan", folder=project.root, COLUMNS="40").stdout.splitlines()
    assert any(name[:200] in line and "never built" in line for line in lines)


def test_closed_pipe_ends_quietly(project):
    for number in range(300):
        project.write(f"tasks/t{number}.sql", "SELECT * FROM orders\n")
    with subprocess.Popen(
        [*COMMAND, "plan"],
        cwd=project.root,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline().startswith("run")
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 0


def test_build_goes_on_when_its_reader_went_away(project):
    with subprocess.Popen(
        [*COMMAND, "build"],
        cwd=project.root,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 0
    assert run_here("plan", "--exit-code", folder=project.root).code == 0


def test_project_is_found_from_a_folder_below(project):
    below = project.root / "tasks"
    assert run_here("plan", folder=below).code == 0
    assert run_here("plan", "-C", "shop/tasks", folder=project.root.parent).code == 0


def test_a_one_off_warehouse_is_relative_to_where_it_is_typed(project):
    run_here("build", "-C", "shop", "--warehouse", "elsewhere", folder=project.root.parent)
    assert (project.root.parent / "elsewhere/sales/_delta_log").is_dir()
    assert not (project.root / "warehouse").exists()


def test_text_in_brackets_is_kept_in_every_answer(project):
    project.edit("tasks/sales.py", "@compute\n", '@compute(name="compute.[red]sales[/red]")\n')
    for command in ("plan", "build", "build -v", "impact orders"):
        assert "compute.[red]sales[/red]" in run_here(*command.split(), folder=project.root).stdout
