"""Whatever comes in, only SecureOTAError gets out; and what is accepted was signed.

A few hundred examples for each entrance in `make test`, ten thousands in `make test-all`, and as
many as SECUREOTA_FUZZ_EXAMPLES says where that is set.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import json
import os
from typing import TYPE_CHECKING, Any, Callable

import hypothesis
import pytest
from hypothesis import strategies as st

from authorities import Company, anchor_of, pem
from platformio_secureota import Image, container, der, pki, timestamp
from platformio_secureota.anchors import load_anchors
from platformio_secureota.certificate import Certificate, Extensions
from platformio_secureota.errors import Refused, SecureOTAError
from platformio_secureota.names import show
from platformio_secureota.report import describe_file
from platformio_secureota.sign import sign
from platformio_secureota.timestamp import TimeStampReq
from platformio_secureota.tsa import LocalTSA
from platformio_secureota.tsa.encode import Accuracy
from platformio_secureota.verify import Rules, verify_image, verify_token

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

QUICK = int(os.environ.get("SECUREOTA_FUZZ_EXAMPLES", "200"))
THOROUGH = 20_000

IMAGE = b"\xe9" + bytes(range(200))
TIME = dt.datetime(2025, 6, 1, tzinfo=dt.timezone.utc)
NONCE = 12345678901234567890


# -- good things to begin with ------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class World:
    """Anchors, and everything that was ever signed for them."""

    anchors: Sequence[Any]
    tsa: LocalTSA
    tokens: list[bytes]
    pem: bytes

    @property
    def containers(self) -> list[bytes]:
        return [container.build(token, IMAGE, keys={"model": "x"}) for token in self.tokens]

    @property
    def certificates(self) -> list[bytes]:
        return [anchor.certificate.der for anchor in self.anchors]


@functools.cache
def world() -> World:
    now = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)
    company = Company.make()
    own = pki.generate("p256", name="own", policies=["1.2.3"])
    anchors = [anchor_of(company.root.certificate), anchor_of(own.certificate)]
    plain = LocalTSA(company.signer, clock=lambda: now)
    full = LocalTSA(
        own,
        clock=lambda: now,
        ess="both",
        serial_bits=160,
        signing_time=True,
        accuracy=Accuracy(seconds=1, millis=2, micros=3),
    )
    bare = LocalTSA(own, clock=lambda: now, certs="none", ess="v1")
    tokens = [sign(Image(IMAGE), tsa, anchors=anchors).token for tsa in (plain, full, bare)]
    certificates = pem(company.root.certificate, own.certificate)
    return World(anchors, plain, tokens, certificates)


REQUESTS = [
    TimeStampReq(digest=bytes(32), nonce=NONCE, policy="1.2.3").encode(),
    TimeStampReq(digest=bytes(32), cert_req=False).encode(),
]


# -- inputs -------------------------------------------------------------------------------------


def mutated(originals: Callable[[], Sequence[bytes]]) -> st.SearchStrategy[bytes]:
    """One of these, with some bytes replaced, removed or inserted."""

    @st.composite
    def draw_one(draw: st.DrawFn) -> bytes:
        data = bytearray(draw(st.sampled_from(list(originals()))))
        for _ in range(draw(st.integers(1, 4))):
            at = draw(st.integers(0, len(data)))
            removed = draw(st.integers(0, 3))
            data[at : at + removed] = draw(st.binary(max_size=3))
        return bytes(data)

    return draw_one()


Tree = tuple[int, Any]
"""(tag, contents): bytes, or a list of trees."""


def parse_tree(data: bytes) -> list[Tree]:
    """Read DER to its bottom, also what an OCTET STRING holds."""
    trees: list[Tree] = []
    reader = der.Reader(data)
    while not reader.at_end():
        tag, contents, _ = reader.read_any()
        inside: Any = contents
        if tag & 0x20 or tag == der.OCTET_STRING:
            try:
                der.check(contents)
                inside = parse_tree(contents) or contents
            except SecureOTAError:
                inside = contents
        trees.append((tag, inside))
    return trees


def write_tree(tree: Tree) -> bytes:
    tag, contents = tree
    return der.encode(
        tag, contents if isinstance(contents, bytes) else b"".join(map(write_tree, contents))
    )


def paths(tree: Tree, at: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Where in the tree there is a value."""
    yield at
    if isinstance(tree[1], list):
        for index, child in enumerate(tree[1]):
            yield from paths(child, (*at, index))


