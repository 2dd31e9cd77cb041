"""pawaPay's callbacks: vector P1 of its card with the refusals, and other ways to sign."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from ikawaari.money import Money
from ikawaari.providers.callbacks import CallbackRequest, Report
from ikawaari.providers.outcomes import Result
from ikawaari.providers.pawapay import signatures
from tests.providers.pawapay_said import CHARGE_ID, Said
from tests.providers.pawapay_signed import (
    AT,
    COVERED,
    KEYS,
    P256,
    P384,
    RSA,
    SIGNERS,
    VECTOR,
    How,
    changed,
    parsed,
    pss,
    publish,
    refused,
    signed,
)
from tests.simulators import vector_p1 as p1

NEEDED = ("signature", "signature_input", "signature_date", "content_digest")


@pytest.fixture
def engine() -> str:
    """No database."""
    return "sqlite"


@pytest.fixture
def said() -> Iterator[Said]:
    """A pawaPay that publishes the vector's key."""
    with Said().listening() as said:
        said.answers["public-key"] = [KEYS]
        yield said


# ---------------------------------------------------------------- vector P1


@pytest.mark.parametrize("value", [p1.DER, p1.RAW], ids=["der", "raw"])
def test_the_vector_is_a_report(said: Said, value: str) -> None:
    report = parsed(said, changed(VECTOR, signature=f"sig-pp=:{value}:"))
    assert isinstance(report, Report)
    assert (report.charge_id, report.outcome.result) == (CHARGE_ID, Result.SUCCEEDED)
    assert report.outcome.money == Money(1_000, "XOF")
    assert report.event_id == hashlib.sha256(p1.BODY).hexdigest()


def test_the_vectors_base_is_the_cards() -> None:
    base = signatures.signature_base(VECTOR, signatures.read(VECTOR, AT))
    assert hashlib.sha256(base).hexdigest() == p1.BASE


@pytest.mark.parametrize(
    "request_",
    [
        replace(VECTOR, body=p1.BODY.replace(b"1000.00", b"1000.01")),
        replace(VECTOR, path="/callbacks/pawapay/"),
        replace(VECTOR, path="/callbacks/PawaPay"),
        replace(VECTOR, authority="pay.example.com:8443"),
        replace(VECTOR, authority="pay.example.org"),
        replace(VECTOR, method="PUT"),
        changed(VECTOR, signature_input=f"sig-pp={p1.PARAMS}".replace('"content-digest" ', "")),
        replace(changed(VECTOR, content_digest=p1.OTHER_DIGEST), body=b"{}"),
        changed(VECTOR, content_digest=p1.OTHER_DIGEST),
        changed(VECTOR, signature_date="2026-09-21T14:13:21Z"),
        changed(VECTOR, content_type="text/plain"),
        changed(VECTOR, content_type=None),
        changed(VECTOR, signature=f"sig-other=:{p1.DER}:"),
        changed(VECTOR, signature=f"sig-pp=:{p1.DER[:-4]}:"),
        changed(VECTOR, signature=f"sig-pp=:{p1.RAW[:-4]}:"),
        changed(VECTOR, signature=f"sig-pp={p1.DER}"),
        changed(VECTOR, signature="sig-pp=::"),
        changed(VECTOR, signature="sig-pp=:MEQ=:"),
        changed(VECTOR, signature="sig-pp=:MEQC!:"),
        *(changed(VECTOR, signature_input=f"sig-pp={p1.PARAMS}".replace(old, new)) for old, new in [
            ("expires=1790000060", "expires=1790000061"),
            ("created=1790000000", "created=1790000001"),
            (";created=1790000000", ""),
            (";expires=1790000060", ""),
            ("expires=1790000060", f"expires={'9' * 5000}"),
            ("created=1790000000", f'created="{"9" * 5000}"'),
            ("expires=1790000060", "expires=later"),
            (';alg="ecdsa-p256-sha256"', ""),
            ("ecdsa-p256-sha256", "ecdsa-p384-sha384"),
            ("ecdsa-p256-sha256", "rsa-pss-sha512"),
            ("ecdsa-p256-sha256", "hmac-sha256"),
            ("ecdsa-p256-sha256", "none"),
            ("HTTP_EC_P256_KEY:1", "HTTP_EC_P256_KEY:2"),
            (';keyid="HTTP_EC_P256_KEY:1"', ""),
            ('"@method"', '"@method" "@method"'),
            ('"@method"', '"@method" "@query"'),
            ('"@method"', '"@method" "x-absent"'),
            ('"@method" ', ""),
            ('"@authority" ', ""),
            ('"@path" ', ""),
            ('"signature-date" ', ""),
            ("(", "(("),
            (")", ""),
            ("sig-pp=(", "("),
            ("sig-pp", "SIG PP"),
        ]),
        *(changed(VECTOR, **{name: None}) for name in NEEDED),
        *(changed(VECTOR, **{name: ""}) for name in NEEDED),
        changed(VECTOR, signature_input="sig-pp=", signature="é=:é:"),
        changed(VECTOR, content_type="é\udcff\ud800"),
        replace(VECTOR, headers=[]),
    ],
)  # fmt: skip
def test_what_differs_from_the_vector_is_refused(said: Said, request_: CallbackRequest) -> None:
    parsed(said)  # the key is here
    refused(said, request_)


