"""Rests: what the tasks of a Python module rest on, so that it is known when they may be others.

Their expressions are what the module's code makes of what it finds. The code is the module's and
that of all modules of the project that it imports, here or in a function, found by reading it. What
it finds is noted while it runs (`watching`). Where either might not show all, nothing is said to be
the same: the tasks are evaluated each time.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cpgbuild.plan import bytecode, origins
from cpgbuild.plan.own import is_own, own_file
from cpgbuild.project.parts import Parts, parts_of
from cpgbuild.project.watching import facts_now

if TYPE_CHECKING:
    from types import CodeType

    from cpgbuild.project.contents import Contents
    from cpgbuild.project.watching import Watch

# What somebody else's module may be, for its users to be known by what they read themselves: it
# has no clock, no chance and no files but those that Python tells of when they are opened.
_PLAIN = frozenset(
    [
        "__future__",
        "abc",
        "argparse",
        "array",
        "ast",
        "base64",
        "binascii",
        "bisect",
        "builtins",
        "calendar",
        "cmath",
        "codecs",
        "collections",
        "colorsys",
        "concurrent",
        "configparser",
        "contextlib",
        "copy",
        "csv",
        "cpgbuild",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "dis",
        "enum",
        "errno",
        "fnmatch",
        "fractions",
        "functools",
        "gc",
        "glob",
        "google",
        "graphlib",
        "gzip",
        "hashlib",
        "heapq",
        "hmac",
        "html",
        "ibis",
        "importlib",
        "inspect",
        "io",
        "ipaddress",
        "itertools",
        "json",
        "keyword",
        "linecache",
        "locale",
        "logging",
        "math",
        "multiprocessing",
        "numbers",
        "numba",
        "numpy",
        "operator",
        "os",
        "packaging",
        "pandas",
        "pathlib",
        "pickle",
        "pprint",
        "ptars",
        "pyarrow",
        "queue",
        "re",
        "shlex",
        "shutil",
        "socket",
        "sqlglot",
        "statistics",
        "string",
        "struct",
        "subprocess",
        "sys",
        "sysconfig",
        "tempfile",
        "textwrap",
        "threading",
        "time",
        "token",
        "tokenize",
        "toml",
        "tomli",
        "tomllib",
        "traceback",
        "tree_sitter",
        "tree_sitter_python",
        "tree_sitter_typescript",
        "types",
        "typing",
        "typing_extensions",
        "unicodedata",
        "urllib",
        "uuid",
        "warnings",
        "weakref",
        "yaml",
        "zipfile",
        "zlib",
        "zoneinfo",
    ]
)
# Of these, what reads a clock, rolls dice or reads files behind Python's back, by its name.
_HIDDEN = {
    "datetime": {"now", "today", "utcnow"},
    "gc": {"get_objects", "get_count", "get_stats"},
    "ibis": {"connect", "duckdb", "polars", "sqlite", "postgres", "backends", "set_backend"},
    "importlib": {"find_spec", "find_loader", "machinery", "reload", "util"},
    "multiprocessing": {"current_process", "cpu_count"},
    "numpy": {"random", "load", "fromfile", "memmap", "loadtxt", "genfromtxt", "now", "today"},
    "os": {"cpu_count", "getlogin", "getloadavg", "getpid", "getppid", "times", "urandom"}
    | {"fstat", "getrandom", "getuid", "getgid", "geteuid", "getegid", "getgroups", "uname"}
    | {"statvfs", "fstatvfs", "listxattr", "getxattr", "sched_getaffinity", "get_terminal_size"},
    "pandas": {"now", "today", "HDFStore", "ExcelFile"},
    "pyarrow": {"parquet", "dataset", "fs", "feather", "orc", "flight", "ipc", "memory_map"}
    | {"OSFile", "input_stream", "csv", "substrait", "cuda"},
    "shutil": {"disk_usage", "get_terminal_size"},
    "sys": {"argv", "orig_argv", "stdin", "_getframe", "getrefcount"},
    "tempfile": {"mkdtemp", "mkstemp", "mktemp", "NamedTemporaryFile"},
    "threading": {"get_ident", "get_native_id", "current_thread"},
    "uuid": {"uuid1", "uuid4", "getnode"},
}
_READERS = {"ibis": "read_", "pandas": "read_", "pyarrow": "read_"}
# What begins so too: of a path, and of what was opened Python tells.
_TOLD = {"read_text", "read_bytes"}
# Functions that nobody imports: of a text they give something else in each process.
_BUILTINS = {"hash", "id"}
# What leads to a module's functions without their names.
_INDIRECT = {"vars", "dir", "locals", "modules", "getattr", "hasattr", "attrgetter", "inspect"}
_INDIRECT |= {"__dict__", "__globals__", "f_globals", "f_back", "gc", "getmembers"}
# Code that no reading shows.
_DYNAMIC = {"exec", "eval", "__import__", "import_module", "__loader__", "globals", "setattr"}


class Rest(NamedTuple):
    """What a module's tasks rest on, by what it is, and its parts, if it is known by them."""

    facts: dict[str, str]
    parts: Parts | None


