"""Completion: names on the command lines of real shells, before anything heavy is loaded."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from typer.completion import get_completion_script

from cpgbuild.cli import completion
from cpgbuild.cli.app import app
from cpgbuild.cli.completion import candidates, completed
from cpgbuild.state.names import Names, load_names
from tests.support.commands import environment, run_here

SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
BEFORE = {"bash": "", "zsh": "autoload -Uz compinit; compinit -u -D\n", "fish": ""}


@pytest.fixture
def planned(project):
    """The shop, planned once; a task has a tag."""
    project.edit("tasks/top.sql", '"compute"', '"compute", tags = ["nightly"]')
    assert run_here("plan", folder=project.root).code == 0
    return project


@pytest.fixture
def program(tmp_path) -> Path:
    """The command as it is installed."""
    file = tmp_path / "bin/cpgbuild"
    file.parent.mkdir()
    text = f"#!{sys.executable}\nfrom cpgbuild.__main__ import main\nmain()\n"
    file.write_text(text)
    file.chmod(0o755)
    return file


def typed(shell: str, keys: str, folder: Path, program: Path, wanted: str) -> str:
    """Return what a terminal shows after keys were pressed in a shell, once `wanted` is there."""
    script = get_completion_script(
        prog_name="cpgbuild", complete_var="_CPGBUILD_COMPLETE", shell=shell
    )
    (program.parent / "complete").write_text(
        BEFORE[shell] + script.removeprefix("#compdef cpgbuild") + "\n"
    )
    path = f"{program.parent}:{os.environ['PATH']}"
    env = environment(PATH=path, HOME=str(program.parent), PS1="> ", TERM="dumb")
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execvpe(SHELLS[shell][0], SHELLS[shell], env)
    try:
        os.write(terminal, f"source {program.parent}/complete; echo re''ady\n".encode())
        shown(terminal, "ready")
        os.write(terminal, keys.encode())
        return shown(terminal, wanted)
    finally:
        os.kill(process, 9)
        os.close(terminal)
        os.waitpid(process, 0)


def shown(terminal: int, wanted: str, seconds: float = 20.0) -> str:
    text, end = "", time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            text += os.read(terminal, 65536).decode(errors="replace")
        elif wanted in text:
            return text
    raise AssertionError(f"{wanted!r} is not in {text!r}")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        ("cpgbuild impact v_\t", "v_orders"),
        ("cpgbuild impact customers.cust\t", "customers.customer_id"),
        ("cpgbuild build --target v_\t", "v_orders"),
        ("cpgbuild plan --json -t tag:ni\t", "tag:nightly"),
        ("cpgbuild build --exclude=v_\t", "--exclude=v_orders"),
        ("cpgbuild why view.\t", "view.v_orders"),
        ("cpgbuild ls orders sal\t", "sales"),
        ("cpgbuild lineage top.am\t", "top.amount"),
        ("cpgbuild impact --sin\t", "--since"),
    ],
)
def test_a_key_completes_a_name(shell, keys, wanted, planned, program):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    if shell != "bash" and "--sin" in keys:
        pytest.skip("options are typer's, in all shells alike")
    typed(shell, keys, planned.root, program, wanted)


def ask(words: str, folder: Path, monkeypatch, capsys) -> list[str] | None:
    """Ask as bash does, of words with blanks between them; None where it is left to typer."""
    monkeypatch.chdir(folder)
    said = {"_CPGBUILD_COMPLETE": "complete_bash", "COMP_WORDS": words.replace(" ", "\n")}
    known = completed({**said, "COMP_CWORD": str(words.count(" "))})
    return capsys.readouterr().out.splitlines() if known else None


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("cpgbuild impact ", ["customers", "orders", "sales", "top", "v_orders"]),
        ("cpgbuild why s", ["sales"]),
        ("cpgbuild impact sales", ["sales", "sales.amount", "sales.customer_id"]),
        ("cpgbuild impact sales.a", ["sales.amount"]),
        ("cpgbuild why sales.a", []),
        ("cpgbuild lineage sales.", ["sales.amount", "sales.customer_id"]),
        ("cpgbuild lineage --up top.na", ["top.name"]),
        ("cpgbuild show -n 3 --where a>1 v_", ["v_orders"]),
        ("cpgbuild show tag", []),
        ("cpgbuild show sales -f ", None),
        ("cpgbuild history --limit 2 sa", ["sales"]),
        ("cpgbuild diff --from 1 --key name to", ["top"]),
        ("cpgbuild diff sales to", None),
        ("cpgbuild ls ta", ["tag:nightly"]),
        ("cpgbuild ls orders sales to", ["top"]),
        ("cpgbuild query sa", None),
        ("cpgbuild build -t compute.", ["compute.sales", "compute.top"]),
        ("cpgbuild build -t +sa", ["+sales"]),
        ("cpgbuild build -t ta", ["tag:nightly"]),
        ("cpgbuild build -t tag : ni", ["nightly"]),
        ("cpgbuild build -t tag :", ["nightly"]),
        ("cpgbuild build --target = sa", ["sales"]),
        (
            "cpgbuild build --target =",
            ["customers", "orders", "sales", "top", "v_orders", "tag:nightly"],
        ),
        ("cpgbuild build --json --exclude top --force sa", ["sales"]),
        ("cpgbuild impact --since main sal", ["sales"]),
        # Whatever else: the words are no names, or it is not known which is which.
        ("cpgbuild ", None),
        ("cpgbuild pl", None),
        ("cpgbuild build ", None),
        ("cpgbuild build --tar", None),
        ("cpgbuild build --var ", None),
        ("cpgbuild impact sales ", None),
        ("cpgbuild impact --new-option sa", None),
        ("cpgbuild why 'sa", None),
    ],
)
def test_what_is_known_to_be_a_name_is_completed(words, found, planned, monkeypatch, capsys):
    assert ask(words, planned.root, monkeypatch, capsys) == found


def test_a_project_elsewhere_is_found(planned, tmp_path, monkeypatch, capsys):
    words = f"cpgbuild why --project {planned.root}/tasks sa"
    assert ask(words, tmp_path, monkeypatch, capsys) == ["sales"]


def test_before_anything_was_planned_there_are_no_names_and_no_error(project, monkeypatch, capsys):
    assert ask("cpgbuild why ", project.root, monkeypatch, capsys) == []
    assert ask("cpgbuild why ", project.root.parent, monkeypatch, capsys) == []
    (project.root / ".cpgbuild").mkdir()
    (project.root / ".cpgbuild/names.txt").write_bytes(b"\xff another version")
    assert ask("cpgbuild why ", project.root, monkeypatch, capsys) == []


def test_names_follow_the_project(planned):
    planned.write("tasks/more.sql", "SELECT region AS area FROM v_orders")
    assert "more" not in load_names(str(planned.root / ".cpgbuild")).datasets
    assert run_here("plan", folder=planned.root).code == 0
    assert load_names(str(planned.root / ".cpgbuild")).columns("more") == ["area"]
    (planned.root / "tasks/more.sql").unlink()
    assert run_here("plan", folder=planned.root).code == 0
    assert "more" not in load_names(str(planned.root / ".cpgbuild")).datasets


def test_a_plan_of_some_tasks_forgets_no_names(planned):
    before = (planned.root / ".cpgbuild/names.txt").read_bytes()
    planned.edit("tasks/top.sql", "> 10", "> 11")
    planned.edit("tasks/sales.py", "amount=", "total=")
    assert run_here("plan", "-t", "v_orders", folder=planned.root).code == 0
    assert (planned.root / ".cpgbuild/names.txt").read_bytes() == before


def test_names_that_a_shell_would_take_apart_are_left_out(project):
    project.write("tasks/odd.sql", """SELECT 1 AS "two words", 2 AS plain, 3 AS "q'uote" """)
    assert run_here("plan", folder=project.root).code == 0
    assert load_names(str(project.root / ".cpgbuild")).columns("odd") == ["plain"]


def test_every_command_that_takes_a_name_is_known_to_be_one():
    """What is answered at once is what typer would answer, and no option is taken for another."""
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        for parameter in command.params:
            completes = getattr(parameter, "_custom_shell_complete", None) is not None
            if parameter.param_type_name == "argument":
                assert completes == (name in completion.NAMED), name
                continue
            for option in (*parameter.opts, *parameter.secondary_opts):
                assert completes == (option in completion.SELECTORS), (name, option)
                if option in completion.FLAGS:
                    assert parameter.is_flag, option
                if option in completion.VALUES | completion.SELECTORS:
                    assert not parameter.is_flag, option
            if name in completion.NAMED:
                known = completion.FLAGS | completion.VALUES | completion.SELECTORS
                assert set(parameter.opts) <= known | {"--help", "-h"}, name


def test_typer_completes_the_same(planned, program):
    """A command line that is not understood at once is answered all the same, only later."""
    words = "cpgbuild\nwhy\n--var\nregion='us'\nsa"
    env = environment(_CPGBUILD_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD="4")
    ended = subprocess.run(
        [program], cwd=planned.root, env=env, capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == ["sales"]


def test_it_takes_a_tenth_of_a_second_of_ten_thousand_tasks(tmp_path, program):
    (tmp_path / "cpgbuild.toml").touch()
    (tmp_path / ".cpgbuild").mkdir()
    columns = "\t".join(f"column_{number}" for number in range(20))
    lines = ["cpgbuild names 1"]
    lines += [f"dataset\tdataset_{number}\t{columns}" for number in range(10_000)]
    lines += [f"task\tcompute.dataset_{number}" for number in range(10_000)]
    (tmp_path / ".cpgbuild/names.txt").write_text("\n".join(lines))
    words = {"COMP_WORDS": "cpgbuild\nimpact\ndataset_77.", "COMP_CWORD": "2"}
    env = environment(_CPGBUILD_COMPLETE="complete_bash", **words)
    took = []
    for _ in range(5):
        began = time.perf_counter()
        ended = subprocess.run(
            [program], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
        )
        took.append(time.perf_counter() - began)
        assert len(ended.stdout.splitlines()) == 20
    assert min(took) < 0.1


def test_nothing_is_loaded_for_it_that_is_not_needed(planned):
    env = environment(
        _CPGBUILD_COMPLETE="complete_bash", COMP_WORDS="cpgbuild\nwhy\n", COMP_CWORD="2"
    )
    command = [sys.executable, "-X", "importtime", "-m", "cpgbuild"]
    ended = subprocess.run(
        command, cwd=planned.root, env=env, capture_output=True, text=True, check=True
    )
    loaded = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in ended.stderr.splitlines()
    }
    assert "cpgbuild" in loaded
    assert not loaded & {"typer", "rich", "rustworkx", "ibis", "datafusion", "pyarrow", "tomllib"}


def test_a_task_is_offered_where_no_dataset_fits():
    names = Names({"a": "x"}, ["compute.a", "view.b"], ["t"])
    assert candidates(names, "", completion.SELECTOR) == ["a", "tag:t"]
    assert candidates(names, "v", completion.NAME) == ["view.b"]
    assert candidates(names, "+compute", completion.SELECTOR) == ["+compute.a"]
    assert candidates(names, "z", completion.COLUMN) == []
