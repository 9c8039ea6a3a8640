// What an accepted token must be, seen by other eyes than the verifier's.
#pragma once

#include "meter.h"
#include "secureota/verifier.h"

namespace fuzz {

// Stops the fuzzer if the token lacks anything that this page can see. `meter` is what it took to
// accept it.
void agreeWithAcceptance(secureota::Bytes token, const secureota::VerifiedToken& verified,
                         const Meter& meter);

}  // namespace fuzz
