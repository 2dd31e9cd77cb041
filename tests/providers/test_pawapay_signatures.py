"""pawaPay's callbacks: vector P1 of its card with the refusals, what else may be signed how, and what they say."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from ikawaari.config import Config
from ikawaari.money import Money
from ikawaari.providers.callbacks import CallbackRefused, CallbackRequest, Hint, Report
from ikawaari.providers.outcomes import FailureCode, Result
from ikawaari.providers.pawapay import keys, signatures
from ikawaari.simulators.pawapay import PawaPay
from ikawaari.simulators.web import Answer, in_json
from tests.providers.bench_pawapay import PawaPayBench, charge_of
from tests.providers.pawapay_said import CHARGE_ID, REFUND_ID, Said, data, reason
from tests.simulators import vector_p1 as p1
from tests.simulators.talking import Receiver, talk

AT = datetime.fromtimestamp(1790000030, UTC)
KEYS = in_json([{"id": "HTTP_EC_P256_KEY:1", "key": p1.SPKI}])
VECTOR = CallbackRequest(
    method="POST",
    path="/callbacks/pawapay",
    authority="pay.example.com",
    headers=list(p1.HEADERS.items()),
    body=p1.BODY,
)
NEEDED = ("signature", "signature_input", "signature_date", "content_digest")
COVERED = ("@method", "@authority", "@path", "content-digest", "signature-date")


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


def _parsed(said: Said, request: CallbackRequest = VECTOR, now: datetime = AT) -> Report | Hint:
    (news,) = said.provider.parse_callback(said.account, request, now)
    return news


def _with(request: CallbackRequest, **headers: str | None) -> CallbackRequest:
    """The callback with other headers; None leaves one out."""
    given = dict(request.headers) | {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(request, headers=[(name, value) for name, value in given.items() if value is not None])


def _refused(said: Said, request: CallbackRequest, now: datetime = AT) -> str:
    with pytest.raises(CallbackRefused) as refused:
        said.provider.parse_callback(said.account, request, now)
    return str(refused.value)


# ---------------------------------------------------------------- vector P1


@pytest.mark.parametrize("value", [p1.DER, p1.RAW], ids=["der", "raw"])
def test_the_vector_is_a_report(said: Said, value: str) -> None:
    report = _parsed(said, _with(VECTOR, signature=f"sig-pp=:{value}:"))
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
        _with(VECTOR, signature_input=f"sig-pp={p1.PARAMS}".replace('"content-digest" ', "")),
        replace(_with(VECTOR, content_digest=p1.OTHER_DIGEST), body=b"{}"),
        _with(VECTOR, content_digest=p1.OTHER_DIGEST),
        _with(VECTOR, signature_date="2026-09-21T14:13:21Z"),
        _with(VECTOR, content_type="text/plain"),
        _with(VECTOR, content_type=None),
        _with(VECTOR, signature=f"sig-other=:{p1.DER}:"),
        _with(VECTOR, signature=f"sig-pp=:{p1.DER[:-4]}:"),
        _with(VECTOR, signature=f"sig-pp=:{p1.RAW[:-4]}:"),
        _with(VECTOR, signature=f"sig-pp={p1.DER}"),
        _with(VECTOR, signature="sig-pp=::"),
        _with(VECTOR, signature="sig-pp=:MEQ=:"),
        _with(VECTOR, signature="sig-pp=:MEQC!:"),
        *(_with(VECTOR, signature_input=f"sig-pp={p1.PARAMS}".replace(old, new)) for old, new in [
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
        *(_with(VECTOR, **{name: None}) for name in NEEDED),
        *(_with(VECTOR, **{name: ""}) for name in NEEDED),
        _with(VECTOR, signature_input="sig-pp=", signature="é=:é:"),
        _with(VECTOR, content_type="é\udcff\ud800"),
        replace(VECTOR, headers=[]),
    ],
)  # fmt: skip
def test_what_differs_from_the_vector_is_refused(said: Said, request_: CallbackRequest) -> None:
    _parsed(said)  # the key is here
    _refused(said, request_)


@pytest.mark.parametrize(("at", "is_fresh"), [
    *[(1789999969, False), (1789999970, True), (1790000059, True), (1790000060, False), (1790086400, False)],
])  # fmt: skip
def test_a_signature_counts_from_half_a_minute_before_it_was_made_until_it_expires(
    said: Said, at: int, is_fresh: bool
) -> None:
    now = datetime.fromtimestamp(at, UTC)
    if is_fresh:
        assert isinstance(_parsed(said, now=now), Report)
    else:
        assert _refused(said, VECTOR, now) == "no fresh signature"


@pytest.mark.parametrize("authority", ["PAY.example.com", "pay.example.com:443"])
def test_an_authority_has_small_letters_and_no_usual_port(said: Said, authority: str) -> None:
    assert isinstance(_parsed(said, replace(VECTOR, authority=authority)), Report)


def test_headers_come_in_any_case_and_with_spaces_around(said: Said) -> None:
    assert isinstance(
        _parsed(said, replace(VECTOR, headers=[(name.title(), f" {value} ") for name, value in VECTOR.headers])), Report
    )


def test_the_first_of_several_signatures_counts(said: Said) -> None:
    both = {
        "signature_input": f'sig-pp={p1.PARAMS}, other=("@method");created=1',
        "signature": f"other=:AAAA:, sig-pp=:{p1.DER}:",
    }
    assert isinstance(_parsed(said, _with(VECTOR, **both)), Report)
    other_first = f'other=("@method");created=1, sig-pp={p1.PARAMS}'
    assert _refused(said, _with(VECTOR, signature_input=other_first, signature=both["signature"]))


# ---------------------------------------------------------------- other ways to sign

RSA = rsa.generate_private_key(65537, 2048)
P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())


def _raw(key: ec.EllipticCurvePrivateKey, base: bytes, digest: hashes.HashAlgorithm) -> bytes:
    size = key.key_size // 8
    return b"".join(part.to_bytes(size) for part in decode_dss_signature(key.sign(base, ec.ECDSA(digest))))


def _pss(base: bytes, salt: int = 64) -> bytes:
    return RSA.sign(base, padding.PSS(padding.MGF1(hashes.SHA512()), salt), hashes.SHA512())


SIGNERS: Mapping[str, tuple[str, PrivateKeyTypes, Callable[[bytes], bytes]]] = {
    "p256 der": ("ecdsa-p256-sha256", P256, lambda base: P256.sign(base, ec.ECDSA(hashes.SHA256()))),
    "p256 raw": ("ecdsa-p256-sha256", P256, lambda base: _raw(P256, base, hashes.SHA256())),
    "p384 der": ("ecdsa-p384-sha384", P384, lambda base: P384.sign(base, ec.ECDSA(hashes.SHA384()))),
    "p384 raw": ("ecdsa-p384-sha384", P384, lambda base: _raw(P384, base, hashes.SHA384())),
    "rsa": ("rsa-v1_5-sha256", RSA, lambda base: RSA.sign(base, padding.PKCS1v15(), hashes.SHA256())),
    "pss": ("rsa-pss-sha512", RSA, _pss),
}
WRONG: Mapping[str, tuple[str, PrivateKeyTypes, Callable[[bytes], bytes]]] = {
    "p256 of another curve": ("ecdsa-p256-sha256", P384, lambda base: P384.sign(base, ec.ECDSA(hashes.SHA256()))),
    "p256 with another digest": ("ecdsa-p256-sha256", P256, lambda base: P256.sign(base, ec.ECDSA(hashes.SHA384()))),
    "p256 of zeros": ("ecdsa-p256-sha256", P256, lambda _base: bytes(64)),
    "pss with a short salt": ("rsa-pss-sha512", RSA, lambda base: _pss(base, 32)),
    "rsa as pss": ("rsa-v1_5-sha256", RSA, _pss),
    "rsa by another digest": ("rsa-v1_5-sha512", RSA, lambda base: RSA.sign(base, padding.PKCS1v15(), hashes.SHA512())),
}


def _pem(key: PrivateKeyTypes) -> str:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, spki).decode()


def _signed(
    how: tuple[str, PrivateKeyTypes, Callable[[bytes], bytes]],
    body: bytes = p1.BODY,
    *,
    covered: tuple[str, ...] = COVERED,
    digest: str = "sha-512",
    key_id: str = "K:1",
    **headers: str,
) -> CallbackRequest:
    """A callback signed as RFC 9421 has it, by a signer of this test's own."""
    algorithm, _, sign = how
    value = base64.b64encode(hashlib.new(digest.replace("-", ""), body).digest()).decode()
    sent = {"content-digest": f"{digest}=:{value}:", "signature-date": p1.DATE}
    sent |= {name.replace("_", "-"): text for name, text in headers.items()}
    names = " ".join(f'"{name}"' for name in covered)
    parameters = f'({names});created=1790000000;keyid="{key_id}";alg="{algorithm}";expires=1790000060'
    derived = {"@method": "POST", "@authority": "pay.example.com", "@path": "/api/callbacks/acc_1"}
    lines = [f'"{name}": {(derived | sent)[name]}' for name in covered]
    base = "\n".join([*lines, f'"@signature-params": {parameters}']).encode()
    signature = base64.b64encode(sign(base)).decode()
    sent |= {"signature-input": f"sig={parameters}", "signature": f"sig=:{signature}:"}
    return replace(VECTOR, path="/api/callbacks/acc_1", body=body, headers=list(sent.items()))


