"""gunicorn's worker as this project needs it: one poller for all connections, and threads for complete requests only.

gunicorn's own thread worker gives a connection a thread as soon as its first byte arrives, so a dozen clients that send
slowly stop the server. Here the poller reads a whole request before a thread gets it, and sends the rest of a response
to slow clients. Each may take a minute; a connection that takes longer is closed.

A connection belongs to its thread while it is busy, else to the poller. A thread that has sent everything lets the
connection wait for its next request by itself: usually the poller is not woken, and nothing changes at the kernel,
where the connection stays registered.
"""

import errno
import gc
import os
import queue
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import structlog
from gunicorn.workers import base

from ikawaari import errors, store
from ikawaari.config import Config
from ikawaari.serving.framing import Framing
from ikawaari.serving.handler import Buffer, RequestHandler, Settings
from ikawaari.serving.turns import Turns, how_many

log = structlog.get_logger()
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
        self.is_busy = False  # a thread answers it
        self.is_held = False  # something has arrived meanwhile, which the poller reads afterwards
        self.turn = 0  # the number of the request
        self.watched = 0  # the events that the kernel reports
        self.then: Callable[[Connection], None]  # what they lead to
        self.waits_since = 0.0
        self.waits_until = 0.0

    def send(self) -> None:
        """Send what the client accepts now. Raises OSError if it has disconnected."""
        with suppress(BlockingIOError):
            self.unsent = self.unsent[self.sock.send(self.unsent) :]


