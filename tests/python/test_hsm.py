"""Signing with keys in a real PKCS#11 module (SoftHSM2)."""

from __future__ import annotations

import copy
import datetime as dt
import multiprocessing
import os
import pickle
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.x509.oid import NameOID

import softhsm
from authorities import Authority, anchor_of, pem
from platformio_secureota import Image, Reason, Unusable, hsm, key_source, pki, sign
from platformio_secureota.tsa import LocalTSA
from softhsm import SoftHsm, access, make_signer, uri

if TYPE_CHECKING:
    from platformio_secureota.identity import SigningIdentity

softhsm_or_skip = pytest.fixture(scope="module", autouse=True)(softhsm.need_softhsm)

KINDS = ("p256", "p384", "rsa2048")
IMAGE = Image(b"firmware " * 100)
DEVICE = Path(__file__).parents[2] / "build" / "device" / "verify-image"


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftHsm:
    """A token "card", without keys."""
    made = SoftHsm.make(tmp_path / "softhsm")
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    made.token("card")
    softhsm.start_again()
    return made


def load(text: str, pin: str = softhsm.PIN) -> SigningIdentity:
    return key_source.load_identity(uri(text), access=access(pin))


def fails(reason: Reason, said: str, action: Callable[[], object]) -> Unusable:
    with pytest.raises(Unusable) as caught:
        action()
    assert caught.value.reason is reason, caught.value
    assert said in str(caught.value)
    assert softhsm.PIN not in str(caught.value)
    return caught.value


def signs(identity: SigningIdentity) -> bool:
    """A whole signature, judged by the rules of a device."""
    return bool(sign(IMAGE, LocalTSA(identity), anchors=[anchor_of(identity.certificate)]).token)


# -- signatures -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("card")
def test_every_judge_accepts(tmp_path: Path, kind: str) -> None:
    make_signer("token=card;object=a", kind, name="card key")
    identity = load("token=card;object=a")
    signed = sign(IMAGE, LocalTSA(identity), anchors=[anchor_of(identity.certificate)])
    for name, data in {
        "anchor.pem": pem(identity.certificate),
        "image.bin": IMAGE.data,
        "image.tsr": signed.token,
        "image.signed.bin": signed.container,
    }.items():
        (tmp_path / name).write_bytes(data)
    openssl = ["openssl", "ts", "-verify", "-in", "image.tsr", "-data", "image.bin"]
    commands = [[*openssl, "-CAfile", "anchor.pem"]]
    if DEVICE.exists():  # `make test` has built it
        commands.append([str(DEVICE), "--anchor", "anchor.pem", "image.signed.bin"])
    for command in commands:
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("card")
def test_keys_are_generated_inside_and_stay_there(kind: str) -> None:
    import pkcs11  # noqa: PLC0415 - where the extra is

    key = make_signer("token=card;object=a", kind).key
    flags = pkcs11.Attribute
    session = pkcs11.lib(softhsm.MODULE).get_token(token_label="card").open()
    (stored,) = session.get_objects({flags.CLASS: pkcs11.ObjectClass.PRIVATE_KEY})
    assert stored[flags.SENSITIVE]
    assert not stored[flags.EXTRACTABLE]
    assert stored[flags.NEVER_EXTRACTABLE]
    assert stored[flags.LOCAL]
    assert not stored[flags.DECRYPT]
    session.close()
    pem_format = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    for export in (
        key.private_numbers,
        lambda: key.private_bytes(*pem_format, serialization.NoEncryption()),
        lambda: pickle.dumps(key),
    ):
        fails(Reason.KeyUnusable, "can't leave", export)
    assert copy.deepcopy(key) is copy.copy(key) is key


