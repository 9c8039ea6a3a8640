#include "certificate.h"

#include "oid.h"

namespace secureota {
namespace {

// Version ::= INTEGER { v1(0), v2(1), v3(2) }, DEFAULT v1
Error readVersion(DerReader* fields, bool* isV3) {
  *isV3 = false;
  if (!fields->nextIs(tag::contextConstructed(0))) {
    return Error::None;
  }
  DerReader wrapped((Bytes()));
  Bytes version;
  SECUREOTA_TRY(fields->enter(tag::contextConstructed(0), &wrapped));
  SECUREOTA_TRY(wrapped.read(tag::kInteger, &version));
  SECUREOTA_TRY(wrapped.expectEnd(Error::Malformed));
  if (version.size == 1 && version.data[0] == 0) {
    return Error::NotDer;  // a default value is encoded
  }
  if (version.size != 1 || version.data[0] > 2) {
    return Error::Malformed;
  }
  *isV3 = version.data[0] == 2;
  return Error::None;
}

// RFC 5280 4.1.2.5: UTCTime stands for 1950 to 2049, both to the second and in UTC.
Error readTime(DerReader* reader, Time* out) {
  uint8_t digits[14];
  Bytes text;
  size_t century = 0;
  if (reader->nextIs(tag::kUtcTime)) {
    SECUREOTA_TRY(reader->read(tag::kUtcTime, &text));
    century = 2;
  } else {
    SECUREOTA_TRY(reader->read(tag::kGeneralizedTime, &text));
  }
  if (text.size + century != sizeof digits + 1 || text.data[text.size - 1] != 'Z') {
    return Error::Malformed;
  }
  if (century != 0) {
    memcpy(digits, text.data[0] >= '5' ? "19" : "20", century);
  }
  memcpy(digits + century, text.data, text.size - 1);
  return parseCalendarTime(digits, out) ? Error::None : Error::Malformed;
}

// Octets of a BIT STRING's contents, if its last octet is a whole one.
Error wholeOctets(Bytes bitString, Bytes* out) {
  if (bitString.data[0] != 0) {
    return Error::Malformed;
  }
  *out = Bytes(bitString.data + 1, bitString.size - 1);
  return Error::None;
}

Error parseTbs(Bytes tbs, Certificate* out) {
  DerReader outer(tbs);
  DerReader fields((Bytes()));
  SECUREOTA_TRY(outer.enter(tag::kSequence, &fields));
  bool isV3 = false;
  SECUREOTA_TRY(readVersion(&fields, &isV3));
  SECUREOTA_TRY(fields.read(tag::kInteger, &out->serial));
  SECUREOTA_TRY(readAlgorithm(&fields, &out->innerAlgorithm));
  SECUREOTA_TRY(fields.readWhole(tag::kSequence, &out->issuer));
  DerReader validity((Bytes()));
  SECUREOTA_TRY(fields.enter(tag::kSequence, &validity));
  SECUREOTA_TRY(readTime(&validity, &out->notBefore));
  SECUREOTA_TRY(readTime(&validity, &out->notAfter));
  SECUREOTA_TRY(validity.expectEnd(Error::Malformed));
  SECUREOTA_TRY(fields.readWhole(tag::kSequence, &out->subject));
  SECUREOTA_TRY(fields.readWhole(tag::kSequence, &out->subjectPublicKeyInfo));
  SECUREOTA_TRY(fields.skipOptional(tag::context(1)));  // issuerUniqueID
  SECUREOTA_TRY(fields.skipOptional(tag::context(2)));  // subjectUniqueID
  if (isV3 && fields.nextIs(tag::contextConstructed(3))) {
    DerReader wrapped((Bytes()));
    SECUREOTA_TRY(fields.enter(tag::contextConstructed(3), &wrapped));
    SECUREOTA_TRY(wrapped.read(tag::kSequence, &out->extensions));
    SECUREOTA_TRY(wrapped.expectEnd(Error::Malformed));
  }
  return fields.expectEnd(Error::Malformed);
}

// BasicConstraints ::= SEQUENCE { cA DEFAULT FALSE, pathLenConstraint INTEGER (0..MAX) OPTIONAL }
Error parseBasicConstraints(Bytes value, Extensions* out) {
  Bytes contents;
  SECUREOTA_TRY(enterUnchecked(value, tag::kSequence, &contents));
  DerReader fields(contents);
  Bytes length;
  bool hasLength = false;
  SECUREOTA_TRY(fields.readDefaultFalse(&out->isCa));
  SECUREOTA_TRY(fields.readOptional(tag::kInteger, &length, &hasLength));
  SECUREOTA_TRY(fields.expectEnd(Error::Malformed));
  if (hasLength) {
    // RFC 5280 4.2.1.9: a length makes sense for an authority alone; more than an octet is
    // nonsense.
    if (!out->isCa || length.size != 1 || length.data[0] >= 0x80) {
      return Error::Malformed;
    }
    out->pathLen = length.data[0];
  }
  return Error::None;
}

Error parseKeyUsage(Bytes value, Extensions* out) {
  Bytes bits;
  SECUREOTA_TRY(enterUnchecked(value, tag::kBitString, &bits));
  if (bits.size != 2 && bits.size != 3) {  // 9 named bits at most, and at least one of them set
    return Error::Malformed;
  }
  // A list of named bits ends with one that is set (X.690 11.2.2).
  if ((bits.data[bits.size - 1] >> bits.data[0] & 1) == 0) {
    return Error::NotDer;
  }
  out->hasKeyUsage = true;
  const unsigned second = bits.size == 3 ? bits.data[2] : 0;
  out->keyUsage = static_cast<uint16_t>(bits.data[1] | second << 8);
  return Error::None;
}

// ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF OBJECT IDENTIFIER
Error parseExtendedKeyUsage(Bytes value, Bytes* out) {
  SECUREOTA_TRY(enterUnchecked(value, tag::kSequence, out));
  DerReader purposes(*out);
  do {
    SECUREOTA_TRY(purposes.skip(tag::kObjectIdentifier));
  } while (!purposes.atEnd());
  return Error::None;
}

// PolicyInformation ::= SEQUENCE { policyIdentifier, policyQualifiers OPTIONAL }
Error readPolicy(DerReader* reader, Bytes* id) {
  DerReader fields((Bytes()));
  SECUREOTA_TRY(reader->enter(tag::kSequence, &fields));
  return fields.read(tag::kObjectIdentifier, id);
}

// CertificatePolicies ::= SEQUENCE OF PolicyInformation
Error parsePolicies(Bytes value, Extensions* out) {
  SECUREOTA_TRY(enterUnchecked(value, tag::kSequence, &out->policies));
  DerReader reader(out->policies);
  while (!reader.atEnd()) {
    Bytes id;
    SECUREOTA_TRY(readPolicy(&reader, &id));
  }
  out->hasPolicies = true;
  return Error::None;
}

Error parseExtension(const Extension& extension, Extensions* out) {
  if (extension.id == oid::basicConstraints) {
    return parseBasicConstraints(extension.value, out);
  }
  if (extension.id == oid::keyUsage) {
    return parseKeyUsage(extension.value, out);
  }
  if (extension.id == oid::extendedKeyUsage) {
    out->extendedKeyUsageCritical = extension.critical;
    return parseExtendedKeyUsage(extension.value, &out->extendedKeyUsage);
  }
  if (extension.id == oid::certificatePolicies) {
    return parsePolicies(extension.value, out);
  }
  if (extension.id == oid::subjectAltName) {
    return enterUnchecked(extension.value, tag::kSequence, &out->alternativeNames);
  }
  if (extension.critical) {
    out->unknownCritical = true;
  }
  return Error::None;
}

}  // namespace

Certificate::Certificate() : notBefore(0), notAfter(0) {}

Extensions::Extensions()
    : isCa(false),
      pathLen(kNoPathLen),
      hasKeyUsage(false),
      keyUsage(0),
      extendedKeyUsageCritical(false),
      hasPolicies(false),
      unknownCritical(false) {}

Error readExtension(DerReader* reader, Extension* out) {
  DerReader fields((Bytes()));
  SECUREOTA_TRY(reader->enter(tag::kSequence, &fields));
  SECUREOTA_TRY(fields.read(tag::kObjectIdentifier, &out->id));
  SECUREOTA_TRY(fields.readDefaultFalse(&out->critical));
  SECUREOTA_TRY(fields.read(tag::kOctetString, &out->value));
  return fields.expectEnd(Error::Malformed);
}

Error parseCertificate(Bytes der, Certificate* out) {
  Certificate certificate;
  certificate.der = der;
  DerReader outer(der);
  DerReader fields((Bytes()));
  SECUREOTA_TRY(outer.enter(tag::kSequence, &fields));
  SECUREOTA_TRY(outer.expectEnd(Error::Malformed));
  SECUREOTA_TRY(fields.readWhole(tag::kSequence, &certificate.tbs));
  SECUREOTA_TRY(readAlgorithm(&fields, &certificate.outerAlgorithm));
  Bytes signature;
  SECUREOTA_TRY(fields.read(tag::kBitString, &signature));
  SECUREOTA_TRY(wholeOctets(signature, &certificate.signature));
  SECUREOTA_TRY(fields.expectEnd(Error::Malformed));
  SECUREOTA_TRY(parseTbs(certificate.tbs, &certificate));
  *out = certificate;
  return Error::None;
}

Error parseExtensions(const Certificate& certificate, Extensions* out) {
  Extensions found;
  DerReader reader(certificate.extensions);
  for (size_t count = 0; !reader.atEnd(); ++count) {
    Extension extension;
    SECUREOTA_TRY(readExtension(&reader, &extension));
    if (count == kMaxExtensions) {
      return Error::Malformed;
    }
    // Each may be there once (RFC 5280 4.2): look for its like among those before it.
    DerReader before(certificate.extensions);
    for (size_t i = 0; i < count; ++i) {
      Extension other;
      SECUREOTA_TRY(readExtension(&before, &other));
      if (other.id == extension.id) {
        return Error::Malformed;
      }
    }
    SECUREOTA_TRY(parseExtension(extension, &found));
  }
  *out = found;
  return Error::None;
}

bool assertsPolicy(Bytes policies, Bytes policy) {
  DerReader reader(policies);
  while (!reader.atEnd()) {
    Bytes id;
    if (readPolicy(&reader, &id) != Error::None) {
      return false;
    }
    if (id == policy || id == oid::anyPolicy) {
      return true;
    }
  }
  return false;
}

}  // namespace secureota
