"""A merchant's server that takes every webhook, as cheaply as can be: what is measured is the sender.

Run as a program it listens on the port that it is given. `GET /` says how many have come, and when the first and the
last one did.
"""

import asyncio
import json
import sys
import time
from typing import cast

_TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Receiver(asyncio.Protocol):
    """One connection. Requests are told apart by their `Content-Length`."""

    arrivals: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._received = b""

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            if len(self._received) < end + 4 + length:
                return
            self._received = self._received[end + 4 + length :]
            self._answer(is_webhook=head.startswith(b"post"))

    def _answer(self, *, is_webhook: bool) -> None:
        if is_webhook:
            self.arrivals.append(time.monotonic())
            self._transport.write(_TAKEN)
            return
        ends = [self.arrivals[0], self.arrivals[-1]] if self.arrivals else []
        body = json.dumps({"count": len(self.arrivals), "ends": ends}).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Receiver, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
