"""The tests in two groups, side by side, and one line that sums them: `python -m tests.run [quick|check|all]`.

Browser and chaos tests wait rather than compute, so their group has more processes than there are cores. Its tests
are handed out two by two, so that no process is left alone with the slow ones; the others compute, and a process keeps
what its modules share. While the last slow ones of a group wait, the other group computes. What the second one says is
printed when it has ended.

`quick` is for every few minutes of work: it leaves out the first group, PostgreSQL and `SLOW`.
"""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

WAITING = ["tests/chaos", "tests/browser"]  # the longest first: the last ones end together
GROUPS = {
    "waiting": ["-n", "4", "--dist", "load", "--maxschedchunk", "2", *WAITING],
    "computing": ["-n", "3", "--dist", "worksteal", "tests", *(f"--ignore={folder}" for folder in WAITING)],
}
KINDS = {"quick": ["computing"], "check": ["waiting", "computing"], "all": ["waiting", "computing"]}
# Whatever starts programs of its own, or makes its examples up, takes minutes.
SLOW = [
    *("tests/test_serving.py", "tests/test_slow_clients.py", "tests/examples", "tests/clients"),
    *("tests/merchant_api/test_generated_client.py", "tests/merchant_api/test_contract.py"),
    *("tests/merchant_api/test_docs.py", "tests/events/test_any_weather.py", "tests/events/test_slow_endpoints.py"),
]
FURTHER = {"quick": ["-m", "not postgres", *(f"--ignore={path}" for path in SLOW)], "all": ["--long"]}
NOTHING_RAN = 5  # pytest's exit code
COUNTED = ("passed", "failed", "skipped")


def main(kind: str = "check", *arguments: str) -> int:
    """Run the groups; 0 when something passed and nothing failed."""
    counts: Counter[str] = Counter()
    failed: list[str] = []
    codes = set()
    with tempfile.TemporaryDirectory() as home:
        reports = [Path(home) / f"{group}.xml" for group in KINDS[kind]]
        running = [
            _start(group, report, [*FURTHER.get(kind, []), *arguments], is_shown=number == 0)
            for number, (group, report) in enumerate(zip(KINDS[kind], reports, strict=True))
        ]
        for process, report in zip(running, reports, strict=True):
            codes.add(process.wait())
            if (said := report.with_suffix(".txt")).exists():
                print(said.read_text(), end="", flush=True)
            for name, outcome in outcomes(report):
                counts[outcome] += 1
                failed += [name] if outcome == "failed" else []
    for name in failed:
        print(f"FAILED {name}")
    shown = [f"{counts[outcome]} {outcome}" for outcome in COUNTED if counts[outcome] or outcome != "skipped"]
    print(", ".join(shown))
    return int(bool(counts["failed"] or not counts["passed"] or codes - {0, NOTHING_RAN}))


def _start(group: str, report: Path, arguments: list[str], *, is_shown: bool) -> subprocess.Popen[bytes]:
    """Start the tests of a group. What it says is shown at once, or kept beside its report."""
    command = [sys.executable, "-m", "pytest", *GROUPS[group], f"--junitxml={report}", *arguments]
    if is_shown:
        return subprocess.Popen(command, env=os.environ)
    with report.with_suffix(".txt").open("wb") as said:
        return subprocess.Popen(command, env=os.environ, stdout=said, stderr=subprocess.STDOUT)


def outcomes(report: Path) -> Iterator[tuple[str, str]]:
    """The name and the outcome of each test of a run; a run that ended before its report is one failure."""
    if not report.exists():
        yield "the run itself", "failed"
        return
    for case in ElementTree.parse(report).iter("testcase"):
        parts = {child.tag for child in case}
        outcome = "failed" if parts & {"failure", "error"} else "skipped" if "skipped" in parts else "passed"
        yield f"{case.get('classname')}::{case.get('name')}", outcome


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
