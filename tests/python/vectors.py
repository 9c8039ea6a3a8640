"""The corpus in tests/vectors, and the verdicts of our two verifiers on it.

A verdict is `accepted`, the name of a Reason, or a text in angle brackets where a verifier did
neither: crashed, or could not judge.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from platformio_secureota import Refused, Rules, SecureOTAError, TrustAnchor, verify_image
from platformio_secureota.anchors import load_anchors

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "vectors"
ACCEPTED = "accepted"
_EXIT_STATUS = {0: "accepted:", 1: "refused:"}


@dataclass(frozen=True)
class Vector:
    """One case: a container, what to judge it by, and the verdict that it deserves."""

    name: str
    sentence: str
    check: str
    path: Path
    anchor_paths: tuple[Path, ...]
    not_before: str | None
    now: str | None
    policies: tuple[str, ...]
    deny: tuple[str, ...]
    require_ess_v2: bool
    expected: str
    outside: dict[str, str]
    """Judges of others that refuse this good one, and why."""

    @cached_property
    def signed(self) -> bytes:
        """The container."""
        return self.path.read_bytes()

    @cached_property
    def anchors(self) -> list[TrustAnchor]:
        return [anchor for path in self.anchor_paths for anchor in load_anchors(path.read_bytes())]

    @property
    def rules(self) -> Rules:
        return Rules(
            not_before=_time(self.not_before),
            now=_time(self.now),
            policies=frozenset(self.policies),
            deny=frozenset(bytes.fromhex(digest) for digest in self.deny),
            require_ess_v2=self.require_ess_v2,
        )

    @property
    def arguments(self) -> list[str]:
        """What `secureota verify` and `verify-image` are called with."""
        arguments = [f"--anchor={path}" for path in self.anchor_paths]
        arguments += [f"--policy={policy}" for policy in self.policies]
        arguments += [f"--deny={digest}" for digest in self.deny]
        arguments += [f"--not-before={self.not_before}"] if self.not_before else []
        arguments += [f"--now={self.now}"] if self.now else []
        arguments += ["--require-ess-v2"] if self.require_ess_v2 else []
        return [*arguments, str(self.path)]


def _time(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def load(folder: Path = FOLDER) -> list[Vector]:
    """Every case of the corpus."""
    entries = json.loads((folder / "cases.json").read_text(encoding="utf-8"))
    return [_vector(folder, entry) for entry in entries]


def _vector(folder: Path, entry: dict[str, object]) -> Vector:
    options = entry["options"]
    anchors = entry["anchors"]
    assert isinstance(options, dict)
    assert isinstance(anchors, list)
    accepted = entry["verdict"] == ACCEPTED
    assert accepted == (entry["reason"] is None), entry["name"]
    return Vector(
        name=str(entry["name"]),
        sentence=str(entry["sentence"]),
        check=str(entry["check"]),
        path=folder / str(entry["file"]),
        anchor_paths=tuple(folder / anchor for anchor in anchors),
        not_before=options.get("not_before"),
        now=options.get("now"),
        policies=tuple(options.get("policy", ())),
        deny=tuple(options.get("deny", ())),
        require_ess_v2=bool(options.get("require_ess_v2", False)),
        expected=ACCEPTED if accepted else str(entry["reason"]),
        outside=dict(entry.get("outside", {})),  # type: ignore[call-overload]
    )


def judge_by_python(vector: Vector) -> str:
    """Verdict of the host's verifier, in process."""
    try:
        verify_image(vector.signed, anchors=vector.anchors, rules=vector.rules)
    except Refused as refusal:
        return refusal.reason.value
    except SecureOTAError as error:
        return f"<could not judge: {error}>"
    return ACCEPTED


def judge_by_device(program: Path, vector: Vector) -> str:
    """Verdict of a `verify-image` program."""
    arguments = [part for argument in vector.arguments for part in argument.split("=", 1)]
    done = subprocess.run(
        [str(program), *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    lines = done.stdout.splitlines()
    words = lines[-1].split() if lines else []
    if words[:1] != [_EXIT_STATUS.get(done.returncode)]:
        return f"<exit status {done.returncode}: {(done.stdout + done.stderr).strip()[-300:]}>"
    return ACCEPTED if done.returncode == 0 else words[1]
