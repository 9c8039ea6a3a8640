// The check list; each block of verifyToken() carries its number:
//
//   1  size cap, whole input consumed          17  certificates that came along are never anchors
//   2  strict DER throughout                   18  path: names, signatures, CA, pathLen, extensions
//   3  status granted, and a token             19  signer: for time-stamping alone, no authority
//   4  no field that does not belong there     20  signer and authorities valid at genTime
//   5  CMS SignedData                          21  TSTInfo version 1
//   6  of a TSTInfo                            22  imprint is SHA-256 (and the image's digest)
//   7  one SignerInfo, named by issuer         23  policy is one of those required
//   8  algorithms on the allow-list            24  nonce is an INTEGER (the host compares it)
//   9  signed attributes are there             25  serial number positive, at most 160 bits
//  10  each once, with one value               26  genTime is a real UTC time
//  11  contentType says TSTInfo                27  not before the floor, not after now
//  12  messageDigest is the TSTInfo's          28  accuracy in range
//  13  the signing certificate is bound        29  no unknown critical TSTInfo extension
//  14  attributes in DER order, as received    30  the TSA's name is the signer's
//  15  signature valid                         31  no key of the path on the deny-list
//  16  the signer is whom sid and ESS name     32  unsigned attributes are never read
//
// They run in the order that spends the least on a stranger's bytes: what can be read off the
// bytes, then the path downwards from the anchor, and the token's own signature last, with a key
// that is trusted by then. platformio_secureota/verify.py has the same blocks in the same order;
// the two must answer every token with the same reason.
//
// What the caller still owes: the token is good, but only the caller sees the image. Its SHA-256
// must equal VerifiedToken::imageDigest (second half of 22; the Updater does it).

#include "verifier.h"

#include "oid.h"
#include "path.h"
#include "signer.h"

