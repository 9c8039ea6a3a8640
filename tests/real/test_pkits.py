"""NIST's path validation tests (PKITS), judged by both path finders.

Their end entities are no timestamp signers, so the path finders are asked directly and the rules on
a signer's purpose stay out of it.  `pkits_expectations.json` holds the answer to each test; where
it is not PKITS's, docs/path-validation.md says why, and the two are compared.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Callable

import pytest
from collected import PKITS
from device_judges import judge_paths

from platformio_secureota import Reason, Refused, TrustAnchor, der, path
from platformio_secureota.certificate import Certificate, Extensions
from platformio_secureota.path import PathRules, find_path

ROOT = Path(__file__).parents[2]
EXPECTED: dict[str, str] = json.loads(
    Path(__file__).with_name("pkits_expectations.json").read_text()
)
GEN_TIME = dt.datetime(2015, 1, 1, tzinfo=dt.timezone.utc)
"""After what expires early (1999, 2011), before what begins late (2047), within all the rest."""


@dataclass(frozen=True)
class Case:
    """A path to judge."""

    anchor: bytes
    signer: bytes
    bag: tuple[bytes, ...]
    policy: str = ""
    gen_time: dt.datetime = GEN_TIME

    def host(self) -> str:
        """`accepted` or the name of the Reason: the same steps as in judge_path.cpp."""
        try:
            self.find()
        except Refused as refused:
            return refused.reason.value
        return "accepted"

    def find(self) -> tuple[Certificate, ...]:
        """The authorities on the path, the signer's issuer first."""
        bag = [parse(certificate) for certificate in self.bag]
        signer = parse(self.signer)
        extensions = Extensions.parse(signer)
        if extensions.unknown_critical:
            raise Refused(Reason.CertificateExtensionUnknown)
        policy = der.oid_contents(self.policy) if self.policy else None
        rules = PathRules(self.gen_time, policy, frozenset())
        return find_path(signer, extensions, bag, [TrustAnchor.from_der(self.anchor)], rules)[0]

    def for_device(self) -> tuple[bytes, ...]:
        time = self.gen_time.strftime("%Y%m%d%H%M%S").encode()
        policy = der.oid_contents(self.policy) if self.policy else b""
        return time, policy, self.anchor, self.signer, b"".join(self.bag)


@cache
def parse(data: bytes) -> Certificate:
    der.check(data)
    return Certificate.parse(data)


@dataclass(frozen=True)
class PkitsTest:
    """One entry of pkits.json."""

    number: str
    """As in NIST's document: section and test, `4.3.11`."""
    name: str
    accepted: bool
    """What PKITS says."""
    case: Case


@pytest.fixture(scope="module")
def tests() -> dict[str, PkitsTest]:
    def certificate(name: str) -> bytes:
        return (PKITS / "certs" / name).read_bytes()

    found: dict[str, PkitsTest] = {}
    entries: list[dict[str, Any]] = json.loads((PKITS / "pkits.json").read_text())
    for entry in entries:
        signer = certificate(entry["cert"])
        others = [certificate(name) for name in entry.get("other_certs", [])]
        policies = entry.get("params", {}).get("user_initial_policy_set", [])
        case = Case(
            anchor=certificate("TrustAnchorRootCertificate.crt"),
            signer=signer,
            bag=(signer, *others),
            # A path is held to the one policy that the TSTInfo names.
            policy=policies[0] if len(policies) == 1 else "",
        )
        section, test = int(entry["id"][1:3]), int(entry["id"][3:])
        number = f"4.{section}.{test}"
        name = f"{number} {entry['name']}"
        assert name not in found
        found[name] = PkitsTest(number, name, "error" not in entry, case)
    return found


def by_number(tests: dict[str, PkitsTest], number: str) -> Case:
    return next(test.case for test in tests.values() if test.number == number)


@pytest.fixture(scope="module")
def verdicts(
    tests: dict[str, PkitsTest], report_line: Callable[[str], None]
) -> dict[str, tuple[str, str]]:
    """(Host's, device's) for each test."""
    host = [test.case.host() for test in tests.values()]
    device = judge_paths([test.case.for_device() for test in tests.values()])
    alike = sum(
        (verdict == "accepted") == test.accepted for verdict, test in zip(host, tests.values())
    )
    report_line(
        f"PKITS: {len(tests)} paths judged by each path finder, {alike} as PKITS has it, "
        f"{len(tests) - alike} explained in docs/path-validation.md, "
        f"{sum(map(str.__ne__, host, device))} disagreements"
    )
    return dict(zip(tests, zip(host, device)))


def test_every_test_has_an_expectation(tests: dict[str, PkitsTest]) -> None:
    assert sorted(tests) == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_path(name: str, verdicts: dict[str, tuple[str, str]]) -> None:
    host, device = verdicts[name]
    assert device == host
    assert host == EXPECTED[name]


def documented(title: str) -> dict[str, str]:
    """PKITS number to the second column of a table in docs/path-validation.md."""
    text = (ROOT / "docs" / "path-validation.md").read_text()
    _, _, section = text.partition(f"\n## {title}\n")
    rows = re.findall(
        r"^\| (4\.[0-9., ]+) \| ([^|]+) \|", section.partition("\n## ")[0], re.MULTILINE
    )
    assert rows, f"no table under {title!r}"
    found: dict[str, str] = {}
    for numbers, what in rows:
        for number in numbers.split(", "):
            assert number not in found
            found[number] = what
    return found


def test_what_is_refused_beyond_pkits_is_documented(tests: dict[str, PkitsTest]) -> None:
    refused: dict[str, set[str]] = defaultdict(set)
    for test in tests.values():
        if test.accepted and EXPECTED[test.name] != "accepted":
            refused[test.number].add(f"`{EXPECTED[test.name]}`")
    assert documented("Refused, where PKITS accepts") == {
        number: ", ".join(reasons) for number, reasons in refused.items()
    }