@pytest.mark.usefixtures("card")
def test_the_shape_of_a_private_key() -> None:
    curve_key = make_signer("token=card;object=a").key
    assert isinstance(curve_key, ec.EllipticCurvePrivateKey)
    assert (curve_key.key_size, curve_key.curve.name) == (256, "secp256r1")
    digest = hashes.Hash(hashes.SHA384())
    digest.update(b"x")
    prehashed = ec.ECDSA(utils.Prehashed(hashes.SHA384()))
    signature = curve_key.sign(digest.finalize(), prehashed)
    curve_key.public_key().verify(signature, b"x", ec.ECDSA(hashes.SHA384()))
    fails(Reason.KeyUnusable, "signing alone", lambda: curve_key.exchange(ec.ECDH(), None))
    rsa_key = make_signer("token=card;object=b", "rsa2048").key
    assert rsa_key.key_size == 2048
    for digest_algorithm in (hashes.SHA256(), hashes.SHA384(), hashes.SHA512()):
        signature = rsa_key.sign(b"x", padding.PKCS1v15(), digest_algorithm)
        rsa_key.public_key().verify(signature, b"x", padding.PKCS1v15(), digest_algorithm)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    fails(Reason.KeyUnusable, "v1.5", lambda: rsa_key.sign(b"x", pss, hashes.SHA256()))
    fails(Reason.KeyUnusable, "signing alone", lambda: rsa_key.decrypt(b"", padding.PKCS1v15()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("card")
def test_an_authoritys_key(kind: str) -> None:
    """Certificates and requests are signed by it as by any other key."""
    from platformio_secureota.hsm import generate, identity  # noqa: PLC0415 - the same

    generate.generate(uri("token=card;object=root"), kind, access())
    key = identity.open_key(uri("token=card;object=root"), access())
    root = Authority.make("root")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(root.certificate.not_valid_before_utc)
        .not_valid_after(root.certificate.not_valid_after_utc)
    )
    for extension in root.certificate.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    authority = Authority(key, builder.sign(key, hashes.SHA256()))
    signer = authority.certify(pki.generate(name="signer"), authority.certificate)
    anchors = [anchor_of(authority.certificate)]
    assert sign(IMAGE, LocalTSA(signer), anchors=anchors).verified.anchor == anchors[0]
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    assert request.is_signature_valid


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
@pytest.mark.usefixtures("card")
def test_a_signature_that_does_not_verify_is_not_handed_out(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from platformio_secureota.hsm import keys  # noqa: PLC0415 - the same

    make_signer("token=card;object=a", kind)
    identity = load("token=card;object=a")
    honest = keys.Handle.sign

    def faulty(handle: object, digest: bytes, mechanism: str) -> bytes:
        good = honest(handle, digest, mechanism)
        return good[:-1] + bytes([good[-1] ^ 1])

    monkeypatch.setattr(keys.Handle, "sign", faulty)
    fails(Reason.KeyUnusable, "signature is not one of", lambda: signs(identity))
    monkeypatch.setattr(keys.Handle, "sign", lambda *_: b"short")
    fails(Reason.KeyUnusable, "signature", lambda: signs(identity))


# -- which key --------------------------------------------------------------------------------


@pytest.mark.usefixtures("card")
def test_exactly_one_key_must_match() -> None:
    import pkcs11  # noqa: PLC0415 - where the extra is

    make_signer("token=card;object=a;id=%01")
    make_signer("token=card;object=b;id=%02")
    assert signs(load("token=card;object=a"))
    assert signs(load("token=card;id=%02"))
    several = fails(Reason.KeyUnusable, "2 private keys fit", lambda: load("token=card"))
    assert "object=a id=01; object=b id=02" in several.detail
    missing = fails(Reason.KeyMissing, "no private key fits", lambda: load("token=card;object=c"))
    assert "object=a id=01; object=b id=02" in missing.detail
    fails(Reason.KeyMissing, "object=b", lambda: load("token=card;object=a;id=%02"))
    # Two with the same label.
    session = pkcs11.lib(softhsm.MODULE).get_token(token_label="card").open(rw=True)
    for found in session.get_objects({pkcs11.Attribute.ID: b"\2"}):
        found[pkcs11.Attribute.LABEL] = "a"
    session.close()
    twins = fails(Reason.KeyUnusable, "2 private keys fit", lambda: load("token=card;object=a"))
    assert "object=a id=01; object=a id=02" in twins.detail


def test_exactly_one_token_must_match(card: SoftHsm) -> None:
    make_signer("token=card;object=a")
    card.token("card")
    softhsm.start_again()
    twins = fails(Reason.KeyUnusable, "2 tokens fit", lambda: load("object=a"))
    assert twins.detail.count("serial") == 2
    fails(Reason.KeyMissing, "no token fits", lambda: load("token=other;object=a"))
    fails(Reason.KeyMissing, "no token fits", lambda: load("slot-id=4711;object=a"))


@pytest.mark.usefixtures("card")
def test_the_certificate_must_be_the_keys(tmp_path: Path) -> None:
    identity = make_signer("token=card;object=a")
    stranger = pki.generate(name="stranger").certificate
    file = tmp_path / "certificate.pem"

    def from_file(*certificates: x509.Certificate) -> SigningIdentity:
        file.write_bytes(pem(*certificates))
        return load(f"token=card;object=a?secureota-certificate={file}")

    fails(Reason.KeyUnusable, "1 of another", lambda: from_file(stranger))
    found = from_file(stranger, identity.certificate)
    assert found.certificate == identity.certificate
    assert found.chain == (stranger,)
    fails(Reason.KeyUnusable, "2 certificates", lambda: from_file(*2 * [identity.certificate]))
    file.write_bytes(b"nothing")
    place = uri(f"token=card;object=a?secureota-certificate={file}")
    fails(
        Reason.KeyUnusable,
        "no certificate in PEM",
        lambda: key_source.load_identity(place, access=access()),
    )
    file.unlink()
    with pytest.raises(Unusable) as caught:
        key_source.load_identity(place, access=access())
    assert caught.value.reason is Reason.FileUnreadable


@pytest.mark.usefixtures("card")
def test_without_a_public_half_the_key_proves_itself(tmp_path: Path) -> None:
    import pkcs11  # noqa: PLC0415 - where the extra is

    identity = make_signer("token=card;object=a")
    session = pkcs11.lib(softhsm.MODULE).get_token(token_label="card").open(rw=True)
    for found in list(session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY})):
        found.destroy()
    session.close()
    assert load("token=card;object=a").certificate == identity.certificate
    file = tmp_path / "certificate.pem"
    file.write_bytes(pem(pki.generate(name="stranger").certificate))
    place = f"token=card;object=a?secureota-certificate={file}"
    fails(Reason.KeyUnusable, "signature is not one of", lambda: load(place))


