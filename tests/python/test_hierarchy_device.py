"""The emulated device below a company's hierarchy: scope, and expiry without a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from authorities import pem
from emulated_device import PROGRAM, EmulatedDevice, build_version
from hierarchies import DAY, NOW, Company, signed
from platformio_secureota import Refused
from platformio_secureota.hierarchy import Profile
from platformio_secureota.ota import upload

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return Company.make(tmp_path_factory.mktemp("company") / "pki")


@pytest.fixture(scope="module")
def image() -> bytes:
    assert PROGRAM.is_file(), "run `make device-asan` first"
    return PROGRAM.read_bytes()


@pytest.fixture(scope="module")
def version_2(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return build_version("2", tmp_path_factory.mktemp("v2") / "firmware").read_bytes()


def anchored_at(company: Company, name: str, folder: Path) -> EmulatedDevice:
    anchor = folder / "anchor.pem"
    anchor.write_bytes(pem(company[name].certificate))
    return EmulatedDevice(folder / "flash", "--anchor", str(anchor))


def answer(device: EmulatedDevice, data: bytes) -> str:
    try:
        upload(data, device.target)
    except Refused as refusal:
        return refusal.reason.value
    return "accepted"


@pytest.mark.parametrize(
    ("anchor", "accepted"),
    [
        ("myCorp", {"product 1", "Fred", "Mary", "pilot-testing"}),
        ("production", {"product 1"}),
        ("engineering", {"Fred", "Mary", "pilot-testing"}),
    ],
)
def test_a_device_takes_what_its_anchor_is_above_of(
    company: Company, tmp_path: Path, image: bytes, anchor: str, accepted: set[str]
) -> None:
    # The running image again: it is judged, and nothing is written.
    with anchored_at(company, anchor, tmp_path) as device:
        answers = {
            name: answer(device, signed(company.identity(name), image))
            for name in ("product 1", "Fred", "Mary", "pilot-testing")
        }
    assert answers == {name: "accepted" if name in accepted else "NotTrusted" for name in answers}


def test_an_expired_developer_is_refused_without_a_clock(
    tmp_path: Path, image: bytes, version_2: bytes
) -> None:
    company = Company.make(tmp_path / "pki")
    company.add("guest", Profile.SIGNER, "development", lifetime=20 * DAY)
    guest = company.identity("guest")
    end = guest.certificate.not_valid_after_utc
    assert end < NOW
    with anchored_at(company, "myCorp", tmp_path) as device:
        # The device knows no date. It is older than the certificate's end, so it takes what the
        # guest signed in time; with the key the guest could sign with such a date today.
        assert answer(device, signed(guest, image, at=end - DAY)) == "accepted"
        # A release moves the floor past the end.
        assert answer(device, signed(company.identity("product 1"), version_2)) == "accepted"
        device.wait_for("boot: version 2 ")
        device.wait_for("listening on ")
        # From now on the guest has no date left: each is before the floor or after the end.
        dates = {end - DAY: "OlderThanFloor", end: "OlderThanFloor"}
        dates[NOW + DAY] = "CertificateNotValidAtGenTime"
        for date, reason in dates.items():
            assert answer(device, signed(guest, version_2 + b"!", at=date)) == reason
        assert device.count("erased ") == 1