def test_what_is_accepted_beyond_pkits_is_documented(tests: dict[str, PkitsTest]) -> None:
    accepted = {
        test.number
        for test in tests.values()
        if not test.accepted and EXPECTED[test.name] == "accepted"
    }
    assert set(documented("Accepted, where PKITS refuses")) == accepted


def test_the_counts_in_the_documentation(tests: dict[str, PkitsTest]) -> None:
    text = (ROOT / "docs" / "path-validation.md").read_text()
    rows = re.findall(
        r"^\| (all|4\.\d+(?: to 4\.\d+)?)[^|]* \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|",
        text,
        re.MULTILINE,
    )
    assert len(rows) == 14
    for sections, *counts in rows:
        first, _, last = sections.replace("all", "4.1 to 4.16").partition(" to ")
        wanted = range(int(first[2:]), int((last or first)[2:]) + 1)
        answers = [
            (test.accepted, EXPECTED[test.name] == "accepted")
            for test in tests.values()
            if int(test.number.split(".")[1]) in wanted
        ]
        stricter, laxer = answers.count((True, False)), answers.count((False, True))
        expected = [len(answers), len(answers) - stricter - laxer, stricter, laxer]
        assert list(map(int, counts)) == expected, sections


def ask_both(*cases: Case) -> list[str]:
    host = [case.host() for case in cases]
    assert judge_paths([case.for_device() for case in cases]) == host
    return host


def test_the_order_of_the_bag_changes_one_verdict(tests: dict[str, PkitsTest]) -> None:
    reversed_ = [replace(test.case, bag=test.case.bag[::-1]) for test in tests.values()]
    changed = [
        test.number
        for test, verdict in zip(tests.values(), ask_both(*reversed_))
        if (verdict == "accepted") != (EXPECTED[test.name] == "accepted")
    ]
    assert changed == ["4.6.17"]  # the search costs less that way round


def test_each_authority_of_a_good_path_will_do_as_its_anchor(tests: dict[str, PkitsTest]) -> None:
    cases = [
        replace(test.case, anchor=authority.der)
        for test in tests.values()
        if EXPECTED[test.name] == "accepted"
        for authority in test.case.find()
    ]
    assert len(cases) > 100
    assert set(ask_both(*cases)) == {"accepted"}


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("4.2.1", "accepted"),  # not valid yet: an anchor's dates do not count (RFC 5280 6.1.1)
        ("4.2.5", "accepted"),  # expired: the same
        ("4.6.1", "CertificateNotCa"),
        ("4.6.2", "CertificateNotCa"),
        ("4.6.3", "CertificateNotCa"),
        ("4.6.5", "PathTooLong"),  # an anchor's pathLen counts
        ("4.7.1", "CertificateNotCa"),  # it has no keyCertSign
        ("4.7.2", "CertificateNotCa"),
    ],
)
def test_the_faulty_authority_as_anchor(
    number: str, reason: str, tests: dict[str, PkitsTest]
) -> None:
    case = by_number(tests, number)
    assert ask_both(replace(case, anchor=case.bag[1])) == [reason]


@pytest.mark.parametrize("policy", [f"2.16.840.1.101.3.2.1.48.{last}" for last in range(1, 7)])
def test_what_pkits_refuses_for_its_policies_fits_no_required_policy(
    policy: str, tests: dict[str, PkitsTest]
) -> None:
    numbers = ["4.8.2", "4.8.3", "4.8.4", "4.8.5", "4.8.7", "4.8.8", "4.8.9", "4.8.12"]
    cases = [replace(by_number(tests, number), policy=policy) for number in numbers]
    assert set(ask_both(*cases)) == {"PolicyNotAccepted"}


@pytest.mark.parametrize("number", ["4.2.5", "4.2.6"])
def test_what_expired_was_good_before(number: str, tests: dict[str, PkitsTest]) -> None:
    before = dt.datetime(2010, 6, 1, tzinfo=dt.timezone.utc)
    case = by_number(tests, number)
    assert ask_both(case, replace(case, gen_time=before)) == [
        "CertificateNotValidAtGenTime",
        "accepted",
    ]


def test_validity_to_the_second(tests: dict[str, PkitsTest]) -> None:
    case = by_number(tests, "4.1.1")
    signer, second = parse(case.signer), dt.timedelta(seconds=1)
    times = [signer.not_before - second, signer.not_before]
    times += [signer.not_after, signer.not_after + second]
    assert ask_both(*(replace(case, gen_time=time) for time in times)) == [
        "CertificateNotValidAtGenTime",
        "accepted",
        "accepted",
        "CertificateNotValidAtGenTime",
    ]


def test_a_wrong_signature_in_whole_octets(tests: dict[str, PkitsTest]) -> None:
    """4.1.2's signature claims an unused bit, and is refused for that already."""
    case = by_number(tests, "4.1.2")
    signer, authority = case.bag
    start = b"\x03\x82\x01\x01"
    assert authority[-261:-256] == start + b"\x01"
    repaired = authority[:-261] + start + b"\x00" + authority[-256:]
    assert ask_both(case, replace(case, bag=(signer, repaired))) == [
        "Malformed",
        "CertificateSignatureInvalid",
    ]


def test_the_two_new_keys_are_refused_for_their_cost_alone(
    tests: dict[str, PkitsTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = by_number(tests, "4.6.17")
    assert case.host() == "TooMuchWork"
    monkeypatch.setattr(path, "MAX_SIGNATURE_CHECKS", 13)
    assert case.host() == "accepted"
