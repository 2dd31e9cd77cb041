"""Real servers: their processes count together, what a killed one has counted stays, and two servers do not mix."""

import os
import signal
import tempfile
from pathlib import Path

import pytest
import requests

from ikawaari import logs
from ikawaari.config import Config
from ikawaari.monitoring import folders
from tests.chaos.shop import environment, wait_until
from tests.monitoring.reading import TOKEN, of_server, total
from tests.serving import Served, serve

SECONDS = "ikawaari_http_request_duration_seconds_count"
OF_HEALTH = {"route": "/healthz", "status": "200"}


def ask(served: Served, times: int) -> None:
    """That many requests, each over a connection of its own: the kernel spreads them over the processes."""
    for _ in range(times):
        assert requests.get(f"{served.url}/healthz", timeout=60).ok


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
        wait_until(lambda: (counted(one), counted(other)) == (40, 3), "two servers on one machine do not mix")
        assert (processes(one), processes(other)) == (2, 1)
        folder = folder_of(one)
        for pid in children(one):
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not list(folder.glob(f"*_{pid}.db")), f"{pid} is folded")  # noqa: B023 - called at once
            wait_until(lambda: len(children(one)) == 2 and processes(one) == 2, "there is a new process")
            assert counted(one) == 40
        ask(one, 5)
        wait_until(lambda: counted(one) == 45, "all are counted")
        one.kill()
        one.start()  # what a killed server has left is swept away by the next start
        assert not folder.exists()
        ask(one, 2)
        wait_until(lambda: (counted(one), counted(other)) == (2, 3), "it counts anew")
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

    folders.reserve(tmp_path, 1)
    assert {path.stat().st_size for path in tmp_path.iterdir()} == set(folders._RESERVED.values())
    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(tempfile, "mkdtemp", lambda **_: str(tmp_path))
    with pytest.raises(OSError, match="No space"):
        folders.reserve(tmp_path, 2)
    assert folders.share() is None, "a server that cannot be measured still serves"
    assert folders.shared() is None


def test_a_file_that_cannot_be_read_ends_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Config())
    (tmp_path / "counter_7.db").write_bytes(b"\x64\0\0\0\0\0\0\0" + b"\x7f" * 100)
    folders.fold(tmp_path, 7)
    assert "metrics_not_folded" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.db"))


def test_what_ended_processes_have_counted_is_summed(tmp_path: Path) -> None:
    mapped = pytest.importorskip("prometheus_client.mmap_dict").MmapedDict
    for pid, count in ((7, 2.0), (8, 3.0)):
        file = mapped(str(tmp_path / f"counter_{pid}.db"))
        file.write_value("a", count, 0.0)
        file.write_value(f"of {pid} alone", 1.0, 0.0)
        file.close()
        (tmp_path / f"gauge_livesum_{pid}.db").touch()
        folders.fold(tmp_path, pid)
        folders.fold(tmp_path, pid)  # again: nothing is counted twice
    assert [path.name for path in tmp_path.glob("*.db")] == ["counter_0.db"]
    total = {key: value for key, value, *_ in mapped.read_all_values_from_file(str(tmp_path / "counter_0.db"))}
    assert total == {"a": 5.0, "of 7 alone": 1.0, "of 8 alone": 1.0}
