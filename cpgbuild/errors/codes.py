"""Codes: every error that there is, by its code."""

from __future__ import annotations

from cpgbuild.errors import graph, project, run, state
from cpgbuild.errors.report import CpgbuildError, InternalError

STAGES = {
    "E1": "the project or the request is wrong",
    "E2": "the graph or a plan is wrong",
    "E3": "a task failed",
    "E4": "what is kept between builds cannot be used",
    "E9": "a bug in cpgbuild",
}


def errors_by_code() -> dict[str, type[CpgbuildError]]:
    """Return the errors in the order of their codes."""
    modules = (project, graph, run, state)
    found = {
        error.code: error
        for module in modules
        for error in vars(module).values()
        if isinstance(error, type)
        and issubclass(error, CpgbuildError)
        and "code" in vars(error)
        and error.__module__ == module.__name__
    }
    return dict(sorted((found | {InternalError.code: InternalError}).items()))


def meaning(error: type[CpgbuildError]) -> str:
    """Return in one sentence what an error means."""
    return (error.__doc__ or "").partition("\n")[0]
