"""gunicorn, as this project runs it: each process has a poller, threads, and a listening socket of its own."""

import os
import re
import socket
import threading
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.http import message

import ikawaari
from ikawaari import addresses, logs, monitoring, store, worker
from ikawaari.checkout import provider_states
from ikawaari.config import PREFIX, Config, UnsafeConfiguration
from ikawaari.monitoring import folders
from ikawaari.serving.framing import LONGEST_LINE
from ikawaari.serving.logger import Logger
from ikawaari.serving.poller import Worker

_GRACE_SECONDS = 30


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn around `create_app`, called in each process after the fork: connections are never shared."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Use our settings, and none from files or the environment."""
        for name, value in self.settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application of one process."""
        return ikawaari.create_app()


def configure(bind: str, *, demo: bool = False, insecure: bool = False) -> Config:
    """The configuration of a server on `bind`, also for the processes that it starts. Raises UnsafeConfiguration.

    A server that only this machine reaches, or an insecure one, has its own address as API URL unless told otherwise.
    """
    host, port = bind.rpartition(":")[0], _port_of(bind)
    reached_at = "127.0.0.1" if host in {"", "0.0.0.0", "[::]"} else host  # noqa: S104 - read, not bound
    os.environ[f"{PREFIX}BIND"] = bind
    os.environ |= {f"{PREFIX}{name}": "1" for name, given in (("DEMO", demo), ("INSECURE", insecure)) if given}
    if addresses.is_loopback(addresses.host_of(bind)) or insecure:
        os.environ.setdefault(f"{PREFIX}API_URL", f"http://{reached_at}:{port}")
    return Config.from_environment()


def run(bind: str, *, workers: int, threads: int, with_worker: bool) -> None:
    """Serve until stopped. Raises UnsafeConfiguration when `bind` cannot be listened on."""
    logs.take_over()
    _check_free(bind)
    message.MAX_REQUEST_LINE = LONGEST_LINE  # gunicorn accepts no higher setting
    os.environ.pop("SCRIPT_NAME", None)  # otherwise gunicorn treats it as a part of every address
    settings = {
        "bind": bind,
        "workers": workers,
        "worker_class": Worker,
        "logger_class": Logger,
        "worker_exit": lambda _server, _worker: monitoring.finish(),
        "threads": threads,
        "reuse_port": True,  # otherwise one process gets nearly all keep-alive connections
        "graceful_timeout": _GRACE_SECONDS,
        "timeout": 60,
        "http_parser": "python",  # so that requests are parsed the same way whatever else is installed
        "limit_request_line": LONGEST_LINE,
        "limit_request_field_size": LONGEST_LINE,
        "forwarder_headers": "",  # proxy headers are read in one place, by the application
        "secure_scheme_headers": {},
        "forwarded_allow_ips": "*",  # whom to believe such headers: as none is believed, nobody need be compared
        "proc_name": "ikawaari",
        "control_socket_disable": True,
    }
    if with_worker:
        settings["post_worker_init"] = _start_worker_thread
    if Config.from_environment().metrics_token and (folder := folders.share()):
        settings["child_exit"] = lambda _server, worker: folders.fold(folder, worker.pid)
        settings["on_exit"] = lambda _server: folders.remove(folder)
    Server(settings).run()


def refuse_unknown_providers(config: Config) -> None:
    """Raise UnsafeConfiguration when money may still move at a provider that the server would not know.

    Its processes are forked afterwards, so no connection is left open that they would share.
    """
    ikawaari.start(config)
    try:
        provider_states.refuse_unknown()
    finally:
        store.disconnect()


def _port_of(bind: str) -> int:
    """The port of an address to listen on. Raises UnsafeConfiguration."""
    port = bind.rpartition(":")[2]
    if ":" not in bind or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65_535:
        raise UnsafeConfiguration(f"--bind {bind}: not HOST:PORT")
    return int(port)


def _check_free(bind: str) -> None:
    """Each process has a socket of its own, so two servers could share a port: refuse to start a second one."""
    address = addresses.host_of(bind), _port_of(bind)
    try:
        with socket.create_server(address, family=socket.AF_INET6 if ":" in address[0] else socket.AF_INET):
            pass
    except (OSError, ValueError) as error:
        raise UnsafeConfiguration(f"--bind {bind}: {error}") from None


def _start_worker_thread(_gunicorn_worker: Any) -> None:
    config = Config.from_environment()
    worker.start(threading.Event(), config)
