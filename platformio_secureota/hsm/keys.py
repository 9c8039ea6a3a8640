"""Private keys in a token, in the shape of `cryptography`'s, so that everything takes them.

The digest is made here; the token signs it (CKM_ECDSA, CKM_RSA_PKCS: what every token has).  No
signature gets out that the public key did not verify: a token that lost or mixed up its keys is
found out here, and a fault injected into it gives nothing away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Union

from asn1crypto import algos, core
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.asymmetric import padding as paddings

from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.hsm import objects
from platformio_secureota.hsm.module import library

if TYPE_CHECKING:
    import pkcs11

    from platformio_secureota.hsm.session import Connection
    from platformio_secureota.hsm.uri import Pkcs11Uri

_PROOF = b"SecureOTA: which certificate belongs to this key?\n"
"""Signed at the start to see whose the key is.  It is no timestamp and no certificate."""


class Handle:
    """Finds the key, and again in each new session."""

    def __init__(self, connection: Connection, uri: Pkcs11Uri) -> None:
        """The key is looked for when it signs."""
        self.uri = uri
        self._connection = connection
        self._found: tuple[pkcs11.Session, Any] | None = None

    def sign(self, digest: bytes, mechanism: str) -> bytes:
        """The token's own signature of what it is given, not verified."""

        def work(session: pkcs11.Session) -> bytes:
            key = self._key(session)
            return bytes(key.sign(digest, mechanism=library().Mechanism[mechanism]))

        return self._connection.run(work)

    def _key(self, session: pkcs11.Session) -> Any:  # noqa: ANN401 - its class is made when it is found
        if self._found is None or self._found[0] is not session:
            self._found = (session, objects.find_private_key(session, self.uri))
        return self._found[1]


class _Token:
    """What keys of both families have in common: they stay where they are."""

    _handle: Handle

    def _stays(self) -> NoReturn:
        detail = f"{self._handle.uri}: the key can't leave its token"
        raise Unusable(Reason.KeyUnusable, detail)

    def _wrong(self, what: str) -> Unusable:
        return Unusable(Reason.KeyUnusable, f"{self._handle.uri}: {what}")

    def private_numbers(self) -> NoReturn:
        """Never."""
        self._stays()

    def private_bytes(self, *_arguments: object, **_keywords: object) -> NoReturn:
        """Never."""
        self._stays()

    def __reduce__(self) -> NoReturn:
        self._stays()


class TokenEcKey(_Token, ec.EllipticCurvePrivateKey):
    """A P-256 or P-384 key in a token."""

    def __init__(self, handle: Handle, public: ec.EllipticCurvePublicKey) -> None:
        """`public` is what its signatures are verified with."""
        self._handle = handle
        self._public = public

    def sign(self, data: Buffer, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """ECDSA, as DER (RFC 3279 2.2.3).  Unusable if the token can't, or does it wrong."""
        digest, used = _digest(data, signature_algorithm.algorithm)
        raw = self._handle.sign(digest, "ECDSA")
        size = (self.key_size + 7) // 8
        # PKCS#11 gives r and s one behind the other, each as long as the curve's order.
        if len(raw) != 2 * size:
            raise self._wrong(f"a signature of {len(raw)} octets is none of this curve")
        r, s = int.from_bytes(raw[:size], "big"), int.from_bytes(raw[size:], "big")
        signature = utils.encode_dss_signature(r, s)
        try:
            self._public.verify(signature, digest, ec.ECDSA(utils.Prehashed(used)))
        except InvalidSignature as cause:
            raise self._wrong(_MISMATCH) from cause
        return signature

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The key that verifies."""
        return self._public

    @property
    def curve(self) -> ec.EllipticCurve:
        """The curve."""
        return self._public.curve

    @property
    def key_size(self) -> int:
        """Bits of the curve's order."""
        return self._public.key_size

    def exchange(self, *_arguments: object, **_keywords: object) -> NoReturn:
        """Never: this key signs."""
        raise self._wrong("the key is for signing alone")

    def __copy__(self) -> TokenEcKey:
        return self

    def __deepcopy__(self, memo: object) -> TokenEcKey:
        return self


class TokenRsaKey(_Token, rsa.RSAPrivateKey):
    """An RSA key in a token."""

    def __init__(self, handle: Handle, public: rsa.RSAPublicKey) -> None:
        """`public` is what its signatures are verified with."""
        self._handle = handle
        self._public = public

    def sign(
        self,
        data: bytes,
        padding: paddings.AsymmetricPadding,
        algorithm: hashes.HashAlgorithm | utils.Prehashed | utils.NoDigestInfo,
    ) -> bytes:
        """RSASSA-PKCS1-v1_5 (RFC 8017 8.2), and no other padding."""
        if not isinstance(padding, paddings.PKCS1v15):
            raise self._wrong("only PKCS #1 v1.5 signatures are made")
        digest, used = _digest(data, algorithm)
        identifier = {"algorithm": used.name, "parameters": core.Null()}
        info = algos.DigestInfo({"digest_algorithm": identifier, "digest": digest})
        signature = self._handle.sign(info.dump(), "RSA_PKCS")
        try:
            self._public.verify(signature, digest, padding, utils.Prehashed(used))
        except InvalidSignature as cause:
            raise self._wrong(_MISMATCH) from cause
        return signature

    def public_key(self) -> rsa.RSAPublicKey:
        """The key that verifies."""
        return self._public

    @property
    def key_size(self) -> int:
        """Bits of the modulus."""
        return self._public.key_size

    def decrypt(self, *_arguments: object, **_keywords: object) -> NoReturn:
        """Never: this key signs."""
        raise self._wrong("the key is for signing alone")

    def __copy__(self) -> TokenRsaKey:
        return self

    def __deepcopy__(self, memo: object) -> TokenRsaKey:
        return self


Buffer = Union[bytes, bytearray, memoryview]
TokenKey = Union[TokenEcKey, TokenRsaKey]

_MISMATCH = "the token's signature is not one of this certificate's or public key's"


def token_key(connection: Connection, uri: Pkcs11Uri, public: objects.PublicKey) -> TokenKey:
    """A key that has proved that `public` is its public half.  Unusable(KeyUnusable) if not."""
    handle = Handle(connection, uri)
    if isinstance(public, ec.EllipticCurvePublicKey):
        ec_key = TokenEcKey(handle, public)
        ec_key.sign(_PROOF, ec.ECDSA(hashes.SHA256()))
        return ec_key
    rsa_key = TokenRsaKey(handle, public)
    rsa_key.sign(_PROOF, paddings.PKCS1v15(), hashes.SHA256())
    return rsa_key


def _digest(data: Buffer, algorithm: object) -> tuple[bytes, hashes.HashAlgorithm]:
    # The digest of data; of a Prehashed, data is that already.
    if isinstance(algorithm, utils.Prehashed):
        return bytes(data), algorithm._algorithm  # noqa: SLF001 - it has no public name
    if not isinstance(algorithm, hashes.HashAlgorithm):
        message = "a digest algorithm is needed"
        raise UnsupportedAlgorithm(message)
    total = hashes.Hash(algorithm)
    total.update(data)
    return total.finalize(), algorithm
