"""All tests in processes of one run, and one line that sums them: `python -m tests.run [quick|check|all]`.

`quick` is for every few minutes of work: it leaves out browser, chaos, PostgreSQL and `SLOW`.
"""

import sys
from collections import Counter

import pytest

# Whatever starts programs of its own, or makes its examples up, takes minutes.
SLOW = [
    *("tests/chaos", "tests/browser", "tests/simulators/test_stripe_script.py"),
    *("tests/test_serving.py", "tests/test_slow_clients.py", "tests/examples", "tests/clients"),
    *("tests/merchant_api/test_generated_client.py", "tests/merchant_api/test_contract.py"),
    *("tests/merchant_api/test_docs.py", "tests/events/test_any_weather.py", "tests/events/test_slow_endpoints.py"),
]
KINDS = {
    "quick": ["--processes=3", "-m", "not postgres", *(f"--ignore={path}" for path in SLOW)],
    "check": ["--processes=6"],
    "all": ["--processes=6", "--long"],
}


class Outcomes:
    """How each test ended."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test has reports of several phases: who failed in one has failed."""
        if report.when == "call" or not report.passed:
            before = self._of.get(report.nodeid)
            self._of[report.nodeid] = "failed" if "failed" in {before, report.outcome} else report.outcome

    def counts(self) -> Counter[str]:
        """How many ended in which way."""
        return Counter(self._of.values())


def main(kind: str = "check", *arguments: str) -> int:
    """Run them; 0 when something passed and nothing failed."""
    outcomes = Outcomes()
    code = pytest.main(["-p", "tests.forks", *KINDS[kind], *arguments], plugins=[outcomes])
    counts = outcomes.counts()
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}")
    return int(bool(code or counts["failed"] or not counts["passed"]))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