@pytest.mark.usefixtures("card")
def test_a_key_without_a_certificate() -> None:
    from platformio_secureota.hsm import generate  # noqa: PLC0415 - the same

    generate.generate(uri("token=card;object=a"), "p256", access())
    error = fails(Reason.KeyUnusable, "no certificate of", lambda: load("token=card;object=a"))
    assert "secureota-certificate=FILE" in error.hint


@pytest.mark.usefixtures("card")
def test_a_key_is_never_made_over_another() -> None:
    from platformio_secureota.hsm import generate  # noqa: PLC0415 - the same

    make_signer("token=card;object=a;id=%01")
    for taken in ("object=a", "object=b;id=%01"):
        place = uri(f"token=card;{taken}")
        fails(
            Reason.KeyUnusable,
            "has a key already",
            lambda place=place: generate.generate(place, "p256", access()),
        )
    with pytest.raises(Unusable, match="name the new key"):
        generate.generate(uri("token=card"), "p256", access())


@pytest.mark.parametrize(
    ("attribute", "value", "said"),
    [("SIGN", False, "does not let this key sign"), ("ALWAYS_AUTHENTICATE", True, "wants the PIN")],
)
@pytest.mark.usefixtures("card")
def test_keys_that_can_not_sign_freely(attribute: str, value: object, said: str) -> None:
    import pkcs11  # noqa: PLC0415 - where the extra is

    token = pkcs11.lib(softhsm.MODULE).get_token(token_label="card")
    session = token.open(rw=True, user_pin=softhsm.PIN)
    template = {pkcs11.Attribute[attribute]: value}
    session.generate_keypair(
        pkcs11.KeyType.RSA, 2048, label="a", store=True, private_template=template
    )
    session.close()
    fails(Reason.KeyUnusable, said, lambda: load("token=card;object=a"))


