"""Something between a client and PostgreSQL that cuts the line at a word: moments that no test could hit by chance."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from urllib.parse import unquote

from sqlalchemy import make_url

_SOCKET_NAME = ".s.PGSQL.5432"
_BLOCK_BYTES = 65_536


class Cut(Enum):
    """When the line is cut: before the server has heard the word, or when it has answered, which nobody hears."""

    BEFORE = "before"
    AFTER = "after"


class CuttingProxy:
    """Passes everything on, until it is armed.

    Attributes:
        lets_in: whether new lines are taken; otherwise they are cut at once.
    """

    def __init__(self, server: Path, url: str) -> None:
        self.url = url
        self.lets_in = True
        self._server = server
        self._word: bytes | None = None
        self._cut = Cut.BEFORE
        self._lines: set[socket.socket] = set()
        self._dead: set[socket.socket] = set()

    @property
    def lines(self) -> int:
        """How many lines are open."""
        return len(self._lines)

    def arm(self, word: bytes, cut: Cut) -> None:
        """Cut the next line on which the client says this word."""
        self._word, self._cut = word, cut

    def let_all_die(self) -> int:
        """Cut each line that is open now as soon as the client says anything on it; how many there are."""
        self._dead = set(self._lines)
        return len(self._dead)

    def serve(self, listener: socket.socket) -> None:
        """Take lines until the listener is closed."""
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if not self.lets_in:
                client.close()
                continue
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        self._lines.add(client)
        with client, server, suppress(OSError):
            server.connect(str(self._server))
            answers = threading.Thread(target=_pump, args=(server, client), daemon=True)
            answers.start()
            while data := client.recv(_BLOCK_BYTES):
                if client in self._dead:
                    break
                if self._word is None or self._word not in data:
                    server.sendall(data)
                    continue
                self._word = None
                if self._cut is Cut.AFTER:
                    client.shutdown(socket.SHUT_RDWR)  # first, so that no answer gets through
                    server.sendall(data)
                    server.shutdown(socket.SHUT_WR)
                    answers.join(10)  # the server ends the line when it has done what it was told
                break
            self._lines.discard(client)
            server.shutdown(socket.SHUT_RDWR)  # closing alone would wait for the other thread


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_BLOCK_BYTES):
            with suppress(OSError):
                sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting_proxy(database_url: str, directory: Path) -> Iterator[CuttingProxy]:
    """A proxy in front of a database that listens on a socket file; its `url` leads through it."""
    url = make_url(database_url)
    host = url.query["host"]
    assert isinstance(host, str)
    server = Path(unquote(host)) / _SOCKET_NAME
    proxied = url.update_query_dict({"host": str(directory)}).render_as_string(hide_password=False)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(directory / _SOCKET_NAME))
        listener.listen()
        proxy = CuttingProxy(server, proxied)
        threading.Thread(target=proxy.serve, args=(listener,), daemon=True).start()
        yield proxy
        listener.shutdown(socket.SHUT_RDWR)
