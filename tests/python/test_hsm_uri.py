"""`pkcs11:` URIs: what is understood, and that nothing else is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from platformio_secureota import Reason, Unusable, hsm, key_source
from platformio_secureota.hsm.access import Access


def test_everything_that_is_understood() -> None:
    found = hsm.parse(
        "pkcs11:token=The%20card;manufacturer=M;serial=0a1B;model=X%20v2;slot-id=17;"
        "object=sign;id=%01%ff;type=private"
        "?module-path=/usr/lib/x.so&pin-source=file:/run/pin&secureota-certificate=certs/a.pem",
        base=Path("/project"),
    )
    assert found == hsm.Pkcs11Uri(
        token="The card",
        manufacturer="M",
        serial="0a1B",
        model="X v2",
        slot_id=17,
        object="sign",
        id=b"\x01\xff",
        module_path="/usr/lib/x.so",
        pin_source=Path("/run/pin"),
        certificate=Path("/project/certs/a.pem"),
    )
    # What names the key, and nothing of how to get there.
    assert str(found) == (
        "pkcs11:token=The%20card;manufacturer=M;serial=0a1B;model=X%20v2;object=sign;"
        "slot-id=17;id=%01%ff"
    )
    assert hsm.parse(str(found)).id == found.id


def test_little_is_enough() -> None:
    assert hsm.parse("pkcs11:") == hsm.Pkcs11Uri()
    assert hsm.parse("PKCS11:object=a").object == "a"
    assert hsm.parse("pkcs11:object=a&b").object == "a&b"


@pytest.mark.parametrize("text", ["/run/pin", "file:/run/pin", "file:///run/pin"])
def test_a_pin_source_is_a_file(text: str) -> None:
    assert hsm.parse(f"pkcs11:?pin-source={text}").pin_source == Path("/run/pin")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pkcs11:tokn=a", "'tokn'"),
        ("pkcs11:token=a;token=b", "token twice"),
        ("pkcs11:token=", "no value for token"),
        ("pkcs11:token", "no value for token"),
        ("pkcs11:token=a;", "no name"),
        ("pkcs11:token=a b", "%-encoded"),
        ("pkcs11:token=a%2", "%-encoded"),
        ("pkcs11:token=a/b", "%-encoded"),
        ("pkcs11:token=a#b", "%-encoded"),
        ("pkcs11:token=%ff", "not UTF-8"),
        ("pkcs11:object=a%00", "NUL"),
        ("pkcs11:slot-id=0x1", "not a number"),
        ("pkcs11:slot-id=%D9%A1", "not a number"),
        ("pkcs11:type=cert", "type other than private"),
        ("pkcs11:library-version=1", "'library-version'"),
        ("pkcs11:x-mine=1", "'x-mine'"),
        ("pkcs11:token=a?", "question mark"),
        ("pkcs11:module-path=/x", "'module-path'"),
        ("pkcs11:?token=a", "'token'"),
        ("pkcs11:?module-path=softhsm.so", "not absolute"),
        ("pkcs11:?module-path=/a&module-path=/b", "module-path twice"),
        ("pkcs11:?module-name=softhsm", "module-name is not taken"),
        ("pkcs11:?pin-source=|cat%20/pin", "a command as pin-source"),
        ("pkcs11:?pin-source=pin.txt", "neither an absolute path"),
        ("pkcs11:?pin-source=file:pin.txt", "neither an absolute path"),
        ("pkcs11:?pin-source=https:/host/pin", "neither an absolute path"),
        ("pkcs11:?pin-source=file://host/pin", "neither an absolute path"),
        ("key.pem", "does not begin with"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    with pytest.raises(Unusable) as caught:
        hsm.parse(text)
    assert caught.value.reason is Reason.Usage
    assert said in caught.value.detail


@pytest.mark.parametrize("text", ["pkcs11:token=a?pin-value=1234", "pkcs11:token=a;pin-value=1234"])
def test_a_pin_in_the_uri_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(Unusable, match="pin-value is not taken") as caught:
        hsm.parse(text)
    assert "SECUREOTA_PKCS11_PIN" in caught.value.hint
    assert "1234" not in str(caught.value)


@pytest.mark.parametrize("text", ["pkcs11:pin=1234x", "pkcs11:?pin-value%3D1234x", "pkcs11:1234x"])
def test_no_message_repeats_a_value(text: str) -> None:
    with pytest.raises(Unusable) as caught:
        hsm.parse(text)
    assert "1234x" not in str(caught.value)


def test_files_and_tokens_are_told_apart() -> None:
    assert key_source.parse("key.pem", base=Path("/p")) == Path("/p/key.pem")
    assert key_source.parse("./pkcs11:a") == Path("pkcs11:a")
    assert key_source.parse("pkcs11:object=a") == hsm.Pkcs11Uri(object="a")


# -- the file with the PIN --------------------------------------------------------------------


def pin_file(path: Path, content: bytes, mode: int = 0o600) -> hsm.Pkcs11Uri:
    path.write_bytes(content)
    path.chmod(mode)
    return hsm.Pkcs11Uri(pin_source=path)


def test_the_first_line_is_the_pin(tmp_path: Path) -> None:
    source = pin_file(tmp_path / "pin", b"12 34\r\nmore\n")
    assert Access(pin=lambda _: "other").pin_of(source, "t") == "12 34"


@pytest.mark.parametrize("content", [b"", b"\n1234\n", b"\xff\n", b"12\0", b"1" * 256])
def test_a_file_without_a_pin(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Unusable, match="no PIN") as caught:
        Access().pin_of(pin_file(tmp_path / "pin", content), "t")
    assert caught.value.reason is Reason.KeyUnusable


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_pin_that_others_can_read(tmp_path: Path, mode: int) -> None:
    with pytest.raises(Unusable, match="others can read the PIN"):
        Access().pin_of(pin_file(tmp_path / "pin", b"1234\n", mode), "t")


def test_no_pin_at_all(tmp_path: Path) -> None:
    with pytest.raises(Unusable) as caught:
        Access().pin_of(hsm.Pkcs11Uri(pin_source=tmp_path / "none"), "t")
    assert caught.value.reason is Reason.FileUnreadable
    with pytest.raises(Unusable, match="a PIN is needed"):
        Access().pin_of(hsm.Pkcs11Uri(), "t")


def test_access_does_not_show_its_pin() -> None:
    assert "1234" not in repr(Access(pin=lambda _: "1234"))
