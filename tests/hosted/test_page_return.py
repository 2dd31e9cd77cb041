"""Where a payer lands whom a provider sends back: at the session's page, or if there is none, at one of its own."""

from typing import Any

import pytest

from ikawaari.checkout import merchant_view
from tests import factories

FOREIGN = {"Sec-Fetch-Site": "cross-site", "Origin": "https://provider.example"}

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def test_the_page_of_the_return_exists_and_is_a_page(client: Any) -> None:
    answer = client.get(merchant_view.after_payment_url().removeprefix("http://localhost"))
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert 'data-state="return"' in answer.text


def test_who_is_sent_back_by_a_form_of_another_site_sees_the_page_and_does_nothing(client: Any) -> None:
    """CinetPay's older page does so, with a token of its own."""
    session = factories.session()
    form = {"token": "made_up", "transaction_id": "r46b2ic3dzghvhkvbjhw66zmce", "operator": "orange_sn"}
    answer = client.post(f"/{session.id}", data=form, headers=FOREIGN)
    assert (answer.status_code, answer.location) == (303, f"/{session.id}?returned=1")
    shown = client.get(answer.location, follow_redirects=True)
    assert shown.status_code == 200
    assert 'data-state="choose"' in shown.text
    path = merchant_view.after_payment_url().removeprefix("http://localhost")
    answer = client.post(path, data=form, headers=FOREIGN)
    assert (answer.status_code, answer.location) == (303, path)
    assert client.post(f"/{session.id}/pay", data=form, headers=FOREIGN).status_code == 403


def test_who_is_sent_back_to_a_session_that_there_is_not_finds_none(client: Any) -> None:
    answer = client.post("/cs_AAAAAAAAAAAAAAAAAAAAAAAA", headers=FOREIGN, follow_redirects=True)
    assert answer.status_code == 404
