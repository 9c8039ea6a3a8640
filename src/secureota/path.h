// From the signer to a trust anchor (RFC 5280 6.1, the part that a timestamp needs).
//
// Names are followed upwards without any cryptography; a chain that reaches an anchor is then
// judged from the anchor downwards, so that a public-key operation is only ever done with a key
// that is trusted by then. Names are equal when their bytes are. The host's half:
// platformio_secureota/path.py.
#pragma once

#include "certificate.h"
#include "verifier.h"

namespace secureota {

// Authorities between signer and anchor. Real hierarchies have up to 3.
const size_t kMaxAuthorities = 6;

// Certificates and anchors of the right name that are looked at, over all chains of one token.
const unsigned kMaxPathSteps = 64;

// Certificate signatures that are checked, over all chains of one token.
const unsigned kMaxSignatureChecks = 8;

// What a path is held to.
struct PathRules {
  Time genTime;
  Bytes policy;  // that certificates must assert; empty: any
  const Rules* rules;
};

// Looks for a good path through `bag` (contents of a SET OF Certificate, each of which parses).
//
// None; or what is wrong with the first chain that was tried; NotTrusted where no chain reaches an
// anchor; TooMuchWork when the search outgrows its limits.
SECUREOTA_NODISCARD Error findPath(const Certificate& signer, const Extensions& extensions,
                                   Bytes bag, const TrustStore& anchors, const PathRules& rules);

// The checks that the end of a path has to pass.
SECUREOTA_NODISCARD Error checkReachedSigner(const Certificate& signer,
                                             const Extensions& extensions, const PathRules& rules);

}  // namespace secureota
