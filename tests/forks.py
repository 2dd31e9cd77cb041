"""Tests in processes that one parent forks once it has imported and collected them: `-p tests.forks --processes N`.

Importing and collecting all tests takes ten seconds of a core. With xdist each process did it, and wrote its reports in
Python; here the parent does it once. A process takes the next few tests of one module whenever it has run its last.
Half of the processes begin with the tests that wait rather than compute, the others with the others: while some wait,
some compute, and at the end all help.
"""

import os
import random
import signal
import threading
import time
import traceback
from collections.abc import Iterator
from itertools import chain, groupby
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import pytest

WAITING = (
    "tests/chaos/",
    "tests/browser/",
    "tests/simulators/test_stripe_script.py",
    "tests/merchant_api/test_docs.py",
)
MOST_TOGETHER = 40  # tests of one module: what they share is made once for them
MOST_THAT_WAIT = 2  # each takes seconds
NEXT = 4  # bytes of a number in a queue
# Whoever takes longest begins first, lest others wait for it in the end.
LONGEST = ("tests/test_serving.py", "tests/merchant_api/test_contract.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Without it, pytest runs the tests as ever."""
    parser.addoption("--processes", type=int, default=0, help="fork this many processes, which run the tests")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the collected tests in processes of their own; without --processes, as ever."""
    count = session.config.getoption("processes")
    if not count or session.config.option.collectonly or session.testsfailed:
        return None
    assert threading.active_count() == 1, "a thread would be missing in each process"
    home = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    queues = [Queue(batches) for batches in _batches(session.items)]
    children: dict[Connection, int] = {}
    pids = []
    for number in range(count):
        reading, writing = Pipe(duplex=False)
        pids.append(os.fork())
        if not pids[-1]:
            _become(session, number, home)
            _work(session, writing, queues[number % 2 :] + queues[: number % 2])
        writing.close()
        children[reading] = number
    for queue in queues:
        queue.close()
    try:
        _listen(session, children, queues)
    finally:
        for pid in pids:
            _end(pid)
    return True


class Queue:
    """Batches of tests, of which each process takes the next one: their numbers wait in a pipe."""

    def __init__(self, batches: list[list[pytest.Item]]) -> None:
        self.batches = batches
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)  # a pipe holds 16,000 of them
        os.write(self._writing, b"".join(number.to_bytes(NEXT) for number in range(len(batches))))

    def close(self) -> None:
        """Nothing more comes."""
        os.close(self._writing)

    def take(self) -> Iterator[pytest.Item]:
        """The tests of the next batches, one after the other, until all are taken."""
        while number := os.read(self._reading, NEXT):
            yield from self.batches[int.from_bytes(number)]


def _batches(items: list[pytest.Item]) -> tuple[list[list[pytest.Item]], list[list[pytest.Item]]]:
    """Those that compute, and those that wait."""
    waiting = [item for item in items if item.nodeid.startswith(WAITING)]
    longest = [item for item in items if item.nodeid.startswith(LONGEST)]
    others = [item for item in items if not item.nodeid.startswith((*WAITING, *LONGEST))]
    return [*_cut(longest, MOST_THAT_WAIT), *_cut(others, MOST_TOGETHER)], _cut(waiting, MOST_THAT_WAIT)


def _cut(items: list[pytest.Item], most: int) -> list[list[pytest.Item]]:
    """At most so many of one module."""
    modules = [list(module) for _, module in groupby(items, lambda item: item.path)]
    return [module[start : start + most] for module in modules for start in range(0, len(module), most)]


# ---------------------------------------------------------------- a process


def _become(session: pytest.Session, number: int, home: Path) -> None:
    """What a process has of its own: a name, a folder, its output, and chance."""
    config = session.config
    os.environ["PYTEST_XDIST_WORKER"] = f"gw{number}"
    config._tmp_path_factory._basetemp = home / f"gw{number}"  # type: ignore[attr-defined]
    (home / f"gw{number}").mkdir(mode=0o700)
    random.seed()
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    config.pluginmanager.unregister(name="terminalreporter")


def _work(session: pytest.Session, writing: Connection, queues: list[Queue]) -> None:
    """Run what is to be taken, and end without a word of the parent's."""
    code = 1
    try:
        for queue in queues:
            queue.close()
        session.config.pluginmanager.register(Sender(session.config, writing))
        tests = chain.from_iterable(queue.take() for queue in queues)
        item = next(tests, None)
        while item is not None and not session.shouldfail:
            following = next(tests, None)
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            item = following
        session._setupstate.teardown_exact(None)
        writing.send(None)
        code = 0
    except BaseException:
        writing.send(traceback.format_exc())
    finally:
        os._exit(code)


class Sender:
    """Sends each report to the parent."""

    def __init__(self, config: pytest.Config, writing: Connection) -> None:
        self.config = config
        self.writing = writing

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """As plain values."""
        self.writing.send(self.config.hook.pytest_report_to_serializable(config=self.config, report=report))


# ---------------------------------------------------------------- the parent


def _listen(session: pytest.Session, children: dict[Connection, int], queues: list[Queue]) -> None:
    """Take in the reports of all processes until each has ended. Raises Session.Failed when enough have failed."""
    hook = session.config.hook
    while children:
        reports = [_received(session.config, child, children) for child in wait(list(children))]
        for report in filter(None, reports):
            hook.pytest_runtest_logreport(report=report)
            if report.when == "teardown":
                hook.pytest_runtest_logfinish(nodeid=report.nodeid, location=report.location)
        if session.shouldfail:
            for queue in queues:
                list(queue.take())  # nobody gets another one
    if session.shouldfail:
        raise session.Failed(session.shouldfail)


def _end(pid: int) -> None:
    """It has done its work, unless somebody interrupted the parent."""
    if os.waitpid(pid, os.WNOHANG) == (0, 0):
        time.sleep(0.2)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _received(config: pytest.Config, child: Any, children: dict[Connection, int]) -> pytest.TestReport | None:
    """The next report of a process; None, and one process less, when it has done its work."""
    try:
        data = child.recv()
    except EOFError:
        data = "It ended in the middle of its work."
    if isinstance(data, dict):
        report: pytest.TestReport = config.hook.pytest_report_from_serializable(config=config, data=data)
        return report
    name = f"process {children.pop(child)}"
    return data and pytest.TestReport(name, (name, None, name), {}, "failed", data, "call")
