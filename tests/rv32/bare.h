// The work that no verifier of such a token can do without, as bare calls of mbedtls: what the
// verifier is measured against.
#pragma once

#include "secureota/verifier.h"

// One token taken apart, which is not measured. Views of the token and of the case.
struct BareWork {
  static const size_t kMaxCertificates = 8;

  secureota::Bytes anchors[secureota::TrustStore::kMaxAnchors];
  size_t anchorCount;
  secureota::Bytes certificates[kMaxCertificates];  // the signer's, then the others of the token
  size_t certificateCount;
  secureota::Bytes tstInfo;
  secureota::Bytes signedAttributes;  // as encoded, with the [0] of the wire
  secureota::Bytes signature;
};

// False if it is not a token that can be measured: good, and all SHA-256.
bool takeApart(secureota::Bytes timeStampResp, BareWork* out);

// Parses all certificates with mbedtls's X.509, verifies the signer's chain, hashes what a token
// has hashed (TSTInfo, signed attributes, the signer's certificate), verifies one signature.
bool verifyBare(const BareWork& work);

// The public-key operations and digests alone, by which the verifier itself reaches deepest into
// mbedtls: the signer's key is parsed and verifies the token's signature.
bool primitivesBare(const BareWork& work);
