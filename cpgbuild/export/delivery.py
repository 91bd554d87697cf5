"""Delivery: events on their way to a sink, which never hold a build up."""

from __future__ import annotations

import logging
import queue
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import requests
from openlineage.client import OpenLineageClient
from openlineage.client.transport.file import FileConfig, FileTransport
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

from cpgbuild.errors.project import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cpgbuild.project.config import OpenLineage

# Seconds: of one request, and of what is left when a build is through.
REQUEST = 2.0
REST = 5.0
_Item = TypeVar("_Item")


class TooLate(Exception):
    """Events were left when patience was at its end."""


def client_of(settings: OpenLineage) -> OpenLineageClient:
    """Return the official client for a sink, which tries nothing twice."""
    # What it wants to say is said once, in this project's words.
    logging.getLogger("openlineage").addHandler(logging.NullHandler())
    if settings.file:
        transport: Any = FileTransport(FileConfig(log_file_path=settings.file, append=True))
    else:
        config = HttpConfig(url=settings.url, timeout=REQUEST, retry={"total": 0})
        if settings.api_key:
            config.auth = ApiKeyTokenProvider({"api_key": settings.api_key})
        transport = HttpTransport(config)
    return OpenLineageClient(transport=transport)


def reason_of(error: Exception) -> str:
    """Return why an event could not be sent, as a clause."""
    if isinstance(error, TooLate):
        return str(error)
    if isinstance(error, requests.Timeout):
        return f"no answer in {REQUEST:g} s"
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"it answers {error.response.status_code}"
    if isinstance(error, requests.ConnectionError):
        return "nobody answers there"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return describe(error)


class Delivery(Generic[_Item]):
    """Makes events of items, and sends them, in a thread of its own and in their order."""

    def __init__(
        self,
        make: Callable[[_Item], Iterable[Any]],
        send: Callable[[Any], None],
        failed: Callable[[Exception], None],
        patience: float | None,
    ) -> None:
        """Take how it is done, who is told of the first failure, and the seconds to wait at last.

        After a failure nothing more is sent.
        """
        self._make = make
        self._send = send
        self._failed = failed
        self._patience = patience
        self._items: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._is_broken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="openlineage", daemon=True)
        self._thread.start()

    def put(self, item: _Item) -> None:
        """Let an item be made into events and sent, soon."""
        if not self._is_broken.is_set():
            self._items.put(item)

    def close(self) -> None:
        """Wait until all is sent, or for as long as patience lasts."""
        self._items.put(None)
        self._thread.join(self._patience)
        if self._thread.is_alive() and not self._is_broken.is_set():
            self._is_broken.set()
            self._failed(
                TooLate(f"it is too slow: {self._patience:g} s after the build, some are left")
            )

    def _run(self) -> None:
        while (item := self._items.get()) is not None:
            if self._is_broken.is_set():
                continue
            try:
                for event in self._make(item):
                    self._send(event)
            except Exception as error:  # noqa: BLE001 -- whatever it is, the build goes on
                if not self._is_broken.is_set():
                    self._is_broken.set()
                    with suppress(Exception):
                        self._failed(error)