def _publish(said: Said, key: PrivateKeyTypes, key_id: str = "K:1") -> None:
    said.answers["public-key"] = [in_json([{"id": key_id, "key": _pem(key)}])]


@pytest.mark.parametrize("how", SIGNERS.values(), ids=SIGNERS)
def test_every_algorithm_of_the_card_is_verified(
    said: Said, how: tuple[str, PrivateKeyTypes, Callable[[bytes], bytes]]
) -> None:
    _publish(said, how[1])
    assert isinstance(_parsed(said, _signed(how)), Report)
    assert _refused(said, replace(_signed(how), method="PUT")) == "wrong signature"


@pytest.mark.parametrize("how", WRONG.values(), ids=WRONG)
def test_an_algorithm_that_is_not_the_keys_is_refused(
    said: Said, how: tuple[str, PrivateKeyTypes, Callable[[bytes], bytes]]
) -> None:
    _publish(said, how[1])
    assert _refused(said, _signed(how)) == "wrong signature"


@pytest.mark.parametrize("digest", ["sha-512", "sha-256"])
def test_both_digests_are_accepted(said: Said, digest: str) -> None:
    _publish(said, P256)
    assert isinstance(_parsed(said, _signed(SIGNERS["p256 der"], digest=digest)), Report)


@pytest.mark.parametrize("digest", ["md5", "sha-384"])
def test_no_other_digest_is(said: Said, digest: str) -> None:
    _publish(said, P256)
    assert _refused(said, _signed(SIGNERS["p256 der"], digest=digest)) == "the digest is not the body's"


