"""One sentence of the merchant stands above the pay button: its session's, else its link's."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests import factories
from tests.hosted.test_page_totals import seen

TEXT = "Livré <demain> & emballé."
SHOWN = '<p class="quiet">Livré &lt;demain&gt; &amp; emballé.</p>\n<button class="main"'


def page(client: FlaskClient, session_id: str) -> str:
    """The page's HTML, without the elements that hold a merchant's direction of writing."""
    html = client.get(f"/{session_id}").get_data(as_text=True)
    return html.replace("<bdi>", "").replace("</bdi>", "")


@pytest.mark.parametrize("fees", [{}, {"fee_mode": "customer_pays"}])
def test_it_stands_directly_above_the_pay_button(client: FlaskClient, fees: dict[str, Any]) -> None:
    session = factories.session(custom_text=TEXT, **fees)
    assert SHOWN in page(client, session.id)


def test_it_stands_nowhere_when_there_is_none(client: FlaskClient) -> None:
    html = page(client, factories.session().id)
    assert '<button class="main"' in html
    assert '<p class="quiet">Livré' not in html


def test_the_public_view_has_it(client: FlaskClient) -> None:
    owner = factories.merchant()
    with_text, without = factories.session(owner, custom_text=TEXT), factories.session(owner)
    assert client.get(f"/api/checkout/{with_text.id}").json["custom_text"] == TEXT  # type: ignore[index]
    assert client.get(f"/api/checkout/{without.id}").json["custom_text"] is None  # type: ignore[index]


def test_a_link_s_is_the_default(client: FlaskClient) -> None:
    link = factories.link(custom_text="Du lien.")
    assert "Du lien." in seen(client, factories.session(link.merchant, amount=None, payment_link_v2_id=link.id))
    own = factories.session(link.merchant, amount=None, payment_link_v2_id=link.id, custom_text=TEXT)
    assert "Du lien." not in page(client, own.id)
    assert SHOWN in page(client, own.id)
