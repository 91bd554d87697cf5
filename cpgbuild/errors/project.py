"""E1: the project's files, or what was asked of them, are wrong. Nothing ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.errors.report import (
    SHOWN_NAMES,
    CpgbuildError,
    Place,
    did_you_mean,
    nearest_first,
    quoted,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


class NoProject(CpgbuildError):
    """There is no `cpgbuild.toml` here or in a parent folder."""

    code = "E101"

    def __init__(self, folder: str) -> None:
        """Take the folder in which the search began."""
        super().__init__(
            "no `cpgbuild.toml` found",
            facts=[("looked in", f"`{folder}` and its parents")],
            hint="run `cpgbuild init` to start a project, or name one with `--project <folder>`",
        )


class BadToml(CpgbuildError):
    """The configuration is not TOML, or cannot be read."""

    code = "E102"

    def __init__(self, reason: str, place: Place) -> None:
        """Take the parser's words and the place that it names."""
        super().__init__(f"`cpgbuild.toml` cannot be read: {reason}", place=place)


class UnknownKey(CpgbuildError):
    """The configuration, or a SQL file's header, has a key that means nothing."""

    code = "E103"

    def __init__(self, key: str, table: str, known: Iterable[str], place: Place) -> None:
        """Take the key, the table that it stands in (`[engine]`) and the keys known there."""
        names = nearest_first(key, known)
        super().__init__(
            f"unknown key `{key}` in {table}",
            place=place,
            facts=[("known", quoted(names))] if names else [],
            hint=did_you_mean(key, names, "remove it, or check its spelling"),
        )


class BadValue(CpgbuildError):
    """A key of the configuration, a header or a decorator has a value that cannot be used."""

    code = "E104"

    def __init__(self, key: str, value: object, expected: str, place: Place | None) -> None:
        """Take the key, the value found, and what was expected in its place."""
        super().__init__(
            f"`{key}` cannot be `{value}`",
            place=place,
            facts=[("expected", expected)],
        )


class NoSuchFolder(CpgbuildError):
    """A task folder or file that the configuration names does not exist."""

    code = "E105"

    def __init__(self, path: str, place: Place | None) -> None:
        """Take the path as it was configured."""
        super().__init__(
            f"task folder `{path}` does not exist",
            place=place,
            hint="create it, or correct `tasks` in `[project]`",
        )


class ModuleFailed(CpgbuildError):
    """A task module raised while it was imported."""

    code = "E106"

    def __init__(self, module: str, error: BaseException, place: Place) -> None:
        """Take the module's path, what it raised, and the line of the user's code that did."""
        super().__init__(
            f"task module `{module}` cannot be imported: {describe(error)}", place=place
        )


class BadName(CpgbuildError):
    """A dataset's name cannot be used as one."""

    code = "E107"

    def __init__(self, name: str, place: Place | None) -> None:
        """Take the name."""
        super().__init__(
            f"`{name}` cannot be the name of a dataset",
            place=place,
            facts=[("allowed", "lower-case letters, digits and underscores, no digit first")],
            hint="rename it, or name the dataset with `output=`",
        )


class BadTask(CpgbuildError):
    """A decorator's or header's options contradict each other."""

    code = "E108"

    def __init__(self, task: str, fault: str, hint: str, place: Place | None) -> None:
        """Take the task's name, what is wrong with it as a clause, and the way out."""
        super().__init__(f"task `{task}` {fault}", place=place, hint=hint)


class BadSqlHeader(CpgbuildError):
    """The `-- cpgbuild:` line of a SQL file is not TOML."""

    code = "E109"

    def __init__(self, reason: str, place: Place) -> None:
        """Take the parser's words and the line."""
        super().__init__(
            f"the header cannot be read: {reason}",
            place=place,
            hint='write it as `-- cpgbuild: kind = "compute", priority = 90`',
        )


class UnknownVariable(CpgbuildError):
    """A variable is read or set that `[vars]` does not declare."""

    code = "E110"

    def __init__(self, name: str, known: Iterable[str], place: Place | None) -> None:
        """Take the name and the declared ones."""
        names = nearest_first(name, known)
        super().__init__(
            f"variable `{name}` is not declared in `[vars]`",
            place=place,
            facts=[("known", quoted(names) if names else "none")],
            hint=did_you_mean(name, names, f'add `{name} = "…"` to `[vars]`'),
        )


class UnknownTarget(CpgbuildError):
    """A name on the command line is neither a dataset nor a task."""

    code = "E111"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        """Take the name and those that exist."""
        names = nearest_first(name, known)
        super().__init__(
            f"`{name}` is neither a dataset nor a task of this project",
            facts=[("known", quoted(names) if names else "none")],
            hint=did_you_mean(name, names, "`cpgbuild plan` lists all tasks"),
        )


