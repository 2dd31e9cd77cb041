"""How pawaPay signs callbacks: RFC 9421, except that the ECDSA value is DER."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

COVERED = ("@method", "@authority", "@path", "signature-date", "content-digest", "content-type")
VALID_SECONDS = 60
CONTENT_TYPE = "application/json"


class Keys:
    """The keys that callbacks are signed with, made when they are first used. Guarded by the simulator's lock."""

    def __init__(self) -> None:
        self._keys: dict[int, ec.EllipticCurvePrivateKey] = {}
        self.foreign = ec.generate_private_key(ec.SECP256R1())  # nobody publishes this one

    def get(self, number: int) -> ec.EllipticCurvePrivateKey:
        """The key of a number."""
        if number not in self._keys:
            self._keys[number] = ec.generate_private_key(ec.SECP256R1())
        return self._keys[number]

    def published(self) -> list[dict[str, str]]:
        """Every key's public half, as `/v2/public-key/http` lists them."""
        return [{"id": key_id(number), "key": _pem(key)} for number, key in self._keys.items()]


def key_id(number: int) -> str:
    """What a key is called."""
    return f"HTTP_EC_P256_KEY:{number}"


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    public = key.public_key()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(serialization.Encoding.PEM, spki).decode()


def digest(body: bytes) -> str:
    """The header Content-Digest of a body."""
    return f"sha-512=:{base64.b64encode(hashlib.sha512(body).digest()).decode()}:"


def parameters(keyid: str, created: int) -> str:
    """What Signature-Input says behind the label."""
    covered = " ".join(f'"{name}"' for name in COVERED)
    times = f"created={created};expires={created + VALID_SECONDS}"
    return f'({covered});alg="ecdsa-p256-sha256";keyid="{keyid}";{times}'


def base(values: Mapping[str, str], params: str) -> bytes:
    """The text that is signed. `values` are those of the covered components."""
    lines = [f'"{name}": {values[name]}' for name in COVERED]
    return "\n".join([*lines, f'"@signature-params": {params}']).encode()


def components(method: str, url: str, signature_date: str, content_digest: str) -> dict[str, str]:
    """The values of the covered components of a callback."""
    parts = urlsplit(url)
    authority = parts.netloc.rpartition("@")[2].lower()
    return {
        "@method": method.upper(),
        "@authority": authority.removesuffix(":443") if parts.scheme == "https" else authority,
        "@path": parts.path or "/",
        "signature-date": signature_date,
        "content-digest": content_digest,
        "content-type": CONTENT_TYPE,
    }


def headers(
    method: str, url: str, body: bytes, *, key: ec.EllipticCurvePrivateKey, keyid: str, now: float
) -> dict[str, str]:
    """The headers that sign a callback at `now` (Unix seconds)."""
    params = parameters(keyid, int(now))
    date = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "314Z"  # nine digits, as pawaPay's
    signed = components(method, url, date, digest(body))
    signature = key.sign(base(signed, params), ec.ECDSA(hashes.SHA256()))
    return {
        "Signature-Date": date,
        "Content-Digest": signed["content-digest"],
        "Signature-Input": f"sig-pp={params}",
        "Signature": f"sig-pp=:{base64.b64encode(signature).decode()}:",
    }