@pytest.mark.usefixtures("card")
def test_keys_that_no_device_takes() -> None:
    import pkcs11  # noqa: PLC0415 - where the extra is

    from platformio_secureota.hsm import identity  # noqa: PLC0415 - the same

    token = pkcs11.lib(softhsm.MODULE).get_token(token_label="card")
    session = token.open(rw=True, user_pin=softhsm.PIN)
    session.generate_keypair(pkcs11.KeyType.RSA, 1024, label="a", store=True)
    session.close()
    place = uri("token=card;object=a")
    fails(Reason.KeyUnusable, "P-256", lambda: identity.open_key(place, access()))


def test_modules_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "text.so").write_text("no library")
    for path in (
        tmp_path / "none.so",
        tmp_path / "text.so",
        Path("/lib/x86_64-linux-gnu/libc.so.6"),
    ):
        place = hsm.parse(f"pkcs11:?module-path={path}")
        fails(
            Reason.KeyUnusable,
            "does not work as a PKCS#11 module",
            lambda place=place: key_source.load_identity(place, access=access()),
        )
    nowhere = hsm.parse("pkcs11:object=a")
    fails(
        Reason.KeyUnusable,
        "no PKCS#11 module is named",
        lambda: key_source.load_identity(nowhere, access=access()),
    )


# -- the PIN ----------------------------------------------------------------------------------


