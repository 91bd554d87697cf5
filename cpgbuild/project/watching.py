"""Watching: what the project's own Python code looks at while it is loaded and evaluated.

Python tells of files that are opened, of folders that are listed and of processes that are started
(`sys.addaudithook`). It does not tell who asks whether a file is there, for a variable of the
environment, for the working directory or for the time, so these functions are wrapped meanwhile.
Each fact is noted for the modules on the stack whose code is the project's. What is done below an
import of somebody else's module, or by this package, is not theirs.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable  # noqa: TC003 -- an annotation at run time
from contextlib import contextmanager
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from stat import S_ISDIR
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from cpgbuild.plan.own import is_own
from cpgbuild.plan.textual import TextFinder, TextLoader
from cpgbuild.project.contents import Contents
from cpgbuild.project.shapes import Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType, FrameType, ModuleType

    import ibis

    from cpgbuild.plan.catalog import Catalog
    from cpgbuild.plan.definition import Definition

_TOOL = str(Path(__file__).parents[1]) + os.sep
# What is told of one who lists a folder: names alone, or what the entries are too.
_LISTS = {"os.listdir": "list", "os.scandir": "entries"}
# What leads out of what can be known: other processes, the network, other people's databases.
_BEYOND = (
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork",
    "os.forkpty", "pty.spawn", "socket.connect", "socket.getaddrinfo", "socket.gethost",
    "sqlite3.connect", "ctypes.dlopen", "ctypes.dlsym", "mmap.__new__", "os.putenv", "os.unsetenv",
    "os.chdir", "sys.setprofile", "sys.settrace",
)  # fmt: skip
_CLOCKS = (
    *("time", "monotonic", "perf_counter", "process_time", "thread_time", "clock_gettime"),
    *("localtime", "gmtime", "ctime", "asctime", "strftime"),
)


class Noted(NamedTuple):
    """What one process noted, to be told to another.

    Of each file the facts; those of which not all is known; those whose modules changed, or hold
    what may change unseen; the digests of the texts that were run.
    """

    facts: dict[str, dict[str, str]]
    unknown: set[str]
    changing: set[str]
    texts: dict[str, str]


class Watch:
    """What was noted of each file of the project's code; its text, and the code that was run."""

    def __init__(self, contents: Contents) -> None:
        """Take what files hold."""
        self.contents = contents
        self.codes: dict[str, CodeType] = {}
        self.texts: dict[str, bytes] = {}
        self._facts: dict[str, dict[str, str]] = {}
        self._unknown: set[str] = set()
        self._shapes: dict[str, tuple[ModuleType, Shape]] = {}

    def noted(self, file: str) -> dict[str, str] | None:
        """Return what the code in a file looked at; None where it is unknown what that is."""
        return None if file in self._unknown else self._facts.get(file, {})

    def altered(self) -> set[str]:
        """The files of the modules that are not what their own code left, when it was loaded."""
        return {file for file, (module, was) in self._shapes.items() if Shape(module) != was}

    def shows_all_of_all(self) -> bool:
        """Return whether it would be seen if something changed what any module holds."""
        return all(map(self.shows_all, self._shapes))

    def told(self) -> Noted:
        """Return what was noted, for another process."""
        changing = self.altered() | {file for file in self._shapes if not self.shows_all(file)}
        texts = {file: hashlib.sha256(text).hexdigest() for file, text in self.texts.items()}
        return Noted(self._facts, self._unknown, changing, texts)

    def take(self, noted: Noted) -> bool:
        """Take what was noted in another process; refuse it if it may be another thing here."""
        for file, digest in noted.texts.items():
            text = self.texts.get(file)
            here = self.contents.digest(file) if text is None else hashlib.sha256(text).hexdigest()
            if here != digest:
                return False
        if noted.changing:
            return False
        self._unknown |= noted.unknown
        for file, facts in noted.facts.items():
            self._facts[file] = facts | self._facts.get(file, {})
        return True

    def shows_all(self, file: str) -> bool:
        """Return whether it would be seen if something changed what a module's names stand for."""
        return file not in self._shapes or self._shapes[file][1].shows_all

    def loaded(self, module: ModuleType, file: str) -> None:
        """Note how a module is left by its own code."""
        self._shapes[file] = (module, Shape(module))

    def note(self, fact: str, frame: FrameType | None) -> None:
        """Note a fact, as it is now, for whose code is being run."""
        for file in _owners(frame):
            if fact:
                self._facts.setdefault(file, {}).setdefault(fact, _now(fact, self.contents))
            else:
                self._unknown.add(file)

    def watched(self, definition: Definition) -> Definition:
        """Return a definition whose function is watched while it is evaluated."""
        function = definition.function
        if function is None:
            return definition

        @wraps(function)
        def evaluated(catalog: Catalog) -> ibis.Table:
            with self.watching():
                return function(catalog)

        return replace(definition, function=evaluated)

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Have the project's modules loaded from what is written, in this block."""
        finder = TextFinder(partial(_Loader, self))
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note, in this block, what code of the project looks at."""
        with _active_lock:
            _install()
            _watching.append(self)
        try:
            yield
        finally:
            with _active_lock:
                _watching.remove(self)
                _uninstall()


def facts_now(facts: Iterable[str]) -> dict[str, str]:
    """Return facts as they are now."""
    contents = Contents()
    return {fact: _now(fact, contents) for fact in facts}


def still_holds(facts: dict[str, str], contents: Contents, known: dict[str, str]) -> bool:
    """Return whether facts are as they were; `known` remembers what was looked at already."""
    for fact, value in facts.items():
        if fact not in known:
            known[fact] = _now(fact, contents)
        if known[fact] != value:
            return False
    return True


def _now(fact: str, contents: Contents) -> str:
    """Return what a fact is now: what stands for it, or nothing where there is no such thing."""
    kind, _, name = fact.partition(" ")
    try:
        return _KINDS[kind](name, contents)
    except OSError:
        return ""


def module_files(base: str) -> tuple[str, str]:
    """Return where the file of a module may be, the one that is taken first."""
    return os.path.join(base, "__init__.py"), f"{base}.py"


def _module(base: str, _: Contents) -> str:
    return next((file for file in module_files(base) if os.path.isfile(file)), "")


def _variable(name: str, _: Contents) -> str:
    value = os.environ.get(name)  # noqa: TID251 -- the user's code did
    return "" if value is None else _digest(value)


def _variables(_: str, __: Contents) -> str:
    return _digest(repr(sorted(os.environ.items())))  # noqa: TID251 -- likewise


def _status(path: str, _: Contents) -> str:
    link = _facts_of(os.lstat(path))
    try:
        return f"{_facts_of(os.stat(path))} {link}"
    except OSError:
        return link


def _entries(path: str, contents: Contents) -> str:
    found = [(name, _status(os.path.join(path, name), contents)) for name in os.listdir(path)]
    return _digest(repr(sorted(found)))


def _facts_of(status: os.stat_result) -> str:
    if S_ISDIR(status.st_mode):
        # When something in it came or went: who wants to know that, lists it.
        return f"{status.st_mode} {status.st_ino}"
    return f"{status.st_mode} {status.st_size} {status.st_mtime_ns} {status.st_ino}"


_KINDS: dict[str, Callable[[str, Contents], str]] = {
    "file": lambda path, contents: contents.digest(path),
    "module": _module,
    "variable": _variable,
    "variables": _variables,
    "here": lambda _, __: os.getcwd(),  # noqa: TID251 -- likewise
    "list": lambda path, _: _digest(repr(sorted(os.listdir(path)))),
    "entries": _entries,
    "stat": _status,
}


def _digest(text: str) -> str:
    # What is in a variable may be a secret, and stays out of the state.
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _owners(frame: FrameType | None) -> list[str]:
    """Return the files of the project whose code runs, from a frame outwards.

    Up to where this package, or an import, called it.
    """
    found: list[str] = []
    while frame is not None:
        file = frame.f_code.co_filename
        if is_own(file):
            found.append(file)
        elif file.startswith((_TOOL, "<frozen importlib")):
            break
        frame = frame.f_back
    return list(dict.fromkeys(found))


# -- the code of the project ------------------------------------------------------------------


class _Loader(TextLoader):
    """Loads a module from its text, and notes text and code."""

    def __init__(self, watch: Watch, fullname: str, path: str) -> None:
        super().__init__(fullname, path)
        self._watch = watch

    def get_code(self, fullname: str) -> CodeType:
        del fullname
        data = self._watch.contents.read(self.path)
        code: CodeType = self.source_to_code(data, self.path)
        self._watch.codes[self.path], self._watch.texts[self.path] = code, data
        return code

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        self._watch.loaded(module, self.path)


# -- what code asks for -----------------------------------------------------------------------

_active_lock = Lock()
_watching: list[Watch] = []
_originals: list[tuple[Any, str, Any]] = []
_hooked = False


# What stands for something that may be otherwise the next time, and that nobody can compare.
UNKNOWN = ("",)


def _note_all(facts: tuple[str, ...], frame: FrameType | None) -> None:
    for watch in _watching:
        for fact in facts:
            watch.note(fact, frame)


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    """Take what Python tells of; it goes on telling when nobody watches."""
    if not _watching:
        return
    facts: tuple[str, ...] = ()
    if event == "open":
        path, _, flags = arguments
        if flags & (os.O_WRONLY | os.O_RDWR) != os.O_WRONLY:
            facts = _about("file", path)
    elif event in _LISTS:
        facts = _about(_LISTS[event], "." if arguments[0] is None else arguments[0])
    elif event.startswith(_BEYOND):
        facts = UNKNOWN
    if facts:
        # To ask for the frame is told of too.
        _note_all(facts, sys._getframe(1))  # noqa: SLF001


def _about(kind: str, path: Any) -> tuple[str, ...]:
    """Return what is asked of a path; of a relative one also where that leads from."""
    if isinstance(path, int):
        # Of an open file; it was noted when it was opened.
        return ()
    text = os.fsdecode(path)
    fact = f"{kind} {os.path.abspath(text)}"
    return (fact,) if os.path.isabs(text) else (fact, "here")


def _install() -> None:
    """Begin to listen: once for all to Python, and to the functions that it does not tell of."""
    global _hooked  # noqa: PLW0603 -- a hook cannot be taken away
    if not _hooked:
        sys.addaudithook(_heard)
        _hooked = True
    if len(_watching):
        return
    for name in ("stat", "lstat", "access", "readlink"):
        _wrap(os, name, _status_of)
    for name in ("getcwd", "getcwdb"):
        _wrap(os, name, lambda: ("here",))
    for name in (*_CLOCKS, *(f"{clock}_ns" for clock in _CLOCKS)):
        if hasattr(time, name):
            _wrap(time, name, lambda *_: UNKNOWN)
    environ = type(os.environ)  # noqa: TID251 -- what it is asked for is noted
    _wrap(environ, "__getitem__", lambda _, key: (f"variable {os.fsdecode(key)}",))
    for name in ("__iter__", "__len__"):
        _wrap(environ, name, lambda _: ("variables",))


def _status_of(path: Any, *_: Any, dir_fd: int | None = None, **__: Any) -> tuple[str, ...]:
    return _about("stat", path) if dir_fd is None else UNKNOWN


def _wrap(owner: Any, name: str, facts: Callable[..., tuple[str, ...]]) -> None:
    original = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if _watching:
            _note_quietly(facts, args, kwargs)
        return original(*args, **kwargs)

    _originals.append((owner, name, original))
    setattr(owner, name, wrapped)


def _note_quietly(facts: Callable[..., tuple[str, ...]], args: Any, kwargs: Any) -> None:
    """Note what is asked for; that may be no question at all, which is the asker's to be told."""
    frame = sys._getframe(2)  # noqa: SLF001
    if not _owners(frame):
        return
    try:
        _note_all(facts(*args, **kwargs), frame)
    except (TypeError, ValueError):
        _note_all(UNKNOWN, frame)


def _uninstall() -> None:
    if not _watching:
        while _originals:
            owner, name, original = _originals.pop()
            setattr(owner, name, original)
