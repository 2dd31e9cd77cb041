"""Where a payer lands whose merchant named no address to come back to."""

from typing import Any

import pytest

from ikawaari.checkout import merchant_view

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def test_the_page_of_the_return_exists_and_is_a_page(client: Any) -> None:
    answer = client.get(merchant_view.after_payment_url().removeprefix("http://localhost"))
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert 'data-state="return"' in answer.text
