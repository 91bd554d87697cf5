"""Every command on terminals of 80 and of 200 columns, without colour, in a pipe, and asked wrongly.

The table `CASES` has for each command how it is asked; a test sees that none is left out.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from cpgbuild.cli.app import app
from tests.dbt.bakeries import BAKERY
from tests.support.commands import run, run_here
from tests.support.forks import Server
from tests.support.terminals import shown

ESCAPE = "\x1b"


@dataclass(frozen=True)
class Case:
    """A command line; `{new}` in it is a folder of its own, `{bakery}` a dbt project.

    `wraps` says which text may be wider than the terminal, which then wraps it.
    """

    line: str
    code: int = 0
    wraps: str = ""
    as_json: bool = True

    def words(self, new) -> list[str]:
        return shlex.split(self.line.format(new=new, bakery=BAKERY))


CASES = [
    Case("build"),
    Case("build --force best_country -v"),
    Case("plan"),
    Case("plan -v --force tag:none", code=2),
    Case("plan -v --var smallest=10"),
    Case("plan --locked"),
    Case("plan --locked --target v_orders", code=2),
    Case("why sales_by_country"),
    Case("why v_orders"),
    Case("why orders"),
    Case("why nothing", code=2),
    Case("ls"),
    Case("ls nothing", code=2),
    Case("show sales_by_country"),
    Case("show v_orders --limit 1 --where 'amount > 1'"),
    Case("show v_orders -f yaml", code=2),
    Case("show v_orders --where 'amout > 1'", code=2),
    Case("show orders -f csv"),
    Case("query 'SELECT * FROM orders'"),
    Case("query 'SELEC 1'", code=2),
    Case("history"),
    Case("history sales_by_country"),
    Case("history orders", code=2),
    Case("diff sales_by_country"),
    Case("diff sales_by_country --from 77", code=2),
    Case("diff orders", code=2),
    Case("impact orders"),
    Case("impact orders.amount"),
    Case("impact orders.amout", code=2),
    Case("impact --since HEAD", code=2),
    Case("lineage best_country.amount"),
    Case("lineage sales_by_country -v"),
    Case("lineage sales_by_contry", code=2),
    Case("graph -f mermaid", as_json=False),
    Case("graph -f svg", wraps="a file", as_json=False),
    Case("graph -f gif", code=2, as_json=False),
    Case("docs --out {new}/page.html", wraps="a path"),
    Case("docs --serve --out page.html", code=2),
    Case("check"),
    Case("check -v"),
    Case("clean --dry-run"),
    Case("clean --yes"),
    Case("doctor"),
    Case("explain E203"),
    Case("explain"),
    Case("explain E000", code=2),
    Case("watch -t nothing -C {new}", code=2),
    Case("init {new}/shop", wraps="a path", as_json=False),
    Case("init", code=2, as_json=False),
    Case("import dbt {bakery} --out {new}/imported", wraps="a path"),
    Case("import dbt {new}", code=2),
    Case("export hamilton --out {new}/generated_pipeline.py", wraps="a path"),
    Case("export hamilton --out {new}/no-module", code=2),
    Case(
        "export graph -o {new}/g.json --nodes best_country --edges sales_by_country "
        "--node-id country --source country --target country",
        wraps="a path",
    ),
    Case("export graph --out {new}/graph.gif", code=2),
]


def every_command(group=None, above="") -> list[str]:
    found = []
    for name, command in (group or get_command(app)).commands.items():
        inner = isinstance(command, TyperGroup)
        found += every_command(command, f"{name} ") if inner else [f"{above}{name}"]
    return found


def command_of(case: Case) -> str:
    return next(name for name in every_command() if f"{case.line} ".startswith(f"{name} "))


def test_no_command_is_left_out():
    assert {command_of(case) for case in CASES} == set(every_command())


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A new project, built; then a row more, and built again."""
    root = tmp_path_factory.mktemp("every")
    assert run_here("init", "shop", folder=root).code == 0
    assert run_here("build", folder=root / "shop").code == 0
    with (root / "shop/data/orders.csv").open("a") as orders:
        orders.write("7,zoe,nz,99.5\n")
    assert run_here("build", folder=root / "shop").code == 0
    return root / "shop"


@pytest.fixture(scope="module")
def server():
    server = Server(OPENBLAS_NUM_THREADS="1")
    yield server
    server.close()


def ids(cases):
    return {"argvalues": cases, "ids": [case.line for case in cases]}


@pytest.mark.parametrize("case", **ids(CASES))
def test_on_a_terminal_of_80_columns(case, fresh, tmp_path, server):
    ended = shown(server, *case.words(tmp_path), folder=fresh, columns=80)
    assert (ended.code, "Traceback" in ended.text) == (case.code, False), ended.text
    assert ended.text.endswith("\n")
    assert case.wraps or ended.widest <= 80, ended.text


@pytest.mark.parametrize(
    "case", **ids([case for case in CASES if case.code == 0 and not case.wraps])
)
def test_on_a_wide_terminal(case, fresh, tmp_path, server):
    ended = shown(server, *case.words(tmp_path), folder=fresh, columns=200)
    assert ended.code == 0, ended.text
    assert ended.widest <= 200, ended.text


@pytest.mark.parametrize("case", **ids([case for case in CASES if case.code == 0]))
def test_without_colour_a_terminal_gets_only_text(case, fresh, tmp_path, server):
    ended = shown(server, *case.words(tmp_path), folder=fresh, columns=80, NO_COLOR="1")
    assert (ended.code, ESCAPE in ended.sent) == (0, False), ended.sent


@pytest.mark.parametrize(
    "line", ["build --force best_country", "ls", "lineage orders.amount", "why v"]
)
def test_a_dumb_terminal_gets_only_text(line, fresh, server):
    ended = shown(server, *line.split(), folder=fresh, columns=80, TERM="dumb")
    assert ESCAPE not in ended.sent


@pytest.mark.parametrize("case", **ids(CASES))
def test_in_a_pipe_the_answer_is_on_stdout_alone(case, fresh, tmp_path):
    ended = (run if "csv" in case.line else run_here)(*case.words(tmp_path), folder=fresh)
    assert ended.code == case.code, ended.stderr
    assert ESCAPE not in ended.stdout + ended.stderr
    said, silent = (ended.stdout, ended.stderr) if case.code == 0 else (ended.stderr, ended.stdout)
    assert silent == ""
    assert said.endswith("\n")
    assert "Traceback" not in said
    assert case.code == 0 or said.startswith("error[E")


# How a command is asked where a project is needed and there is none, or a broken one.
ANYWHERE = {"init", "explain", "import dbt"}
NEEDY = {
    **{name: name for name in every_command() if name not in ANYWHERE},
    **{name: f"{name} orders" for name in ("why", "show", "diff", "impact", "lineage")},
    "query": "query 'SELECT 1'",
}


@pytest.mark.parametrize("line", NEEDY.values())
def test_outside_of_a_project_every_command_says_so(line, tmp_path):
    ended = run_here(*shlex.split(line), folder=tmp_path)
    assert ended.code == 2
    assert "no `cpgbuild.toml` found" in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("line", [line for name, line in NEEDY.items() if name != "watch"])
def test_in_a_broken_project_every_command_says_what_is_wrong(line, tmp_path):
    assert run_here("init", folder=tmp_path).code == 0
    (tmp_path / "tasks/wrong.sql").write_text("SELECT country FROM sales_by_contry\n")
    ended = run_here(*shlex.split(line), folder=tmp_path)
    assert ended.code == 2
    assert "dataset `sales_by_contry` is not known" in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
