"""Carries out a round's faults, one after the other, as its purchases begin."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from tests.chaos.seeded.plan import Fault, Kind
from tests.chaos.seeded.stage import Stage, thaw

FROZEN_SECONDS = 9.0  # real ones: the longest lease, a minute, is over by the clock that is eight times as fast
_FULL_SECONDS = 3.0
_OFF_SECONDS = 4.0
_LOOK_SECONDS = 0.02


class Faults:
    """What happened: how often each kind, and when it did, in words."""

    def __init__(self, stage: Stage, say: Callable[[str], None]) -> None:
        self.stage, self.say = stage, say
        self.counts: Counter[str] = Counter()
        self.broken: list[str] = []
        self._later: list[threading.Timer] = []

    def carry_out(self, faults: Sequence[Fault], begun: Callable[[], int], is_over: Callable[[], bool]) -> None:
        """Wait for the moment of each, or for the end of the round. All have ended when this returns."""
        for fault in faults:
            while begun() < fault.begun and not is_over():
                time.sleep(_LOOK_SECONDS)
            self._do(fault, begun())
        for timer in self._later:
            timer.join()
        self._later.clear()

    def _do(self, fault: Fault, begun: int) -> None:
        off = f", by {fault.seconds:+.0f} s" if fault.seconds else ""
        self.say(f"after {begun} purchases of the round: {fault.victim} {fault.kind}{off}".replace(":  ", ": "))
        self.counts[fault.kind] += 1
        try:
            self._happen(fault)
        except Exception as error:  # the run goes on, and it has failed
            self.broken.append(f"fault {fault}: {error!r}")

    def _happen(self, fault: Fault) -> None:
        match fault.kind:
            case Kind.KILLED:
                self.stage.kill(fault.victim)
            case Kind.FROZEN:
                frozen = self.stage.freeze(fault.victim)
                self._after(FROZEN_SECONDS, lambda: thaw(frozen))
            case Kind.CLOCK_OFF:
                self.stage.hands.set_off(fault.victim, fault.seconds)
                self._after(_OFF_SECONDS, lambda: self.stage.hands.set_off(fault.victim, 0))
            case Kind.DISK_FULL:
                self._fill_disk()
            case _:
                self._strike_database(fault.kind)

    def _fill_disk(self) -> None:
        disk = self.stage.ground.disk
        try:
            disk.fill(self.stage.pids())
        except PermissionError:  # root in a container may mount nothing, nor limit what another user runs
            self.counts[Kind.DISK_FULL] -= 1
            self.say("the disk cannot be filled here: neither a file system nor a limit is permitted")
            return
        try:
            time.sleep(_FULL_SECONDS)
        finally:
            disk.clear()
        if self.stage.ground.postmaster:
            self.stage.ground.postmaster.recover()

    def _strike_database(self, kind: Kind) -> None:
        postmaster = self.stage.ground.postmaster
        assert postmaster is not None, kind
        if kind == Kind.CONNECTIONS_DROPPED:
            postmaster.drop_connections()
        else:
            postmaster.end(signal.SIGKILL if kind == Kind.DATABASE_KILLED else signal.SIGQUIT)

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        timer.start()
        self._later.append(timer)
