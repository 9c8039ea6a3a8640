"""`secureota verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from platformio_secureota import names, pki
from platformio_secureota.cli import console, options
from platformio_secureota.errors import Reason, Refused, Unusable
from platformio_secureota.verify import Rules, VerifiedImage, verify_image

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

_REFUSED = 1

_HINTS = {
    Reason.NoTrustAnchor: "name the certificate that the device trusts: --anchor FILE",
    Reason.SignerIsCa: pki.MIGRATION_HINT,
}


@click.command(short_help="Judge a signed image as a device would.")
@click.argument("image", type=options.FILE)
@options.anchor_option
@click.option(
    "--not-before", type=options.moment, metavar="TIME", help="Refuse what was signed earlier."
)
@click.option(
    "--now", type=options.moment, metavar="TIME", help="Refuse what was signed later, by 5 minutes."
)
@click.option(
    "policies",
    "--policy",
    type=options.oid,
    metavar="OID",
    multiple=True,
    help="Refuse every other policy.  Repeatable.",
)
@click.option(
    "deny",
    "--deny",
    type=options.key_digest,
    metavar="SHA256",
    multiple=True,
    help="Refuse this key, by the SHA-256 of its SubjectPublicKeyInfo.  Repeatable.",
)
@click.option(
    "require_ess_v2",
    "--require-ess-v2",
    is_flag=True,
    help="Refuse tokens that name their signer by SHA-1 alone.",
)
def verify(
    *,
    image: Path,
    anchors: tuple[Path, ...],
    not_before: dt.datetime | None,
    now: dt.datetime | None,
    policies: tuple[str, ...],
    deny: tuple[bytes, ...],
    require_ess_v2: bool,
) -> int:
    """Judge the signed image in the file IMAGE as a device with these anchors and rules would.

    The verdict depends on the arguments alone: no clock is read.  The last line is `accepted: ...`
    (exit status 0) or `refused: REASON ...` (1).  A file that can't be read is neither (2).
    """
    rules = Rules(
        not_before=not_before,
        now=now,
        policies=frozenset(policies),
        deny=frozenset(deny),
        require_ess_v2=require_ess_v2,
    )
    trusted = options.load_anchor_files(anchors)
    try:
        signed = image.read_bytes()
    except OSError as cause:
        raise Unusable(Reason.FileUnreadable, f"{image}: {cause.strerror}") from cause
    try:
        verified = verify_image(signed, anchors=trusted, rules=rules)
    except Refused as refusal:
        next_step = refusal.hint or _HINTS.get(refusal.reason, "")
        # The verdict stays the last line where stdout and stderr go to the same place.
        console.hint(Refused(refusal.reason, hint=next_step))
        click.echo(f"refused: {refusal.reason.value} {console.explain(refusal)}")
        return _REFUSED
    click.echo(f"accepted: {_describe(verified)}")
    return 0


def _describe(verified: VerifiedImage) -> str:
    token = verified.token
    return (
        f"signed {console.utc(token.gen_time)} by {names.show(token.signer.subject)}, "
        f"policy {token.policy}, {len(verified.image.data)} bytes, "
        f"SHA-256 {verified.image.digest.hex()}"
    )
