"""pawaPay's signatures of callbacks: RFC 9421, with ECDSA values in DER, where the RFC has r and s one after the other.

What is covered is chosen by the sender, and must hold at least the method, the address, the body's digest and the date.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from ikawaari.providers.callbacks import CallbackRefused, CallbackRequest

_HEADERS = ("Signature-Input", "Signature", "Content-Digest", "Signature-Date")
_COVERED = frozenset({"@method", "@authority", "@path", "content-digest", "signature-date"})
_MOST_FAST_SECONDS = 30  # how far the sender's clock may be ahead of ours
_LABEL = re.compile(r"[a-z*][a-z0-9_.*-]*")
_COMPONENTS = re.compile(r'\(("[^"\\ ]+"(?: +"[^"\\ ]+")*)\)')
_PARAMETER = re.compile(r';([a-z*][a-z0-9_.*-]*)=("[^"\\]*"|-?[0-9]{1,15})')
_BYTES = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):")
_DIGESTS: Mapping[str, Callable[[bytes], "hashlib._Hash"]] = {"sha-512": hashlib.sha512, "sha-256": hashlib.sha256}


@dataclass(frozen=True, kw_only=True)
class Signature:
    """The first signature of a callback, as it says itself: nothing of it is verified yet."""

    covered: tuple[str, ...]
    parameters: Mapping[str, str]  # a text with its quotes
    text: str  # the value that `@signature-params` has in what is signed
    value: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        """The name of the key that it says to be made with."""
        return self.text_at("keyid")

    def text_at(self, name: str) -> str:
        """A parameter that is a text; empty without."""
        quoted = self.parameters.get(name, "")
        return quoted[1:-1] if quoted.startswith('"') else ""


def read(request: CallbackRequest, now: datetime) -> Signature:
    """The signature of a callback, which is fresh and covers what it must, and the body's digest.

    Raises CallbackRefused. The key remains to be found, and the value to be verified with it.
    """
    if any(
        request.header(name) is None for name in ("Signature-Input", "Signature", "Content-Digest", "Signature-Date")
    ):
        raise CallbackRefused("not signed")
    label, signature = _parsed(request)
    if _COVERED - set(signature.covered) or len(set(signature.covered)) != len(signature.covered):
        raise CallbackRefused(f"{label} does not cover the request")
    created, expires = (_seconds(signature.parameters.get(name)) for name in ("created", "expires"))
    at = now.timestamp()
    if created is None or expires is None or at >= expires or created > at + _MOST_FAST_SECONDS:
        raise CallbackRefused("no fresh signature")
    if not _is_digest_of(request.body, request.header("Content-Digest") or ""):
        raise CallbackRefused("the digest is not the body's")
    return signature


def verify(request: CallbackRequest, signature: Signature, key: PublicKeyTypes) -> None:
    """Raises CallbackRefused unless `key` has signed the callback."""
    try:
        _verify(signature.text_at("alg"), key, signature.value, signature_base(request, signature))
    except (InvalidSignature, ValueError):
        raise CallbackRefused("wrong signature") from None


def signature_base(request: CallbackRequest, signature: Signature) -> bytes:
    """What is signed. Raises CallbackRefused for a component that the callback has not."""
    lines = [f'"{name}": {_component(request, name)}' for name in signature.covered]
    return "\n".join([*lines, f'"@signature-params": {signature.text}']).encode()


def _component(request: CallbackRequest, name: str) -> str:
    derived = {
        "@method": request.method.upper(),
        "@authority": request.authority.lower().removesuffix(":443"),
        "@path": request.path,
    }
    value = derived[name] if name in derived else request.header(name)
    if value is None:
        raise CallbackRefused("a component is missing")
    return value


def _parsed(request: CallbackRequest) -> tuple[str, Signature]:
    """The first label of `Signature-Input`, and its signature."""
    label, _, rest = (request.header("Signature-Input") or "").strip().partition("=")
    components = _COMPONENTS.match(rest)
    if not _LABEL.fullmatch(label) or components is None:
        raise CallbackRefused("an unreadable Signature-Input")
    end, parameters = components.end(), dict[str, str]()
    while found := _PARAMETER.match(rest, end):
        parameters[found[1]], end = found[2], found.end()
    if rest[end:].strip() and not rest[end:].lstrip().startswith(","):  # another label may follow
        raise CallbackRefused("an unreadable Signature-Input")
    value = _bytes_at(request.header("Signature") or "", label)
    if value is None:
        raise CallbackRefused("no signature of that label")
    covered = tuple(re.findall(r'"([^"]+)"', components[1]))
    return label, Signature(covered=covered, parameters=parameters, text=rest[:end], value=value)


def _seconds(text: str | None) -> int | None:
    return int(text) if text and text[0] in "0123456789" else None


def _is_digest_of(body: bytes, header: str) -> bool:
    """Whether every digest that we know in the header, and there is one, is that of the body, in constant time."""
    given = {name: _bytes_at(header, name) for name in _DIGESTS}
    checks = [hmac.compare_digest(_DIGESTS[name](body).digest(), one) for name, one in given.items() if one is not None]
    return bool(checks) and all(checks)


def _bytes_at(header: str, label: str) -> bytes | None:
    """The bytes that a header, such as `sig-pp=:TUVR…:, other=:…:`, has at a label; None without."""
    found = {match[1]: match[2] for match in map(_BYTES.fullmatch, map(str.strip, header.split(","))) if match}
    try:
        return base64.b64decode(found[label], validate=True) if label in found else None
    except binascii.Error:
        return None


# ---------------------------------------------------------------- algorithms


def _verify(algorithm: str, key: PublicKeyTypes, value: bytes, base: bytes) -> None:
    """Raises InvalidSignature, also for an algorithm that is not the key's or that nobody uses."""
    if isinstance(key, ec.EllipticCurvePublicKey) and algorithm in _ECDSA:
        curve, digest = _ECDSA[algorithm]
        if isinstance(key.curve, curve):
            key.verify(_der(value, key.key_size // 8), base, ec.ECDSA(digest()))
            return
    if isinstance(key, rsa.RSAPublicKey) and algorithm == "rsa-v1_5-sha256":
        key.verify(value, base, padding.PKCS1v15(), hashes.SHA256())
        return
    if isinstance(key, rsa.RSAPublicKey) and algorithm == "rsa-pss-sha512":
        key.verify(value, base, padding.PSS(padding.MGF1(hashes.SHA512()), salt_length=64), hashes.SHA512())
        return
    raise InvalidSignature


_ECDSA: Mapping[str, tuple[type[ec.EllipticCurve], type[hashes.HashAlgorithm]]] = {
    "ecdsa-p256-sha256": (ec.SECP256R1, hashes.SHA256),
    "ecdsa-p384-sha384": (ec.SECP384R1, hashes.SHA384),
}


def _der(value: bytes, size: int) -> bytes:
    """An ECDSA value in DER: as pawaPay sends it, or made of r and s of `size` bytes each, as the RFC has it."""
    try:
        decode_dss_signature(value)
    except ValueError:
        if len(value) != 2 * size:
            raise InvalidSignature from None
        return encode_dss_signature(int.from_bytes(value[:size]), int.from_bytes(value[size:]))
    return value
