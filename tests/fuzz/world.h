// The device that all targets pretend to be: its anchors, and the good containers that it knows.
#pragma once

#include <string>

#include "der_tree.h"
#include "secureota/verifier.h"
#include "seeds.h"

namespace fuzz {

const size_t kSeedCount = sizeof kSeeds / sizeof kSeeds[0];

// All anchors of seeds.h.
const secureota::TrustStore& anchors();

// The anchors of these bits alone.
void anchorsOf(unsigned bits, secureota::TrustStore* out);

// The image of make_seeds.py.
Buffer imageOf(const Seed& seed);

// A seed's container, with digests and signatures that this target's cryptography accepts.
const Buffer& containerOf(size_t seed);

// A buffer to lend to an Updater: the sanitizer watches its end.
uint8_t* lentBuffer(size_t size);

// The token of a container, found without the core's help. Empty if the header is none or the
// token is not whole.
secureota::Bytes tokenIn(secureota::Bytes container);

}  // namespace fuzz
