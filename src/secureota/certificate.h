// X.509 certificates as far as a timestamp needs them (RFC 5280 4.1 and 4.2).
//
// Parsing decides nothing: it says what is there. The verifier decides.
#pragma once

#include "algorithms.h"
#include "gen_time.h"

namespace secureota {

// Extensions of one certificate; real ones have up to 12.
const size_t kMaxExtensions = 32;

// The fields of one certificate, as views of its bytes.
struct Certificate {
  Certificate();
  Bytes der;
  Bytes tbs;     // what the signature covers
  Bytes serial;  // contents of the INTEGER
  AlgorithmIdentifier innerAlgorithm;
  Bytes issuer;  // Name, as encoded
  Time notBefore;
  Time notAfter;  // the start of the last second in which it is valid
  Bytes subject;
  Bytes subjectPublicKeyInfo;  // as encoded
  Bytes extensions;            // contents of the SEQUENCE OF Extension; empty where there are none
  AlgorithmIdentifier outerAlgorithm;
  Bytes signature;

  // Issuer and subject are the same name (RFC 5280 6.1).
  bool isSelfIssued() const { return issuer == subject; }
};

// Bits of KeyUsage, as they lie in its first octet (RFC 5280 4.2.1.3).
namespace key_usage {
const uint8_t kDigitalSignature = 0x80;
const uint8_t kNonRepudiation = 0x40;
const uint8_t kKeyCertSign = 0x04;
}  // namespace key_usage

// What the extensions of a certificate say.
struct Extensions {
  bool isCa;
  int pathLen;  // kNoPathLen: no limit
  bool hasKeyUsage;
  uint16_t keyUsage;       // its octets, the first one lowest
  Bytes extendedKeyUsage;  // contents of the SEQUENCE OF OBJECT IDENTIFIER; empty: absent
  bool extendedKeyUsageCritical;
  bool hasPolicies;
  Bytes policies;          // contents of CertificatePolicies
  Bytes alternativeNames;  // contents of GeneralNames
  bool unknownCritical;

  static const int kNoPathLen = -1;

  Extensions();
};

// Parses one certificate that checkDer() has seen. NotDer, Malformed.
SECUREOTA_NODISCARD Error parseCertificate(Bytes der, Certificate* out);

// Decodes its extensions. NotDer, Malformed.
SECUREOTA_NODISCARD Error parseExtensions(const Certificate& certificate, Extensions* out);

// Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue OCTET STRING }
struct Extension {
  Bytes id;
  bool critical;
  Bytes value;
};
SECUREOTA_NODISCARD Error readExtension(DerReader* reader, Extension* out);

// Whether a decoded CertificatePolicies asserts this policy, or any.
bool assertsPolicy(Bytes policies, Bytes policy);

}  // namespace secureota