namespace secureota {
namespace {

// RFC 3161 2.4.2: a requester must be able to take serial numbers of that many bits.
const size_t kMaxSerialOctets = 160 / 8;

bool isNumber(Bytes integer, uint8_t value) {
  return integer.size == 1 && integer.data[0] == value;
}

Error parseCertificates(Bytes bag) {
  DerReader reader(bag);
  size_t count = 0;
  for (DerReader counter(bag); !counter.atEnd(); ++count) {
    SECUREOTA_TRY(counter.skip(tag::kSequence));
  }
  if (count > kMaxCertificates) {
    return Error::TooManyCertificates;
  }
  while (!reader.atEnd()) {
    Bytes der;
    Certificate certificate;
    SECUREOTA_TRY(reader.readWhole(tag::kSequence, &der));
    SECUREOTA_TRY(parseCertificate(der, &certificate));
  }
  return Error::None;
}

Error singleSignerInfo(Bytes signerInfos, SignerInfo* out) {
  DerReader reader(signerInfos);
  Bytes der;
  if (reader.atEnd()) {
    return Error::SignerInfoUnsupported;
  }
  SECUREOTA_TRY(reader.readWhole(tag::kSequence, &der));
  if (!reader.atEnd()) {
    return Error::SignerInfoUnsupported;
  }
  SECUREOTA_TRY(parseSignerInfo(der, out));
  if (!isNumber(out->version, 1) || out->issuer.empty()) {
    return Error::SignerInfoUnsupported;
  }
  return Error::None;
}

// Both algorithms on the list, and of one mind.
Error checkAlgorithms(const SignerInfo& info, Bytes announced, SignatureAlgorithm* out) {
  SignatureAlgorithm algorithm;
  DigestAlgorithm digest;
  SECUREOTA_TRY(digestAlgorithm(info.digestAlgorithm, &digest));
  if (isRsaEncryption(info.signatureAlgorithm)) {
    algorithm.family = KeyFamily::Rsa;
    algorithm.digest = digest;
  } else {
    SECUREOTA_TRY(signatureAlgorithm(info.signatureAlgorithm, &algorithm));
  }
  bool isAnnounced = false;
  for (DerReader reader(announced); !reader.atEnd();) {
    AlgorithmIdentifier id;
    SECUREOTA_TRY(readAlgorithm(&reader, &id));
    isAnnounced = isAnnounced || id.algorithm == info.digestAlgorithm.algorithm;
  }
  if (algorithm.digest != digest || !isAnnounced) {
    return Error::AlgorithmMismatch;
  }
  *out = algorithm;
  return Error::None;
}

bool isRequired(Bytes policy, const Rules& rules) {
  for (size_t i = 0; i < rules.policyCount; ++i) {
    if (rules.policies[i] == policy) {
      return true;
    }
  }
  return false;
}

bool isGoodSerial(Bytes serial) {
  if (serial.data[0] >= 0x80 || isNumber(serial, 0)) {
    return false;
  }
  const size_t sign = serial.data[0] == 0 ? 1 : 0;
  return serial.size - sign <= kMaxSerialOctets;
}

bool isThousandths(Bytes integer) {
  int32_t value = 0;
  return integer.empty() || (smallInteger(integer, &value) && value >= 1 && value <= 999);
}

bool isGoodAccuracy(const TstInfo& info) {
  const bool negative = !info.accuracySeconds.empty() && info.accuracySeconds.data[0] >= 0x80;
  return !negative && isThousandths(info.accuracyMillis) && isThousandths(info.accuracyMicros);
}

}  // namespace

Error verifyToken(Bytes timeStampResp, const TrustStore& anchors, const Rules& rules,
                  VerifiedToken* out) {
  if (anchors.count() == 0) {
    return Error::NoTrustAnchor;
  }

  // 1, 2: size, DER, nothing behind
  if (timeStampResp.size > kMaxTokenSize) {
    return Error::TokenTooLarge;
  }
  Reader start(timeStampResp);
  uint8_t outerTag = 0;
  size_t outerSize = 0;
  SECUREOTA_TRY(takeHeader(&start, &outerTag, &outerSize));
  if (start.left() != outerSize) {
    return Error::TrailingData;
  }
  SECUREOTA_TRY(checkDer(timeStampResp));

  // 3, 4: granted, and nothing else (each parser closes what it opened)
  TimeStampResp response;
  SECUREOTA_TRY(parseResponse(timeStampResp, &response));
  const bool granted = isNumber(response.status, 0) || isNumber(response.status, 1);
  if (!granted || response.hasFailInfo || !response.hasToken) {
    return Error::NotGranted;
  }

  // 5: CMS SignedData
  ContentInfo contentInfo;
  SECUREOTA_TRY(parseContentInfo(response.token, &contentInfo));
  if (contentInfo.contentType != oid::signedData) {
    return Error::NotSignedData;
  }

  // 6: version 3, of a TSTInfo
  SignedData signedData;
  SECUREOTA_TRY(parseSignedData(contentInfo.content, &signedData));
  if (!isNumber(signedData.version, 3) || signedData.contentType != oid::tstInfo ||
      !signedData.hasContent) {
    return Error::NotTimestampToken;
  }
  SECUREOTA_TRY(parseCertificates(signedData.certificates));

  // 7: one signer, named by issuer and serial number
  SignerInfo signerInfo;
  SECUREOTA_TRY(singleSignerInfo(signedData.signerInfos, &signerInfo));

  // 8: algorithms
  SignatureAlgorithm algorithm;
  SECUREOTA_TRY(checkAlgorithms(signerInfo, signedData.digestAlgorithms, &algorithm));

  // 9, 10: signed attributes, each once
  if (signerInfo.signedAttributes.empty()) {
    return Error::NoSignedAttributes;
  }
  SignedAttributes attributes;
  SECUREOTA_TRY(singleAttributes(signerInfo, &attributes));

  // 11: contentType
  if (!isValue(attributes.contentType, tag::kObjectIdentifier, oid::tstInfo)) {
    return Error::WrongContentType;
  }

  // 12: messageDigest
  uint8_t hash[kMaxDigestSize];
  const size_t hashSize = digestSize(algorithm.digest);
  SECUREOTA_TRY(digest(algorithm.digest, signedData.content, hash));
  if (!isValue(attributes.messageDigest, tag::kOctetString, Bytes(hash, hashSize))) {
    return Error::MessageDigestMismatch;
  }

  // 13: the signing certificate, first half (what is bound is compared in 16)
  Bindings bindings;
  SECUREOTA_TRY(readBindings(attributes, rules.requireEssV2, &bindings));

  // 2 again, for the content: an OCTET STRING hides it from the walk above
  TstInfo tstInfo;
  SECUREOTA_TRY(checkDer(signedData.content));
  SECUREOTA_TRY(parseTstInfo(signedData.content, &tstInfo));

  // 21: version
  if (!isNumber(tstInfo.version, 1)) {
    return Error::WrongTstVersion;
  }

  // 22, first half: imprint
  if (!isSha256(tstInfo.imprintAlgorithm) || tstInfo.imprint.size != kSha256Size) {
    return Error::ImprintNotSha256;
  }

  // 23, first half: the policy that the token names (the certificates' in the path)
  if (rules.policyCount != 0 && !isRequired(tstInfo.policy, rules)) {
    return Error::PolicyNotAccepted;
  }

  // 24: nonce: parseTstInfo() saw that it is an INTEGER, if it is there

  // 25: serial number
  if (!isGoodSerial(tstInfo.serial)) {
    return Error::BadSerialNumber;
  }

  // 26: genTime
  Time genTime = 0;
  SECUREOTA_TRY(parseGenTime(tstInfo.genTime, &genTime));

  // 27: floor and clock
  if (rules.notBefore != kNoTime && genTime < rules.notBefore) {
    return Error::OlderThanFloor;
  }
  if (rules.now != kNoTime && genTime > rules.now + kClockSkew) {
    return Error::FromTheFuture;
  }

  // 28: accuracy
  if (!isGoodAccuracy(tstInfo)) {
    return Error::BadAccuracy;
  }

  // 29: extensions
  if (tstInfo.unknownCritical) {
    return Error::TokenExtensionUnknown;
  }

  // 16, and the second half of 13: the signer
  Signer signer;
  Extensions extensions;
  SECUREOTA_TRY(findSigner(signerInfo, bindings, signedData.certificates, anchors, &signer));
  SECUREOTA_TRY(parseExtensions(signer.certificate, &extensions));

  // 30: the TSA's name
  if (!tstInfo.tsa.empty() && !isNameOf(tstInfo.tsa, signer.certificate, extensions)) {
    return Error::WrongTsaName;
  }

  // 19: for time-stamping alone
  SECUREOTA_TRY(checkSigner(extensions));

  // 17, 18, 20, 23, 31: the path
  PathRules pathRules;
  pathRules.genTime = genTime;
  pathRules.policy = rules.policyCount != 0 ? tstInfo.policy : Bytes();
  pathRules.rules = &rules;
  if (signer.isAnchor) {  // a signer that is itself the anchor is its own path
    SECUREOTA_TRY(checkReachedSigner(signer.certificate, extensions, pathRules));
  } else {
    SECUREOTA_TRY(
        findPath(signer.certificate, extensions, signedData.certificates, anchors, pathRules));
  }

  // 14: attributes in order, hashed as they came
  SECUREOTA_TRY(checkSorted(signerInfo));
  SECUREOTA_TRY(digestSignedAttributes(signerInfo, algorithm.digest, hash));

  // 15, and the rest of 8: the signature
  const Bytes signerKey = signer.certificate.subjectPublicKeyInfo;
  KeyFamily family;
  SECUREOTA_TRY(keyFamily(signerKey, &family));
  if (family != algorithm.family) {
    return Error::AlgorithmMismatch;
  }
  SECUREOTA_TRY(
      verifySignature(signerKey, algorithm.digest, Bytes(hash, hashSize), signerInfo.signature));

  // 32: nothing above has read unsignedAttrs
  memcpy(out->imageDigest, tstInfo.imprint.data, kSha256Size);
  out->genTime = genTime;
  return Error::None;
}

}  // namespace secureota
