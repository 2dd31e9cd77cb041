"""The processes that run the tests: nothing that fails in one of them is lost."""

import os
from pathlib import Path

from tests import warm

TESTS = """
import os
from pathlib import Path
import pytest

NOTES = Path(__file__).with_name("notes")

@pytest.fixture(scope="session")
def shared():
    with NOTES.open("a") as notes:
        print("begins", file=notes, flush=True)
        yield os.getpid()
        print("ends", file=notes)

@pytest.mark.parametrize("number", range(50))
def test_passes(shared, number, tmp_path):
    assert os.getpid() == shared
    (tmp_path / "mine").touch()

def test_fails():
    print("said before")
    assert "left" == "right"

@pytest.mark.skip(reason="not here")
def test_is_skipped():
    pass
"""
DIES = "import os, signal\n\ndef test_dies():\n    os.kill(os.getpid(), signal.SIGKILL)\n"


def run(folder: Path, *options: str) -> tuple[int, str]:
    """The exit code, and what pytest said."""
    arguments = ["-p", "tests.forks", "--processes=2", "-p", "no:cacheprovider", "-ra", str(folder), *options]
    ended = warm.run("pytest", arguments, dict(os.environ))
    return ended.returncode, ended.stdout + ended.stderr


def test_each_test_is_run_once_and_each_failure_is_told(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(TESTS)
    (tmp_path / "test_other.py").write_text(TESTS)
    code, said = run(tmp_path)
    assert code == 1, said
    assert "2 failed, 100 passed, 2 skipped" in said
    assert "said before" in said
    assert said.count("AssertionError: assert 'left' == 'right'") >= 2
    notes = (tmp_path / "notes").read_text()
    assert notes.count("begins") == notes.count("ends") >= 2


def test_a_process_that_dies_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "test_dying.py").write_text(DIES)
    (tmp_path / "test_other.py").write_text(TESTS)
    code, said = run(tmp_path, "--deselect", "test_other.py::test_fails")
    assert code == 1, said
    assert "1 failed, " in said
    assert "It ended in the middle of its work" in said


def test_it_stops_at_the_first_failure_when_told_so(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"test_{number:02}.py").write_text("def test_fails():\n    assert False\n")
    code, said = run(tmp_path, "-x")
    assert code == 1, said
    assert "stopping after" in said
    assert "100 failed" not in said
