"""Keys in a PKCS#11 token: a smart card, a USB key, a hardware security module, or SoftHSM.

The key never leaves the token.  What the rest of the package gets is an object that behaves as
`cryptography`'s private keys do, so that whatever signs with a key from a file signs with one of
these.  Needs the extra `hsm` (python-pkcs11, Python 3.10 or newer), imported when a token is used.
"""

from platformio_secureota.hsm.access import Access
from platformio_secureota.hsm.uri import SCHEME, Pkcs11Uri, is_uri, parse

__all__ = ["SCHEME", "Access", "Pkcs11Uri", "is_uri", "parse"]
