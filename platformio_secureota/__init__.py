"""Firmware updates over the air that only the right people can make.

The pieces, from bytes to device: `image`, `timestamp`, `verify`, `container`, `sign`, `ota`.
"""

from platformio_secureota.anchors import TrustAnchor, load_anchors
from platformio_secureota.errors import Reason, Refused, SecureOTAError, Unusable
from platformio_secureota.image import Image
from platformio_secureota.sign import SignedImage, Tsa, sign
from platformio_secureota.verify import (
    Rules,
    VerifiedImage,
    VerifiedToken,
    verify_image,
    verify_token,
)

__version__ = "0.1.0"

__all__ = [
    "Image",
    "Reason",
    "Refused",
    "Rules",
    "SecureOTAError",
    "SignedImage",
    "TrustAnchor",
    "Tsa",
    "Unusable",
    "VerifiedImage",
    "VerifiedToken",
    "__version__",
    "load_anchors",
    "sign",
    "verify_image",
    "verify_token",
]
