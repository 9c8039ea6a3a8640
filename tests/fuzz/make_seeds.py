"""Write seeds.h and the corpus: where the fuzzers begin, and what they know to be good.

    python tests/fuzz/make_seeds.py

The keys are thrown away: nobody can sign anything else with them, which is what makes "accepted
implies one of these" a property.  A new run makes new keys, and everything still holds.

The image of a seed is `size` bytes, of which byte i is (number + i * 31 + i // 256) modulo 256, so
that C++ makes it from two numbers.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import scripts
from parties import HOUR, START, BagTSA, Party, below_huge_key, with_huge_key

from platformio_secureota import Image, container
from platformio_secureota.anchors import load_anchors
from platformio_secureota.sign import sign
from platformio_secureota.timestamp import TimeStampReq
from platformio_secureota.tsa import LocalTSA
from platformio_secureota.tsa.encode import Accuracy

if TYPE_CHECKING:
    import datetime as dt

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"

HEADER = """\
// Made by make_seeds.py: do not edit.
// clang-format off
#pragma once

#include <stddef.h>
#include <stdint.h>

"""


@dataclass(frozen=True)
class Good:
    """One token that is good, and what it says."""

    name: str
    token: bytes
    number: int
    size: int
    time: dt.datetime
    anchors: int
    """Bits: which of the anchors accepts it alone."""

    @property
    def container(self) -> bytes:
        return container.build(self.token, image(self.number, self.size))


def image(number: int, size: int) -> bytes:
    """The made-up image."""
    return bytes((number + i * 31 + i // 256) % 256 for i in range(size))


def good(
    name: str,
    party: Party,
    anchors: dict[str, bytes],
    accepted_by: list[str],
    *,
    number: int,
    size: int,
    **options: Any,
) -> Good:
    """Have an image signed; `options` are fields of LocalTSA."""
    at = START + number * HOUR
    tsa = BagTSA(party.identity, chain=party.bag, clock=lambda: at, **options)
    trusted = load_anchors(anchors[accepted_by[0]])
    token = sign(Image(image(number, size)), tsa, anchors=trusted).token
    bits = sum(1 << list(anchors).index(one) for one in accepted_by)
    return Good(name, token, number, size, at, bits)


def unverified(party: Party) -> bytes:
    """A token that the host would refuse to write, straight from an authority."""
    tsa = BagTSA(party.identity, chain=party.bag, clock=lambda: START + HOUR)
    request = TimeStampReq(digest=Image(image(1, 1)).digest, nonce=secrets.randbits(63))
    return tsa.timestamp(request.encode())


def other_root() -> Party:
    """Somebody else who goes by the same name."""
    return Party.authority("p256", "myCorp")


def c_array(name: str, data: bytes) -> str:
    """C source of a constant."""
    rows = [", ".join(f"0x{b:02x}" for b in data[i : i + 16]) for i in range(0, len(data), 16)]
    return f"const uint8_t {name}[] = {{\n    " + ",\n    ".join(rows) + "};\n\n"


def seeds_h(store: dict[str, bytes], seeds: list[Good]) -> str:
    """The anchors and the good tokens, for the targets."""
    text = HEADER
    for name, encoded in store.items():
        text += c_array(f"k{name}Anchor", encoded)
    text += "struct SeedAnchor {\n  const uint8_t* der;\n  size_t size;\n};\n"
    text += "const SeedAnchor kSeedAnchors[] = {\n"
    text += "".join(f"    {{k{name}Anchor, sizeof k{name}Anchor}},\n" for name in store)
    text += "};\n\n"
    for seed in seeds:
        text += c_array(f"k{seed.name}Token", seed.token)
    text += (
        "struct Seed {\n"
        "  const char* name;\n"
        "  const uint8_t* token;\n"
        "  size_t tokenSize;\n"
        "  uint8_t number;      // of its image\n"
        "  uint32_t imageSize;  // bytes\n"
        "  int64_t genTime;     // microseconds since 1970\n"
        "  unsigned anchors;    // bit i: kSeedAnchors[i] alone accepts it\n"
        "};\n"
        "const Seed kSeeds[] = {\n"
    )
    for seed in seeds:
        time = f"{int(seed.time.timestamp())}000000LL"
        text += (
            f'    {{"{seed.name}", k{seed.name}Token, sizeof k{seed.name}Token, {seed.number}, '
            f"{seed.size}, {time}, {seed.anchors:#x}}},\n"
        )
    return text + "};\n"


def write(target: str, name: str, data: bytes) -> None:
    """Put one input into the corpus."""
    path = CORPUS / target / f"{name}.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def main() -> None:
    """Make everything anew."""
    own = Party.alone("p256", "own")
    p384 = Party.alone("p384", "own384")
    root = Party.authority("p256", "myCorp")
    production = Party.authority("p256", "production", root)
    product = Party.signer("p256", "product 1", production, [production])
    rsa_root = Party.authority("rsa2048", "rsaCorp")
    rsa_line = Party.authority("rsa2048", "rsa line", rsa_root)
    rsa_signer = Party.signer("rsa2048", "rsa product", rsa_line, [rsa_line])
    deep_root = Party.authority("p384", "deep root")
    deep = [deep_root]
    for level, kind in enumerate(("rsa2048", "p256", "p384", "p256", "rsa2048", "p256")):
        deep.append(Party.authority(kind, f"deep {level}", deep[-1]))
    deep_signer = Party.signer("p384", "deep signer", deep[-1], deep[:0:-1])

    anchors = {
        "Own": own.der,
        "Root": root.der,
        "Production": production.der,
        "Rsa": rsa_root.der,
        "P384": p384.der,
        "Deep": deep_root.der,
    }
    company = ["Root", "Production"]
    full: dict[str, Any] = {
        "ess": "both",
        "signing_time": True,
        "fraction_digits": 3,
        "serial_bits": 160,
        "accuracy": Accuracy(seconds=1, millis=2, micros=3),
    }
    bare = replace(own, bag=())
    seeds = [
        good("Own", own, anchors, ["Own"], number=1, size=300),
        good("Bare", bare, anchors, ["Own"], number=2, size=1),
        good("Full", own, anchors, ["Own"], number=3, size=64, **full),
        good("Company", product, anchors, company, number=4, size=1000),
        good("V1", product, anchors, company, number=5, size=129, ess="v1"),
        good("P384", p384, anchors, ["P384"], number=6, size=255),
        good("Rsa", rsa_signer, anchors, ["Rsa"], number=7, size=513),
        good("Deep", deep_signer, anchors, ["Deep"], number=8, size=2),
    ]
    (HERE / "seeds.h").write_text(seeds_h(anchors, seeds), encoding="utf-8")

    # Bags that ask for work: authorities of one name, each of which might have issued each.
    crowd = [
        Party.authority("p256", "myCorp", Party.authority("p256", "myCorp")) for _ in range(16)
    ]
    hard = {
        "crowd-of-one-name": unverified(Party.signer("p256", "crowded", crowd[0], crowd[:15])),
        "seventeen-certificates": unverified(Party.signer("p256", "spill", crowd[0], crowd)),
        "strangers-huge-key": unverified(with_huge_key(root)),
        "huge-authority": unverified(below_huge_key(root)),
        "refused-request": LocalTSA(own.identity).timestamp(b""),
        "stranger": unverified(Party.alone("p256", "own")),
    }
    for seed in seeds:
        write("token", seed.name.lower(), seed.token)
    for name, token in hard.items():
        write("token", name, token)
    for name, data in scripts.updater({seed.name: seed.container for seed in seeds}, hard):
        write("updater", name, data)
    for name, data in scripts.receiver():
        write("receiver", name, data)
    for name, data in scripts.pull():
        write("pull", name, data)
    for name, data in scripts.web():
        write("web", name, data)


if __name__ == "__main__":
    main()
