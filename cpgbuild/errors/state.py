"""E4: what cpgbuild keeps between builds cannot be used."""

from __future__ import annotations

from cpgbuild.errors.project import describe
from cpgbuild.errors.report import CpgbuildError


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
