"""The container's header: every way in which it can be wrong has its name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platformio_secureota import container
from platformio_secureota.errors import Reason, Refused

TOKEN, IMAGE = b"\x30\x00", b"\xe9image"
SIZES = b"rfc3161=2 payload=6"


def with_header(line: bytes) -> bytes:
    return line + b"\n" + TOKEN + IMAGE


def test_what_is_built_can_be_parsed() -> None:
    built = container.build(TOKEN, IMAGE, keys={"model": "UCD2", "hw": "5.4"})
    assert built.startswith(b"RedWax/1.00 rfc3161=2 payload=6 model=UCD2 hw=5.4\n")
    parts = container.parse(built)
    assert (parts.token, parts.image) == (TOKEN, IMAGE)
    assert parts.keys == {"model": "UCD2", "hw": "5.4"}


@pytest.mark.parametrize(
    "line",
    [
        b"RedWax/1.00 " + SIZES,
        b"RedWax/1.17 " + SIZES,
        b"RedWax/1.00 payload=6 rfc3161=2",
        b"RedWax/1.00 a=b " + SIZES + b" c= d=e=f",
        (b"RedWax/1.00 " + SIZES + b" pad=").ljust(127, b"x"),
    ],
)
def test_takes(line: bytes) -> None:
    assert container.parse(with_header(line)).image == IMAGE


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"redwax/1.00 " + SIZES, Reason.NotSigned),
        (b"\xe9plain image", Reason.NotSigned),
        (b"RedWax/2.00 " + SIZES, Reason.HeaderMalformed),
        (b"RedWax/1. " + SIZES, Reason.HeaderMalformed),
        (b"RedWax/1.00", Reason.HeaderMalformed),
        (b"RedWax/1.00  " + SIZES, Reason.HeaderMalformed),
        (b"RedWax/1.00\t" + SIZES, Reason.HeaderMalformed),
        (b"RedWax/1.00 " + SIZES + b" ", Reason.HeaderMalformed),
        (b"RedWax/1.00 " + SIZES + b"\r", Reason.HeaderMalformed),
        (b"RedWax/1.00 " + SIZES + b" a\0=b", Reason.HeaderMalformed),
        (b"RedWax/1.00 " + SIZES + b" novalue", Reason.HeaderMalformed),
        (b"RedWax/1.00 " + SIZES + b" =nokey", Reason.HeaderMalformed),
        (b"RedWax/1.00 rfc3161=2", Reason.HeaderMalformed),
        (b"RedWax/1.00 payload=6", Reason.HeaderMalformed),
        (b"RedWax/1.00 rfc3161=2 rfc3161=2 payload=6", Reason.HeaderMalformed),
        (b"RedWax/1.00 rfc3161=02 payload=6", Reason.HeaderMalformed),
        (b"RedWax/1.00 rfc3161=+2 payload=6", Reason.HeaderMalformed),
        (b"RedWax/1.00 rfc3161=-2 payload=6", Reason.HeaderMalformed),
        (b"RedWax/1.00 rfc3161=0 payload=6", Reason.HeaderMalformed),
        (b"RedWax/1.00 rfc3161=2 payload=0", Reason.HeaderMalformed),
        (b"RedWax/1.00 rfc3161=2 payload=4294967296", Reason.HeaderMalformed),
        (b"RedWax/1.00 rfc3161=2 payload=18446744073709551622", Reason.HeaderMalformed),
        ((b"RedWax/1.00 " + SIZES + b" pad=").ljust(128, b"x"), Reason.HeaderTooLong),
        (b"RedWax/1.00 rfc3161=16385 payload=6", Reason.TokenTooLarge),
        (b"RedWax/1.00 rfc3161=2 payload=7", Reason.Truncated),
        (b"RedWax/1.00 rfc3161=2 payload=4294967295", Reason.Truncated),
        (b"RedWax/1.00 rfc3161=2 payload=5", Reason.TrailingData),
    ],
)
def test_refuses(line: bytes, reason: Reason) -> None:
    with pytest.raises(Refused) as refusal:
        container.parse(with_header(line))
    assert refusal.value.reason is reason


def test_every_prefix_is_refused() -> None:
    whole = container.build(TOKEN, IMAGE)
    for size in range(len(whole)):
        with pytest.raises(Refused) as refusal:
            container.parse(whole[:size])
        expected = Reason.NotSigned if size < len(b"RedWax/") else Reason.Truncated
        assert refusal.value.reason is expected, size


@given(st.binary(max_size=200).map(lambda tail: b"RedWax/1.0" + tail))
def test_raises_nothing_but_refusals(data: bytes) -> None:
    try:
        container.parse(data)
    except Refused as refusal:
        assert refusal.reason in {  # noqa: PT017 - either outcome is right
            Reason.HeaderMalformed,
            Reason.HeaderTooLong,
            Reason.TokenTooLarge,
            Reason.Truncated,
            Reason.TrailingData,
        }


@pytest.mark.parametrize("keys", [{"a b": "c"}, {"a": "b c"}, {"long": "x" * 128}])
def test_builds_no_bad_header(keys: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="container header"):
        container.build(TOKEN, IMAGE, keys=keys)
