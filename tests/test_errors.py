"""The table of errors: one row per code, told alike wherever it is told."""

from pathlib import Path

import pytest

from ikawaari import errors
from ikawaari.errors import CODES, AnyCode

README = Path(__file__).parent.parent / "README.md"


@pytest.mark.parametrize("row", CODES.values(), ids=lambda row: row.id)
def test_the_readme_lists_every_code(row: AnyCode) -> None:
    told = f"| {row.id} | {row.status} | {row.meaning}{' Retryable.' if row.retryable else ''} |"
    assert told in README.read_text()


def test_no_code_stands_twice() -> None:
    assert [row.id for row in vars(errors).values() if isinstance(row, errors.Code)] == list(CODES)