class Worker(base.Worker):  # type: ignore[misc]
    """It accepts, reads and sends in its main thread, and answers in others."""

    alive: bool  # until the arbiter's signal

    def init_process(self) -> None:
        """Prepare this process, and run until stopped."""
        config = Config.from_environment()
        self._config, self._settings = config, Settings(self.cfg)
        self._poller = selectors.DefaultSelector()
        self._requests: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._answered: queue.SimpleQueue[tuple[Connection, int]] = queue.SimpleQueue()
        self._open: set[Connection] = set()
        self._waiting: dict[Connection, None] = {}  # all that are not busy; iterated as a copy, for threads add to it
        self._looked_at = 0.0
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application, and prepare the interpreter for it."""
        super().load_wsgi()
        self._turns = Turns(how_many(self.cfg.threads, self._config.database_url))
        store.when_left(self._turns.give_away)
        # A thread that waits for the interpreter asks for it after this long. The usual 5 ms let a few requests that
        # compute hold up all others: the 99th percentile of the page was twice as far from its median.
        sys.setswitchinterval(_SWITCH_SECONDS)
        gc.collect()
        gc.freeze()  # what is loaded stays: no later collection looks at its 100,000 objects again

    def run(self) -> None:
        """Serve; when stopped, finish what has started."""
        for _ in range(self.cfg.threads):
            threading.Thread(target=self._work, name="request", daemon=True).start()
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
        stopped = time.monotonic()
        while self._open and time.monotonic() < stopped + self.cfg.graceful_timeout:
            for connection in list(self._waiting):
                if not connection.unsent:
                    last = _STOPPING_SECONDS if connection.is_idle else _LAST_REQUEST_SECONDS
                    connection.waits_until = min(connection.waits_until, stopped + last)
            self._poll_once()
        for connection in list(self._open):
            self._close(connection)
        for _ in range(self.cfg.threads):
            self._requests.put(None)

    def _poll_once(self) -> None:
        for key, _ in self._poller.select(_ROUND_SECONDS):
            connection = key.data
            if isinstance(connection, Connection):
                connection.then(connection)
            else:
                connection()
        self._turns.end_long()
        now = time.monotonic()
        if now - self._looked_at < _ROUND_SECONDS:
            return
        self._looked_at = now
        self.notify()
        for connection in [each for each in list(self._waiting) if each.waits_until <= now]:
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
        handler = RequestHandler(self.wsgi, self._settings, client, listener.getsockname())
        connection = Connection(sock, handler, Framing(self._config.max_body_bytes))
        self._open.add(connection)
        self._wait(connection, selectors.EVENT_READ, self._read, self._config.keepalive_seconds)
        self._read(connection)  # most requests have arrived by now

    def _read(self, connection: Connection) -> None:
        if connection.is_busy:
            self._hold(connection)
            return
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

    def _hold(self, connection: Connection) -> None:
        """More has arrived while a thread answers, or the client has disconnected: look at it afterwards.

        The thread may end at the same moment. Each of the two first says what it does and then looks at the other: one
        of them at least sees both.
        """
        self._watch(connection, 0)
        connection.is_held = True
        if not connection.is_busy:
            self._resume(connection)

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
        self._watch(connection, selectors.EVENT_READ)
        self._waiting.pop(connection, None)
        connection.is_busy, connection.turn, connection.then = True, connection.turn + 1, self._read
        self._requests.put(lambda: self._run(connection, respond))

    def _work(self) -> None:
        """A thread runs this."""
        try:
            while self._answer_while_it_has_a_turn():
                pass
        finally:
            self._turns.give_away()

    def _answer_while_it_has_a_turn(self) -> bool:
        """False when the process stops."""
        turn = self._turns.take()
        while self._turns.is_taken(turn):
            turn.end()
            request = self._requests.get()
            if request is None:
                return False
            turn.begin()
            try:
                request()
            except Exception:
                log.exception("answer_failed")
        return True

    def _run(self, connection: Connection, respond: Callable[[], tuple[Buffer, bool]]) -> None:
        """Respond, and send what the client accepts immediately; the poller sends the rest."""
        turn, is_done = connection.turn, False
        try:
            response, connection.keep_alive = respond()
            connection.unsent = memoryview(response)
            connection.send()
            is_done = connection.keep_alive and not connection.unsent and not connection.received
        except OSError:  # the client has disconnected
            connection.unsent, connection.keep_alive = memoryview(b""), False
        finally:
            if is_done:
                self._rest(connection)
            if not is_done or connection.is_held:
                self._answered.put((connection, turn))
                with suppress(BlockingIOError):  # full: the poller has been woken already
                    os.write(self.PIPE[1], b".")

    def _finish_answered(self) -> None:
        with suppress(BlockingIOError):
            os.read(self.PIPE[0], _PIECE)
        with suppress(queue.Empty):
            while True:
                connection, turn = self._answered.get_nowait()
                # Else `_hold` has resumed it already.
                if turn == connection.turn and (connection.is_busy or connection.is_held):
                    self._resume(connection)

    def _resume(self, connection: Connection) -> None:
        connection.is_busy = connection.is_held = False
        self._after_response(connection)

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
            self._rest(connection)
            self._watch(connection, selectors.EVENT_READ)
            connection.then = self._read

    def _rest(self, connection: Connection) -> None:
        """Let it wait for its next request, registered for reading. A thread may call it; the end counts."""
        connection.is_idle = True
        connection.waits_since = time.monotonic()
        seconds = self._config.keepalive_seconds if self.alive else _STOPPING_SECONDS
        connection.waits_until = connection.waits_since + seconds
        self._waiting[connection] = None
        connection.is_busy = False

    def _wait(self, connection: Connection, events: int, then: Callable[[Connection], None], seconds: float) -> None:
        self._watch(connection, events)
        connection.then = then
        self._waiting[connection] = None
        connection.waits_since = time.monotonic()
        connection.waits_until = connection.waits_since + seconds

    def _watch(self, connection: Connection, events: int) -> None:
        if events == connection.watched:
            return
        if not events:
            self._poller.unregister(connection.sock)
        elif connection.watched:
            self._poller.modify(connection.sock, events, connection)
        else:
            self._poller.register(connection.sock, events, connection)
        connection.watched = events

    def _time_out(self, connection: Connection) -> None:
        if connection.received and not connection.is_idle and connection.keep_alive and not connection.unsent:
            self._refuse(connection, bytes(connection.received), errors.REQUEST_TIMEOUT)
        else:
            self._close(connection)

    def _evict_one(self) -> bool:
        """Close the connection that has kept us waiting longest, an idle one only if all are. False if none."""
        waiting = list(self._waiting)
        if not waiting:
            return False
        self._close(min(waiting, key=lambda each: (each.is_idle, each.waits_since)))
        return True

    def _bound_unsent(self) -> None:
        """Close the connection that receives its response most slowly, if pending responses take too much memory."""
        slow = [each for each in list(self._waiting) if each.unsent]
        if sum(len(each.unsent) for each in slow) > _MOST_UNSENT:
            self._close(min(slow, key=lambda each: each.waits_since))

    def _close(self, connection: Connection) -> None:
        self._watch(connection, 0)
        self._waiting.pop(connection, None)
        self._open.discard(connection)
        connection.sock.close()
