"""Before anything is sent: is the device one for this image, and can it take one now?

What a device says of itself is not proven here.  Whoever lies in its place can only bring about a
refusal, and could as well stay silent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platformio_secureota import manifest as manifests
from platformio_secureota.errors import Reason, Refused
from platformio_secureota.image import Image
from platformio_secureota.ota.invitation import ImageKind
from platformio_secureota.ota.refusal import legible
from platformio_secureota.ota.states import State

if TYPE_CHECKING:
    from platformio_secureota.ota.handshake import OnState
    from platformio_secureota.ota.inquiry import Inquiry
    from platformio_secureota.ota.settings import Timeouts
    from platformio_secureota.ota.status import Status

_MANIFEST_KINDS = {
    ImageKind.APPLICATION: manifests.ImageKind.APPLICATION,
    ImageKind.FILESYSTEM: manifests.ImageKind.FILESYSTEM,
}


class Fitting:
    """What is known of image and device before the upload."""

    def __init__(self, image: bytes, kind: ImageKind) -> None:
        """Read the image's manifest.  Refused: ManifestMalformed, ImageKindMismatch."""
        found = manifests.find(image)
        if found is not None and found.kind is not _MANIFEST_KINDS[kind]:
            detail = f"it says that it is of kind {found.kind.hint}"
            raise Refused(Reason.ImageKindMismatch, detail)
        self._product = found.product if found is not None else ""
        self._digest = Image(image).digest

    def check(self, product: str) -> None:
        """Refused(WrongProduct) if the device says that it is another one than the image's."""
        if self._product and product and self._product != product:
            shown = legible(product.encode("utf-8", "replace"))
            raise Refused(
                Reason.WrongProduct,
                f"the image is for {self._product}, the device is {shown}",
                hint="check the address, and which image was built",
            )

    def ask(self, inquiry: Inquiry, *, timeouts: Timeouts, on_state: OnState) -> None:
        """Ask the device, if it answers soon, and wait while its own image is unconfirmed.

        Refused: WrongProduct, NotConfirmedYet.
        """
        inquiry.ask()
        status = inquiry.hear(timeouts.status)
        if status is None:
            return
        self.check(status.product)
        if self._takes_images(status):
            return
        if on_state is not None:
            on_state(State.CONFIRMING)
        for again in inquiry.answers(timeouts.trial):
            if self._takes_images(again):
                return
        raise Refused(
            Reason.NotConfirmedYet,
            f"it takes no other before that; it was asked for {timeouts.trial:g} s",
            hint="an image confirms itself after a minute, if the sketch does not; or restart "
            "the device to get the previous one back",
        )

    def _takes_images(self, status: Status) -> bool:
        # What runs already is welcome while it is on trial, too.
        return status.confirmed or status.image == self._digest

    def look_again(self, inquiry: Inquiry) -> None:
        """Before the first byte: judge an answer that came late, or ask again if none has come."""
        if inquiry.latest is not None:
            return
        status = inquiry.hear(0)
        if status is None:
            inquiry.ask()
        else:
            self.check(status.product)
