"""What a case is, and how cases become files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from outside import REFUSALS
from parties import ROOT
from tokens import Token

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from certificates import Certificate

FOLDER = Path(__file__).resolve().parents[1]


def container(token: bytes, image: bytes, *, header: bytes | None = None) -> bytes:
    """Header, token, image."""
    if header is None:
        header = b"RedWax/1.00 rfc3161=%d payload=%d\n" % (len(token), len(image))
    return header + token + image


@dataclass(frozen=True)
class Case:
    """One container, what to judge it by, and the verdict."""

    name: str
    """Begins with the number of the check that it aims at, or with `container` or `good`."""
    sentence: str
    signed: Token | bytes
    """The token of an honest container, or a whole container."""
    reason: str | None = None
    """None: accepted."""
    anchors: tuple[Certificate | AnchorFile, ...] = (ROOT,)
    options: Mapping[str, object] = field(default_factory=dict)
    check: str = ""
    """Where the name does not say it."""

    @property
    def data(self) -> bytes:
        """The container's bytes."""
        if isinstance(self.signed, Token):
            return container(self.signed.der, self.signed.image)
        return self.signed


@dataclass(frozen=True)
class AnchorFile:
    """A file of trust anchors that is not just one DER certificate."""

    name: str
    data: bytes


class Files:
    """What the corpus consists of on disk: path relative to its folder, and bytes."""

    def __init__(self, cases: Iterable[Case]) -> None:
        self.content: dict[str, bytes] = {}
        self.entries = [self._add(case) for case in cases]
        text = json.dumps(self.entries, indent=1, ensure_ascii=False)
        self.content["cases.json"] = text.encode() + b"\n"

    def _add(self, case: Case) -> dict[str, object]:
        file = self._put(f"containers/{case.name}.bin", case.data)
        entry: dict[str, object] = {
            "name": case.name,
            "sentence": case.sentence,
            "check": case.check or case.name.split("-", maxsplit=1)[0],
            "file": file,
            "anchors": [self._put_anchor(anchor) for anchor in case.anchors],
            "options": dict(case.options),
            "verdict": "refused" if case.reason else "accepted",
            "reason": case.reason,
        }
        if case.name in REFUSALS:
            entry["outside"] = REFUSALS[case.name]
        return entry

    def _put_anchor(self, anchor: Certificate | AnchorFile) -> str:
        if isinstance(anchor, AnchorFile):
            return self._put(f"anchors/{anchor.name}", anchor.data)
        name = (anchor.label or anchor.name).replace(" ", "-").replace("'", "")
        return self._put(f"anchors/{name}.der", anchor.der)

    def _put(self, path: str, data: bytes) -> str:
        if self.content.setdefault(path, data) != data:
            message = f"two different files are called {path}"
            raise ValueError(message)
        return path

    def write(self) -> None:
        """Write what changed, and remove what is no longer made."""
        for path in self.obsolete():
            path.unlink()
        for name, data in self.content.items():
            path = FOLDER / name
            if not path.exists() or path.read_bytes() != data:
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(data)

    def differences(self) -> list[str]:
        """Files that are not as they would be written."""
        changed = [
            name
            for name, data in self.content.items()
            if not (FOLDER / name).exists() or (FOLDER / name).read_bytes() != data
        ]
        return changed + [str(path.relative_to(FOLDER)) for path in self.obsolete()]

    def obsolete(self) -> list[Path]:
        """Files that no case names any more."""
        made = [*FOLDER.glob("containers/*"), *FOLDER.glob("anchors/*")]
        return [path for path in made if str(path.relative_to(FOLDER)) not in self.content]
