"""Callbacks of pawaPay: vector P1 as it arrives, and others, signed as RFC 9421 has it by the tests' own signer."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from ikawaari.providers.callbacks import CallbackRefused, CallbackRequest, Hint, Report
from ikawaari.simulators.web import in_json
from tests.providers.pawapay_said import Said
from tests.simulators import vector_p1 as p1

How = tuple[str, PrivateKeyTypes, Callable[[bytes], bytes]]
"""An algorithm, its key, and what signs with it."""

AT = datetime.fromtimestamp(1790000030, UTC)
KEYS = in_json([{"id": "HTTP_EC_P256_KEY:1", "key": p1.SPKI}])
VECTOR = CallbackRequest(
    method="POST",
    path="/callbacks/pawapay",
    authority="pay.example.com",
    headers=list(p1.HEADERS.items()),
    body=p1.BODY,
)
COVERED = ("@method", "@authority", "@path", "content-digest", "signature-date")
RSA = rsa.generate_private_key(65537, 2048)
P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())


def raw(key: ec.EllipticCurvePrivateKey, base: bytes, digest: hashes.HashAlgorithm) -> bytes:
    """r and s, one after the other."""
    size = key.key_size // 8
    return b"".join(part.to_bytes(size) for part in decode_dss_signature(key.sign(base, ec.ECDSA(digest))))


def pss(base: bytes, salt: int = 64) -> bytes:
    """By RSA-PSS."""
    return RSA.sign(base, padding.PSS(padding.MGF1(hashes.SHA512()), salt), hashes.SHA512())


SIGNERS: Mapping[str, How] = {
    "p256 der": ("ecdsa-p256-sha256", P256, lambda base: P256.sign(base, ec.ECDSA(hashes.SHA256()))),
    "p256 raw": ("ecdsa-p256-sha256", P256, lambda base: raw(P256, base, hashes.SHA256())),
    "p384 der": ("ecdsa-p384-sha384", P384, lambda base: P384.sign(base, ec.ECDSA(hashes.SHA384()))),
    "p384 raw": ("ecdsa-p384-sha384", P384, lambda base: raw(P384, base, hashes.SHA384())),
    "rsa": ("rsa-v1_5-sha256", RSA, lambda base: RSA.sign(base, padding.PKCS1v15(), hashes.SHA256())),
    "pss": ("rsa-pss-sha512", RSA, pss),
}


def parsed(said: Said, request: CallbackRequest = VECTOR, now: datetime = AT) -> Report | Hint:
    """What the adapter makes of a callback."""
    (news,) = said.provider.parse_callback(said.account, request, now)
    assert isinstance(news, Report | Hint)
    return news


def changed(request: CallbackRequest, **headers: str | None) -> CallbackRequest:
    """The callback with other headers; None leaves one out."""
    given = dict(request.headers) | {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(request, headers=[(name, value) for name, value in given.items() if value is not None])


def refused(said: Said, request: CallbackRequest, now: datetime = AT) -> str:
    """Why the adapter refuses a callback."""
    with pytest.raises(CallbackRefused) as refused:
        said.provider.parse_callback(said.account, request, now)
    return str(refused.value)


def pem(key: PrivateKeyTypes) -> str:
    """The public key, as pawaPay publishes it."""
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, spki).decode()


def signed(
    how: How,
    body: bytes = p1.BODY,
    *,
    covered: tuple[str, ...] = COVERED,
    digest: str = "sha-512",
    key_id: str = "K:1",
    **headers: str,
) -> CallbackRequest:
    """A callback signed as RFC 9421 has it."""
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


def publish(said: Said, key: PrivateKeyTypes, key_id: str = "K:1") -> None:
    """Let pawaPay publish this key alone."""
    said.answers["public-key"] = [in_json([{"id": key_id, "key": pem(key)}])]
