"""Vector P1 of pawaPay's card: a callback, signed with a key of our own."""

import base64
import hashlib
from typing import Any

SPKI = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAElLmnhL2ONtTYYySFMYwPvm8dgSN4WhZf7XO2FGH9DLowPYbSEw/"
    "TNaxC9bMcmkg05lsDW7g7p7V+mPNs27pVTQ=="
)
BODY = (
    b'{"depositId":"8f3c1d20-5b1e-4c7a-9d55-0a4f6f7b2c11","status":"COMPLETED","amount":"1000.00",'
    b'"currency":"XOF","country":"SEN"}'
)
DIGEST = "sha-512=:O/MvuEV8jcDRC9MWol/kbgbbbkm8RxI1gpTRW1pl949zlf3iFuCvx7wfEV4CIq2WMeNO5EpcGXwGc4MLaPZ5bA==:"
DATE = "2026-09-21T14:13:20.123456789Z"
PARAMS = (
    '("@method" "@authority" "@path" "signature-date" "content-digest" "content-type")'
    ';alg="ecdsa-p256-sha256";keyid="HTTP_EC_P256_KEY:1";created=1790000000;expires=1790000060'
)
DER = "MEQCIE6FW7sVlcmhIyRVvVGypfo6JizX3I17rdi5FGGT5LkrAiBcXuuzdymLanW9phJO5gYnJ+X79R35Ca8xrVBVB9B5zg=="
RAW = "ToVbuxWVyaEjJFW9UbKl+jomLNfcjXut2LkUYZPkuStcXuuzdymLanW9phJO5gYnJ+X79R35Ca8xrVBVB9B5zg=="
BASE = "4ccb80b5643bc58c04f3211e5d11d42f2ec105ab26d5b7eaca5932dffde0fdc2"
URL = "https://pay.example.com/callbacks/pawapay"
P1: dict[str, Any] = {
    "method": "POST",
    "authority": "pay.example.com",
    "path": "/callbacks/pawapay",
    "body": BODY,
    "keys": {"HTTP_EC_P256_KEY:1": SPKI},
    "now": 1790000030,
}
HEADERS = {
    "content-digest": DIGEST,
    "signature-date": DATE,
    "content-type": "application/json",
    "signature-input": f"sig-pp={PARAMS}",
    "signature": f"sig-pp=:{DER}:",
}
OTHER_DIGEST = "sha-512=:" + base64.b64encode(hashlib.sha512(b"{}").digest()).decode() + ":"