@pytest.fixture
def logins(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The PINs that were sent to a token, in order."""
    from platformio_secureota.hsm import session  # noqa: PLC0415 - where the extra is

    sent: list[str] = []
    find = session.find_token

    class Watched:
        """A token whose log-ins are seen."""

        def __init__(self, token: object) -> None:
            self._token = token

        def __getattr__(self, name: str) -> object:
            return getattr(self._token, name)

        def open(self, **options: str) -> object:
            sent.extend(options[name] for name in options if name == "user_pin")
            return self._token.open(**options)  # type: ignore[attr-defined]

    monkeypatch.setattr(session, "find_token", lambda *words: Watched(find(*words)))
    return sent


@pytest.mark.usefixtures("card")
def test_a_wrong_pin_is_tried_once(logins: list[str]) -> None:
    # Made by another process, so that this one has not logged in.
    in_a_child(lambda: make_signer("token=card;object=a") is None)
    fails(Reason.KeyUnusable, "the PIN is wrong", lambda: load("token=card;object=a", "0000"))
    assert logins == ["0000"]
    # Not again, and not another either: this process has had its try.
    for pin in ("0000", softhsm.PIN):
        fails(
            Reason.KeyUnusable,
            "refused the PIN before",
            lambda pin=pin: load("token=card;object=a", pin),
        )
    assert logins == ["0000"]


@pytest.mark.usefixtures("card")
def test_a_right_pin_is_sent_once(logins: list[str]) -> None:
    make_signer("token=card;object=a")
    make_signer("token=card;object=b")
    assert signs(load("token=card;object=a"))
    assert signs(load("token=card;object=b"))
    assert logins == [softhsm.PIN]


def test_the_last_try_is_left_to_a_person() -> None:
    from pkcs11 import TokenFlag  # noqa: PLC0415 - where the extra is

    from platformio_secureota.hsm.session import check_tries  # noqa: PLC0415 - the same

    check_tries("card", int(TokenFlag.USER_PIN_COUNT_LOW), refused=False)
    for flag, said in (
        (TokenFlag.USER_PIN_FINAL_TRY, "would lock it"),
        (TokenFlag.USER_PIN_LOCKED, "is locked"),
    ):
        fails(
            Reason.KeyUnusable,
            said,
            lambda flag=flag: check_tries("card", int(flag), refused=False),
        )


# -- processes, threads, removal --------------------------------------------------------------


def in_a_child(action: Callable[[], object]) -> str:
    """Run in a forked process; what came of it: "True", "False", or the error."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = os.fork()
    if child == 0:
        try:
            sender.send(str(action()))
        except BaseException as error:  # noqa: BLE001 - it is the parent who judges
            sender.send(f"{type(error).__name__}: {error}")
        finally:
            os._exit(0)
    assert receiver.poll(60), "the child hangs"
    answer = str(receiver.recv())
    os.waitpid(child, 0)
    return answer


@pytest.mark.usefixtures("card")
def test_a_fork_opens_its_own_session(logins: list[str]) -> None:
    make_signer("token=card;object=a")
    identity = load("token=card;object=a")
    before = list(logins)
    assert in_a_child(lambda: signs(identity) and logins) == str([*before, softhsm.PIN])
    assert in_a_child(lambda: in_a_child(lambda: signs(identity))) == "True"
    # And the parent's goes on.
    assert signs(identity)
    assert logins == before


@pytest.mark.usefixtures("card")
def test_a_fork_while_others_sign() -> None:
    make_signer("token=card;object=a")
    identity = load("token=card;object=a")
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            identity.key.sign(b"x", ec.ECDSA(hashes.SHA256()))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            assert in_a_child(lambda: signs(identity)) == "True"
    finally:
        done.set()
        for thread in threads:
            thread.join()


@pytest.mark.usefixtures("card")
def test_many_threads() -> None:
    make_signer("token=card;object=a")
    make_signer("token=card;object=b", "rsa2048")
    identities = [load("token=card;object=a"), load("token=card;object=b")]
    results: list[bool] = []

    def work(number: int) -> None:
        results.extend(signs(identities[number % 2]) for _ in range(10))

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 80


def test_a_token_that_goes_and_returns(card: SoftHsm, tmp_path: Path) -> None:
    make_signer("token=card;object=a")
    identity = load("token=card;object=a")
    (folder,) = card.tokens()
    folder.rename(tmp_path / "away")
    for _ in range(2):
        error = fails(Reason.KeyMissing, "no token fits", lambda: signs(identity))
        assert "plug it in" in error.hint
    (tmp_path / "away").rename(folder)
    assert signs(identity)


def test_another_token_in_its_place_does_not_get_the_pin(
    card: SoftHsm, tmp_path: Path, logins: list[str]
) -> None:
    make_signer("token=card;object=a")
    identity = load("token=card;object=a")
    (folder,) = card.tokens()
    folder.rename(tmp_path / "away")
    card.token("card")
    before = list(logins)
    fails(Reason.KeyMissing, "no token fits", lambda: signs(identity))
    assert logins == before


@pytest.mark.usefixtures("card")
def test_a_key_that_is_deleted() -> None:
    import pkcs11  # noqa: PLC0415 - where the extra is

    make_signer("token=card;object=a")
    identity = load("token=card;object=a")
    session = pkcs11.lib(softhsm.MODULE).get_token(token_label="card").open(rw=True)
    for found in list(session.get_objects()):
        found.destroy()
    session.close()
    fails(Reason.KeyMissing, "the token has: none", lambda: signs(identity))


@pytest.mark.usefixtures("card")
def test_another_key_in_its_place_does_not_sign() -> None:
    import pkcs11  # noqa: PLC0415 - where the extra is

    make_signer("token=card;object=a")
    identity = load("token=card;object=a")
    session = pkcs11.lib(softhsm.MODULE).get_token(token_label="card").open(rw=True)
    for found in list(session.get_objects()):
        found.destroy()
    session.close()
    make_signer("token=card;object=a")
    fails(Reason.KeyUnusable, "signature is not one of", lambda: signs(identity))


def test_a_certificate_that_no_device_takes_is_refused_early(card: SoftHsm) -> None:
    del card
    from platformio_secureota.hsm import generate  # noqa: PLC0415 - where the extra is

    place = uri("token=card;object=a")
    key = generate.generate(place, "p256", access())
    old = dt.datetime(2001, 1, 1, tzinfo=dt.timezone.utc)
    expired = pki.self_signed(key, now=old, lifetime=dt.timedelta(days=1))
    generate.store_certificate(place, expired.certificate, access())
    with pytest.raises(Exception, match="CertificateNotValidAtGenTime"):
        key_source.local_tsa(place, access=access())
