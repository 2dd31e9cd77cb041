"""What merchants are given to verify signatures with does what it says, in Python and, where there is one, in Node."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ikawaari import clock
from ikawaari.checkout import attempts, public_view, snapshots
from ikawaari.config import ROOT
from ikawaari.events import signature
from tests import factories
from tests.world import fresh

SECRET, BODY = "whsec_1", '{"type": "é"}'
Check = Callable[..., bool]


@pytest.fixture
def engine() -> str:
    """What is signed is the same on both."""
    return "sqlite"


@pytest.fixture(params=["python", "js"])
def check(request: pytest.FixtureRequest) -> Callable[[str], Check]:
    """Finds a function of docs/merchants.md by its Python name, in one of its languages."""
    return from_python if request.param == "python" else from_node


def from_python(name: str) -> Check:
    """The function as it stands there."""
    names: dict[str, Any] = {}
    exec(block("python", f"def {name}("), names)
    found: Check = names[name]
    return lambda *given: found(*given[:-1], given[-1].encode() if name == "is_genuine" else given[-1])


def from_node(name: str) -> Check:
    """The same of Node's."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node: the lines for it are not run")
    camel = re.sub("_(.)", lambda found: found[1].upper(), name)
    script = block("js", f"function {camel}(")

    def call(*given: str) -> bool:
        asked = f"{script}\nconsole.log({camel}(...{json.dumps(given)}))"
        said = subprocess.run([node, "-e", asked], capture_output=True, text=True, check=True, timeout=30)
        return {"true": True, "false": False}[said.stdout.strip()]

    return call


def block(language: str, part: str) -> str:
    """The one block of that language that holds `part`."""
    blocks = re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / "merchants.md").read_text(), re.DOTALL)
    (found,) = (text for text in blocks if part in text)
    return str(found)


def signed(seconds_ago: int = 0) -> str:
    now = clock.unix(datetime.now(UTC)) - seconds_ago
    return signature.of_webhook(SECRET, now, BODY.encode())


def test_a_webhook_is_believed_and_nothing_else(check: Callable[[str], Check]) -> None:
    is_genuine = check("is_genuine")
    assert is_genuine(SECRET, signed(), BODY)
    assert is_genuine(SECRET, signed(290), BODY)
    assert not is_genuine(SECRET, signed(310), BODY)
    assert not is_genuine("whsec_2", signed(), BODY)
    assert not is_genuine(SECRET, signed(), BODY + " ")
    for forged in ("", "t=,v1=", "t=x,v1=y", f"{signed()},v1=0", signed().upper(), "é"):
        assert not is_genuine(SECRET, forged, BODY)


@pytest.mark.usefixtures("app")
def test_a_return_is_believed_and_nothing_else(check: Callable[[str], Check]) -> None:
    is_genuine = check("is_genuine_return")
    merchant = factories.merchant()
    key, other = factories.credential(merchant), factories.credential()
    session = factories.session(merchant, success_url="https://shop.example/{CHECKOUT_SIGNATURE}")
    attempts.pay(session.id, factories.card_request(), clock.now())

    def given(seconds_ago: int = 0) -> str:
        at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
        return str(public_view.public(snapshots.of(fresh(session)), at)["success_url"]).removeprefix(
            "https://shop.example/"
        )

    assert is_genuine(key, session.id, given())
    assert is_genuine(key, session.id, given(290))
    assert not is_genuine(key, session.id, given(310))
    assert not is_genuine(key, "cs_other", given())
    assert not is_genuine(other, session.id, given())
    for forged in ("", ".", "1.", f"{given()}0", f"0{given()}", "é"):
        assert not is_genuine(key, session.id, forged)