class _Code(NamedTuple):
    """What a file's code names, the modules that it imports, and which of these are own files."""

    names: set[str]
    modules: set[str]
    files: set[Path]


class Rests:
    """What is known of the project's modules once they were loaded and their tasks evaluated.

    `altered` has the files of modules that somebody changed since they were loaded.
    """

    def __init__(self, root: Path, contents: Contents, watch: Watch) -> None:
        """Take the project's root, what files held, and what was noted while code ran."""
        self._root = root
        self._contents = contents
        self._watch = watch
        self.altered = watch.altered()
        self._codes: dict[Path, _Code | None] = {}

    def of(self, path: Path) -> Rest | None:
        """Return what a module's tasks rest on; None where that is unknown."""
        facts: dict[str, str] = {}
        codes: dict[Path, _Code] = {}
        waiting = [path]
        known = set(waiting)
        while waiting:
            file = waiting.pop()
            # What another module changed in it, is known from the one that it was changed by.
            noted = self._watch.noted(str(file)) if str(file) not in self.altered else None
            if file not in self._codes:
                self._codes[file] = self._code(file)
            code = self._codes[file]
            if noted is None or code is None:
                return None
            codes[file] = code
            facts |= noted
            facts[f"file {file}"] = self._contents.digest(str(file))
            facts |= facts_now(f"module {self._base(name)}" for name in code.modules)
            waiting += code.files - known
            known |= code.files
        has_parts = f"file {path}" not in (self._watch.noted(str(path)) or ())
        return Rest(facts, self._parts(path, codes) if has_parts else None)

    def _parts(self, path: Path, codes: dict[Path, _Code]) -> Parts | None:
        """Return a module's parts, if nothing leads from one task's function to another's.

        Nor anything that is told from one to the other, as by an iterator that both use.
        """
        parts = parts_of(self._watch.texts.get(str(path), b""))
        if parts is None or any("udf" in name for name in codes[path].names):
            return None
        for file, code in codes.items():
            named = set() if file == path else code.names & parts.functions.keys()
            if named or path in code.files or not code.names.isdisjoint(_INDIRECT):
                return None
            if not self._watch.shows_all(str(file)):
                return None
        return parts

    def _code(self, file: Path) -> _Code | None:
        """Return what a file's code is about; None where what it does is unknown."""
        code = self._watch.codes.get(str(file)) or self._compiled(file)
        if code is None:
            return None
        names = set().union(*(part.co_names for part in bytecode.nested(code)))
        if not names.isdisjoint(_DYNAMIC):
            return None
        # As names of columns these are common.
        if not names.isdisjoint(_BUILTINS) and _BUILTINS & bytecode.global_names(code):
            return None
        # As in `pd.Timestamp("now")`.
        names |= bytecode.texts(code) & {"now", "today"}
        found = _Code(names, set(), set())
        package = self._package(file)
        statements = list(bytecode.imports(code))
        names.update(member for imported in statements for member in imported.members)
        for imported in statements:
            try:
                targets = [*origins.imported_modules(imported, package, self._root)]
            except ImportError:
                return None
            for name in targets:
                own = self._file(name)
                if own is not None:
                    found.files.add(own)
                elif (
                    not _is_plain(name, names | set(imported.members))
                    and not self._base(name).is_dir()
                ):
                    return None
                found.modules.add(name if own is not None else name.partition(".")[0])
        return found

    def _compiled(self, file: Path) -> CodeType | None:
        """Return the code of a module that nobody imported yet."""
        try:
            return compile(self._contents.read(str(file)), str(file), "exec", dont_inherit=True)
        except (OSError, SyntaxError, ValueError):
            return None

    def _package(self, file: Path) -> str:
        parts = file.relative_to(self._root).parts if file.is_relative_to(self._root) else ()
        return ".".join(parts[:-1])

    def _file(self, name: str) -> Path | None:
        """Return the file of a module, if it is the project's own."""
        loaded = getattr(sys.modules.get(name), "__file__", None)
        file = Path(loaded) if loaded else own_file(name, self._root)
        return file if file is not None and is_own(str(file)) else None

    def _base(self, name: str) -> Path:
        """Return where a module's file would be below the root, but for the end of its name."""
        return self._root.joinpath(*name.split("."))


def _is_plain(name: str, names: set[str]) -> bool:
    """Return whether a module that is not the project's does nothing hidden for who names these."""
    top, *inner = name.split(".")
    hidden = _HIDDEN.get(top, set())
    reader = _READERS.get(top, "\0")
    named = [*names, *inner]
    return (
        top in _PLAIN
        and hidden.isdisjoint(named)
        and not any(word.startswith(reader) for word in {*named} - _TOLD)
    )
