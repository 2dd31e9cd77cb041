"""gunicorn's worker as this project needs it: one poller for all connections, and threads for complete requests only.

gunicorn's own thread worker gives a connection a thread as soon as its first byte arrives, so a dozen clients that send
slowly stop the server. Here the poller reads a whole request before a thread gets it, and sends the rest of a response
to slow clients. Each may take a minute; a connection that takes longer is closed.
"""

import errno
import gc
import os
import queue
import selectors
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from gunicorn.workers import base

from ikawaari import errors
from ikawaari.config import Config
from ikawaari.serving.framing import Framing
from ikawaari.serving.handler import Buffer, RequestHandler

_MOST_CONNECTIONS = 800  # of one process: together with database connections below 1,024 open files, the usual limit
_MOST_UNSENT = 64 * 1024 * 1024  # bytes of responses that one process keeps for slow clients
_PIECE = 65_536  # bytes read at once
# If a client still sends when we close a connection, it may lose our response: it gets this long to stop.
_LAST_WORDS_SECONDS = 2.0
_STOPPING_SECONDS = 2.0  # how long a stopping server waits for the next request of a connection
_LAST_REQUEST_SECONDS = 5.0  # and for the rest of one that has started to arrive
_ROUND_SECONDS = 0.5
_SWITCH_SECONDS = 0.0005  # a tenth of it costs more than it gains
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection:
    """A client's connection, with the received bytes that are not answered yet, and the bytes still to be sent."""

    def __init__(self, sock: socket.socket, handler: RequestHandler, framing: Framing) -> None:
        self.sock = sock
        self.handler = handler
        self.framing = framing
        self.received = bytearray()
        self.unsent = memoryview(b"")
        self.keep_alive = True  # for another request, once everything is sent
        self.is_idle = True  # nothing of a request has arrived
        self.waits_since = 0.0
        self.waits_until = 0.0

    def send(self) -> None:
        """Send what the client accepts now. Raises OSError if it has disconnected."""
        with suppress(BlockingIOError):
            self.unsent = self.unsent[self.sock.send(self.unsent) :]


