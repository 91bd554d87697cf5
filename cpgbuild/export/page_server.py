"""Page server: the page on this machine's own address, made anew whenever the project changes."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Event, Thread
from typing import TYPE_CHECKING, Any, cast

from cpgbuild.engine.files import base_of
from cpgbuild.errors.project import PortTaken
from cpgbuild.errors.report import CpgbuildError, Problems
from cpgbuild.project import config
from cpgbuild.state.observed import below
from cpgbuild.workspace import fact_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cpgbuild.workspace import Workspace

HOST = "127.0.0.1"
# How often the project's files are looked at, and how often a silent page hears of its server.
LOOK_SECONDS = 0.5
BEAT_SECONDS = 10.0

Stamps = dict[str, tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Watched:
    """What a page rests on: folders with all that is below them, and single files."""

    folders: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()

    @classmethod
    def of(cls, workspace: Workspace) -> Watched:
        """Return the files of configuration, tasks, sources, tables and builds; local ones."""
        project = workspace.project
        tables = [
            mark for output in workspace.outputs for mark in workspace.warehouse.marks(output)
        ]
        sources = [str(base_of(Path(source.path))) for source in project.sources.values()]
        folders = [str(folder) for folder, _ in project.tasks] + sources
        facts = fact_paths(workspace.plans.rest_on or ())
        builds = [str(workspace.traces), str(workspace.history.path)]
        files = [str(project.root / config.FILE), *builds, *tables, *facts]
        return cls(*(frozenset(p for p in some if not _is_url(p)) for some in (folders, files)))

    def stamps(self) -> Stamps:
        """Return what tells each file from another content of it."""
        found: Stamps = {}
        every: Iterable[str] = (path for tree in self.folders for path in _below(tree))
        for path in (*every, *self.paths):
            try:
                status = os.stat(path)  # noqa: PTH116 -- paths of thousands of files are texts
            except OSError:
                continue
            found[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
        return found


def _below(tree: str) -> Iterator[str]:
    # What cannot be looked into says so when the page is made.
    with suppress(OSError):
        yield from below(tree, ("__pycache__", "."))


def _is_url(path: str) -> bool:
    return ":/" in path


@dataclass(frozen=True, slots=True)
class Made:
    """A page, what it rests on, and how many datasets it shows."""

    html: str
    watched: Watched
    datasets: int


@dataclass(slots=True)
class Board:
    """The newest page, and what kept from making a newer one; whoever waits is told of both."""

    html: bytes = b""
    version: int = 0
    trouble: str = ""
    changed: Condition = field(default_factory=Condition)

    def show(self, html: str) -> None:
        """Show a new page."""
        with self.changed:
            self.html, self.trouble = html.encode(), ""
            self.version += 1
            self.changed.notify_all()

    def fault(self, text: str) -> None:
        """Say what is wrong; the page stays as it was."""
        with self.changed:
            self.trouble = text
            self.changed.notify_all()


class PageServer:
    """Serves a page to browsers of this machine until it is closed."""

    def __init__(self, port: int) -> None:
        """Take the port; 0 is any that is free.

        Raises:
            PortTaken: another program listens there, or may not be listened there.
        """
        self.board = Board()
        self._ended = Event()
        try:
            self._server = _Server((HOST, port), partial(_Handler, self.board, self._ended))
        except OSError as error:
            raise PortTaken(port, error) from error
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self._server.server_port}/"

    def keep_fresh(
        self,
        make: Callable[[int], Made],
        told: Callable[[Made], None],
        failed: Callable[[CpgbuildError], None],
    ) -> None:
        """Make the page, serve it, and make it again whenever what it rests on changes; no end.

        `make` takes the page's version. `told` is called whenever there is a newer page, `failed`
        with what keeps it from being made.

        Raises:
            CpgbuildError: the project is wrong as it is in the beginning.
        """
        made = make(1)
        self._thread.start()
        seen = made.watched.stamps()
        self.board.show(made.html)
        told(made)
        while not self._ended.wait(LOOK_SECONDS):
            now = made.watched.stamps()
            if now == seen:
                continue
            seen = now
            try:
                made = make(self.board.version + 1)
            except CpgbuildError as error:
                self.board.fault(_words(error))
                failed(error)
                continue
            # It may rest on more than before; what changed while it was made, is looked at again.
            seen = {path: now.get(path, stamp) for path, stamp in made.watched.stamps().items()}
            self.board.show(made.html)
            told(made)

    def close(self) -> None:
        """Serve no more."""
        self._ended.set()
        with self.board.changed:
            self.board.changed.notify_all()
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


def _words(error: CpgbuildError) -> str:
    """Return an error, or each of several, as lines."""
    if isinstance(error, Problems):
        return "\n\n".join(_words(one) for one in error.errors)
    report = error.report()
    place = f"\n  --> {report.place}" if report.place else ""
    return f"error[{report.code}]: {report.message}{place}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Or two servers could share a port on some systems.
    allow_reuse_address = os.name == "posix"

    def handle_error(self, request: object, client_address: object) -> None:
        """Be silent of browsers that went away."""


class _Handler(BaseHTTPRequestHandler):
    """Answers with the page, and with a stream of its versions (server-sent events)."""

    protocol_version = "HTTP/1.1"

    def __init__(self, board: Board, ended: Event, *connection: Any) -> None:
        """Take what is shown, and what says that the server ends; then answer."""
        self.board, self.ended = board, ended
        super().__init__(*connection)

    def do_GET(self) -> None:
        """Answer a browser."""
        # A page of somebody else's could reach this one by a name that leads here.
        port = cast("_Server", self.server).server_port
        if self.headers.get("Host") not in {f"{HOST}:{port}", f"localhost:{port}"}:
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path == "/":
            self._page()
        elif self.path == "/changes":
            self._changes()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _begin(self, kind: str, length: int | None) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "DENY")
        if length is None:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _page(self) -> None:
        html = self.board.html
        self._begin("text/html", len(html))
        self.wfile.write(html)

    def _changes(self) -> None:
        self.close_connection = True
        self._begin("text/event-stream", None)
        told: tuple[int, str] | None = None
        while not self.ended.is_set():
            with self.board.changed:
                now = (self.board.version, self.board.trouble)
                if now == told:
                    self.board.changed.wait(BEAT_SECONDS)
                    now = (self.board.version, self.board.trouble)
            if now == told:
                self._send(": still here\n\n")
            elif now[1]:
                self._send(f"event: trouble\ndata: {json.dumps(now[1])}\n\n")
            else:
                self._send(f"event: version\ndata: {now[0]}\n\n")
            told = now

    def _send(self, text: str) -> None:
        self.wfile.write(text.encode())
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- its name there
        """Say nothing."""
