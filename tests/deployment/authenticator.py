"""An authenticator in software: it makes one passkey and signs with it (WebAuthn Level 3), for people
on the deployed stack."""

import base64
import json
import os
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def head(major: int, value: int) -> bytes:
    """The head of a CBOR item (RFC 8949 §3)."""
    if value < 24:
        return bytes([major << 5 | value])
    return bytes([major << 5 | 24, value]) if value < 256 else bytes([major << 5 | 25]) + value.to_bytes(2)


def cbor(value: object) -> bytes:
    """The few kinds of CBOR that a passkey needs."""
    match value:
        case int():
            return head(0, value) if value >= 0 else head(1, -1 - value)
        case bytes():
            return head(2, len(value)) + value
        case str():
            return head(3, len(value)) + value.encode()
        case dict():
            members = b"".join(cbor(key) + cbor(member) for key, member in value.items())
            return head(5, len(value)) + members
    raise NotImplementedError(type(value))


class Authenticator:
    """An authenticator in a browser that is at a page of this origin."""

    def __init__(self, origin: str, host: str) -> None:
        self.origin, self.party = origin, sha256(host.encode()).digest()
        self.key, self.id = ec.generate_private_key(ec.SECP256R1()), os.urandom(32)
        self.user, self.uses = "", 0

    def client_data(self, kind: str, challenge: str) -> bytes:
        data = {
            "type": f"webauthn.{kind}", "challenge": challenge, "origin": self.origin,
            "crossOrigin": False,
        }  # fmt: skip
        return json.dumps(data, separators=(",", ":")).encode()

    def data(self, flags: int) -> bytes:
        self.uses += 1
        return self.party + bytes([flags]) + self.uses.to_bytes(4)

    def answer(self, response: dict[str, bytes]) -> str:
        """`PublicKeyCredential.toJSON()`, as text."""
        shown = {name: base64url(content) for name, content in response.items()}
        return json.dumps(
            {"id": base64url(self.id), "rawId": base64url(self.id), "type": "public-key"}
            | {"response": shown, "clientExtensionResults": {}}
        )

    def create(self, options: dict) -> str:
        """Makes the passkey that the options of a page ask for."""
        self.user = options["user"]["id"]
        point = self.key.public_key().public_numbers()
        public = cbor({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)})
        made = bytes(16) + len(self.id).to_bytes(2) + self.id + public
        data = self.data(PRESENT | VERIFIED | ATTESTED) + made
        attestation = cbor({"fmt": "none", "attStmt": {}, "authData": data})
        client = self.client_data("create", options["challenge"])
        return self.answer({"clientDataJSON": client, "attestationObject": attestation})

    def get(self, options: dict) -> str:
        """Signs in as the options of a page ask for."""
        client, data = self.client_data("get", options["challenge"]), self.data(PRESENT | VERIFIED)
        signature = self.key.sign(data + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        handle = base64.urlsafe_b64decode(self.user + "=" * (-len(self.user) % 4))
        return self.answer(
            {
                "clientDataJSON": client, "authenticatorData": data, "signature": signature,
                "userHandle": handle,
            }  # fmt: skip
        )