class Worker(base.Worker):  # type: ignore[misc]
    """It accepts, reads and sends in its main thread, and answers in a pool of threads."""

    alive: bool  # until the arbiter's signal

    def init_process(self) -> None:
        """Prepare this process, and run until stopped."""
        config = Config.from_environment()
        self._config = config
        self._poller = selectors.DefaultSelector()
        self._pool = ThreadPoolExecutor(self.cfg.threads, "request")
        self._answered: queue.SimpleQueue[Connection] = queue.SimpleQueue()
        self._open: set[Connection] = set()
        self._waiting: dict[Connection, None] = {}  # handled by the poller, unlike those that a thread answers
        self._looked_at = 0.0
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application, and prepare the interpreter for it."""
        super().load_wsgi()
        # A thread that waits for the interpreter asks for it after this long. The usual 5 ms let a few requests that
        # compute hold up all others: the 99th percentile of the page was twice as far from its median.
        sys.setswitchinterval(_SWITCH_SECONDS)
        gc.collect()
        gc.freeze()  # what is loaded stays: no later collection looks at its 100,000 objects again

    def run(self) -> None:
        """Serve; when stopped, finish what has started."""
        self._poller.register(self.PIPE[0], selectors.EVENT_READ, self._finish_answered)
        for listener in self.sockets:
            listener.setblocking(False)
            self._poller.register(listener, selectors.EVENT_READ, lambda listener=listener: self._accept(listener))
        while self.alive and self.ppid == os.getppid():
            self._poll_once()
        self.alive = False
        for listener in self.sockets:
            self._poller.unregister(listener)
            listener.close()
        self._stop()

    def _stop(self) -> None:
        now = time.monotonic()
        for connection in self._waiting:
            if not connection.unsent:
                last = _STOPPING_SECONDS if connection.is_idle else _LAST_REQUEST_SECONDS
                connection.waits_until = min(connection.waits_until, now + last)
        while self._open and time.monotonic() < now + self.cfg.graceful_timeout:
            self._poll_once()
        for connection in list(self._open):
            self._close(connection)
        self._pool.shutdown(wait=False)

    def _poll_once(self) -> None:
        for key, _ in self._poller.select(_ROUND_SECONDS):
            key.data()
        now = time.monotonic()
        if now - self._looked_at < _ROUND_SECONDS:
            return
        self._looked_at = now
        self.notify()
        for connection in [each for each in self._waiting if each.waits_until <= now]:
            self._time_out(connection)

    # ---------------------------------------------------------------- what the poller's events lead to

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, client = listener.accept()
        except OSError as error:  # it has disconnected again
            if error.errno in {errno.EMFILE, errno.ENFILE}:  # too many files are open
                self._evict_one()
            return
        if len(self._open) >= _MOST_CONNECTIONS and not self._evict_one():
            sock.close()  # every thread is busy, and hundreds of requests wait for one
            return
        sock.setblocking(False)
        handler = RequestHandler(self.wsgi, self.cfg, client, listener.getsockname())
        connection = Connection(sock, handler, Framing(self._config.max_body_bytes))
        self._open.add(connection)
        self._wait(connection, selectors.EVENT_READ, self._read, self._config.keepalive_seconds)
        self._read(connection)  # most requests have arrived by now

    def _read(self, connection: Connection) -> None:
        data = self._receive(connection)
        if data is None:
            return
        if not data:
            self._close(connection)
            return
        connection.received += data
        was_idle, connection.is_idle = connection.is_idle, False
        if not self._dispatch_if_whole(connection) and was_idle:
            self._wait(connection, selectors.EVENT_READ, self._read, self._config.transfer_timeout_seconds)

    def _dispatch_if_whole(self, connection: Connection) -> bool:
        """Pass the request to a thread; False while it is incomplete."""
        framing = connection.framing
        end = framing.end(connection.received)
        if end is None:
            if framing.wants_continue:
                framing.wants_continue = False
                with suppress(OSError):
                    connection.sock.send(_CONTINUE)
            return False
        request = bytes(connection.received[:end])
        del connection.received[:end]
        connection.framing = Framing(self._config.max_body_bytes)
        if framing.refusal:
            self._refuse(connection, request, framing.refusal)
        else:
            is_last = framing.is_cut or not self.alive
            self._answer(connection, lambda: connection.handler.answer(request, is_last=is_last))
        return True

    def _write(self, connection: Connection) -> None:
        try:
            connection.send()
        except OSError:
            self._close(connection)
            return
        if not connection.unsent:
            self._after_response(connection)

    def _drain(self, connection: Connection) -> None:
        """Ignore what a client still sends on a connection that ends."""
        data = self._receive(connection)
        if data == b"":
            self._close(connection)

    def _receive(self, connection: Connection) -> bytes | None:
        """The received bytes; None if there are none yet, empty if the client has disconnected."""
        try:
            return connection.sock.recv(_PIECE)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    # ---------------------------------------------------------------- threads

    def _refuse(self, connection: Connection, request: bytes, row: errors.AnyCode) -> None:
        self._answer(connection, lambda: (connection.handler.refuse(request, row), False))

    def _answer(self, connection: Connection, respond: Callable[[], tuple[Buffer, bool]]) -> None:
        self._unregister(connection)
        self._pool.submit(self._run, connection, respond)

    def _run(self, connection: Connection, respond: Callable[[], tuple[Buffer, bool]]) -> None:
        """A thread runs this: it responds, and sends what the client accepts immediately; the poller sends the rest."""
        try:
            response, connection.keep_alive = respond()
            connection.unsent = memoryview(response)
            connection.send()
        except OSError:  # the client has disconnected
            connection.unsent, connection.keep_alive = memoryview(b""), False
        finally:
            self._answered.put(connection)
            with suppress(BlockingIOError):  # full: the poller has been woken already
                os.write(self.PIPE[1], b".")

    def _finish_answered(self) -> None:
        with suppress(BlockingIOError):
            os.read(self.PIPE[0], _PIECE)
        with suppress(queue.Empty):
            while True:
                self._after_response(self._answered.get_nowait())

    # ---------------------------------------------------------------- from one state of a connection to the next

    def _after_response(self, connection: Connection) -> None:
        if connection.unsent:
            self._wait(connection, selectors.EVENT_WRITE, self._write, self._config.transfer_timeout_seconds)
            self._bound_unsent()
        elif not connection.keep_alive:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_WR)
            self._wait(connection, selectors.EVENT_READ, self._drain, _LAST_WORDS_SECONDS)
        elif connection.received:  # its next request has already arrived
            if not self._dispatch_if_whole(connection):
                self._wait(connection, selectors.EVENT_READ, self._read, self._config.transfer_timeout_seconds)
        else:
            connection.is_idle = True
            seconds = self._config.keepalive_seconds if self.alive else _STOPPING_SECONDS
            self._wait(connection, selectors.EVENT_READ, self._read, seconds)

    def _wait(self, connection: Connection, events: int, then: Callable[[Connection], None], seconds: float) -> None:
        self._unregister(connection)
        self._poller.register(connection.sock, events, lambda: then(connection))
        self._waiting[connection] = None
        connection.waits_since = time.monotonic()
        connection.waits_until = connection.waits_since + seconds

    def _unregister(self, connection: Connection) -> None:
        if connection in self._waiting:
            del self._waiting[connection]
            self._poller.unregister(connection.sock)

    def _time_out(self, connection: Connection) -> None:
        if connection.received and not connection.is_idle and connection.keep_alive and not connection.unsent:
            self._refuse(connection, bytes(connection.received), errors.REQUEST_TIMEOUT)
        else:
            self._close(connection)

    def _evict_one(self) -> bool:
        """Close the connection that has kept us waiting longest, an idle one only if all are. False if none."""
        if not self._waiting:
            return False
        self._close(min(self._waiting, key=lambda each: (each.is_idle, each.waits_since)))
        return True

    def _bound_unsent(self) -> None:
        """Close the connection that receives its response most slowly, if pending responses take too much memory."""
        slow = [each for each in self._waiting if each.unsent]
        if sum(len(each.unsent) for each in slow) > _MOST_UNSENT:
            self._close(min(slow, key=lambda each: each.waits_since))

    def _close(self, connection: Connection) -> None:
        self._unregister(connection)
        self._open.discard(connection)
        connection.sock.close()
