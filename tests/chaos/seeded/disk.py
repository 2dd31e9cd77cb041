"""A disk that a run may fill: a small file system of its own as root, else a limit on how long files may become."""

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_LARGE = "4g"  # of what is in memory only as far as it is used
_LIMIT_BYTES = 65_536  # of a file, where no file system can be mounted


class Disk:
    """The place of the database. `is_own` says that a file system was mounted there."""

    def __init__(self, folder: Path, *, is_own: bool) -> None:
        self.folder, self.is_own = folder, is_own
        self._limited: list[int] = []

    def fill(self, pids: Sequence[int]) -> None:
        """Leave no room, for the processes `pids` where the disk is not our own."""
        if self.is_own:
            used = shutil.disk_usage(self.folder).used
            _mount("-o", f"remount,size={used}", self.folder)
            return
        self._limited = list(pids)
        for pid in pids:
            _limit(pid, _LIMIT_BYTES)

    def clear(self) -> None:
        """Make room again."""
        if self.is_own:
            _mount("-o", f"remount,size={_LARGE}", self.folder)
        for pid in self._limited:
            _limit(pid, resource.RLIM_INFINITY)
        self._limited = []


@contextmanager
def disk(folder: Path) -> Iterator[Disk]:
    """The disk beneath a folder, for as long as the block lasts."""
    is_own = os.geteuid() == 0 and _mount("-t", "tmpfs", "-o", f"size={_LARGE}", "tmpfs", folder)
    made = Disk(folder, is_own=is_own)
    try:
        yield made
    finally:
        if is_own:
            subprocess.run(["umount", "--lazy", folder], check=True)


def _mount(*arguments: str | Path) -> bool:
    """Whether it could be done: containers often may not."""
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


def _limit(pid: int, size: int) -> None:
    try:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
    except ProcessLookupError:  # it has ended
        return
