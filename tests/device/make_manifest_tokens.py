"""Write manifest_tokens.h: images with manifests, and timestamp tokens for them.

    python tests/device/make_manifest_tokens.py

The key is thrown away; a new run makes another one, and the tests pass.
"""

from __future__ import annotations

from pathlib import Path

from make_tokens import HEADER, HOUR, START, array, image

from platformio_secureota import Image, pki
from platformio_secureota.identity import to_der
from platformio_secureota.manifest import ImageKind, Manifest, with_trailer
from platformio_secureota.sign import request_token
from platformio_secureota.tsa import LocalTSA

OUTPUT = Path(__file__).with_name("manifest_tokens.h")
SIZE = 700
APP, FS = ImageKind.APPLICATION, ImageKind.FILESYSTEM

ESP32_FRONT = b"\xe9" + bytes(31) + bytes.fromhex("3254cdab") + bytes(252)


def malformed(manifest: Manifest) -> bytes:
    """The same, of a format version that nobody knows."""
    data = bytearray(manifest.encode())
    data[8] = 99
    return bytes(data)


def images() -> dict[str, bytes]:
    """By the name that they get in C++."""
    body = image(67, SIZE)
    lamp = Manifest(APP, "lamp", "1.0", ("revA", "revB"))
    lamp_files = Manifest(FS, "lamp", "1.0", ("revA", "revB"))
    return {
        "Plain": body,
        "LampApp": with_trailer(body, lamp),
        "AnyApp": with_trailer(body, Manifest(APP)),
        "BadApp": body + malformed(lamp),
        "LampFs": with_trailer(body, lamp_files),
        "AnyFs": with_trailer(image(70, SIZE), Manifest(FS)),
        "BadFs": body + malformed(lamp_files),
        "ManifestAlone": lamp.encode(),
        "Small": body[:100],
        "Esp32Plain": ESP32_FRONT + bytes(256) + body,
        "Esp32Lamp": ESP32_FRONT + lamp.encode() + body,
        "Esp32LampAlone": ESP32_FRONT + lamp.encode(),
        "Esp32Bad": ESP32_FRONT + malformed(lamp) + body,
        "Esp32Fs": ESP32_FRONT + lamp_files.encode() + body,
        "Esp32Trailer": ESP32_FRONT + bytes(256) + body + lamp.encode(),
    }


def large_filesystem(seed: int) -> bytes:
    """An image of several sectors, which C++ makes of the body and AnyFs's manifest."""
    return with_trailer(image(seed), Manifest(FS))


def main() -> None:
    """Make the key and the tokens anew."""
    owner = pki.generate(name="owner", now=START)
    tsa = LocalTSA(owner, clock=lambda: START + 2 * HOUR)
    later = LocalTSA(owner, clock=lambda: START + 3 * HOUR)
    text = HEADER.replace("make_tokens.py", "make_manifest_tokens.py")
    text += array("kManifestAnchor", "The owner's certificate.", to_der(owner.certificate))
    made = images()
    for name, data in made.items():
        text += array(f"k{name}Image", f"{len(data)} bytes.", data)
        # sign() would refuse the malformed ones
        token, _ = request_token(Image(data), later if name == "AnyFs" else tsa)
        comment = "Three hours after kStart." if name == "AnyFs" else "Two hours after kStart."
        text += array(f"k{name}Token", comment, token)
    for name, seed, signer, hours in (("Old", 71, tsa, "two"), ("New", 72, later, "three")):
        token, _ = request_token(Image(large_filesystem(seed)), signer)
        comment = f"Image {chr(seed)!r} with AnyFs's manifest, {hours} hours after kStart."
        text += array(f"k{name}FilesToken", comment, token)
    OUTPUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
