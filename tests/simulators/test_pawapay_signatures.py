"""Vector P1 of pawaPay's card, and the callbacks that the simulator signs."""

import base64
import hashlib
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ikawaari.simulators.pawapay import PawaPay, signatures
from ikawaari.simulators.web import Request
from tests.simulators import rfc9421
from tests.simulators.pawapay_account import Caller
from tests.simulators.talking import Receiver, talk
from tests.simulators.vector_p1 import BASE, BODY, DATE, DER, DIGEST, HEADERS, OTHER_DIGEST, P1, PARAMS, RAW, SPKI, URL

# ---------------------------------------------------------------- vector P1


def test_the_vector_has_the_base_that_the_simulator_signs() -> None:
    components = signatures.components("post", URL, DATE, signatures.digest(BODY))
    assert components["content-digest"] == DIGEST
    assert signatures.parameters("HTTP_EC_P256_KEY:1", 1790000000) == PARAMS
    assert hashlib.sha256(signatures.base(components, PARAMS)).hexdigest() == BASE


def test_the_vector_s_key_is_the_one_that_the_card_describes() -> None:
    scalar = int.from_bytes(hashlib.sha256(b"ikawaari pawapay test key").digest())
    public = ec.derive_private_key(scalar, ec.SECP256R1()).public_key()
    der, spki = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    assert base64.b64encode(public.public_bytes(der, spki)).decode() == SPKI


@pytest.mark.parametrize("signature", [DER, RAW], ids=["der", "raw"])
def test_the_vector_verifies(signature: str) -> None:
    rfc9421.verify(**P1, headers=HEADERS | {"signature": f"sig-pp=:{signature}:"})


REFUSED = {
    "one byte of the body": ({"body": BODY.replace(b"1000.00", b"1000.01")}, {}, "digest"),
    "another path": ({"path": "/callbacks/pawapay/"}, {}, "signature"),
    "another authority": ({"authority": "pay.example.com:8443"}, {}, "signature"),
    "expired": ({"now": 1790000060}, {}, "time"),
    "from the future": ({"now": 1789999969}, {}, "time"),
    "another key id": ({"keys": {"HTTP_EC_P256_KEY:2": SPKI}}, {}, "key"),
    "no digest covered": ({}, {"signature-input": f"sig-pp={PARAMS}".replace('"content-digest" ', "")}, "covered"),
    "digest of another body": ({"body": b"{}"}, {"content-digest": OTHER_DIGEST}, "signature"),
    "unsigned": ({}, {"signature": None}, "no signature"),
    "undated": ({}, {"signature-date": None}, "no signature-date"),
}


@pytest.mark.parametrize(("values", "headers", "why"), REFUSED.values(), ids=REFUSED)
def test_what_differs_from_the_vector_is_refused(values: dict[str, Any], headers: dict[str, Any], why: str) -> None:
    sent = {name: value for name, value in (HEADERS | headers).items() if value is not None}
    with pytest.raises(rfc9421.Unverified, match=f"^{why}$"):
        rfc9421.verify(**(P1 | values), headers=sent)


def test_the_simulator_signs_the_vector_so_that_it_verifies() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    signed = signatures.headers("POST", URL, BODY, key=key, keyid="HTTP_EC_P256_KEY:1", now=1790000000.123456)
    sent = {name.lower(): value for name, value in signed.items()} | {"content-type": "application/json"}
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    public = key.public_key().public_bytes(serialization.Encoding.PEM, spki).decode()
    rfc9421.verify(**(P1 | {"keys": {"HTTP_EC_P256_KEY:1": public}}), headers=sent)
    assert signed["Signature-Date"] == "2026-09-21T14:13:20.123456314Z"


# ---------------------------------------------------------------- callbacks


@pytest.fixture
def caller(receiver: Receiver) -> Iterator[Caller]:
    with talk(PawaPay(callback_url=receiver.url)) as talking:
        yield Caller(talking)


def keys(caller: Caller) -> dict[str, str]:
    listed = caller.get("/v2/public-key/http").json()
    return {one["id"]: one["key"] for one in listed}


def verify(request: Request, published: dict[str, str], receiver: Receiver) -> None:
    headers = {name.lower(): value for name, value in request.headers.items()}
    rfc9421.verify(
        request.method, receiver.authority, request.path, headers, request.body, keys=published, now=time.time()
    )


def test_callbacks_are_signed_with_a_published_key_in_der(caller: Caller, receiver: Receiver) -> None:
    caller.pay()
    [request] = receiver.wait(1)
    verify(request, keys(caller), receiver)
    value = base64.b64decode(str(request.header("Signature")).split(":")[1])
    assert value[0] == 0x30
    assert 68 <= len(value) <= 72


def test_a_signature_is_made_now_and_holds_for_a_minute(caller: Caller, receiver: Receiver) -> None:
    caller.talk.advance(86_400)
    caller.pay()
    [request] = receiver.wait(1)
    said = dict(part.split("=") for part in str(request.header("Signature-Input")).split(";")[1:])
    assert abs(int(said["created"]) - time.time()) < 5
    assert int(said["expires"]) == int(said["created"]) + 60


def test_the_keys_are_an_array_and_a_new_one_joins_it(caller: Caller, receiver: Receiver) -> None:
    before = keys(caller)
    caller.talk.set(key_number=2)
    caller.pay()
    [request] = receiver.wait(1)
    with pytest.raises(rfc9421.Unverified, match="key"):
        verify(request, before, receiver)
    after = keys(caller)
    verify(request, after, receiver)
    assert sorted(after) == ["HTTP_EC_P256_KEY:1", "HTTP_EC_P256_KEY:2"]


def test_a_bad_signature_fails_at_the_signature_alone(caller: Caller, receiver: Receiver) -> None:
    caller.talk.next("bad_signature")
    caller.pay()
    [request] = receiver.wait(1)
    with pytest.raises(rfc9421.Unverified, match=r"^signature$"):
        verify(request, keys(caller), receiver)


def test_an_account_without_signatures_has_none(caller: Caller, receiver: Receiver) -> None:
    caller.talk.set(sign_callbacks=False)
    caller.pay()
    [request] = receiver.wait(1)
    assert request.header("Signature") is None
    assert caller.talk.settings()["sign_callbacks"] is False


def test_the_default_port_is_no_part_of_the_authority() -> None:
    at = signatures.components("POST", "https://Pay.Example.com:443/x?y=1", DATE, DIGEST)
    assert (at["@authority"], at["@path"]) == ("pay.example.com", "/x")
