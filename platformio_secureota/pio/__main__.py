"""The verbs, as extra_script.py calls them.  Exit status as the command line's."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Callable

from asn1crypto import pem

from platformio_secureota import atomic, build_time, denied, names
from platformio_secureota.anchors import read_anchors
from platformio_secureota.cli import authorities, console
from platformio_secureota.errors import Reason, SecureOTAError, Unusable
from platformio_secureota.image import Image
from platformio_secureota.manifest import ImageKind, Manifest, with_trailer
from platformio_secureota.pio import chips, facts, options, product, project_key, trust
from platformio_secureota.sign import sign
from platformio_secureota.verify import Rules, VerifiedToken, verify_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platformio_secureota.pio.options import Options

_INTERRUPTED = 130


def _prepare(words: argparse.Namespace) -> None:
    """Judge the options; write what the other build steps depend on."""
    keys = trust.denied_keys(_options(words), project=words.project)
    attended = project_key.is_attended(os.environ, terminal=words.terminal)
    found = trust.resolve(_options(words), project=words.project, may_make_key=attended)
    built_for = chips.Target(words.platform, words.framework, words.token_size)
    chips.check(found.anchors, built_for)
    anchors = b"".join(pem.armor("CERTIFICATE", each.certificate.der) for each in found.anchors)
    atomic.write(words.anchors, anchors)
    atomic.write(words.signer, f"{found.signer}\n".encode())
    atomic.write(words.denied, "".join(f"{key.hex()}\n" for key in keys).encode())
    described = product.resolve(_options(words), project=words.project)
    atomic.write(words.product, described.encode())


def _facts(words: argparse.Namespace) -> None:
    """Write the source file with anchors, policies and manifest, and the manifest alone."""
    described = product.Product.read(words.product)
    manifest = described.manifest(
        ImageKind.APPLICATION, build_time=build_time.now_or_set(os.environ)
    )
    text = facts.source(
        anchors=read_anchors(words.anchors),
        policies=_options(words).required_policies,
        denied=denied.read(words.denied),
        manifest=manifest,
        section=facts.ESP32_SECTION if words.platform == "espressif32" else "",
    )
    atomic.write(words.out, text.encode())
    atomic.write(words.manifest, manifest.encode())


def _sign(words: argparse.Namespace) -> None:
    """Sign an image, if the devices would accept it; write container and bare token."""
    asked = _options(words)
    anchors = read_anchors(words.anchors)
    authorities.warn_if_public(anchors)
    image = _image_to_sign(words)
    signed = sign(
        image,
        trust.tsa(asked, project=words.project),
        anchors=anchors,
        policy=asked.asked_policy,
        rules=_rules(words),
    )
    built_for = chips.Target(words.platform, words.framework, words.token_size)
    chips.check_token(signed.token, signed.verified, built_for)
    if words.covered is not None:
        atomic.write(words.covered, image.data)
        shutil.copymode(words.image, words.covered)  # native: it runs, too
    atomic.write(words.token, signed.token)
    atomic.write(words.signed, signed.container)
    _say(f"{words.signed.name} {_by_whom(signed.verified)}")


def _image_to_sign(words: argparse.Namespace) -> Image:
    # What was built, and behind it the manifest where it could not be compiled in.
    image = Image.read(words.image)
    described = product.Product.read(words.product)
    if words.covered is None:
        product.check_compiled_in(image.data, described, name=words.image.name)
        return image
    if words.kind == "FILESYSTEM":
        manifest = described.manifest(
            ImageKind.FILESYSTEM, build_time=build_time.if_set(os.environ)
        )
    else:
        manifest = Manifest.decode(words.manifest.read_bytes())
    try:
        return Image(with_trailer(image.data, manifest))
    except ValueError as cause:
        raise Unusable(Reason.Usage, f"{words.image}: {cause}") from cause


def _verify(words: argparse.Namespace) -> None:
    """Judge a signed image by the rules of the device that this project builds."""
    verified = verify_image(
        Image.read(words.signed).data,
        anchors=read_anchors(words.anchors),
        rules=_rules(words),
    )
    _say(f"accepted: {words.signed.name} {_by_whom(verified.token)}")


def _upload(words: argparse.Namespace) -> None:
    """Send a signed image to a device."""
    from platformio_secureota import ota  # noqa: PLC0415 - the other verbs need no network
    from platformio_secureota.pio import upload  # noqa: PLC0415 - the same

    # They may hold a password, which is nobody's business in a list of processes.
    flag_words = json.loads(os.environ.get("SECUREOTA_UPLOAD_FLAGS", "[]"))
    flags = upload.parse_flags(flag_words, project=words.project)
    devices = upload.targets(words.upload_port, flags, file=_options(words).targets)
    data = upload.checked_container(
        words.image,
        words.signed,
        anchors=read_anchors(words.anchors),
        rules=_rules(words),
    )
    _say(f"sending {words.signed.name} to {devices}")
    kind = ota.ImageKind[words.kind]
    _say(upload.send(data, devices, kind=kind, flags=flags, live=words.terminal))


def _send_first_image_unsigned(words: argparse.Namespace) -> None:
    """Send the plain image to a device that checks no signatures yet."""
    from platformio_secureota.pio import first_image, upload  # noqa: PLC0415 - see _upload

    flag_words = json.loads(os.environ.get("SECUREOTA_UPLOAD_FLAGS", "[]"))
    flags = upload.parse_flags(flag_words, project=words.project)
    device = first_image.target(upload.targets(words.upload_port, flags, file=None))
    _say(f"sending {words.image.name}, unsigned, to {device}")
    _say(first_image.send(Image.read(words.image).data, device, flags=flags, live=words.terminal))


def _keygen(words: argparse.Namespace) -> None:
    """Make the project's key, because somebody asked for it by name."""
    asked = _options(words)
    if asked.tsa_urls or asked.signing_key is not None:
        signer = " ".join(asked.tsa_urls) or asked.signing_key
        raise Unusable(Reason.Usage, f"platformio.ini says who signs: {signer}")
    found = project_key.find(words.project, project_key.environment_config_dir())
    if found is None:
        trust.resolve(asked, project=words.project, may_make_key=True)
    else:
        _say(f"this project has a signing key: {found.key_here()}")