@pytest.mark.parametrize(("at", "is_fresh"), [
    *[(1789999969, False), (1789999970, True), (1790000059, True), (1790000060, False), (1790086400, False)],
])  # fmt: skip
def test_a_signature_counts_from_half_a_minute_before_it_was_made_until_it_expires(
    said: Said, at: int, is_fresh: bool
) -> None:
    now = datetime.fromtimestamp(at, UTC)
    if is_fresh:
        assert isinstance(parsed(said, now=now), Report)
    else:
        assert refused(said, VECTOR, now) == "no fresh signature"


@pytest.mark.parametrize("authority", ["PAY.example.com", "pay.example.com:443"])
def test_an_authority_has_small_letters_and_no_usual_port(said: Said, authority: str) -> None:
    assert isinstance(parsed(said, replace(VECTOR, authority=authority)), Report)


def test_headers_come_in_any_case_and_with_spaces_around(said: Said) -> None:
    assert isinstance(
        parsed(said, replace(VECTOR, headers=[(name.title(), f" {value} ") for name, value in VECTOR.headers])), Report
    )


def test_the_first_of_several_signatures_counts(said: Said) -> None:
    both = {
        "signature_input": f'sig-pp={p1.PARAMS}, other=("@method");created=1',
        "signature": f"other=:AAAA:, sig-pp=:{p1.DER}:",
    }
    assert isinstance(parsed(said, changed(VECTOR, **both)), Report)
    other_first = f'other=("@method");created=1, sig-pp={p1.PARAMS}'
    assert refused(said, changed(VECTOR, signature_input=other_first, signature=both["signature"]))


# ---------------------------------------------------------------- other ways to sign

WRONG: Mapping[str, How] = {
    "p256 of another curve": ("ecdsa-p256-sha256", P384, lambda base: P384.sign(base, ec.ECDSA(hashes.SHA256()))),
    "p256 with another digest": ("ecdsa-p256-sha256", P256, lambda base: P256.sign(base, ec.ECDSA(hashes.SHA384()))),
    "p256 of zeros": ("ecdsa-p256-sha256", P256, lambda _base: bytes(64)),
    "pss with a short salt": ("rsa-pss-sha512", RSA, lambda base: pss(base, 32)),
    "rsa as pss": ("rsa-v1_5-sha256", RSA, pss),
    "rsa by another digest": ("rsa-v1_5-sha512", RSA, lambda base: RSA.sign(base, padding.PKCS1v15(), hashes.SHA512())),
}


@pytest.mark.parametrize("how", SIGNERS.values(), ids=SIGNERS)
def test_every_algorithm_of_the_card_is_verified(said: Said, how: How) -> None:
    publish(said, how[1])
    assert isinstance(parsed(said, signed(how)), Report)
    assert refused(said, replace(signed(how), method="PUT")) == "wrong signature"


@pytest.mark.parametrize("how", WRONG.values(), ids=WRONG)
def test_an_algorithm_that_is_not_the_keys_is_refused(said: Said, how: How) -> None:
    publish(said, how[1])
    assert refused(said, signed(how)) == "wrong signature"


@pytest.mark.parametrize("digest", ["sha-512", "sha-256"])
def test_both_digests_are_accepted(said: Said, digest: str) -> None:
    publish(said, P256)
    assert isinstance(parsed(said, signed(SIGNERS["p256 der"], digest=digest)), Report)


@pytest.mark.parametrize("digest", ["md5", "sha-384"])
def test_no_other_digest_is(said: Said, digest: str) -> None:
    publish(said, P256)
    assert refused(said, signed(SIGNERS["p256 der"], digest=digest)) == "the digest is not the body's"


def test_of_two_digests_both_must_be_the_bodys(said: Said) -> None:
    publish(said, P256)
    good = base64.b64encode(hashlib.sha256(p1.BODY).digest()).decode()
    for other, is_good in ((p1.DIGEST, True), (p1.OTHER_DIGEST, False)):
        request = signed(SIGNERS["p256 der"], content_digest=f"sha-256=:{good}:, {other}")
        if is_good:
            assert isinstance(parsed(said, request), Report)
        else:
            assert refused(said, request) == "the digest is not the body's"


def test_more_may_be_covered_in_any_order(said: Said) -> None:
    publish(said, P256)
    covered = ("signature-date", "content-length", "@path", "content-digest", "content-type", "@method", "@authority")
    request = signed(SIGNERS["p256 der"], covered=covered, content_length="119", content_type="application/json")
    assert isinstance(parsed(said, request), Report)
    assert refused(said, changed(request, content_length="118")) == "wrong signature"


@pytest.mark.parametrize("left_out", COVERED)
def test_a_good_signature_of_less_than_the_request_is_refused(said: Said, left_out: str) -> None:
    publish(said, P256)
    covered = tuple(name for name in COVERED if name != left_out)
    assert refused(said, signed(SIGNERS["p256 der"], covered=covered)) == "sig does not cover the request"


def test_a_good_signature_that_covers_something_twice_is_refused(said: Said) -> None:
    publish(said, P256)
    assert refused(said, signed(SIGNERS["p256 der"], covered=(*COVERED, "@path"))) == "sig does not cover the request"


def test_a_raw_value_has_exactly_the_curves_size(said: Said) -> None:
    publish(said, P256)
    algorithm, key, sign = SIGNERS["p256 raw"]

    def longer(base: bytes) -> bytes:
        value = sign(base)
        return value[:32] + b"\0\0" + value[32:]

    assert refused(said, signed((algorithm, key, longer))) == "wrong signature"
