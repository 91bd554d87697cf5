"""E1: the project's files, or what was asked of them, are wrong. Nothing ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.errors.report import CpgbuildError, Place, did_you_mean, nearest_first, quoted

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
            hint=did_you_mean(column, names, f"`cpgbuild impact {dataset}` takes all of them"),
        )


class OptionsClash(CpgbuildError):
    """Options that do not go together, or none where one is needed, on the command line."""

    code = "E116"

    def __init__(self, fault: str, hint: str) -> None:
        """Take what is wrong as a whole fact, and the way out."""
        super().__init__(fault, hint=hint)


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
