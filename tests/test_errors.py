"""The table of errors: one row per code, told alike wherever it is told."""

from pathlib import Path

import pytest

from ikawaari.errors import CODES, Code, IkawaariError

README = Path(__file__).parent.parent / "README.md"


@pytest.mark.parametrize("row", CODES.values(), ids=lambda row: row.id)
def test_the_readme_lists_every_code(row: Code) -> None:
    told = f"| {row.id} | {row.status} | {row.meaning}{' Retryable.' if row.retryable else ''} |"
    assert told in README.read_text()


def test_no_code_stands_twice() -> None:
    assert len({row.id for row in CODES.values()}) == len(CODES)


def test_a_code_outside_the_table_is_a_bug() -> None:
    with pytest.raises(KeyError):
        IkawaariError("IKW-XXX-999")