def test_of_two_digests_both_must_be_the_bodys(said: Said) -> None:
    _publish(said, P256)
    good = base64.b64encode(hashlib.sha256(p1.BODY).digest()).decode()
    for other, is_good in ((p1.DIGEST, True), (p1.OTHER_DIGEST, False)):
        request = _signed(SIGNERS["p256 der"], content_digest=f"sha-256=:{good}:, {other}")
        if is_good:
            assert isinstance(_parsed(said, request), Report)
        else:
            assert _refused(said, request) == "the digest is not the body's"


def test_more_may_be_covered_in_any_order(said: Said) -> None:
    _publish(said, P256)
    covered = ("signature-date", "content-length", "@path", "content-digest", "content-type", "@method", "@authority")
    request = _signed(SIGNERS["p256 der"], covered=covered, content_length="119", content_type="application/json")
    assert isinstance(_parsed(said, request), Report)
    assert _refused(said, _with(request, content_length="118")) == "wrong signature"


# ---------------------------------------------------------------- keys


def test_keys_are_fetched_once_with_the_token(said: Said) -> None:
    for _ in range(3):
        _parsed(said)
    (asked,) = said.asked
    assert (asked.target, asked.header("Authorization")) == ("/v2/public-key/http", "Bearer made-up-token")


def test_strangers_make_us_ask_for_keys_once_a_minute_at_most(said: Said) -> None:
    stranger = _with(VECTOR, signature_input=f"sig-pp={p1.PARAMS}".replace("KEY:1", "KEY:9"))
    for seconds in (-29, -10, 0, 29):
        assert _refused(said, stranger, AT + timedelta(seconds=seconds)) == "signed with an unknown key"
    assert len(said.asked) == 1
    assert isinstance(_parsed(said), Report)


def test_an_unknown_key_is_asked_for_again_after_a_minute() -> None:
    ring, asked = keys.KeyRings(), list[int]()

    def fetch() -> keys.PublicKeys:
        asked.append(1)
        return {"K:1": P256.public_key()}

    for seconds, count in ((0, 1), (59, 1), (60, 2), (61, 2), (120, 3)):
        assert ring.find("acc_1", "K:2", AT + timedelta(seconds=seconds), fetch) is None
        assert len(asked) == count
    assert ring.find("acc_1", "K:1", AT, fetch)
    assert ring.find("acc_2", "K:1", AT, fetch)  # another account's keys are its own
    assert len(asked) == 4


def test_a_key_that_is_no_longer_published_counts_for_a_day_at_most() -> None:
    ring = keys.KeyRings()
    assert ring.find("acc_1", "K:1", AT, lambda: {"K:1": P256.public_key()})
    assert ring.find("acc_1", "K:1", AT + timedelta(hours=23), dict)
    assert ring.find("acc_1", "K:1", AT + timedelta(hours=24), lambda: None)  # no answer withdraws nothing
    assert ring.find("acc_1", "K:1", AT + timedelta(hours=25), dict) is None


