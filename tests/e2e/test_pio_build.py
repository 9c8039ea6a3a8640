"""`pio run`: what is signed, what is compiled, and when it is not."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Callable

import pytest
from conftest import PROGRAM
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from authorities import Company, pem
from openssl_tsa import OpensslTsa, serving
from platformio_secureota import container, pki, verify_image
from platformio_secureota.anchors import read_anchors

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

    NewProject = Callable[..., Project]

FIRST = [
    "Compiling main.o",
    "Generating build_facts.cpp",
    "Compiling build_facts.o",
    "Linking program",
    "Signing program",
]


def accepted_anchor(project: Project, *anchors: Path) -> str:
    """SHA-256 of the key that the signed image leads to."""
    verified = verify_image(
        project.signed.read_bytes(),
        anchors=[anchor for path in anchors for anchor in read_anchors(path)],
    )
    assert verified.image.data == project.covered.read_bytes()
    return verified.token.anchor.certificate.spki_digest.hex()


def test_one_ini_line_signs_and_a_second_run_does_nothing(keyed: NewProject) -> None:
    project = keyed()
    assert project.run().ok().steps == FIRST
    accepted_anchor(project, project.folder.parent / "key.pem")
    assert container.parse(project.signed.read_bytes()).token == project.token.read_bytes()
    before = project.signed.stat().st_mtime_ns
    assert project.run().ok().steps == []
    assert project.signed.stat().st_mtime_ns == before


def test_the_esp32_shape_too(keyed: NewProject) -> None:
    project = keyed("espressif32")
    steps = project.run().ok().steps
    assert steps[-1] == "Signing firmware.bin"
    accepted_anchor(project, project.folder.parent / "key.pem")
    assert project.run().ok().steps == []


def test_the_program_knows_anchors_time_and_policies(keyed: NewProject) -> None:
    project = keyed("native")
    started = int(time.time())
    project.run().ok()
    facts = project.facts()
    key = project.folder.parent / "key.pem"
    assert bytes.fromhex(facts["anchors"]) == pki.load_identity(key).certificate_der
    assert started <= int(facts["time"]) <= time.time()
    assert facts["policies"] == ""
    # The time of the last change, not of the last look.
    project.run().ok()
    assert project.facts()["time"] == facts["time"]


def test_required_policies_are_compiled_in_and_signed_under(
    new_project: NewProject, tmp_path: Path
) -> None:
    key = tmp_path / "key.pem"
    pki.write_pem(key, pki.generate(policies=["1.3.6.1.4.1.99999.7"]))
    project = new_project(
        "native",
        f"custom_secureota_signing_key = {key}",
        "custom_secureota_required_policy = 1.3.6.1.4.1.99999.7",
    )
    project.run().ok()
    assert project.facts()["policies"] == "06092b06010401868d1f07"
    verified = verify_image(project.signed.read_bytes(), anchors=read_anchors(key))
    assert verified.token.policy == "1.3.6.1.4.1.99999.7"


def test_a_signer_without_the_required_policy_signs_nothing(keyed: NewProject) -> None:
    project = keyed("native", "custom_secureota_required_policy = 1.3.6.1.4.1.99999.7")
    project.run().refused("PolicyNotAccepted")
    assert not project.signed.exists()


def test_source_date_epoch_is_the_build_time(keyed: NewProject) -> None:
    project = keyed()
    project.run(SOURCE_DATE_EPOCH="1700000000").ok()
    assert project.facts()["time"] == "1700000000"
    first = project.image.read_bytes()
    project.run(SOURCE_DATE_EPOCH="1700000001").ok()
    assert project.facts()["time"] == "1700000001"
    project.run(SOURCE_DATE_EPOCH="1700000000").ok()
    assert project.image.read_bytes() == first


def test_code_renews_the_build_time_and_a_comment_does_not(keyed: NewProject) -> None:
    project = keyed()
    project.run(SOURCE_DATE_EPOCH="1700000000").ok()
    source = project.folder / "src" / "main.cpp"
    code = source.read_text()
    source.write_text(f"// A remark.\n{code}")
    steps = project.run(SOURCE_DATE_EPOCH="1700000000").ok().steps
    assert "Generating build_facts.cpp" not in steps
    assert "Signing program" not in steps
    source.write_text(code.replace('"time ', '"TIME '))
    steps = project.run(SOURCE_DATE_EPOCH="1700000000").ok().steps
    # The time is asked for again; as it is the same, its file need not be compiled.
    assert steps == [step for step in FIRST if step != "Compiling build_facts.o"]


@pytest.mark.parametrize("platform", ["native", "espressif32"])
def test_another_key_is_signed_with_and_only_the_facts_are_compiled(
    keyed: NewProject, platform: str
) -> None:
    project = keyed(platform)
    key = project.folder.parent / "key.pem"
    project.run().ok()
    old = accepted_anchor(project, key)
    pki.write_pem(key, pki.generate(name="another"), replace=True)
    steps = project.run().ok().steps
    assert [step for step in steps if step.startswith(("Compiling", "Generating"))] == [
        "Generating build_facts.cpp",
        "Compiling build_facts.o",
    ]
    assert f"Signing {project.image.name}" in steps
    assert accepted_anchor(project, key) != old
    assert project.run().ok().steps == []


def test_another_signer_under_the_same_anchor_compiles_nothing(
    new_project: NewProject, tmp_path: Path
) -> None:
    company = Company.make()
    key, anchor = tmp_path / "key.pem", company.write_anchor(tmp_path)
    pki.write_pem(key, company.signer)
    project = new_project(
        "native",
        f"custom_secureota_signing_key = {key}",
        f"custom_secureota_trust_anchors = {anchor}",
    )
    assert project.run().ok().steps == FIRST
    colleague = company.intermediate.certify(
        pki.generate(name="Mary"), company.intermediate.certificate, company.root.certificate
    )
    pki.write_pem(key, colleague, replace=True)
    assert project.run().ok().steps == ["Signing program"]
    verified = verify_image(project.signed.read_bytes(), anchors=read_anchors(anchor))
    assert verified.token.signer.der == colleague.certificate_der


def test_a_deleted_signed_image_is_made_again(keyed: NewProject) -> None:
    project = keyed()
    project.run().ok()
    project.signed.unlink()
    assert project.run().ok().steps == ["Signing program"]
    assert project.signed.exists()


def test_several_anchors_are_all_compiled_in(new_project: NewProject, tmp_path: Path) -> None:
    key, spare = tmp_path / "key.pem", tmp_path / "spare.pem"
    identities = [pki.generate(name="first"), pki.generate(name="spare")]
    pki.write_pem(key, identities[0])
    spare.write_bytes(pem(identities[1].certificate))
    project = new_project(
        "native",
        f"custom_secureota_signing_key = {key}",
        "custom_secureota_trust_anchors =",
        f"  {key}",
        "  ../spare.pem",
    )
    project.run().ok()
    expected = b"".join(identity.certificate_der for identity in identities)
    assert bytes.fromhex(project.facts()["anchors"]) == expected


def test_openssl_judges_a_release_without_our_code(keyed: NewProject) -> None:
    project = keyed("espressif32")
    project.run().ok()
    anchors = project.build / "secureota" / "anchors.pem"
    command = ["openssl", "ts", "-verify", "-in", str(project.token), "-data", str(project.image)]
    good = subprocess.run([*command, "-CAfile", str(anchors)], capture_output=True, check=False)
    assert good.returncode == 0, good.stderr
    project.image.write_bytes(project.image.read_bytes() + b"!")
    bad = subprocess.run([*command, "-CAfile", str(anchors)], capture_output=True, check=False)
    assert bad.returncode != 0


def test_a_remote_authority_signs_once(new_project: NewProject, tmp_path: Path) -> None:
    company = Company.make()
    anchor = company.write_anchor(tmp_path)
    (tmp_path / "tsa").mkdir()
    with serving(OpensslTsa(tmp_path / "tsa", company.signer).answer) as server:
        project = new_project(
            "espressif32",
            f"custom_secureota_tsa_url = {server.url}",
            f"custom_secureota_trust_anchors = {anchor}",
        )
        project.run().ok()
        accepted_anchor(project, anchor)
        assert len(server.seen) == 1
        assert project.run().ok().steps == []
        assert len(server.seen) == 1
    project.signed.unlink()
    project.run().refused("TsaUnreachable")
    assert not project.signed.exists()


def test_an_authority_that_the_devices_do_not_trust_signs_nothing(
    new_project: NewProject, tmp_path: Path
) -> None:
    anchor = Company.make().write_anchor(tmp_path)
    (tmp_path / "tsa").mkdir()
    with serving(OpensslTsa(tmp_path / "tsa", Company.make().signer).answer) as server:
        project = new_project(
            "native",
            f"custom_secureota_tsa_url = {server.url}",
            f"custom_secureota_trust_anchors = {anchor}",
        )
        project.run().refused("CertificateSignatureInvalid")
    assert not project.signed.exists()


def test_an_authority_without_trust_anchors_is_an_error(new_project: NewProject) -> None:
    with serving(lambda handler, _: handler.send_error(500)) as server:
        project = new_project("native", f"custom_secureota_tsa_url = {server.url}")
        run = project.run().refused("AnchorMissing", "custom_secureota_trust_anchors")
        assert run.steps == []
        assert server.seen == []
    assert not project.image.exists()


@pytest.mark.parametrize(
    ("line", "nearest"),
    [
        ("custom_secureota_tsaurl = http://127.0.0.1/", "custom_secureota_tsa_url"),
        ("custom_secureota_key = k.pem", "custom_secureota_signing_key"),
    ],
)
def test_an_unknown_option_is_refused_before_anything_is_compiled(
    keyed: NewProject, line: str, nearest: str
) -> None:
    run = keyed("native", line).run().refused("there is no option", nearest)
    assert run.steps == []


def test_a_failing_signer_leaves_no_stale_signed_image(keyed: NewProject) -> None:
    project = keyed()
    project.run().ok()
    key = project.folder.parent / "key.pem"
    hidden = key.rename(key.with_suffix(".hidden"))
    project.run().refused("KeyMissing")
    assert not project.signed.exists()
    assert not project.token.exists()
    hidden.rename(key)
    assert project.run().ok().steps == ["Signing program"]


def test_the_passphrase_comes_from_the_environment_and_is_shown_nowhere(
    new_project: NewProject, tmp_path: Path
) -> None:
    key, log = tmp_path / "key.pem", tmp_path / "argv.log"
    secret = "correct horse battery"
    pki.write_pem(key, pki.generate(), passphrase=secret.encode())
    project = new_project("native", f"custom_secureota_signing_key = {key}")
    project.run().refused("KeyUnusable", "SECUREOTA_KEY_PASSPHRASE")
    spy = tmp_path / "python"
    spy.write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {sys.executable} "$@"\n')
    spy.chmod(0o755)
    environ = {"SECUREOTA_KEY_PASSPHRASE": secret, "SECUREOTA_PYTHON": str(spy)}
    run = project.pio("run", "-v", **environ).ok()
    assert project.signed.exists()
    arguments = log.read_text()
    assert " sign " in arguments
    for shown in (run.output, arguments):
        assert secret not in shown
    files = [path for path in project.folder.rglob("*") if path.is_file()]
    assert not [path for path in files if secret.encode() in path.read_bytes()]


def test_an_ide_looks_at_a_project_and_nothing_happens(
    new_project: NewProject, tmp_path: Path
) -> None:
    calls = tmp_path / "calls.log"
    spy = tmp_path / "python"
    spy.write_text(f'#!/bin/sh\necho "$@" >> {calls}\nexit 1\n')
    spy.chmod(0o755)
    with serving(lambda handler, _: handler.send_error(500)) as server:
        project = new_project(
            "espressif32",
            f"custom_secureota_tsa_url = {server.url}",
            "custom_secureota_trust_anchors = nowhere.pem",
        )
        run = project.pio("project", "metadata", "--json-output", SECUREOTA_PYTHON=str(spy)).ok()
        assert server.seen == []
    for target in ("sign", "verify", "keygen"):
        assert f'"name": "{target}"' in run.output
    assert not calls.exists()
    assert not project.config.exists()
    assert not (project.folder / "secureota").exists()
    # `pio` itself writes what the IDE asked for; nothing of ours is beside it.
    assert {path.name for path in project.build.iterdir()} <= {"idedata.json", ".sconsign"} | {
        path.name for path in project.build.glob(".sconsign*")
    }


def test_the_targets_sign_verify(keyed: NewProject) -> None:
    project = keyed("espressif32")
    assert "Signing firmware.bin" in project.run("sign").ok().steps
    assert "accepted: firmware.signed.bin" in project.run("verify").ok().output
    # What is judged is the file, whoever has written it.
    damaged = bytearray(project.signed.read_bytes())
    damaged[-1] ^= 1
    stat = project.signed.stat()
    project.signed.write_bytes(damaged)
    os.utime(project.signed, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    project.run("verify").refused("ImageMismatch")


def test_written_as_a_pre_script_it_refuses_to_be_useless(keyed: NewProject) -> None:
    project = keyed()
    text = (project.folder / "platformio.ini").read_text()
    (project.folder / "platformio.ini").write_text(text.replace("post:", "pre:"))
    run = project.run().refused("post:")
    assert run.steps == []


RUNNER = """\
from platformio.test.runners.base import TestRunnerBase


