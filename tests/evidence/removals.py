"""Ways to leave a check out, one by one: what to replace in which source, on both sides.

Each text must be in one file alone, and there once (`count` otherwise), so that a change of the
sources that makes an entry empty is noticed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """Replace `old` by `new` in the one file that has it."""

    files: str
    """Pattern of the files to look in."""
    old: str
    new: str
    count: int = 1


@dataclass(frozen=True)
class Removal:
    """One check left out of one verifier."""

    check: str
    what: str
    python: tuple[Edit, ...]
    device: tuple[Edit, ...]


def py(old: str, new: str, *, file: str = "*", count: int = 1) -> Edit:
    return Edit(f"platformio_secureota/{file}.py", old, new, count)


def cc(old: str, new: str, *, file: str = "*.*", count: int = 1) -> Edit:
    return Edit(f"src/secureota/{file}", old, new, count)


def never(condition: str, *, file: str = "*") -> Edit:
    """An `if` that refuses, switched off."""
    return py(f"if {condition}:", f"if ({condition}) and False:", file=file)


def never_cc(condition: str, *, file: str = "*.*") -> Edit:
    return cc(f"if ({condition}) {{", f"if (({condition}) && false) {{", file=file)


def only(file: str, old: str, new: str) -> Edit:
    return Edit(file, old, new)


REMOVALS = [
    Removal(
        "1",
        "size cap",
        (
            never("len(token) > MAX_TOKEN_SIZE"),
            never("token_size > MAX_TOKEN_SIZE", file="container"),
        ),
        (
            never_cc("timeStampResp.size > kMaxTokenSize"),
            only("tests/device/judge_container.h", "header.tokenSize > kMaxTokenSize", "false"),
        ),
    ),
    Removal(
        "1",
        "bytes behind the token",
        (never("end != len(token)"),),
        (never_cc("start.left() != outerSize"),),
    ),
    Removal(
        "2",
        "strict DER of the response",
        (py("    der.check(token)\n", ""),),
        (cc("  SECUREOTA_TRY(checkDer(timeStampResp));\n", ""),),
    ),
    Removal(
        "2",
        "strict DER of the TSTInfo",
        (py("    der.check(signed_data.content)\n", ""),),
        (cc("  SECUREOTA_TRY(checkDer(signedData.content));\n", ""),),
    ),
    Removal(
        "2",
        "minimal INTEGERs",
        (py("    return not sign_is_repeated\n", "    return True\n", file="der"),),
        (
            cc(
                "  return !signIsRepeated;",
                "  (void)signIsRepeated;\n  return true;",
                file="der.cpp",
            ),
        ),
    ),
    Removal(
        "2",
        "minimal lengths",
        (never("length < 0x80 or length >> (8 * (count - 1)) == 0", file="der"),),
        (never_cc("length < 0x80 || octets.data[0] == 0", file="der.cpp"),),
    ),
    Removal(
        "2",
        "BOOLEAN 00 or FF",
        (py('    BOOLEAN: lambda contents: contents in (b"\\x00", b"\\xff"),\n', "", file="der"),),
        (
            cc(
                "return contents.size == 1 && (contents.data[0] == 0x00 || contents.data[0] == 0xff);",
                "return contents.size == 1;",
                file="der.cpp",
            ),
        ),
    ),
    Removal(
        "2",
        "no encoded DEFAULT",
        (never('contents == b"\\x00"', file="der"),),
        (
            cc(
                "return *value && contents.data[0] == 0x00 ? Error::NotDer : Error::None;",
                "return Error::None;",
                file="der.cpp",
            ),
        ),
    ),
    Removal(
        "2",
        "no constructed strings",
        (never("tag & _CLASS_MASK == 0 and tag not in (SEQUENCE, SET)", file="der"),),
        (never_cc("universal && tag != tag::kSequence && tag != tag::kSet", file="der.cpp"),),
    ),
    Removal(
        "2",
        "depth cap",
        (py("MAX_DEPTH = 32", "MAX_DEPTH = 200", file="der"),),
        (cc("kMaxDerDepth = 32", "kMaxDerDepth = 200", file="der.h"),),
    ),
    Removal(
        "3",
        "status granted",
        (
            py(
                "response.status not in (_GRANTED, _GRANTED_WITH_MODS) or response.has_fail_info",
                "response.has_fail_info",
            ),
        ),
        (cc("!granted || response.hasFailInfo", "(!granted && false) || response.hasFailInfo"),),
    ),
    Removal(
        "3",
        "no failInfo",
        (py(" or response.has_fail_info", ""),),
        (cc("response.hasFailInfo || ", ""),),
    ),
    Removal(
        "4",
        "nothing extra",
        (
            py(
                "if not self.at_end():\n            raise Refused(reason)",
                "if not self.at_end() and reason is not Reason.UnexpectedField:\n            raise Refused(reason)",
                file="der",
            ),
        ),
        (
            cc(
                "return atEnd() ? Error::None : error;",
                "return atEnd() || error == Error::UnexpectedField ? Error::None : error;",
                file="der.h",
            ),
        ),
    ),
    Removal(
        "5",
        "id-signedData",
        (never("content_type != timestamp.ID_SIGNED_DATA"),),
        (never_cc("contentInfo.contentType != oid::signedData"),),
    ),
    Removal(
        "6",
        "SignedData version 3",
        (never("signed_data.version != _SIGNED_DATA_VERSION"),),
        (cc("!isNumber(signedData.version, 3) || ", ""),),
    ),
    Removal(
        "6",
        "eContentType id-ct-TSTInfo",
        (py("signed_data.content_type != timestamp.ID_CT_TST_INFO or ", ""),),
        (cc("signedData.contentType != oid::tstInfo ||\n      ", ""),),
    ),
    Removal(
        "7",
        "exactly one SignerInfo",
        (never("len(signed_data.signer_infos) != 1"),),
        (cc("  if (!reader.atEnd()) {\n    return Error::SignerInfoUnsupported;\n  }\n", ""),),
    ),
    Removal(
        "7",
        "SignerInfo version 1",
        (py("signer_info.version != _SIGNER_INFO_VERSION or ", ""),),
        (cc("!isNumber(out->version, 1) || ", ""),),
    ),
    Removal(
        "8",
        "digests on the list",
        (
            py(
                '    der.oid_contents("2.16.840.1.101.3.4.2.1"): "sha256",\n',
                '    der.oid_contents("2.16.840.1.101.3.4.2.1"): "sha256",\n'
                '    der.oid_contents("1.3.14.3.2.26"): "sha1",\n',
                file="algorithms",
            ),
        ),
        (
            cc(
                "      return Error::None;\n    }\n  }\n  return Error::AlgorithmNotAllowed;",
                "      return Error::None;\n    }\n  }\n  *out = DigestAlgorithm::Sha1;\n"
                "  return Error::None;",
                file="algorithms.cpp",
            ),
        ),
    ),
    Removal(
        "8",
        "parameters of digests",
        (
            py(
                "name is None or identifier.parameters not in (None, _NULL)",
                "name is None",
                file="algorithms",
            ),
        ),
        (never_cc("!id.parameters.empty() && !isNull(id.parameters)", file="algorithms.cpp"),),
    ),
    Removal(
        "8",
        "parameters of signatures",
        (
            never(
                "identifier.parameters != (_NULL if names[0] == RSA else None)", file="algorithms"
            ),
        ),
        (never_cc("!parametersFit", file="algorithms.cpp"),),
    ),
    Removal(
        "8",
        "digest and signature agree",
        (py("signature_digest != digest or not is_announced", "not is_announced"),),
        (cc("algorithm.digest != digest || !isAnnounced", "!isAnnounced"),),
    ),
    Removal(
        "8",
        "digest is announced",
        (py("signature_digest != digest or not is_announced", "signature_digest != digest"),),
        (
            cc(
                "algorithm.digest != digest || !isAnnounced",
                "algorithm.digest != digest || (!isAnnounced && false)",
            ),
        ),
    ),
    Removal(
        "8",
        "signature fits the signer's key",
        (never("key_family(signer.spki) != family"),),
        (never_cc("family != algorithm.family", file="verifier.cpp"),),
    ),
    Removal(
        "8",
        "RSA sizes",
        (py("not MIN_RSA_BITS <= bits <= MAX_RSA_BITS or ", "", file="algorithms"),),
        (
            cc(
                "bits < kMinRsaBits || bits > kMaxRsaBits || ",
                "(bits == 0 && false) || ",
                file="algorithms.cpp",
            ),
        ),
    ),
    Removal(
        "8",
        "RSA exponent",
        (py(" or exponent != RSA_EXPONENT", " or exponent < 0", file="algorithms"),),
        (cc("e != kRsaExponent", "(e != kRsaExponent && false)", file="algorithms.cpp"),),
    ),
    Removal(
        "9",
        "signed attributes are there",
        (never("signer_info.signed_attributes is None"),),
        (never_cc("signerInfo.signedAttributes.empty()"),),
    ),
    Removal(
        "10",
        "each attribute once",
        (py("name in attributes or not reader.at_end()", "not reader.at_end()"),),
        (never_cc("other.type == attribute.type"),),
    ),
    Removal(
        "10",
        "one value",
        (py("name in attributes or not reader.at_end()", "name in attributes"),),
        (never_cc("!values.atEnd()"),),
    ),
    Removal(
        "11",
        "contentType attribute",
        (never("attributes.get(timestamp.ID_CONTENT_TYPE) != content_type_value"),),
        (never_cc("!isValue(attributes.contentType, tag::kObjectIdentifier, oid::tstInfo)"),),
    ),
    Removal(
        "12",
        "messageDigest attribute",
        (never("attributes.get(timestamp.ID_MESSAGE_DIGEST) != digest_value"),),
        (never_cc("!isValue(attributes.messageDigest, tag::kOctetString, Bytes(hash, hashSize))"),),
    ),
    Removal(
        "13",
        "an attribute that binds the certificate",
        (never("not bindings"),),
        (never_cc("!found.v1.present && !found.v2.present"),),
    ),
    Removal(
        "13",
        "the digest of the certificate",
        (never("compute_digest(binding.digest, certificate.der) != ess.certificate_digest"),),
        (cc("ess.certificateDigest == Bytes(hash, digestSize(binding.digest)) &&", ""),),
    ),
    Removal(
        "13",
        "issuerSerial agrees",
        (
            py(
                "return ess.issuer is None or (",
                "return True or (",
            ),
        ),
        (cc("(!ess.hasIssuerSerial ||", "(true || !ess.hasIssuerSerial ||"),),
    ),
    Removal(
        "13",
        "version 2 where it is required",
        (never("v2 is None and require_v2"),),
        (never_cc("!found.v2.present && requireV2"),),
    ),
    Removal(
        "14",
        "attributes in order",
        (never("not is_sorted(signed_attributes)"),),
        (cc("  SECUREOTA_TRY(checkSorted(signerInfo));\n", "  (void)checkSorted;\n"),),
    ),
    Removal(
        "14",
        "hashed with the tag of a SET",
        (py("bytes([der.SET]) + signed_attributes[1:]", "signed_attributes"),),
        (cc("const uint8_t set = tag::kSet;", "const uint8_t set = tag::contextConstructed(0);"),),
    ),
    Removal(
        "15",
        "the token's signature",
        (py("raise Refused(Reason.SignatureInvalid)", "pass"),),
        (
            cc(
                "  SECUREOTA_TRY(\n      verifySignature(signerKey, algorithm.digest, Bytes(hash, hashSize), signerInfo.signature));\n",
                "",
            ),
        ),
    ),
    Removal(
        "17",
        "a path to an anchor",
        (
            py(
                "raise self._first_failure or Refused(Reason.NotTrusted)",
                "return (), self._anchors[0]",
                file="path",
            ),
        ),
        (
            cc(
                "return firstFailure_ != Error::None ? firstFailure_ : Error::NotTrusted;",
                "return Error::None;",
                file="path.cpp",
            ),
        ),
    ),
    Removal(
        "17",
        "number of certificates",
        (py("MAX_CERTIFICATES = 16", "MAX_CERTIFICATES = 100", file="timestamp"),),
        (cc("kMaxCertificates = 16", "kMaxCertificates = 100", file="timestamp.h"),),
    ),
    Removal(
        "18",
        "CA:TRUE below the anchor",
        (never("not extensions.is_ca", file="path"),),
        (never_cc("!extensions.isCa", file="path.cpp"),),
    ),
    Removal(
        "18",
        "the anchor may issue",
        (never("not anchor.may_issue", file="path"),),
        (never_cc("!anchor.mayIssue", file="path.cpp"),),
    ),
    Removal(
        "18",
        "keyCertSign",
        (
            never(
                "extensions.key_usage is not None and not extensions.key_usage & KEY_CERT_SIGN",
                file="path",
            ),
        ),
        (
            never_cc(
                "extensions.hasKeyUsage && (extensions.keyUsage & key_usage::kKeyCertSign) == 0",
                file="path.cpp",
            ),
        ),
    ),
    Removal(
        "18",
        "an authority's purposes",
        (
            never(
                "purposes is not None and not {TIME_STAMPING, ANY_EXTENDED_KEY_USAGE}.intersection(purposes)",
                file="path",
            ),
        ),
        (
            never_cc(
                "!extensions.extendedKeyUsage.empty() && !allowsTimeStamping(extensions.extendedKeyUsage)",
                file="path.cpp",
            ),
        ),
    ),
    Removal(
        "18",
        "pathLen",
        (never("may_follow == 0", file="path"),),
        (never_cc("*mayFollow == 0", file="path.cpp"),),
    ),
    Removal(
        "18",
        "depth of the path",
        (never("len(chain) > MAX_AUTHORITIES", file="path"),),
        (
            cc(
                "const size_t kMaxAuthorities = 6;",
                "const size_t kMaxAuthorities = 12;",
                file="path.h",
            ),
        ),
    ),
    Removal(
        "18",
        "unknown critical extension, authority",
        (never("extensions.unknown_critical", file="path"),),
        (never_cc("extensions.unknownCritical", file="path.cpp"),),
    ),
    Removal(
        "18",
        "signatures of certificates",
        (py("raise Refused(Reason.CertificateSignatureInvalid)", "pass", file="path"),),
        (
            cc(
                "return result == Error::SignatureInvalid ? Error::CertificateSignatureInvalid : result;",
                "return result == Error::SignatureInvalid ? Error::None : result;",
                file="path.cpp",
            ),
        ),
    ),
    Removal(
        "18",
        "inner and outer algorithm",
        (never("certificate.inner_algorithm != certificate.outer_algorithm", file="path"),),
        (never_cc("!(certificate.innerAlgorithm == certificate.outerAlgorithm)", file="path.cpp"),),
    ),
    Removal(
        "18",
        "bounded work",
        (
            py("MAX_STEPS = 64", "MAX_STEPS = 100000", file="path"),
            py("MAX_SIGNATURE_CHECKS = 8", "MAX_SIGNATURE_CHECKS = 100000", file="path"),
        ),
        (
            cc("kMaxPathSteps = 64", "kMaxPathSteps = 100000", file="path.h"),
            cc("kMaxSignatureChecks = 8", "kMaxSignatureChecks = 100000", file="path.h"),
        ),
    ),
    Removal(
        "19",
        "timeStamping alone",
        (
            py(
                "extensions.extended_key_usage != (TIME_STAMPING,)",
                "TIME_STAMPING not in (extensions.extended_key_usage or ())",
            ),
        ),
        (
            cc(
                "purpose != oid::timeStamping || !purposes.atEnd()",
                "(purpose != oid::timeStamping && purposes.atEnd())",
            ),
        ),
    ),
    Removal(
        "19",
        "extKeyUsage is critical",
        (py("\n        or not extensions.extended_key_usage_critical\n", "\n"),),
        (cc(" || !extensions.extendedKeyUsageCritical", ""),),
    ),
    Removal(
        "19",
        "keyUsage of the signer",
        (
            never(
                "usage is not None and (usage == 0 or usage & ~(DIGITAL_SIGNATURE | NON_REPUDIATION))"
            ),
        ),
        (cc("if (extensions.hasKeyUsage &&\n", "if (false && extensions.hasKeyUsage &&\n"),),
    ),
    Removal(
        "19",
        "CA:FALSE",
        (never("extensions.is_ca"),),
        (cc("return extensions.isCa ? Error::SignerIsCa : Error::None;", "return Error::None;"),),
    ),
    Removal(
        "19",
        "unknown critical extension, signer",
        (never("extensions.unknown_critical", file="signer"),),
        (never_cc("extensions.unknownCritical", file="signer.cpp"),),
    ),
    Removal(
        "20",
        "validity at genTime",
        (
            never(
                "not certificate.not_before <= rules.gen_time <= certificate.not_after", file="path"
            ),
        ),
        (
            cc(
                "return certificate.notBefore <= rules.genTime && rules.genTime <= certificate.notAfter\n             ? Error::None\n             : Error::CertificateNotValidAtGenTime;",
                "(void)certificate;\n  (void)rules;\n  return Error::None;",
                file="path.cpp",
            ),
        ),
    ),
    Removal(
        "21",
        "TSTInfo version 1",
        (never("tst_info.version != _TST_INFO_VERSION"),),
        (never_cc("!isNumber(tstInfo.version, 1)"),),
    ),
    Removal(
        "22",
        "imprint is SHA-256",
        (py("not is_sha256(tst_info.imprint_algorithm) or ", ""),),
        (cc("!isSha256(tstInfo.imprintAlgorithm) || ", ""),),
    ),
    Removal(
        "22",
        "imprint has 32 bytes",
        (py(" or len(tst_info.imprint) != SHA256_SIZE", ""),),
        (cc(" || tstInfo.imprint.size != kSha256Size", ""),),
    ),
    Removal(
        "22",
        "imprint is the image's digest",
        (never("image.digest != token.image_digest"),),
        (
            only(
                "tests/device/judge_container.h",
                "return same ? Error::None : Error::ImageMismatch;",
                "(void)same;\n  return Error::None;",
            ),
        ),
    ),
    Removal(
        "23",
        "policy of the token",
        (never("rules.policies and der.oid_text(tst_info.policy) not in rules.policies"),),
        (never_cc("rules.policyCount != 0 && !isRequired(tstInfo.policy, rules)"),),
    ),
    Removal(
        "23",
        "policy of the certificates",
        (never("not {rules.policy, ANY_POLICY}.intersection(policies or ())", file="path"),),
        (
            cc(
                "return assertsPolicy(extensions.policies, rules.policy) ? Error::None : Error::PolicyNotAccepted;",
                "return Error::None;",
                file="path.cpp",
            ),
        ),
    ),
    Removal(
        "25",
        "serial number positive",
        (py("serial <= 0 or ", ""),),
        (never_cc("serial.data[0] >= 0x80 || isNumber(serial, 0)"),),
    ),
    Removal(
        "25",
        "serial number of 160 bits",
        (py(" or serial.bit_length() > MAX_SERIAL_BITS", ""),),
        (cc("return serial.size - sign <= kMaxSerialOctets;", "(void)sign;\n  return true;"),),
    ),
    Removal(
        "26",
        "trailing zeros",
        (py(r"(?:\.[0-9]*[1-9])?Z", r"(?:\.[0-9]+)?Z"),),
        (cc(" || fraction.data[fraction.size - 1] == '0'", "", file="gen_time.cpp"),),
    ),
    Removal(
        "26",
        "a real date",
        (
            py(
                "    parsed = parse_calendar_time(text[:14]) if _GEN_TIME.fullmatch(text) else None\n",
                "    parsed = parse_calendar_time(text[:14]) if _GEN_TIME.fullmatch(text) else None\n"
                "    parsed = parsed or dt.datetime(2026, 6, 1, tzinfo=dt.timezone.utc)\n",
            ),
        ),
        (cc("day > daysInMonth(year, month)", "day > 31", file="gen_time.cpp"),),
    ),
    Removal(
        "27",
        "floor",
        (never("rules.not_before is not None and gen_time < rules.not_before"),),
        (never_cc("rules.notBefore != kNoTime && genTime < rules.notBefore"),),
    ),
    Removal(
        "27",
        "clock",
        (never("rules.now is not None and gen_time - rules.now > CLOCK_SKEW"),),
        (never_cc("rules.now != kNoTime && genTime > rules.now + kClockSkew"),),
    ),
    Removal(
        "28",
        "accuracy not negative",
        (never("accuracy.seconds is not None and der.integer(accuracy.seconds) < 0"),),
        (cc("return !negative && ", "(void)negative;\n  return "),),
    ),
    Removal(
        "28",
        "millis and micros",
        (py("if part is not None and not 1 <= der.integer(part) <= 999:", "if False:"),),
        (
            cc(
                " && isThousandths(info.accuracyMillis) && isThousandths(info.accuracyMicros)",
                " && (true || isThousandths(info.accuracyMillis))",
            ),
        ),
    ),
    Removal(
        "29",
        "critical TSTInfo extension",
        (never("tst_info.unknown_critical"),),
        (never_cc("tstInfo.unknownCritical"),),
    ),
    Removal(
        "30",
        "name of the TSA",
        (never("tst_info.tsa is not None and not is_name_of(tst_info.tsa, signer, extensions)"),),
        (
            never_cc(
                "!tstInfo.tsa.empty() && !isNameOf(tstInfo.tsa, signer.certificate, extensions)"
            ),
        ),
    ),
    Removal(
        "31",
        "deny-list",
        (never("certificate.spki_digest in rules.deny", file="path"),),
        (never_cc("memcmp(rules.rules->denied[i], hash, sizeof hash) == 0", file="path.cpp"),),
    ),
]