class BadOption(CpgbuildError):
    """A command-line option's value does not have the form that it needs."""

    code = "E112"

    def __init__(self, option: str, value: str, expected: str) -> None:
        """Take the option, its value and the form expected."""
        super().__init__(f"`{option} {value}` cannot be understood", facts=[("expected", expected)])


class UnknownEnvironment(CpgbuildError):
    """`--env` names no `[env.…]` table."""

    code = "E113"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        """Take the name and the environments that exist."""
        names = nearest_first(name, known)
        super().__init__(
            f"environment `{name}` is not declared",
            facts=[("known", quoted(names) if names else "none")],
            hint=did_you_mean(name, names, f"add a table `[env.{name}]` to `cpgbuild.toml`"),
        )


class ProjectExists(CpgbuildError):
    """`cpgbuild init` would overwrite a file."""

    code = "E114"

    def __init__(self, path: str) -> None:
        """Take the file that is already there."""
        super().__init__(
            f"`{path}` already exists", hint="name an empty folder: `cpgbuild init <folder>`"
        )


class UnknownColumn(CpgbuildError):
    """A name on the command line is no column of the dataset that it names."""

    code = "E115"

    def __init__(self, column: str, dataset: str, known: Iterable[str]) -> None:
        """Take the column, the dataset, and its columns."""
        names = nearest_first(column, known)
        super().__init__(
            f"`{column}` is no column of dataset `{dataset}`",
            facts=[("columns", quoted(names) if names else "none")],
            hint=did_you_mean(column, names, f"`{dataset}` alone means all of them"),
        )


class OptionsClash(CpgbuildError):
    """Options that do not go together, or none where one is needed, on the command line."""

    code = "E116"

    def __init__(self, fault: str, hint: str) -> None:
        """Take what is wrong as a whole fact, and the way out."""
        super().__init__(fault, hint=hint)


class NoManifest(CpgbuildError):
    """There is no `manifest.json` of dbt where `cpgbuild import dbt` looks for one."""

    code = "E140"

    def __init__(self, place: str) -> None:
        """Take the path that was named."""
        super().__init__(
            f"no compiled dbt project is at `{place}`",
            facts=[("looked for", "`manifest.json` there and in `target`")],
            hint="run `dbt compile` in the dbt project, and name its folder",
        )


class BadManifest(CpgbuildError):
    """The `manifest.json` of a dbt project cannot be read."""

    code = "E141"

    def __init__(self, path: str, reason: str) -> None:
        """Take the file and what is wrong with it."""
        super().__init__(
            f"`{path}` is no manifest of dbt",
            facts=[("reason", reason)],
            hint="run `dbt compile` again: it writes the file anew",
        )


class NotCompiled(CpgbuildError):
    """A dbt project's `manifest.json` has models, and none with its compiled SQL."""

    code = "E142"

    def __init__(self, path: str, models: int) -> None:
        """Take the file and the number of its models."""
        super().__init__(
            f"`{path}` has no compiled SQL",
            facts=[("models", str(models))],
            hint="`dbt parse` and `dbt ls` do not compile: run `dbt compile`",
        )


class UnknownAdapter(CpgbuildError):
    """A dbt project is written for a database whose SQL cannot be translated."""

    code = "E143"

    def __init__(self, adapter: str, known: Iterable[str]) -> None:
        """Take dbt's name of the adapter, and the dialects that are known."""
        names = nearest_first(adapter, known)
        super().__init__(
            f"SQL of dbt's adapter `{adapter}` cannot be translated",
            facts=[("known", quoted(names))],
            hint=did_you_mean(adapter, names, "name a dialect: `--dialect postgres`"),
        )


class ImportOverwrites(CpgbuildError):
    """`cpgbuild import` would overwrite a file."""

    code = "E144"

    def __init__(self, paths: Iterable[str]) -> None:
        """Take the files that are already there."""
        names = sorted(paths)
        super().__init__(
            f"`{names[0]}` already exists",
            facts=[("others", quoted(names[1:]))] if len(names) > 1 else [],
            hint="nothing was written: name another folder with `--out <folder>`",
        )


class ExtraMissing(CpgbuildError):
    """The project asks for what only an optional package can do, and it is not installed."""

    code = "E146"

    def __init__(self, table: str, package: str, extra: str, place: Place | None) -> None:
        """Take the table that asks for it, the package, and the extra that brings it."""
        super().__init__(
            f"`{table}` needs the package `{package}`",
            place=place,
            hint=f"install it with `pip install 'cpgbuild[{extra}]'`, or remove the table",
        )


class SourceMissing(CpgbuildError):
    """A source's path does not exist, or its glob matches no file."""

    code = "E121"

    def __init__(self, source: str, path: str, place: Place | None) -> None:
        """Take the source and its resolved path."""
        super().__init__(
            f"source `{source}` is missing: nothing is there",
            place=place,
            facts=[("path", f"`{path}`")],
            hint=f"correct `path` in `[sources.{source}]`, or create it",
        )


