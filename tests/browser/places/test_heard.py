"""What a screen reader says: each control's role and name in their order, one announcement per state, and the focus."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ikawaari.store.models import Merchant
from tests.browser.places.conftest import Open
from tests.browser.steps import check_now, see, type_phone
from tests.places import PLACES

SAID = {"heading", "link", "button", "textbox", "radio", "DisclosureTriangle", "timer", "alert", "image"}
BANNER = "DisclosureTriangle: Mode test : aucun argent réel Numéros"
HELP = ["link: Écrire à Boutique Awa", "link: Appeler 33 800 00 00"]
FOOT = ["link: Aide : 33 800 00 00", "link: Conditions", "link: Remboursements", "link: Confidentialité"]
HEARD = {
    "open": [
        BANNER,
        "link: Retourner à Boutique Awa",
        "button: English",
        "heading: Payer 4 500 FCFA",
        "DisclosureTriangle: Détail",
        "radio: Mobile money",
        "radio: Carte bancaire",
        "DisclosureTriangle: Sénégal, +221. Changer de pays",
        "textbox: Votre numéro de téléphone",
        "radio: Orange Money",
        "radio: Wave",
        "radio: Mixx by Yas ex-Free Money",
        "radio: E-Money Expresso",
        "button: Payer 4 500 FCFA",
        *FOOT,
    ],
    "prompt": [
        BANNER,
        "link: English",
        "heading: Validez sur votre téléphone",
        "timer:",
        "button: J’ai validé : vérifier",
        "heading: Rien ne s’affiche ?",
        "link: Composez #144# puis « Paiement en attente » Appeler",
        *HELP,
        *FOOT,
    ],
    "code": [
        BANNER,
        "link: English",
        "heading: Demandez un code, tapez-le ici",
        "link: #144# Appeler",
        "textbox: 2. Le code reçu par SMS",
        "button: Payer 5 000 FCFA",
        "timer:",
        "button: Changer de numéro ou de moyen",
        *HELP,
        *FOOT,
    ],
    "paid, stay": [
        BANNER,
        "link: English",
        "heading: C’est payé, merci !",
        "link: Retourner à Boutique Awa",
        "link: WhatsApp",
        "link: Enregistrer",
        "button: Copier le lien",
        *HELP,
        *FOOT,
    ],
}
# Everything that is announced, as often as it is.
LISTEN = """() => {
    window.announced = [];
    const live = document.querySelector('#live');
    new MutationObserver(() => live.textContent && announced.push(live.textContent))
        .observe(live, { childList: true, characterData: true, subtree: true });
}"""


def heard(page: Page) -> list[str]:
    """The roles and names of what is not only text, in the order of reading."""
    session = page.context.new_cdp_session(page)
    nodes: list[dict[str, Any]] = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    by_id = {node["nodeId"]: node for node in nodes}
    order: list[str] = []

    def read(node: dict[str, Any]) -> None:
        role = str(node.get("role", {}).get("value")).removesuffix("Grouped")
        if not node["ignored"] and role in SAID:
            order.append(f"{role}: {node.get('name', {}).get('value', '')}".strip())
        for child in node.get("childIds", ()):
            if child in by_id:
                read(by_id[child])

    read(nodes[0])
    return [" ".join(said.split()) for said in order]


@pytest.mark.parametrize("name", ["open", *(pytest.param(name, marks=pytest.mark.long) for name in list(HEARD)[1:])])
def test_each_control_is_said_with_its_name_in_the_order_of_reading(put: Open, owner: Merchant, name: str) -> None:
    place = PLACES[name](owner)
    page = put(place)
    page.goto(place.path)
    assert heard(page) == HEARD[name]


def test_each_state_is_announced_once_and_has_the_focus(put: Open, owner: Merchant) -> None:
    place = PLACES["open"](owner)
    page = put(place)
    page.goto(place.path)
    page.evaluate(LISTEN)
    page.locator("button.main").click()
    see(page, "choose!")
    expect(page.locator("#phone")).to_be_focused()
    type_phone(page, "011")
    page.locator("button.main").click()
    see(page, "prompt")
    expect(page.locator("h1")).to_be_focused()
    check_now(page)
    expect(page.locator("main [role=status]")).to_be_visible()
    expect(page.locator("h1")).to_be_focused()
    said = page.evaluate("announced")
    moment = "Un instant : ne fermez pas la page."
    assert [" ".join(one.split()) for one in said[:3]] == [
        moment,
        moment,
        "Orange Money vous demande 4 500 FCFA au 77 ••• •• 11.",
    ]
    assert said[3].startswith("Pas encore validé à ")
    assert len(said) == 4
