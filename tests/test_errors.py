"""The table of errors: one row per code, told alike wherever it is told."""

from ikawaari import errors
from ikawaari.errors import CODES


def test_no_code_stands_twice() -> None:
    assert [row.id for row in vars(errors).values() if isinstance(row, errors.Code)] == list(CODES)
