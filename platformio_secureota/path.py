"""From the signer to a trust anchor (RFC 5280 6.1, the part that a timestamp needs).

Names are followed upwards without any cryptography; a chain that reaches an anchor is then judged
from the anchor downwards, so that a public-key operation is only ever done with a key that is
trusted by then.  Names are equal when their bytes are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from platformio_secureota.algorithms import (
    compute_digest,
    key_family,
    signature_names,
    verify_signature,
)
from platformio_secureota.certificate import (
    ANY_EXTENDED_KEY_USAGE,
    ANY_POLICY,
    KEY_CERT_SIGN,
    TIME_STAMPING,
    Certificate,
    Extensions,
)
from platformio_secureota.errors import Reason, Refused

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from platformio_secureota.anchors import TrustAnchor

MAX_AUTHORITIES = 6
"""Between signer and anchor.  Real hierarchies have up to 3."""

MAX_STEPS = 64
"""Certificates and anchors of the right name that are looked at, over all chains of one token."""

MAX_SIGNATURE_CHECKS = 8
"""Certificate signatures that are checked, over all chains of one token."""


@dataclass(frozen=True)
class PathRules:
    """What a path is held to."""

    gen_time: dt.datetime
    policy: bytes | None
    """Contents of the policy's OBJECT IDENTIFIER that certificates must assert; None: any."""
    deny: frozenset[bytes]


def find_path(
    signer: Certificate,
    extensions: Extensions,
    bag: Sequence[Certificate],
    anchors: Sequence[TrustAnchor],
    rules: PathRules,
) -> tuple[tuple[Certificate, ...], TrustAnchor]:
    """Return (authorities, the signer's issuer first; anchor) of the first good path.

    Refused with what is wrong with the first chain that was tried, if none is good; TooMuchWork
    when the search outgrows its limits.
    """
    return _Search(signer, extensions, bag, anchors, rules).run()


def check_reached_signer(signer: Certificate, extensions: Extensions, rules: PathRules) -> None:
    """The checks that the end of a path has to pass."""
    _check_validity(signer, rules)
    _check_denied(signer, rules)
    _check_policy(extensions.policies, rules, absent_is_any=False)


