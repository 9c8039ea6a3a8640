"""Public keys that are none."""

from __future__ import annotations

import pytest

from platformio_secureota import Refused, pki
from platformio_secureota.algorithms import RSA, key_family
from platformio_secureota.errors import Reason
from platformio_secureota.identity import spki


def test_an_even_modulus_is_none() -> None:
    key = bytearray(spki(pki.generate("rsa2048").certificate.public_key()))
    assert key_family(bytes(key)) == RSA
    exponent_size = len(b"\x02\x03\x01\x00\x01")  # the last thing in there

    key[-exponent_size - 1] ^= 1

    with pytest.raises(Refused) as refusal:
        key_family(bytes(key))
    assert refusal.value.reason == Reason.KeyNotAllowed