class SourceUnreadable(CpgbuildError):
    """A source is there but cannot be read in its declared format."""

    code = "E122"

    def __init__(self, source: str, file: str, reason: str, place: Place | None) -> None:
        """Take the source, the file that fails, and the reader's own words."""
        super().__init__(
            f"source `{source}` cannot be read",
            place=place,
            facts=[("file", f"`{file}`"), ("reason", reason)],
            hint=f"check the file, and `format` in `[sources.{source}]`",
        )


class HamiltonMissing(CpgbuildError):
    """A project is to run in Hamilton, which is not installed."""

    code = "E160"

    def __init__(self) -> None:
        """Nothing more is to be said of it."""
        super().__init__("Hamilton is not installed", hint="pip install 'cpgbuild[hamilton]'")


class ModuleOutdated(CpgbuildError):
    """A project's functions for Hamilton are not those of its graph as it is now."""

    code = "E161"

    def __init__(self, differences: Iterable[tuple[str, str]]) -> None:
        """Take functions with what is different of each, as a clause."""
        known = list(differences)
        more = [("more", str(len(known) - SHOWN_NAMES))] if len(known) > SHOWN_NAMES else []
        super().__init__(
            "the functions for Hamilton are not those of the project as it is now",
            facts=[*known[:SHOWN_NAMES], *more],
            hint="write the module again with `cpgbuild export hamilton`, or make the driver anew",
        )


class NotGenerated(CpgbuildError):
    """`cpgbuild export` would overwrite a file that it did not write."""

    code = "E162"

    def __init__(self, path: str) -> None:
        """Take the file."""
        super().__init__(
            f"`{path}` was not written by `cpgbuild export`",
            hint="name another file with `--out`, or delete this one",
        )


class PortTaken(CpgbuildError):
    """The page cannot be served at this port."""

    code = "E170"

    def __init__(self, port: int, error: OSError) -> None:
        """Take the port, and the system's words."""
        super().__init__(
            f"the page cannot be served at port {port}",
            facts=[("reason", error.strerror or describe(error))],
            hint="name another with `--port`, or 0 for any that is free",
        )


class NeedsYes(CpgbuildError):
    """Something would be deleted, and nobody is there who could be asked."""

    code = "E130"

    def __init__(self, size: str) -> None:
        """Take how much would be deleted."""
        super().__init__(
            f"{size} would be deleted, and there is no terminal to ask on",
            hint="see with `--dry-run` what would go, then say `--yes`",
        )


class UnknownCode(CpgbuildError):
    """A code on the command line is that of no error."""

    code = "E131"

    def __init__(self, code: str, known: Iterable[str]) -> None:
        """Take the code and those that there are."""
        names = nearest_first(code.upper(), known)
        super().__init__(
            f"`{code}` is the code of no error",
            facts=[("known", quoted(names))],
            hint=did_you_mean(code.upper(), names, "`cpgbuild explain` lists all of them"),
        )


def describe(error: BaseException) -> str:
    """Return `ValueError: its first line`, without a traceback."""
    words = error.msg if isinstance(error, SyntaxError) else str(error)
    lines = words.strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


class FileUnwritable(CpgbuildError):
    """A file that an answer should go to cannot be written."""

    code = "E180"

    def __init__(self, path: str, error: OSError) -> None:
        """Take the file and the system's words."""
        super().__init__(
            f"file `{path}` cannot be written",
            facts=[("reason", error.strerror or describe(error))],
            hint="name a file in a folder that is there, and that you may write to",
        )


class InputsMissing(CpgbuildError):
    """A test evaluates a task without the rows of something that the task reads."""

    code = "E150"

    def __init__(self, task: str, missing: Iterable[str], place: Place | None) -> None:
        """Take the task and the datasets that it needs rows of."""
        names = sorted(missing)
        super().__init__(
            f"task `{task}` cannot be evaluated without the rows of what it reads",
            place=place,
            facts=[("missing", quoted(names))],
            hint=f"give them: `{names[0]}=[…]`, or `{names[0]}=[]` if there are none",
        )


class InputUnknown(CpgbuildError):
    """A test gives a task rows of a dataset that the task does not read."""

    code = "E151"

    def __init__(self, task: str, name: str, known: Iterable[str]) -> None:
        """Take the task, the name, and what the task reads, through views."""
        names = nearest_first(name, known)
        super().__init__(
            f"task `{task}` does not read `{name}`",
            facts=[("reads", quoted(names) if names else "nothing")],
            hint=did_you_mean(name, names, "leave it out"),
        )


class InputUnfit(CpgbuildError):
    """A test gives rows that do not fit the schema of their dataset."""

    code = "E152"

    def __init__(self, dataset: str, fault: str, schema: Iterable[str], hint: str = "") -> None:
        """Take the dataset, what is wrong as a clause, and its columns with their types."""
        super().__init__(
            f"the rows given for `{dataset}` do not fit: {fault}",
            facts=[("columns", ", ".join(schema))],
            hint=hint,
        )
