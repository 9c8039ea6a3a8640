"""What stands on a sheet, in its order: whose key, how to restore it, the lines and their codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from platformio_secureota.identity import describe
from platformio_secureota.paper import armour

if TYPE_CHECKING:
    import datetime as dt

    from cryptography import x509

    from platformio_secureota.paper.backup import Backup

LINES_PER_CODE = 11
"""About 530 characters, QR version 14 or 15: half a millimetre a module as printed, which any
telephone and any scanner of 200 dpi reads."""

TITLE = "SecureOTA signing key: backup on paper"

_HEX_GROUP = 8


@dataclass(frozen=True)
class Group:
    """Lines, and the code that holds the same lines."""

    lines: tuple[str, ...]

    @property
    def code(self) -> str:
        """Text of the QR code."""
        return armour.compact(self.lines)

    @property
    def caption(self) -> str:
        """Which lines these are."""
        first, last = self.lines[0][:4], self.lines[-1][:4]
        return first if first == last else f"{first} to {last}"


@dataclass(frozen=True)
class Part:
    """The key, or the certificates."""

    heading: str
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Sheet:
    """A sheet; all of its text is within Latin-1."""

    facts: tuple[tuple[str, str], ...]
    warning: str
    steps: tuple[str, ...]
    parts: tuple[Part, ...]


def compose(backup: Backup, *, printed: dt.datetime) -> Sheet:
    """Compose the sheet of a key; `printed` is the date that it will bear."""
    certificate = backup.certificates[0]
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    facts = (
        ("Name", _latin(describe(certificate))),
        ("Key", kind(certificate)),
        # Behind a label: text that begins with c and digits would be read as a line of the sheet.
        ("Fingerprint", spaced(backup.fingerprint)),
        ("Valid", f"{start:%Y-%m-%d} to {end:%Y-%m-%d}"),
        ("Printed", f"{printed:%Y-%m-%d}"),
        ("Protection", _PROTECTION[backup.encrypted]),
    )
    key = Part(_KEY_HEADING, _groups(backup.key_lines()))
    certificates = Part(_CERTIFICATE_HEADING, _groups(backup.certificate_lines()))
    return Sheet(facts, _WARNING, _STEPS, (key, certificates))


def kind(certificate: x509.Certificate) -> str:
    """Name a certificate's kind of key: "P-256", "RSA of 3072 bits"."""
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        names = {"secp256r1": "P-256", "secp384r1": "P-384"}
        return names.get(key.curve.name, key.curve.name)
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA of {key.key_size} bits"
    return "of a kind that can't sign firmware"


def spaced(fingerprint: str) -> str:
    """A fingerprint in groups, for comparing by eye."""
    starts = range(0, len(fingerprint), _HEX_GROUP)
    return " ".join(fingerprint[at : at + _HEX_GROUP] for at in starts)


def _groups(lines: list[str]) -> tuple[Group, ...]:
    # As even as can be: codes of one size, and none with a single line.
    count = -(-len(lines) // LINES_PER_CODE)
    ends = [len(lines) * n // count for n in range(count + 1)]
    return tuple(Group(tuple(lines[a:b])) for a, b in zip(ends, ends[1:]))


def _latin(text: str) -> str:
    # What the fonts that every PDF reader has can show.
    return text.encode("latin-1", "backslashreplace").decode("latin-1")


_PROTECTION = {
    True: "encrypted; its passphrase is needed too and does not stand here",
    False: "NOT encrypted: this sheet alone is enough to sign",
}

_WARNING = (
    "Who reads this sheet, and knows the passphrase if there is one, can approve firmware for "
    "every device that trusts the key. Keep it where you keep your passport."
)

_STEPS = (
    "Install SecureOTA's command, secureota: it is the Python package platformio-secureota.",
    (
        "Photograph or scan the codes and run: secureota key restore PHOTO.png. What a "
        "telephone's QR reader shows will do as well, in a text file: secureota key restore "
        "TEXT.txt."
    ),
    (
        "Or type the lines: secureota key restore, in the project's folder. Spaces and lower case "
        "don't matter, and I, L and O are taken for 1, 1 and 0. Each line ends in a checksum of "
        "its own, so that a wrong one is named at once."
    ),
    (
        "The lines K are the secret. The lines C are needed only if the project's "
        "secureota/anchor.pem is lost; in the project's folder, the command finds it."
    ),
    (
        "Compare the fingerprint, the SHA-256 of the key's SubjectPublicKeyInfo, with the one "
        "above. The next build signs with this key."
    ),
    (
        "Should the tool be gone: leave line K000 out, take away the first and the last four "
        "characters of every other line K, and put the rest together. This is base32 in "
        "Crockford's alphabet (digits, then letters without I L O U) of the key: PKCS #8, DER. "
        "The lines C are the certificates, DER."
    ),
)

_KEY_HEADING = "K: the key"
_CERTIFICATE_HEADING = "C: its certificate (no secret)"