@pytest.mark.parametrize("answer", [
    *[Answer(500), Answer(200, b"<html>"), in_json({}), in_json([]), in_json([{"id": "HTTP_EC_P256_KEY:1"}])],
    *[in_json([{"id": "HTTP_EC_P256_KEY:1", "key": text}]) for text in ("", "AAAA", "é", "-----BEGIN PUBLIC KEY-----")],
    in_json([7, None, {"id": 7, "key": 8}]),
])  # fmt: skip
def test_without_a_key_nothing_is_believed(said: Said, answer: Answer) -> None:
    said.answers["public-key"] = [answer]
    assert _refused(said, VECTOR) == "signed with an unknown key"


# ---------------------------------------------------------------- what a callback says


def _body(**more: object) -> bytes:
    return json.dumps(data("COMPLETED") | more).encode()


def _said_in(said: Said, body: bytes) -> Report | Hint:
    _publish(said, P256)
    return _parsed(said, _signed(SIGNERS["p256 der"], body))


def test_a_failure_is_a_report_with_its_code(said: Said) -> None:
    report = _said_in(said, _body(status="FAILED", **reason("INSUFFICIENT_BALANCE")))
    assert isinstance(report, Report)
    assert report.outcome.failure is FailureCode.INSUFFICIENT_FUNDS
    assert report.outcome.raw_code == "INSUFFICIENT_BALANCE"


@pytest.mark.parametrize("more", [
    {"status": "PROCESSING", "nextStep": "REDIRECT_TO_AUTH_URL", "authorizationUrl": "https://pay.wave.com/c/1"},
    {"status": "IN_RECONCILIATION"},
    {"status": "NEWLY_INVENTED"},
    {"status": None},
    {"amount": "1000.5"},
    {"amount": 1000.5},
])  # fmt: skip
def test_what_has_not_ended_or_cannot_be_read_only_makes_us_ask(said: Said, more: dict[str, object]) -> None:
    assert _said_in(said, _body(**more)) == Hint(charge_id=CHARGE_ID)


@pytest.mark.parametrize(("more", "result"), [
    ({"status": "COMPLETED", "amount": "400.0000"}, Result.SUCCEEDED),
    ({"status": "FAILED", **reason("RECIPIENT_NOT_FOUND")}, Result.FAILED),
])  # fmt: skip
def test_a_refunds_callback_is_about_the_refund(said: Said, more: dict[str, object], result: Result) -> None:
    report = _said_in(said, _body(refundId=REFUND_ID, **more))
    assert isinstance(report, Report)
    assert (report.refund_id, report.charge_id, report.outcome.result) == (REFUND_ID, None, result)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b'{"payoutId": "x"}', b'{"depositId": 7}', b"\xff", b"[" * 9999]
)
def test_what_is_about_neither_is_refused(said: Said, body: bytes) -> None:
    _publish(said, P256)
    assert _refused(said, _signed(SIGNERS["p256 der"], body)) == "about neither a deposit nor a refund"


def test_where_an_account_does_not_sign_a_callback_is_a_hint_even_if_it_tells_of_success(said: Said) -> None:
    said.account = replace(said.account, settings={**said.account.settings, "sign_callbacks": False})
    assert _parsed(said, replace(VECTOR, headers=[])) == Hint(charge_id=CHARGE_ID)
    assert _parsed(said) == Hint(charge_id=CHARGE_ID)
    assert said.asked == []
    refund = replace(VECTOR, body=_body(refundId=REFUND_ID), headers=[])
    assert _parsed(said, refund) == Hint(refund_id=REFUND_ID)
    assert _refused(said, replace(VECTOR, body=b"{}", headers=[]))


# ---------------------------------------------------------------- at the simulator


def test_a_new_key_of_pawapay_is_learned(config: Config) -> None:
    with Receiver().listening() as receiver, talk(PawaPay(receiver.url)) as sim:
        bench = PawaPayBench(config, sim, receiver)
        bench.paid()
        began = bench.now() - timedelta(seconds=25)
        assert bench.provider.parse_callback(bench.account, bench.callback(receiver.wait(1)[0]), began)
        sim.set(key_number=2)
        bench.paid()
        second = bench.callback(receiver.wait(2)[1])
        with pytest.raises(CallbackRefused, match="unknown key"):
            bench.provider.parse_callback(bench.account, second, began + timedelta(seconds=59))
        (report,) = bench.provider.parse_callback(bench.account, second, began + timedelta(seconds=61))
        assert isinstance(report, Report)


def test_a_page_that_is_ready_is_told_by_a_callback(config: Config) -> None:
    with Receiver().listening() as receiver, talk(PawaPay(receiver.url)) as sim:
        bench = PawaPayBench(config, sim, receiver)
        charge = charge_of("wave_ci", "WAVE_CIV", Money(5_000, "XOF"))
        bench.provider.charge(bench.account, charge, bench.now())
        sim.advance(10)
        (news,) = bench.provider.parse_callback(bench.account, bench.callback(receiver.wait(1)[0]), bench.now())
        assert news == Hint(charge_id=charge.id)
