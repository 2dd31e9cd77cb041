"""Verification of pawaPay's callbacks, written from the card and for tests only: no code of the simulator is in it."""

import base64
import hashlib
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

NEEDED = {"@method", "@authority", "@path", "content-digest", "signature-date"}
PARAMETERS = r';alg="(?P<alg>[^"]+)";keyid="(?P<keyid>[^"]+)";created=(?P<created>\d+);expires=(?P<expires>\d+)'


class Unverified(Exception):
    """Why a callback is not pawaPay's."""


def verify(
    method: str,
    authority: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    keys: Mapping[str, str],
    now: float,
) -> None:
    """Raises Unverified. `keys` are PEM or bare base64 by key id; header names are lower-case."""
    for name in ("signature-input", "signature", "content-digest", "signature-date"):
        if name not in headers:
            raise Unverified(f"no {name}")
    label, _, params = headers["signature-input"].partition("=")
    found = re.fullmatch(r"\((?P<covered>[^)]*)\)" + PARAMETERS, params)
    if found is None or found["alg"] != "ecdsa-p256-sha256":
        raise Unverified("signature-input")
    covered = re.findall(r'"([^"]+)"', found["covered"])
    if not set(covered) >= NEEDED:
        raise Unverified("covered")
    if not now < int(found["expires"]) or int(found["created"]) > now + 30:
        raise Unverified("time")
    _check_digest(headers["content-digest"], body)
    values = {"@method": method.upper(), "@authority": authority.lower(), "@path": path, **headers}
    lines = [f'"{name}": {values[name].strip()}' for name in covered]
    base = "\n".join([*lines, f'"@signature-params": {params}']).encode()
    if found["keyid"] not in keys:
        raise Unverified("key")
    signature = re.fullmatch(rf"{re.escape(label)}=:([^:]+):", headers["signature"])
    assert signature is not None
    _check_signature(keys[found["keyid"]], base64.b64decode(signature[1]), base)


def _check_digest(header: str, body: bytes) -> None:
    name, _, value = header.partition("=")
    digest = hashlib.new(name.replace("-", ""), body).digest()
    if value != f":{base64.b64encode(digest).decode()}:":
        raise Unverified("digest")


def _check_signature(key: str, signature: bytes, base: bytes) -> None:
    pem = key if key.startswith("-----") else f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n"
    public = serialization.load_pem_public_key(pem.encode())
    assert isinstance(public, ec.EllipticCurvePublicKey)
    if signature[0] != 0x30 and len(signature) == 64:
        signature = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    try:
        public.verify(signature, base, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Unverified("signature") from None