class _Search:
    def __init__(
        self,
        signer: Certificate,
        extensions: Extensions,
        bag: Sequence[Certificate],
        anchors: Sequence[TrustAnchor],
        rules: PathRules,
    ) -> None:
        self._signer = signer
        self._extensions = extensions
        self._bag = bag
        self._anchors = anchors
        self._rules = rules
        self._steps = 0
        self._signature_checks = 0
        self._first_failure: Refused | None = None

    def run(self) -> tuple[tuple[Certificate, ...], TrustAnchor]:
        anchor_and_chain = self._extend((self._signer,))
        if anchor_and_chain is None:
            raise self._first_failure or Refused(Reason.NotTrusted)
        anchor, chain = anchor_and_chain
        return chain[1:], anchor

    def _extend(
        self, chain: tuple[Certificate, ...]
    ) -> tuple[TrustAnchor, tuple[Certificate, ...]] | None:
        # Depth first: anchors that could have issued the chain's last certificate, then candidates.
        issuer = chain[-1].issuer
        for anchor in self._anchors:
            if anchor.certificate.subject == issuer:
                self._count_step()
                if self._is_good(chain, anchor):
                    return anchor, chain
        for candidate in self._bag:
            if candidate.subject != issuer or any(candidate.der == c.der for c in chain):
                continue
            self._count_step()
            if len(chain) > MAX_AUTHORITIES:
                self._fail(Refused(Reason.PathTooLong))
                continue
            found = self._extend((*chain, candidate))
            if found is not None:
                return found
        return None

    def _count_step(self) -> None:
        if self._steps == MAX_STEPS:
            raise Refused(Reason.TooMuchWork)
        self._steps += 1

    def _fail(self, failure: Refused) -> None:
        if self._first_failure is None:
            self._first_failure = failure

    def _is_good(self, chain: tuple[Certificate, ...], anchor: TrustAnchor) -> bool:
        try:
            self._check_fields(chain, anchor)
            self._check_signatures(chain, anchor)
        except Refused as failure:
            if failure.reason is Reason.TooMuchWork:
                raise
            self._fail(failure)
            return False
        return True

    def _check_fields(self, chain: tuple[Certificate, ...], anchor: TrustAnchor) -> None:
        rules = self._rules
        # 18: the anchor itself. Its dates and its own signature do not count (RFC 5280 6.1.1).
        if not anchor.may_issue:
            raise Refused(Reason.CertificateNotCa, "the trust anchor may not issue")
        _check_denied(anchor.certificate, rules)
        may_follow = anchor.path_len
        for authority in reversed(chain[1:]):
            extensions = Extensions.parse(authority)
            _check_authority(extensions)
            # RFC 5280 6.1.4 (l), (m): self-issued certificates (a new key) do not count.
            if may_follow is not None and not authority.is_self_issued:
                if may_follow == 0:
                    raise Refused(Reason.PathTooLong)
                may_follow -= 1
            if may_follow is None:
                may_follow = extensions.path_len
            elif extensions.path_len is not None:
                may_follow = min(may_follow, extensions.path_len)
            _check_validity(authority, rules)  # 20
            _check_denied(authority, rules)  # 31
            _check_policy(extensions.policies, rules, absent_is_any=True)  # 23
        check_reached_signer(self._signer, self._extensions, rules)

    def _check_signatures(self, chain: tuple[Certificate, ...], anchor: TrustAnchor) -> None:
        issuer_key = anchor.certificate.spki
        for certificate in reversed(chain):
            family, digest = signature_names(certificate.outer_algorithm)
            if certificate.inner_algorithm != certificate.outer_algorithm:
                raise Refused(Reason.AlgorithmMismatch, "a certificate names two algorithms")
            if key_family(issuer_key) != family:
                raise Refused(Reason.AlgorithmMismatch, f"an issuer's key is not for {family}")
            if self._signature_checks == MAX_SIGNATURE_CHECKS:
                raise Refused(Reason.TooMuchWork)
            self._signature_checks += 1
            if not verify_signature(
                issuer_key,
                digest=digest,
                message_digest=compute_digest(digest, certificate.tbs),
                signature=certificate.signature,
            ):
                raise Refused(Reason.CertificateSignatureInvalid)
            issuer_key = certificate.spki


def _check_authority(extensions: Extensions) -> None:
    # 18: an authority below the anchor
    if extensions.unknown_critical:
        raise Refused(Reason.CertificateExtensionUnknown, "in an authority's certificate")
    if not extensions.is_ca:
        raise Refused(Reason.CertificateNotCa)
    if extensions.key_usage is not None and not extensions.key_usage & KEY_CERT_SIGN:
        raise Refused(Reason.WrongKeyUsage, "of an authority")
    # An authority that is meant for other purposes alone does not make timestamp signers.
    purposes = extensions.extended_key_usage
    if purposes is not None and not {TIME_STAMPING, ANY_EXTENDED_KEY_USAGE}.intersection(purposes):
        raise Refused(Reason.WrongPurpose, "of an authority")


def _check_validity(certificate: Certificate, rules: PathRules) -> None:
    if not certificate.not_before <= rules.gen_time <= certificate.not_after:
        raise Refused(Reason.CertificateNotValidAtGenTime)


def _check_denied(certificate: Certificate, rules: PathRules) -> None:
    if certificate.spki_digest in rules.deny:
        raise Refused(Reason.Denied, f"SHA-256 of the key {certificate.spki_digest.hex()}")


def _check_policy(
    policies: tuple[bytes, ...] | None, rules: PathRules, *, absent_is_any: bool
) -> None:
    if rules.policy is None or (policies is None and absent_is_any):
        return
    if not {rules.policy, ANY_POLICY}.intersection(policies or ()):
        raise Refused(Reason.PolicyNotAccepted, "a certificate does not assert the policy")
