"""Where `secureota espota` gets the signed image from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from platformio_secureota import compat, container, der, manifest, timestamp
from platformio_secureota.anchors import TrustAnchor
from platformio_secureota.cli import authorities, console, options, signing_key
from platformio_secureota.errors import Reason, Refused, Unusable
from platformio_secureota.image import Image
from platformio_secureota.sign import request_token, sign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platformio_secureota.sign import Tsa

ANCHORS_VARIABLE = "SECUREOTA_TRUST_ANCHORS"
"""Environment variable with files of anchors, separated as in PATH."""

PROJECT_ANCHOR = Path("secureota") / "anchor.pem"
"""Where a project keeps its anchor, below the current directory."""

FILESYSTEM = manifest.Manifest(manifest.ImageKind.FILESYSTEM)

_GRANTED = (0, 1)
"""PKIStatus granted and grantedWithMods (RFC 3161 2.4.2)."""


def signed_container(
    path: Path,
    *,
    key: str | None,
    url: str,
    anchors: Sequence[Path],
    filesystem: bool,
    for_old_readers: bool,
) -> bytes:
    """Return the container in the file, or make one of the image in it.

    A filesystem gets a manifest that says so, without which our devices take none; older ones would
    write it into flash.
    Refused(NotSigned) where neither is possible: an unsigned image is not sent.
    """
    if key is not None and url:
        raise Unusable(Reason.Usage, "--sign and --signing-key can't both sign")
    image = Image.read(path)
    try:
        container.parse(image.data)
    except Refused as refusal:
        if refusal.reason is not Reason.NotSigned:
            raise
    else:
        if key is not None or url:
            detail = f"{path} is signed already"
            raise Unusable(Reason.Usage, detail, hint="leave out --sign and --signing-key")
        return image.data
    if filesystem and not for_old_readers and manifest.find(image.data) is None:
        image = Image(manifest.with_trailer(image.data, FILESYSTEM))
    if key is not None:
        return _sign_with_key(image, key, anchors, for_old_readers=for_old_readers)
    if url:
        if for_old_readers:
            raise Unusable(Reason.Usage, "--compat is for --signing-key: an authority has its own")
        return _sign_remotely(image, url, anchors)
    hint = "sign it with --signing-key=FILE or --sign=URL, or give the file of `secureota sign`"
    raise Refused(Reason.NotSigned, str(path), hint=hint)


def _sign_with_key(
    image: Image, key: str, anchors: Sequence[Path], *, for_old_readers: bool
) -> bytes:
    tsa = signing_key.tsa_of(key, for_old_readers=for_old_readers)
    trusted = options.load_anchor_files(anchors)
    own = [TrustAnchor.from_der(tsa.identity.anchor_der)]
    signed = sign(image, tsa, anchors=trusted or own)
    if for_old_readers:
        compat.check_redwax(signed.token)
    return signed.container


def _sign_remotely(image: Image, url: str, anchors: Sequence[Path]) -> bytes:
    tsa = authorities.ask([url], option="--sign")
    trusted = options.load_anchor_files(anchors or _configured_anchors())
    if trusted:
        authorities.warn_if_public(trusted)
        return sign(image, tsa, anchors=trusted).container
    console.warn(
        "no trust anchor is given, so nobody here has checked who signed this: any authority's "
        "answer would go out, and the device alone decides"
    )
    console.warn(
        f"to check before sending, name the device's anchor with --anchor, in {ANCHORS_VARIABLE} "
        f"or as {PROJECT_ANCHOR}"
    )
    return container_with_unverified_token(image, tsa)


def _configured_anchors() -> list[Path]:
    named = os.environ.get(ANCHORS_VARIABLE, "")
    if named:
        return [Path(name) for name in named.split(os.pathsep) if name]
    return [PROJECT_ANCHOR] if PROJECT_ANCHOR.is_file() else []


def container_with_unverified_token(image: Image, tsa: Tsa) -> bytes:
    """Have `tsa` answer for `image` and pack the answer WITHOUT verifying who signed it.

    The older tool's play mode: `--sign=URL` with no anchor.  All that is known of the result is
    that the authority granted the request, and that its answer is well-formed, fresh (nonce) and
    names this image.  The signature is not looked at: under a certificate that came with it, it
    would prove nothing.  For sending at once to a device, which verifies all of it; the result is
    never written to a file.
    """
    token, nonce = request_token(image, tsa)
    if len(token) > container.MAX_TOKEN_SIZE:
        raise Refused(Reason.TokenTooLarge)
    der.check(token)
    response = timestamp.parse_response(token)
    if response.status not in _GRANTED or response.token is None:
        raise Refused(Reason.NotGranted, "; ".join(response.status_text))
    content_type, content = timestamp.parse_content_info(response.token)
    if content_type != timestamp.ID_SIGNED_DATA:
        raise Refused(Reason.NotSignedData)
    signed_data = timestamp.parse_signed_data(content)
    if signed_data.content_type != timestamp.ID_CT_TST_INFO or signed_data.content is None:
        raise Refused(Reason.NotTimestampToken)
    der.check(signed_data.content)
    tst_info = timestamp.parse_tst_info(signed_data.content)
    if tst_info.imprint != image.digest:
        raise Refused(Reason.ImageMismatch, "the answer is for another image")
    if tst_info.nonce != nonce:
        raise Refused(Reason.NonceMismatch)
    return container.build(token, image.data)