def replaced(tree: Tree, at: tuple[int, ...], change: Callable[[Tree], list[Tree]]) -> list[Tree]:
    """The tree with what stands there changed into other values."""
    if not at:
        return change(tree)
    children = list(tree[1])
    children[at[0] : at[0] + 1] = replaced(children[at[0]], at[1:], change)
    return [(tree[0], children)]


def value_at(tree: Tree, at: tuple[int, ...]) -> Tree:
    for index in at:
        tree = tree[1][index]
    return tree


TAGS = st.sampled_from(
    [1, 2, 3, 4, 5, 6, 10, 12, 19, 22, 23, 24, 0x30, 0x31, 0x80, 0x81, 0xA0, 0xA1, 0xA3, 0xA4]
)


def restructured(originals: Callable[[], Sequence[bytes]]) -> st.SearchStrategy[bytes]:
    """One of these with whole values removed, repeated, moved, retagged or filled anew.

    The lengths are right, so that what is behind the DER reader sees it.
    """

    @st.composite
    def draw_one(draw: st.DrawFn) -> bytes:
        tree = parse_tree(draw(st.sampled_from(list(originals()))))[0]
        for _ in range(draw(st.integers(1, 3))):
            places = list(paths(tree))
            at = draw(st.sampled_from(places))
            donor = value_at(tree, draw(st.sampled_from(places)))
            tag, contents = draw(TAGS), draw(st.binary(max_size=40))
            change: Callable[[Tree], list[Tree]] = draw(
                st.sampled_from(
                    [
                        lambda _: [],
                        lambda one: [one, one],
                        lambda _, donor=donor: [donor],
                        lambda one, donor=donor: [one, donor],
                        lambda one, tag=tag: [(tag, one[1])],
                        lambda one, contents=contents: [(one[0], contents)],
                    ]
                )
            )
            tree = (replaced(tree, at, change) or [tree])[0]
        return write_tree(tree)

    return draw_one()


@st.composite
def random_der(draw: st.DrawFn) -> bytes:
    """DER of any shape."""
    leaf = st.tuples(st.integers(0, 0xFE), st.binary(max_size=12))
    tree = st.recursive(
        leaf, lambda inner: st.tuples(TAGS, st.lists(inner, max_size=4)), max_leaves=20
    )
    return write_tree(draw(tree))


def anything(originals: Callable[[], Sequence[bytes]]) -> st.SearchStrategy[bytes]:
    return st.one_of(
        st.binary(max_size=300), random_der(), mutated(originals), restructured(originals)
    )


def broken_containers() -> st.SearchStrategy[bytes]:
    """Containers with any token, and containers with any bytes."""
    wrapped = anything(lambda: world().tokens).map(
        lambda token: (
            b"RedWax/1.00 rfc3161=%d payload=%d\n" % (len(token), len(IMAGE)) + token + IMAGE
        )
    )
    lines = st.binary(max_size=140).map(lambda line: b"RedWax/1." + line + b"\n" + IMAGE)
    return st.one_of(st.binary(max_size=300), mutated(lambda: world().containers), wrapped, lines)


@st.composite
def any_rules(draw: st.DrawFn) -> Rules:
    moment = st.none() | st.datetimes(timezones=st.just(dt.timezone.utc))
    return Rules(
        not_before=draw(moment),
        now=draw(moment),
        policies=draw(st.sets(st.sampled_from(["1.2.3", "2.5.29.32.0"])).map(frozenset)),
        deny=draw(st.sets(st.binary(min_size=32, max_size=32), max_size=2).map(frozenset)),
        require_ess_v2=draw(st.booleans()),
        nonce=draw(st.none() | st.integers()),
    )


# -- what is done with them ---------------------------------------------------------------------