class CustomTestRunner(TestRunnerBase):
    def on_testing_line_output(self, line):
        print(line, end="")
"""


def test_pio_test_compiles_the_anchors_in_and_signs_nothing(new_project: NewProject) -> None:
    project = new_project("native", "test_framework = custom")
    project.run("keygen").ok()
    shutil.rmtree(project.config)  # tests run where the key is not
    project.write("test/test_custom_runner.py", RUNNER)
    project.write("test/test_facts/test_main.cpp", PROGRAM)
    run = project.pio("test", "-vvv").ok()
    assert "anchors 3082" in run.output
    assert "Signing" not in run.output


def test_a_key_that_some_chips_can_not_verify_is_warned_about(
    keyed: NewProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = rsa.generate_private_key(public_exponent=65537, key_size=4096)
    monkeypatch.setitem(pki._GENERATORS, "rsa3072", lambda: big)  # noqa: SLF001 - we offer none
    board, desk = keyed("espressif32"), keyed("native", name="desk")
    key = board.folder.parent / "key.pem"
    assert "RSA of" not in board.run().ok().output
    pki.write_pem(key, pki.generate("rsa3072"), replace=True)
    assert "RSA of 4096 bits" in board.run().ok().output
    assert "RSA of" not in desk.run().ok().output


ARDUINO = """\
# What PlatformIO does with `framework = arduino`, without the packages that it would fetch.
Import("env")
env.Replace(PIOFRAMEWORK=["arduino"])
"""


def use_arduino(project: Project) -> None:
    project.write("arduino.py", ARDUINO)
    script = project.tool / "extra_script.py"
    ini = (project.folder / "platformio.ini").read_text()
    ini = ini.replace(f"post:{script}", f"post:arduino.py\n  post:{script}")
    project.write("platformio.ini", ini)


def test_a_key_that_arduino_can_not_verify_is_refused_before_compiling(
    keyed: NewProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = rsa.generate_private_key(public_exponent=65537, key_size=4096)
    monkeypatch.setitem(pki._GENERATORS, "rsa3072", lambda: big)  # noqa: SLF001 - we offer none
    board = keyed("espressif32")
    use_arduino(board)
    assert board.run().ok().steps[-1] == "Signing firmware.bin"
    pki.write_pem(board.folder.parent / "key.pem", pki.generate("rsa3072"), replace=True)
    run = board.run()
    run.refused("KeyNotAllowed", "RSA of 4096 bits", "P-256")
    assert run.steps == []
    assert not board.signed.exists()


def test_a_token_that_is_larger_than_the_devices_buffer_is_warned_about(keyed: NewProject) -> None:
    assert "TokenTooLarge" not in keyed("espressif32").run().ok().output
    small = keyed("espressif32", "build_flags = -DSECUREOTA_TOKEN_SIZE=600", name="small")
    assert "the device has room for 600" in small.run().ok().output


def test_a_token_without_certificates(keyed: NewProject) -> None:
    project = keyed("espressif32", "custom_secureota_certs = none")
    project.run().ok()
    key = project.folder.parent / "key.pem"
    assert accepted_anchor(project, key)
    assert read_anchors(key)[0].certificate.der not in project.token.read_bytes()


def test_several_authorities_and_the_second_answers(
    new_project: NewProject, tmp_path: Path
) -> None:
    company = Company.make()
    root = company.write_anchor(tmp_path)
    openssl = OpensslTsa(tmp_path, company.signer, ess="sha256")
    with serving(openssl.answer) as server:
        project = new_project(
            "native",
            "custom_secureota_tsa_url =",
            "  http://127.0.0.1:9/nobody",
            f"  {server.url}",
            f"custom_secureota_trust_anchors = {root}",
        )
        output = project.run().ok().output
    assert "127.0.0.1: Connection refused, 3 times; asking the next authority" in output
    accepted_anchor(project, root)


def test_a_public_service_as_anchor_is_warned_about(
    new_project: NewProject, tmp_path: Path
) -> None:
    company = Company.make()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Free TSA")])
    now = dt.datetime.now(dt.timezone.utc)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 7, now - dt.timedelta(1), now + dt.timedelta(9)
    )
    root = tmp_path / "anchors.pem"
    root.write_bytes(pem(company.root.certificate, builder.sign(key, hashes.SHA256())))
    pki.write_pem(tmp_path / "key.pem", company.signer)
    project = new_project(
        "native",
        f"custom_secureota_signing_key = {tmp_path / 'key.pem'}",
        f"custom_secureota_trust_anchors = {root}",
    )
    output = project.run().ok().output
    assert output.count("PUBLIC TRUST ANCHOR") == 1
