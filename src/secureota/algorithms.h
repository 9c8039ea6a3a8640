// The algorithms that may take part in a token, and nothing else (check 8).
#pragma once

#include "crypto.h"
#include "der.h"

namespace secureota {

enum class KeyFamily : uint8_t { Rsa, Ecdsa };

// AlgorithmIdentifier ::= SEQUENCE { algorithm, parameters ANY OPTIONAL } (RFC 5280 4.1.1.2).
struct AlgorithmIdentifier {
  Bytes algorithm;   // contents of the OBJECT IDENTIFIER
  Bytes parameters;  // the whole encoding; empty where there are none

  bool operator==(const AlgorithmIdentifier& other) const {
    return algorithm == other.algorithm && parameters == other.parameters;
  }
};

struct SignatureAlgorithm {
  KeyFamily family;
  DigestAlgorithm digest;
};

// RSA below: too weak. Above: a stranger's key could keep a device busy for minutes.
const size_t kMinRsaBits = 2048;
const size_t kMaxRsaBits = 4096;

SECUREOTA_NODISCARD Error readAlgorithm(DerReader* reader, AlgorithmIdentifier* out);

// An allowed digest algorithm; AlgorithmNotAllowed.
SECUREOTA_NODISCARD Error digestAlgorithm(const AlgorithmIdentifier& id, DigestAlgorithm* out);

// Its parameters are absent or NULL (RFC 5754 2).
bool isSha256(const AlgorithmIdentifier& id);

// An allowed signature algorithm that names its digest; AlgorithmNotAllowed.
SECUREOTA_NODISCARD Error signatureAlgorithm(const AlgorithmIdentifier& id,
                                             SignatureAlgorithm* out);

// The name of RSA PKCS #1 v1.5 that leaves the digest to the SignerInfo (RFC 3370 3.2).
bool isRsaEncryption(const AlgorithmIdentifier& id);

// Family of an allowed public key, from its SubjectPublicKeyInfo (RFC 5280 4.1.2.7): RSA with an
// odd modulus of 2048 to 4096 bits and exponent 65537, or an uncompressed point of P-256 or P-384.
// KeyNotAllowed for any other. Whether the point lies on its curve shows when the key is used.
SECUREOTA_NODISCARD Error keyFamily(Bytes subjectPublicKeyInfo, KeyFamily* out);

}  // namespace secureota
