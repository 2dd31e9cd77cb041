"""A wire to PostgreSQL that a test may cut and mend: what a server behind it sees is a database that went away."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

_BUFFER = 65_536


class Wire:
    """Forwards a local port to where a URL leads."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (str(parts.hostname), parts.port or 5432)
        self._open: list[socket.socket] = []
        self._listener = _listen(0)
        self.port = int(self._listener.getsockname()[1])
        login = parts.netloc.rpartition("@")[0]
        self.url = urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{self.port}"))
        self._accept()

    def cut(self) -> None:
        """Break every connection and refuse new ones."""
        _end(self._listener)
        while self._open:
            _end(self._open.pop())

    def mend(self) -> None:
        """Let connections through again."""
        self._listener = _listen(self.port)
        self._accept()

    def _accept(self) -> None:
        threading.Thread(target=self._forward, args=(self._listener,), daemon=True).start()

    def _forward(self, listener: socket.socket) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


@contextmanager
def wire(url: str) -> Iterator[Wire]:
    """A wire to the database of `url` for as long as the block lasts."""
    made = Wire(url)
    try:
        yield made
    finally:
        made.cut()


def _listen(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port), backlog=128)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_BUFFER):
            sink.sendall(data)
    _end(source)
    _end(sink)


def _end(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
