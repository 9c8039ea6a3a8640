"""The options of platformio.ini."""

from __future__ import annotations

from pathlib import Path

import pytest

from platformio_secureota.errors import Reason, Unusable
from platformio_secureota.pio import options
from platformio_secureota.pio.options import PREFIX, Options

PROJECT = Path("/home/fred/greenhouse")


def parse(**values: str) -> Options:
    return options.parse({PREFIX + name: text for name, text in values.items()}, project=PROJECT)


def complaint(**values: str) -> Unusable:
    with pytest.raises(Unusable) as error:
        parse(**values)
    return error.value


def test_nothing_set() -> None:
    assert parse() == Options()


def test_file_names_are_relative_to_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/fred")
    found = parse(
        signing_key="~/keys/k.pem", trust_anchors="\n  certs/root.pem\n  /etc/ca.pem, b.pem\n"
    )
    assert found.signing_key == Path("/home/fred/keys/k.pem")
    assert found.trust_anchors == (
        PROJECT / "certs/root.pem",
        Path("/etc/ca.pem"),
        PROJECT / "b.pem",
    )


def test_required_policies_are_a_list_and_one_alone_is_asked_for() -> None:
    assert parse(required_policy="1.2.3\n1.2.4").required_policies == ("1.2.3", "1.2.4")
    assert parse(required_policy="1.2.3\n1.2.4").asked_policy is None
    assert parse(required_policy="1.2.3").asked_policy == "1.2.3"
    assert parse(required_policy="1.2.3, 1.2.4", policy="1.2.4").asked_policy == "1.2.4"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("tsa", "tsa_url"),
        ("key", "signing_key"),
        ("trust_anchor", "trust_anchors"),
        ("requiredpolicy", "required_policy"),
        ("", "policy"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, nearest: str) -> None:
    error = complaint(**{name: "x"})
    assert error.reason is Reason.Usage
    assert PREFIX + name in error.detail
    if name:
        assert error.hint.endswith(PREFIX + nearest)


@pytest.mark.parametrize("name", options.NAMES)
def test_a_name_without_a_value_is_refused(name: str) -> None:
    assert "is empty" in complaint(**{name: "  "}).detail


@pytest.mark.parametrize(
    "url", ["tsa.example", "ftp://tsa.example/", "https://", "file:///etc/passwd", "http://[::1"]
)
def test_a_url_that_is_none(url: str) -> None:
    assert "tsa_url" in complaint(tsa_url=url, trust_anchors="a.pem").detail


@pytest.mark.parametrize("url", ["https://fred:secret@tsa.example/", "https://fred@tsa.example/"])
def test_a_secret_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    error = complaint(tsa_url=url, trust_anchors="a.pem")
    assert "SECUREOTA_TSA_PASSWORD" in error.hint
    assert "secret" not in str(error)


def test_an_authority_needs_trust_anchors() -> None:
    assert complaint(tsa_url="https://tsa.example/").reason is Reason.AnchorMissing


def test_one_signer_only() -> None:
    values = {"tsa_url": "https://tsa.example/", "signing_key": "k.pem", "trust_anchors": "a.pem"}
    assert "one of them" in complaint(**values).detail


def test_anchors_without_a_signer_are_refused() -> None:
    assert "trust_anchors" in complaint(trust_anchors="a.pem").detail


@pytest.mark.parametrize("name", ["policy", "required_policy"])
@pytest.mark.parametrize("text", ["production", "1", "1.2.x", "3.1", "1.02.3", "1.2.3."])
def test_a_policy_that_is_no_object_identifier(name: str, text: str) -> None:
    assert name in complaint(**{name: text}).detail


def test_a_policy_that_the_device_would_refuse() -> None:
    assert "policy" in complaint(policy="1.2.3", required_policy="1.2.4").detail


def test_certificates_of_the_token() -> None:
    assert [parse(**raw).certs for raw in ({}, {"certs": "none"})] == ["all", "none"]
    assert "all, signer, none" in complaint(certs="some").detail
    assert (
        "certs"
        in complaint(certs="none", tsa_url="https://a.example/", trust_anchors="a.pem").detail
    )


def test_several_authorities_in_their_order() -> None:
    urls = ("https://b.example/", "http://a.example:8080/x")
    assert parse(tsa_url=f"\n  {urls[0]}\n  {urls[1]}", trust_anchors="a.pem").tsa_urls == urls
    assert parse(tsa_url=", ".join(urls), trust_anchors="a.pem").tsa_urls == urls
    assert "tsa_url" in complaint(tsa_url=f"{urls[0]}\nnone", trust_anchors="a.pem").detail
    secret = "https://fred:hunter2@tsa.example/"
    assert "hunter2" not in str(complaint(tsa_url=f"{urls[0]}\n{secret}", trust_anchors="a.pem"))


def test_ca_of_the_authorities() -> None:
    found = parse(tsa_url="https://tsa.example/", trust_anchors="a.pem", tsa_ca_file="ca.pem")
    assert found.tsa_ca_file == PROJECT / "ca.pem"
    assert "tsa_ca_file" in complaint(tsa_ca_file="ca.pem").detail


def test_what_is_built() -> None:
    found = parse(product="kitchen-lamp", hardware="revA, revB", version="1.2.3+4")
    assert (found.product, found.hardware) == ("kitchen-lamp", ("revA", "revB"))
    assert found.version == "1.2.3+4"
    assert parse(hardware="\n  revA\n  revB\n").hardware == ("revA", "revB")
    assert parse(hardware="revA revB").hardware == ("revA", "revB")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("product", "kitchen lamp", "only letters"),
        ("product", "x" * 33, "at most 32"),
        ("hardware", "a,b,a", "each one once"),
        ("hardware", "a,b,", "none empty"),
        ("hardware", "rev/A", "only letters"),
        ("hardware", ",".join("abcdefghi"), "at most 8"),
        ("version", "1.0 beta", "no space"),
        ("version", "x" * 49, "at most 48"),
    ],
)
def test_what_a_manifest_can_not_say(name: str, value: str, words: str) -> None:
    error = complaint(**{name: value})
    assert f"custom_secureota_{name}" in error.detail
    assert words in error.detail
