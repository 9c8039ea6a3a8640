"""Tokens that real authorities made, and what others broke of them: both verifiers judge each.

`expectations.json` says of every file of the collection what must come out, and why:

    anchors       names for certificates: a file, `#n` the n-th in it, `@n` the n-th in a token
    tokens        judged with each list of anchors, as a TimeStampResp (a bare token is wrapped)
    no_tokens     requests, payloads and the like, which are refused with any anchor
    certificates  whether each can be an anchor
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import pytest
from asn1crypto import pem, tsp
from collected import COLLECTION
from device_judges import judge_tokens, verify_image

from platformio_secureota import (
    Reason,
    Refused,
    Rules,
    TrustAnchor,
    der,
    timestamp,
    verify,
    verify_token,
)
from platformio_secureota.anchors import read_anchors
from platformio_secureota.errors import Unusable

EXPECTATIONS = json.loads(Path(__file__).with_name("expectations.json").read_text())
BARE_TOKENS = (".p7s", "timeStampToken.der")
GRANTED = der.encode(der.SEQUENCE, der.encode_integer(0))


@dataclass(frozen=True)
class Question:
    """One file, judged with some anchors."""

    file: str
    anchors: tuple[str, ...]
    require_ess_v2: bool
    verdict: str
    why: str

    def __str__(self) -> str:
        settings = [*self.anchors, "require-ess-v2"] if self.require_ess_v2 else self.anchors
        return f"{self.file}: {', '.join(settings)}"


def questions() -> list[Question]:
    found = [
        Question(
            file=file,
            anchors=tuple(row["anchors"]),
            require_ess_v2=row.get("require_ess_v2", False),
            verdict=row["verdict"],
            why=row["why"],
        )
        for file, rows in EXPECTATIONS["tokens"].items()
        for row in rows
    ]
    return found + [
        Question(file, ("globalsign-r3",), require_ess_v2=False, **row)
        for file, row in EXPECTATIONS["no_tokens"].items()
    ]


QUESTIONS = questions()


def response(path: Path) -> bytes:
    """What the verifiers get: the file, and a status in front of a bare token."""
    data = path.read_bytes()
    return der.encode(der.SEQUENCE, GRANTED, data) if path.name.endswith(BARE_TOKENS) else data


def certificate(where: str) -> bytes:
    """DER of a certificate, as `expectations.json` names it."""
    file, mark, number = where.replace("@", "#@").partition("#")
    path = COLLECTION / file
    if number.startswith("@"):
        token = timestamp.parse_response(response(path)).token
        assert token is not None
        _, content = timestamp.parse_content_info(token)
        return timestamp.parse_signed_data(content).certificates[int(number[1:])]
    if path.suffix == ".json":
        chain = json.loads(path.read_text())["certChain"]["certificates"]
        return base64.b64decode(chain[int(number)]["rawBytes"])
    data = path.read_bytes()
    bodies = (
        [body for _, _, body in pem.unarmor(data, multiple=True)] if pem.detect(data) else [data]
    )
    assert mark or len(bodies) == 1
    return bodies[int(number or 0)]


@dataclass(frozen=True)
class Verdicts:
    """What the two verifiers say: `accepted: signed at <time>`, or the name of the Reason."""

    host: str
    device: str


def ask_host(token: bytes, anchors: list[TrustAnchor], rules: Rules) -> str:
    try:
        verified = verify_token(token, anchors=anchors, rules=rules)
    except Refused as refused:
        return refused.reason.value
    # To the second, as the device prints it.
    return f"accepted: signed at {verified.gen_time:%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture(scope="module")
def verdicts(
    tmp_path_factory: pytest.TempPathFactory,
    report_line: Callable[[str], None],
) -> dict[Question, Verdicts]:
    """Every question, put to both."""
    folder = tmp_path_factory.mktemp("anchors")
    anchors: dict[str, TrustAnchor] = {}
    for name, where in EXPECTATIONS["anchors"].items():
        data = certificate(where)
        anchors[name] = TrustAnchor.from_der(data)
        (folder / name).write_bytes(data)

    alike: dict[tuple[tuple[str, ...], bool], list[Question]] = defaultdict(list)
    for question in QUESTIONS:
        alike[question.anchors, question.require_ess_v2].append(question)
    found: dict[Question, Verdicts] = {}
    for (names, v2), group in alike.items():
        tokens = [response(COLLECTION / question.file) for question in group]
        rules = Rules(require_ess_v2=v2)
        host = [ask_host(token, [anchors[n] for n in names], rules) for token in tokens]
        options = ["--require-ess-v2"] if v2 else []
        device = judge_tokens(tokens, [folder / name for name in names], *options)
        found.update(zip(group, map(Verdicts, host, device)))

    accepted = [question for question in found if found[question].host.startswith("accepted")]
    good = {question.file for question in accepted}
    files = EXPECTATIONS["tokens"]
    report_line(
        f"real tokens: {len(files)} ({len(good)} of them good with the right anchor) and "
        f"{len(EXPECTATIONS['no_tokens'])} other files, {len(found)} judgements by each verifier: "
        f"{len(accepted)} accepted, {len(found) - len(accepted)} refused, "
        f"{sum(v.host != v.device for v in found.values())} disagreements"
    )
    return found


def test_every_file_has_an_expectation() -> None:
    files = {
        path.relative_to(COLLECTION).as_posix()
        for path in COLLECTION.rglob("*")
        if path.is_file() and "nist-pkits" not in path.parts and path.name != "MANIFEST.md"
    }
    expected = [*EXPECTATIONS["tokens"], *EXPECTATIONS["no_tokens"], *EXPECTATIONS["certificates"]]
    assert sorted(files) == sorted(expected)


def test_every_anchor_is_used() -> None:
    used = {name for question in QUESTIONS for name in question.anchors}
    assert used == set(EXPECTATIONS["anchors"])


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_token(question: Question, verdicts: dict[Question, Verdicts]) -> None:
    found = verdicts[question]
    assert found.device == found.host
    assert found.host.partition(":")[0] == question.verdict, question.why


def test_sha1_is_never_accepted() -> None:
    """The digest that a token's signer and imprint name, read by other code than the verifier's."""
    good = {question.file for question in QUESTIONS if question.verdict == "accepted"}
    assert good
    for file in good:
        parsed = tsp.TimeStampResp.load(response(COLLECTION / file))
        signed = parsed["time_stamp_token"]["content"]
        assert signed["signer_infos"][0]["digest_algorithm"]["algorithm"].native != "sha1"
        imprint = signed["encap_content_info"]["content"].parsed["message_imprint"]
        assert imprint["hash_algorithm"]["algorithm"].native == "sha256"


def test_what_is_refused_for_its_imprint_is_good_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "_check_imprint", lambda _: None)
    refused = [q for q in QUESTIONS if q.verdict == "ImprintNotSha256"]
    assert len(refused) == 9
    for question in refused:
        where = [EXPECTATIONS["anchors"][name] for name in question.anchors]
        anchors = [TrustAnchor.from_der(certificate(one)) for one in where]
        token = response(COLLECTION / question.file)
        assert ask_host(token, anchors, Rules()).startswith("accepted"), question


@pytest.mark.parametrize(
    ("floor", "verdict"), [("05.884", "accepted"), ("05.884001", "OlderThanFloor")]
)
def test_the_fraction_of_gen_time_counts(floor: str, verdict: str, tmp_path: Path) -> None:
    token = response(COLLECTION / "notary-tspclient/testdata/TimeStampTokenNoRoot.p7s")
    anchor = certificate(EXPECTATIONS["anchors"]["microsoft-tsa"])
    time = f"2024-06-21T07:12:{floor}"
    not_before = dt.datetime.fromisoformat(time.ljust(26, "0")).replace(tzinfo=dt.timezone.utc)
    rules = Rules(not_before=not_before)
    assert ask_host(token, [TrustAnchor.from_der(anchor)], rules).partition(":")[0] == verdict
    path = tmp_path / "anchor.der"
    path.write_bytes(anchor)
    (device,) = judge_tokens([token], [path], "--not-before", f"{time}Z")
    assert device.partition(":")[0] == verdict


@pytest.mark.parametrize("file", EXPECTATIONS["certificates"])
def test_certificate_as_anchor(file: str) -> None:
    expected: dict[str, Any] = EXPECTATIONS["certificates"][file]
    done = verify_image("--anchor", str(COLLECTION / file), "--tokens", data=b"")
    if expected["verdict"] == "usable":
        assert read_anchors(COLLECTION / file)
        assert (done.returncode, done.stderr) == (0, b"")
        return
    reason = Reason(expected["verdict"])
    with pytest.raises(Unusable, match=reason.value) as refused:
        read_anchors(COLLECTION / file)
    assert expected["why"].split()[0] in str(refused.value) or expected["why"] == "DSA"
    assert done.returncode == 2
    assert reason.sentence in done.stderr.decode()
