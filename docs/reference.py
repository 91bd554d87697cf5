"""Writes `docs/reference.md` from the code: run `python docs/reference.py`; a test compares."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Any

import typer

from cpgbuild.cli.app import app
from cpgbuild.errors.report import CpgbuildError

PAGE = Path(__file__).with_suffix(".md")
STAGES = {
    "project": "E1: the project or the request is wrong",
    "graph": "E2: the graph or a plan is wrong",
    "run": "E3: a task failed",
    "state": "E4: what is kept between builds",
    "report": "E9: a bug in cpgbuild",
}


def commands() -> list[str]:
    """Return a section for each command, with its options."""
    group = typer.main.get_command(app)
    lines = []
    for name, command in flat(group):
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        usage = " ".join(["cpgbuild", name, *(f"[{a.name.upper()}]" for a in arguments)])
        lines += [f"### `{usage}`", "", command.help or "", ""]
        lines += ["| option | meaning |", "|---|---|"]
        for option in command.params:
            names = ", ".join(f"`{n}`" for n in getattr(option, "opts", []))
            lines.append(f"| {names} | {getattr(option, 'help', '') or ''} |")
        lines += ["", f"{command.epilog}".replace("  |  ", "; "), ""]
    return lines


def flat(group: Any, before: str = "") -> list[tuple[str, Any]]:
    """Return the commands of a group, and those of groups in it, by their whole names."""
    found = []
    for name, command in sorted(group.commands.items()):
        inner = flat(command, f"{before}{name} ") if hasattr(command, "commands") else ()
        found += inner or [(before + name, command)]
    return found


def errors() -> list[str]:
    """Return a table of error codes for each stage."""
    lines = []
    for module, title in STAGES.items():
        found = importlib.import_module(f"cpgbuild.errors.{module}")
        classes = [
            c
            for _, c in inspect.getmembers(found, inspect.isclass)
            if issubclass(c, CpgbuildError) and c.__module__ == found.__name__ and "code" in vars(c)
        ]
        lines += [f"### {title}", "", "| code | exit | meaning |", "|---|---|---|"]
        for one in sorted({c.code: c for c in classes}.values(), key=lambda c: c.code):
            meaning = (one.__doc__ or "").splitlines()[0]
            lines.append(f"| {one.code} | {one.exit_code} | {meaning} |")
        lines.append("")
    return lines


def page() -> str:
    """Return the whole page."""
    head = [
        "# Reference",
        "",
        "Written by `docs/reference.py` from the code.",
        "",
        "## Commands",
        "",
    ]
    return "\n".join([*head, *commands(), "## Error codes", "", *errors()]).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
