"""Commands that turn a project into other tools' forms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cpgbuild.cli import exit_codes
from cpgbuild.cli.options import (
    EnvOption,
    JsonOption,
    ProjectOption,
    VarOption,
    VerboseOption,
    WarehouseOption,
    complete_name,
)
from cpgbuild.cli.running import finish, new_output, overrides_of

commands = typer.Typer(
    help="Write a project in the form of another tool.", no_args_is_help=True, rich_markup_mode=None
)


@commands.callback()
def _forms() -> None:
    """Write a project in the form of another tool."""


@commands.command(
    epilog="Examples:  cpgbuild export hamilton  |  "
    "cpgbuild export hamilton --out flows/generated_pipeline.py"
)
def hamilton(
    project: ProjectOption = Path(),
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The Python module to write.")
    ] = Path("generated_pipeline.py"),
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write a module of functions for Hamilton.

    Each brings a task up to date. Where the graph is what it was, so is the module.
    """
    output = new_output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli import records
        from cpgbuild.cli.planning_line import PlanningLine
        from cpgbuild.cli.wording import count_text
        from cpgbuild.core.builder import Outcome
        from cpgbuild.export.hamilton_module import export

        with PlanningLine(output, overrides_of(None, None, None)) as overrides:
            done = export(project, out, overrides)
        word, style = ("written ", "green") if done.changed else ("current ", "dim")
        facts = f"  {count_text(done.functions, 'function')}"
        output.line((f"{word} ", style), (str(done.path), ""), (facts, "dim"))
        record = records.exported("hamilton", str(out), done.functions, changed=done.changed)
        output.record(record)
        output.summary(Outcome())
        return exit_codes.OK

    finish(output, run)


@commands.command(
    epilog="Examples:  cpgbuild export graph -o graph.graphml  |  "
    "cpgbuild export graph -o app.json --where \"path = 'app.py'\"  |  "
    "cpgbuild export graph -o g.json --nodes people --edges knows"
)
def graph(
    project: ProjectOption = Path(),
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.")
    ] = Path("graph.graphml"),
    form: Annotated[
        str | None,
        typer.Option("--format", "-f", metavar="FORM", help="graphml or json; or by --out."),
    ] = None,
    where: Annotated[
        str,
        typer.Option("--where", "-w", metavar="CONDITION", help="Only nodes where this holds."),
    ] = "",
    nodes: Annotated[
        str,
        typer.Option(metavar="NAME", help="Dataset of nodes.", autocompletion=complete_name),
    ] = "cpg_nodes_delta",
    edges: Annotated[
        str,
        typer.Option(metavar="NAME", help="Dataset of edges.", autocompletion=complete_name),
    ] = "cpg_edges_delta",
    node_id: Annotated[str, typer.Option(metavar="COLUMN", help="A node's id.")] = "node_id",
    source: Annotated[str, typer.Option(metavar="COLUMN", help="Where an edge begins.")] = "src",
    target: Annotated[str, typer.Option(metavar="COLUMN", help="Where an edge ends.")] = "dst",
    var: VarOption = None,
    env: EnvOption = None,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write a dataset of nodes and one of edges as GraphML or JSON.

    Builds nothing. The JSON is the node-link form of networkx.
    """
    output = new_output(as_json=as_json, verbose=verbose)

    def run() -> int:
        from cpgbuild.cli import records
        from cpgbuild.cli.planning_line import PlanningLine
        from cpgbuild.cli.wording import count_text
        from cpgbuild.core.builder import Outcome
        from cpgbuild.export.graph_file import GraphWanted, export_graph

        wanted = GraphWanted(nodes, edges, node_id, source, target, where)
        with PlanningLine(output, overrides_of(var, env, warehouse)) as overrides:
            done = export_graph(project, wanted, out, form, overrides)
        facts = f"  {count_text(done.nodes, 'node')}, {count_text(done.edges, 'edge')}"
        output.line(("written  ", "green"), (str(out), ""), (facts, "dim"))
        output.record(records.exported_graph(done.form, str(out), done.nodes, done.edges))
        output.summary(Outcome())
        return exit_codes.OK

    finish(output, run)
