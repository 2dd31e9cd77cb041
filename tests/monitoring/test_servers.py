"""Real servers: their processes count together, what a killed one has counted stays, and two servers do not mix."""

import os
import signal
from pathlib import Path

import pytest
import requests

from ikawaari.monitoring import folders
from tests.chaos.shop import environment, wait_until
from tests.monitoring.reading import TOKEN, of_server, total
from tests.serving import Served, serve

SECONDS = "ikawaari_http_request_duration_seconds_count"
OF_HEALTH = {"route": "/healthz", "status": "200"}


def ask(served: Served, times: int) -> None:
    """That many requests, each over a connection of its own: the kernel spreads them over the processes."""
    for _ in range(times):
        assert requests.get(f"{served.url}/healthz", timeout=10).ok


def counted(served: Served) -> float:
    """How many the server says that it has answered."""
    return total(of_server(served.url), SECONDS, **OF_HEALTH)


def children(served: Served) -> list[int]:
    """Its processes."""
    found = Path(f"/proc/{served.pid}/task/{served.pid}/children").read_text()
    return [int(word) for word in found.split()]


def processes(served: Served) -> float:
    """How many count; none if a connection was in the hands of one that has just been killed."""
    try:
        return total(of_server(served.url), "ikawaari_processes")
    except requests.ConnectionError:
        return 0


@pytest.mark.chaos
@pytest.mark.parametrize("engine", ["sqlite"])
def test_all_processes_count_together_and_what_a_killed_one_has_counted_stays(database_url: str) -> None:
    settings = environment(database_url, metrics_token=TOKEN)
    with serve(settings, 2, 2, "--no-worker") as one, serve(settings, 1, 2, "--no-worker") as other:
        ask(one, 40)
        ask(other, 3)
        assert (counted(one), counted(other)) == (40, 3), "two servers on one machine do not mix"
        assert (processes(one), processes(other)) == (2, 1)
        folder = folder_of(one)
        for pid in children(one):
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not list(folder.glob(f"*_{pid}.db")), f"{pid} is folded")  # noqa: B023 - called at once
            wait_until(lambda: len(children(one)) == 2 and processes(one) == 2, "there is a new process")
            assert counted(one) == 40
        ask(one, 5)
        assert counted(one) == 45
        one.kill()
        one.start()  # what a killed server has left is swept away by the next start
        assert not folder.exists()
        ask(one, 2)
        assert (counted(one), counted(other)) == (2, 3)
        left = folder_of(one)
        one.stop()
        assert not left.exists()


def folder_of(served: Served) -> Path:
    """Where its processes count."""
    words = Path(f"/proc/{children(served)[0]}/maps").read_text().split()
    return next(Path(word).parent for word in words if "/ikawaari-metrics-" in word)


def test_a_process_that_finds_no_room_is_told_so_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: int) -> None:
        raise OSError(28, "No space left on device")

    folders.reserve(tmp_path)
    assert {path.stat().st_size for path in tmp_path.iterdir()} == set(folders._RESERVED.values())
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space"):
        folders.reserve(tmp_path)
