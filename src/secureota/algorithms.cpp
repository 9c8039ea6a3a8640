#include "algorithms.h"

#include "oid.h"

namespace secureota {
namespace {

const uint8_t kUncompressedPoint = 0x04;
const int32_t kRsaExponent = 65537;

bool isNull(Bytes parameters) {
  static const uint8_t kNull[] = {tag::kNull, 0x00};
  return parameters == Bytes(kNull, sizeof kNull);
}

// Bits of a positive INTEGER in the fewest octets; 0 for any other.
size_t positiveBits(Bytes integer) {
  if (integer.data[0] >= 0x80) {
    return 0;
  }
  // Of leading octets that are zero there is one at most; it leaves the next one's bits to count.
  size_t bits = integer.size * 8;
  unsigned first = integer.data[0];
  if (first == 0 && integer.size > 1) {
    bits -= 8;
    first = integer.data[1];
  }
  for (; first < 0x80 && bits != 0; first <<= 1) {
    --bits;
  }
  return bits;
}

// RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (RFC 8017 A.1.1)
Error checkRsaKey(Bytes key) {
  Bytes contents;
  SECUREOTA_TRY(enterUnchecked(key, tag::kSequence, &contents));
  DerReader fields(contents);
  Bytes modulus;
  Bytes exponent;
  SECUREOTA_TRY(fields.read(tag::kInteger, &modulus));
  SECUREOTA_TRY(fields.read(tag::kInteger, &exponent));
  SECUREOTA_TRY(fields.expectEnd(Error::Malformed));
  const size_t bits = positiveBits(modulus);
  int32_t e = 0;
  const bool odd = (modulus.data[modulus.size - 1] & 1) != 0;
  if (bits < kMinRsaBits || bits > kMaxRsaBits || !odd || !smallInteger(exponent, &e) ||
      e != kRsaExponent) {
    return Error::KeyNotAllowed;
  }
  return Error::None;
}

// The curve by name (RFC 5480 2.1.1), the point uncompressed (SEC 1, 2.3.3).
Error checkEcKey(Bytes parameters, Bytes point) {
  DerReader reader(parameters);
  Bytes curve;
  if (reader.nextIs(tag::kObjectIdentifier)) {
    SECUREOTA_TRY(reader.read(tag::kObjectIdentifier, &curve));
  }
  size_t coordinate = 0;
  if (curve == oid::p256) {
    coordinate = 32;
  } else if (curve == oid::p384) {
    coordinate = 48;
  } else {
    return Error::KeyNotAllowed;
  }
  if (point.size != 1 + 2 * coordinate || point.data[0] != kUncompressedPoint) {
    return Error::KeyNotAllowed;
  }
  return Error::None;
}

}  // namespace

Error readAlgorithm(DerReader* reader, AlgorithmIdentifier* out) {
  DerReader fields((Bytes()));
  SECUREOTA_TRY(reader->enter(tag::kSequence, &fields));
  AlgorithmIdentifier id;
  SECUREOTA_TRY(fields.read(tag::kObjectIdentifier, &id.algorithm));
  if (!fields.atEnd()) {
    SECUREOTA_TRY(fields.readAny(&id.parameters));
  }
  SECUREOTA_TRY(fields.expectEnd(Error::Malformed));
  *out = id;
  return Error::None;
}

Error digestAlgorithm(const AlgorithmIdentifier& id, DigestAlgorithm* out) {
  if (!id.parameters.empty() && !isNull(id.parameters)) {
    return Error::AlgorithmNotAllowed;
  }
  static constexpr struct {
    Bytes algorithm;
    DigestAlgorithm meaning;
  } kAllowed[] = {
      {oid::sha256, DigestAlgorithm::Sha256},
      {oid::sha384, DigestAlgorithm::Sha384},
      {oid::sha512, DigestAlgorithm::Sha512},
  };
  for (const auto& allowed : kAllowed) {
    if (id.algorithm == allowed.algorithm) {
      *out = allowed.meaning;
      return Error::None;
    }
  }
  return Error::AlgorithmNotAllowed;
}

bool isSha256(const AlgorithmIdentifier& id) {
  DigestAlgorithm algorithm = DigestAlgorithm::Sha512;
  return digestAlgorithm(id, &algorithm) == Error::None && algorithm == DigestAlgorithm::Sha256;
}

Error signatureAlgorithm(const AlgorithmIdentifier& id, SignatureAlgorithm* out) {
  static constexpr struct {
    Bytes algorithm;
    SignatureAlgorithm meaning;
  } kAllowed[] = {
      {oid::sha256WithRsa, {KeyFamily::Rsa, DigestAlgorithm::Sha256}},
      {oid::sha384WithRsa, {KeyFamily::Rsa, DigestAlgorithm::Sha384}},
      {oid::sha512WithRsa, {KeyFamily::Rsa, DigestAlgorithm::Sha512}},
      {oid::ecdsaWithSha256, {KeyFamily::Ecdsa, DigestAlgorithm::Sha256}},
      {oid::ecdsaWithSha384, {KeyFamily::Ecdsa, DigestAlgorithm::Sha384}},
      {oid::ecdsaWithSha512, {KeyFamily::Ecdsa, DigestAlgorithm::Sha512}},
  };
  for (const auto& allowed : kAllowed) {
    if (id.algorithm != allowed.algorithm) {
      continue;
    }
    // RFC 4055 5: RSA has NULL parameters; RFC 5758 3.2: ECDSA has none.
    const bool parametersFit =
        allowed.meaning.family == KeyFamily::Rsa ? isNull(id.parameters) : id.parameters.empty();
    if (!parametersFit) {
      return Error::AlgorithmNotAllowed;
    }
    *out = allowed.meaning;
    return Error::None;
  }
  return Error::AlgorithmNotAllowed;
}

bool isRsaEncryption(const AlgorithmIdentifier& id) {
  return id.algorithm == oid::rsaEncryption && isNull(id.parameters);
}

Error keyFamily(Bytes subjectPublicKeyInfo, KeyFamily* out) {
  DerReader outer(subjectPublicKeyInfo);
  DerReader fields((Bytes()));
  SECUREOTA_TRY(outer.enter(tag::kSequence, &fields));
  AlgorithmIdentifier id;
  Bytes bits;
  SECUREOTA_TRY(readAlgorithm(&fields, &id));
  SECUREOTA_TRY(fields.read(tag::kBitString, &bits));
  SECUREOTA_TRY(fields.expectEnd(Error::Malformed));
  const Bytes key(bits.data + 1, bits.size - 1);  // behind the count of unused bits
  if (isRsaEncryption(id)) {
    SECUREOTA_TRY(checkRsaKey(key));
    *out = KeyFamily::Rsa;
    return Error::None;
  }
  if (id.algorithm == oid::ecPublicKey) {
    SECUREOTA_TRY(checkEcKey(id.parameters, key));
    *out = KeyFamily::Ecdsa;
    return Error::None;
  }
  return Error::KeyNotAllowed;
}

}  // namespace secureota
