"""Where a device is: what its owner writes, and what that leads to."""

from __future__ import annotations

import socket

import pytest
import zeroconf
from hypothesis import given
from hypothesis import strategies as st

from platformio_secureota.errors import Reason, SecureOTAError, Unusable
from platformio_secureota.ota import Target, mdns
from platformio_secureota.ota.target import resolve


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("192.168.1.50", "192.168.1.50", 3232),
        ("192.168.1.50:8266", "192.168.1.50", 8266),
        ("greenhouse.local", "greenhouse.local", 3232),
        ("greenhouse:1", "greenhouse", 1),
        ("fd00::2", "fd00::2", 3232),
        ("[fd00::2]", "fd00::2", 3232),
        ("[fe80::1%eth0]:65535", "fe80::1%eth0", 65535),
    ],
)
def test_what_an_owner_writes(text: str, host: str, port: int) -> None:
    target = Target.parse(text)
    assert target == Target(host, port)
    assert Target.parse(str(target)) == target


@pytest.mark.parametrize("text", ["", " ", "a b", "a:", ":1", "a:0", "a:65536", "a:-1", "[a", "a]"])
def test_what_is_no_target(text: str) -> None:
    with pytest.raises(Unusable) as caught:
        Target.parse(text)
    assert caught.value.reason is Reason.Usage


@given(st.text(max_size=40))
def test_any_text_is_a_target_or_an_error_of_ours(text: str) -> None:
    try:
        target = Target.parse(text)
    except SecureOTAError as error:
        assert error.reason is Reason.Usage  # noqa: PT017 - either way out is fine
    else:
        assert 0 < target.port <= 65535


def test_an_address_needs_nobody_to_ask() -> None:
    address = resolve(Target("127.0.0.1", 8266))
    assert (address.family, address.ip) == (socket.AF_INET, "127.0.0.1")
    assert address.sockaddr == ("127.0.0.1", 8266)


@pytest.mark.parametrize("host", ["no-such-device.invalid", "a..b", "x" * 70])
def test_a_name_that_nobody_knows(host: str) -> None:
    with pytest.raises(Unusable) as caught:
        resolve(Target(host))
    assert caught.value.reason is Reason.NoAnswer


@pytest.mark.parametrize("name", ["lamp", "Küche 2.0", "a" * 63, "[x]:1", "mdns:"])
def test_a_service(name: str) -> None:
    target = Target.parse(f"mdns:{name}")
    assert (target.host, target.by_service) == (name, True)
    assert Target.parse(str(target)) == target


@pytest.mark.parametrize("name", ["", "a" * 64, "ü" * 32, "a\nb", "\x1b[2J"])
def test_what_is_no_service(name: str) -> None:
    with pytest.raises(Unusable) as caught:
        Target.parse(f"mdns:{name}")
    assert caught.value.reason is Reason.Usage


def test_a_bare_name_is_asked_for_in_the_local_network_too(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"secureota-no-such-host.local": "127.0.0.9"}
    monkeypatch.setattr(mdns, "find_host", lambda name, **_: known[name])
    assert resolve(Target("secureota-no-such-host")).ip == "127.0.0.9"


def test_local_names_are_asked_for_in_the_local_network(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def find_host(name: str, *, timeout: float) -> str:
        assert timeout == 3.0
        asked.append(name)
        return "127.0.0.9"

    monkeypatch.setattr(mdns, "find_host", find_host)
    assert resolve(Target("no-such-device.Local.")).ip == "127.0.0.9"
    assert asked == ["no-such-device.Local"]


def test_multicast_dns_finds_a_host() -> None:
    name = "secureota-test-host.local."
    service = zeroconf.ServiceInfo(
        "_arduino._tcp.local.",
        "secureota-test-host._arduino._tcp.local.",
        addresses=[socket.inet_aton("127.0.0.9")],
        port=3232,
        server=name,
    )
    with zeroconf.Zeroconf(ip_version=zeroconf.IPVersion.V4Only) as network:
        network.register_service(service)
        assert mdns.find_host("secureota-test-host.local", timeout=5.0) == "127.0.0.9"


@pytest.mark.parametrize("name", ["secureota-nobody.local", "x" * 80 + ".local"])
def test_multicast_dns_gives_up(name: str) -> None:
    assert mdns.find_host(name, timeout=0.3) is None