_VERBS: dict[str, Callable[[argparse.Namespace], None]] = {
    "prepare": _prepare,
    "facts": _facts,
    "sign": _sign,
    "verify": _verify,
    "upload": _upload,
    "send-first-image-unsigned": _send_first_image_unsigned,
    "keygen": _keygen,
}


def _options(words: argparse.Namespace) -> Options:
    return options.parse(json.loads(words.options), project=words.project)


def _rules(words: argparse.Namespace) -> Rules:
    return Rules(
        policies=frozenset(_options(words).required_policies),
        deny=frozenset(denied.read(words.denied)),
    )


def _by_whom(token: VerifiedToken) -> str:
    return f"signed {console.utc(token.gen_time)} by {names.show(token.signer.subject)}"


def _say(text: str) -> None:
    sys.stdout.write(f"secureota: {text}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="platformio_secureota.pio")
    parser.add_argument("verb", choices=_VERBS)
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--options", required=True, help="JSON: the custom_secureota_* options")
    parser.add_argument("--platform", default="", help="for which the image was built")
    parser.add_argument("--framework", default="", help="with which it was built")
    parser.add_argument("--token-size", type=chips.size, default=0, help="SECUREOTA_TOKEN_SIZE")
    parser.add_argument("--terminal", action="store_true", help="a person is watching")
    files = ("anchors", "signer", "denied", "product", "manifest", "out")
    for name in (*files, "image", "covered", "signed", "token"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--kind", choices=("APPLICATION", "FILESYSTEM"), default="APPLICATION")
    parser.add_argument("--upload-port", default="")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb.  What a user can cause is one line on stderr; a bug is a traceback."""
    words = _parser().parse_args(arguments)
    try:
        _VERBS[words.verb](words)
    except SecureOTAError as error:
        console.report(error)
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception:  # noqa: BLE001 - a bug: show it, and don't let it look like a refusal
        traceback.print_exc(file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
