"""`GET /metrics` of a process that serves nothing else: a worker."""

import threading
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

import structlog

from ikawaari import addresses
from ikawaari.config import Config, UnsafeConfiguration
from ikawaari.monitoring import exposition
from ikawaari.monitoring.web import PATH, may_read

log = structlog.get_logger()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    """It writes no line for each request; a reader that sends nothing is cut off."""

    timeout = 10

    def log_message(self, *_words: Any) -> None:
        """Nothing."""


def start(bind: str, config: Config) -> WSGIServer:
    """Count in this process, and serve that on `bind` until the process ends. Raises UnsafeConfiguration."""
    exposition.switch_on()

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] != "GET":
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b""]
        if not may_read(environ.get("HTTP_AUTHORIZATION", ""), config):
            start_response("401 Unauthorized", [("Content-Type", "text/plain"), ("WWW-Authenticate", "Bearer")])
            return [b""]
        start_response("200 OK", [("Content-Type", exposition.CONTENT_TYPE)])
        return [exposition.text()]

    host, port = addresses.host_of(bind), bind.rpartition(":")[2]
    try:
        server = make_server(host, int(port), answer, _Server, _Quiet)
    except (OSError, ValueError, OverflowError) as error:
        raise UnsafeConfiguration(f"--metrics {bind}: {error}") from None
    threading.Thread(target=server.serve_forever, daemon=True, name="metrics-listener").start()
    return server
