"""Forks: the command in processes that are forked when all is imported, which saves the seconds.

`python -m tests.support.forks` serves one `Server`. No thread of the engine runs yet when it forks;
what runs are jemalloc's own, which it begins anew in a child. The rest of a child's life is that of
`python -m cpgbuild`: a session and an environment of its own, and the interpreter's own end.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import runpy
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
_NEEDED = (
    "cpgbuild.api",
    "cpgbuild.cli.answers",
    "cpgbuild.cli.app",
    "cpgbuild.cli.progress",
    "ibis.backends.sql.compilers.datafusion",
    "pandas",
    "pyarrow.dataset",
    "pyarrow.parquet",
)
_ALLOWED = {"jemalloc_bg_thd"}


class Server:
    """Starts the command again and again, one at a time."""

    def __init__(self, **environment: str) -> None:
        """Start the process that forks, and wait until it can."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.forks"],
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert self._answer() == "ready"

    def start(
        self,
        *arguments: str,
        folder: Path,
        said: Path,
        file_bytes: int | None = None,
        environment: dict[str, str] | None = None,
    ) -> Child:
        """Start the command in a folder; what it says goes into files beside each other.

        Where `said` is a terminal, all goes there, and it is the command's own. No file that it
        writes may grow beyond `file_bytes`.
        """
        order = {"arguments": arguments, "folder": str(folder), "said": str(said)}
        self._ask(order | {"file_bytes": file_bytes, "environment": environment})
        return Child(self, int(self._answer()), said)

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(10)
        if self._process.stdout:
            self._process.stdout.close()

    def fileno(self) -> int:
        """Return what can be read when the child has ended."""
        assert self._process.stdout
        return self._process.stdout.fileno()

    def _ask(self, order: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(order) + "\n")

    def _answer(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()

    def _reap(self) -> int:
        assert self._answer() == "ended"
        self._ask("reap")
        return os.waitstatus_to_exitcode(int(self._answer()))


class Child:
    """A command that runs, or has ended: until `wait` its number is nobody else's."""

    def __init__(self, server: Server, pid: int, said: Path) -> None:
        self.pid = pid
        self._server = server
        self._said = said

    def fileno(self) -> int:
        return self._server.fileno()

    def has_ended(self) -> bool:
        return bool(select.select([self._server], [], [], 0)[0])

    def kill(self, how: str) -> None:
        """Kill it at once: `alone`, its `group`, or its whole `session` with all workers."""
        if how == "alone":
            os.kill(self.pid, signal.SIGKILL)
            return
        others = session(self.pid) if how == "session" else []
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        for pid in others:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def wait(self) -> int:
        """Wait for its end; return the exit code, a signal as a negative one."""
        return self._server._reap()

    @property
    def stdout(self) -> str:
        return self._said.read_text("utf-8")

    @property
    def stderr(self) -> str:
        return self._said.with_suffix(".err").read_text("utf-8")


def session(leader: int) -> list[int]:
    """Return the processes of a session that still run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] not in "ZX":
            found.append(int(folder.name))
    return found


def _serve() -> None:
    for module in _NEEDED:
        __import__(module)
    mine = {str(os.getpid())}
    threads = {t.name: t for t in Path("/proc/self/task").iterdir() if t.name not in mine}
    names = {(thread / "comm").read_text().strip() for thread in threads.values()}
    assert names <= _ALLOWED, f"threads that a fork would lose: {names}"
    _say("ready")
    while line := sys.stdin.readline():
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _be_the_command(order)
        _say(pid)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        _say("ended")
        sys.stdin.readline()
        _say(os.waitpid(pid, 0)[1])


def _say(word: object) -> None:
    print(word, flush=True)


def _be_the_command(order: dict[str, Any]) -> None:
    os.setsid()
    os.chdir(order["folder"])
    said = Path(order["said"])
    ways = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    places = [
        (0, Path("/dev/null"), os.O_RDONLY),
        (1, said, ways),
        (2, said.with_suffix(".err"), ways),
    ]
    if said.is_char_device():
        # The first terminal that the leader of a session opens is the session's.
        places = [(number, said, os.O_RDWR) for number in range(3)]
    for target, path, flags in places:
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, target)
        os.close(opened)
    if order["file_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_bytes"],) * 2)
    if order["environment"] is not None:
        os.environ.clear()
        os.environ.update(order["environment"])
    sys.argv = ["cpgbuild", *order["arguments"]]
    runpy.run_module("cpgbuild", run_name="__main__", alter_sys=True)
    sys.exit(0)


if __name__ == "__main__":
    _serve()
