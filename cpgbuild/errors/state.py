"""E4: what cpgbuild keeps between builds cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cpgbuild.errors.project import describe
from cpgbuild.errors.report import CpgbuildError

if TYPE_CHECKING:
    from cpgbuild.errors.report import Place

_LOCK = "run `cpgbuild build` and commit `cpgbuild.lock`"


class BuildInProgress(CpgbuildError):
    """Another process builds into the same warehouse."""

    code = "E401"
    exit_code = 75

    def __init__(self, warehouse: str, holder: str) -> None:
        """Take the warehouse, and who holds it as far as is known."""
        super().__init__(
            f"another build holds warehouse `{warehouse}`",
            facts=[("holder", holder)] if holder else [],
            hint="wait for it to end, or build into another with `--warehouse`",
        )


class StateUnwritable(CpgbuildError):
    """A state file cannot be written."""

    code = "E402"
    exit_code = 1

    def __init__(self, path: str, error: BaseException) -> None:
        """Take the file and the system's words."""
        reason = error.strerror if isinstance(error, OSError) else None
        super().__init__(
            f"state file `{path}` cannot be written",
            facts=[("reason", reason or describe(error))],
            hint="make its folder writable",
        )


class LockMissing(CpgbuildError):
    """There is no `cpgbuild.lock` to compare with."""

    code = "E403"

    def __init__(self, path: str) -> None:
        """Take the file that is not there."""
        super().__init__(f"lock `{path}` does not exist", hint=_LOCK)


class LockUnreadable(CpgbuildError):
    """`cpgbuild.lock` is not what cpgbuild wrote: torn, edited, or with the marks of a merge."""

    code = "E404"

    def __init__(self, reason: str, place: Place) -> None:
        """Take what is wrong as a clause, and where."""
        super().__init__(
            f"`cpgbuild.lock` cannot be read: {reason}", place=place, hint=f"delete it, {_LOCK}"
        )


class LockVersion(CpgbuildError):
    """`cpgbuild.lock` is of a version that this cpgbuild does not know."""

    code = "E405"

    def __init__(self, found: object, known: int, place: Place) -> None:
        """Take the version found, and the one that is known."""
        super().__init__(
            f"`cpgbuild.lock` is of version `{found}`",
            place=place,
            facts=[("known", f"`{known}`")],
            hint=f"use one version of cpgbuild everywhere, {_LOCK}",
        )


class NoRepository(CpgbuildError):
    """`--since` is asked of a project that no git repository holds."""

    code = "E406"

    def __init__(self, folder: str, reason: str) -> None:
        """Take the project's folder, and git's words."""
        super().__init__(
            f"`{folder}` is not in a git repository that can be read",
            facts=[("git", reason)] if reason else [],
            hint="`--since` compares with the `cpgbuild.lock` of a git commit",
        )


class UnknownRef(CpgbuildError):
    """`--since` names no commit of the repository."""

    code = "E407"

    def __init__(self, ref: str) -> None:
        """Take the name."""
        super().__init__(
            f"`{ref}` is no commit of this repository",
            hint=f"fetch it: in CI, `git fetch --depth=1 origin {ref}`, then name `FETCH_HEAD`",
        )


class NoLockAtRef(CpgbuildError):
    """The commit that `--since` names has no `cpgbuild.lock`."""

    code = "E408"

    def __init__(self, ref: str) -> None:
        """Take the commit's name."""
        super().__init__(
            f"commit `{ref}` has no `cpgbuild.lock` of this project",
            hint="name a later commit, or commit the lock there",
        )


class SourceNotLocked(CpgbuildError):
    """A task reads a source whose schema is not in `cpgbuild.lock`."""

    code = "E409"

    def __init__(self, source: str) -> None:
        """Take the source."""
        self.source = source
        super().__init__(f"source `{source}` is not in `cpgbuild.lock`", hint=_LOCK)
