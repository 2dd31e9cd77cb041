"""A balancer in front of several servers, of which each connection gets the next one that accepts it."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count

Address = tuple[str, int]

_BUFFER = 65_536
_CONNECT_SECONDS = 1.0


class Balancer:
    """Listens on a loopback address and passes connections on."""

    def __init__(self, servers: Sequence[Address]) -> None:
        self.url = ""
        self._servers = servers
        self._turns = count()
        self._loop = asyncio.new_event_loop()

    def run(self, ready: threading.Event, host: str, port: int) -> None:
        """Serve until `stop`, in the thread that calls this."""
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._pass_on, host, port, backlog=512))
        self.url = f"http://{host}:{server.sockets[0].getsockname()[1]}"
        ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def stop(self) -> None:
        """End every connection."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            upstream = await self._connect()
            if upstream is not None:
                far_reader, far_writer = upstream
                await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
                return
        writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        first = next(self._turns)
        for place in range(len(self._servers)):
            host, port = self._servers[(first + place) % len(self._servers)]
            with suppress(OSError, asyncio.TimeoutError):
                return await asyncio.wait_for(asyncio.open_connection(host, port), _CONNECT_SECONDS)
        return None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_BUFFER):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()


@contextmanager
def balanced(servers: Sequence[Address], host: str, port: int = 0) -> Iterator[Balancer]:
    """A balancer for as long as the block lasts."""
    balancer, ready = Balancer(servers), threading.Event()
    thread = threading.Thread(target=balancer.run, args=(ready, host, port), daemon=True)
    thread.start()
    assert ready.wait(10), "the balancer did not start"
    try:
        yield balancer
    finally:
        balancer.stop()
        thread.join(10)