def judge_token(data: bytes) -> None:
    verified = verify_token(data, anchors=world().anchors)
    assert verified.image_digest == Image(IMAGE).digest, "accepted what nobody signed"


def judge_token_by_rules(arguments: tuple[bytes, Rules]) -> None:
    data, rules = arguments
    verified = verify_token(data, anchors=world().anchors, rules=rules)
    assert verified.image_digest == Image(IMAGE).digest, "accepted what nobody signed"
    assert rules.not_before is None or verified.gen_time >= rules.not_before
    assert not rules.policies or verified.policy in rules.policies


def judge_container(data: bytes) -> None:
    assert verify_image(data, anchors=world().anchors).image.data == IMAGE


def reframe_container(data: bytes) -> None:
    parts = container.parse(data)
    again = container.parse(container.build(parts.token, parts.image))
    assert (again.token, again.image) == (parts.token, parts.image)


def describe(data: bytes) -> None:
    text = json.dumps(describe_file(data))
    assert all(char.isprintable() for char in text)  # json escapes all others


def read_certificate(data: bytes) -> None:
    der.check(data)
    certificate = Certificate.parse(data)
    assert show(certificate.subject).isprintable()
    Extensions.parse(certificate)


def answer_request(data: bytes) -> None:
    answer = world().tsa.timestamp(data)
    der.check(answer)
    response = timestamp.parse_response(answer)
    if response.token is not None:
        verify_token(answer, anchors=world().anchors)


@dataclasses.dataclass(frozen=True)
class Entrance:
    """Where strangers' bytes come in."""

    name: str
    inputs: st.SearchStrategy[Any]
    call: Callable[[Any], object]


def tokens() -> list[bytes]:
    return world().tokens


ENTRANCES = [
    Entrance("token, raw", st.binary(max_size=400) | random_der(), judge_token),
    Entrance("token, mutated", mutated(tokens), judge_token),
    Entrance("token, restructured", restructured(tokens), judge_token),
    Entrance(
        "token and rules",
        st.tuples(anything(tokens) | st.deferred(lambda: st.sampled_from(tokens())), any_rules()),
        judge_token_by_rules,
    ),
    Entrance("container, framing", broken_containers(), reframe_container),
    Entrance("container, verified", broken_containers(), judge_container),
    Entrance("request, parsed", anything(lambda: REQUESTS), timestamp.parse_request),
    Entrance("request, answered", anything(lambda: REQUESTS), answer_request),
    Entrance("inspect", anything(tokens) | broken_containers(), describe),
    Entrance("certificate", anything(lambda: world().certificates), read_certificate),
    Entrance(
        "anchors",
        anything(lambda: world().certificates) | mutated(lambda: [world().pem]),
        load_anchors,
    ),
]


@pytest.mark.parametrize(("year", "verdict"), [(9999, None), (1, "FromTheFuture")])
def test_a_clock_may_stand_at_either_end_of_time(year: int, verdict: str | None) -> None:
    end = (12, 31, 23, 59, 59) if year > 1 else (1, 1, 0, 0, 0)
    rules = Rules(now=dt.datetime(year, *end, tzinfo=dt.timezone.utc))

    refused = pytest.raises(Refused, match=verdict) if verdict else contextlib.nullcontext()
    with refused:
        verify_token(world().tokens[0], anchors=world().anchors, rules=rules)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("examples", [QUICK, pytest.param(THOROUGH, marks=pytest.mark.slow)])
@pytest.mark.parametrize("entrance", ENTRANCES, ids=lambda entrance: entrance.name)
def test_only_our_errors_get_out(
    entrance: Entrance, examples: int, report_line: Callable[[str], None]
) -> None:
    outcomes = {"refused": 0, "taken": 0}

    @hypothesis.settings(max_examples=examples, suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(entrance.inputs)
    def attack(data: Any) -> None:
        try:
            entrance.call(data)
        except SecureOTAError:
            outcomes["refused"] += 1
        else:
            outcomes["taken"] += 1

    attack()

    total = sum(outcomes.values())
    report_line(f"hypothesis: {entrance.name}: {total:,} examples, {outcomes['taken']:,} taken")
    assert total >= min(examples, 100)
