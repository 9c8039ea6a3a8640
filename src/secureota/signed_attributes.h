// The signed attributes of a token (RFC 5652 5.3): what stands between a signature and the TSTInfo.
#pragma once

#include "timestamp.h"

namespace secureota {

// The attributes that matter: each one's single value as encoded; empty where it is absent.
struct SignedAttributes {
  Bytes contentType;
  Bytes messageDigest;
  Bytes signingCertificate;
  Bytes signingCertificateV2;
};

// Reads them all: each may be there once, with one value (check 10). AttributeRepeated,
// UnexpectedField beyond kMaxAttributes, Malformed.
SECUREOTA_NODISCARD Error singleAttributes(const SignerInfo& info, SignedAttributes* out);

// Whether they ascend by their encodings (check 14). AttributesNotSorted.
SECUREOTA_NODISCARD Error checkSorted(const SignerInfo& info);

// Digest of what is signed: the SET, not the [0] that stands on the wire (RFC 5652 5.4).
SECUREOTA_NODISCARD Error digestSignedAttributes(const SignerInfo& info, DigestAlgorithm algorithm,
                                                 uint8_t* out);

// Whether `encoded` is one value of this tag with these contents.
bool isValue(Bytes encoded, uint8_t tag, Bytes contents);

}  // namespace secureota
