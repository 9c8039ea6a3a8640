// Makes what a mutation broke whole again: digests, and signatures that the stub accepts.
#pragma once

#include "secureota/bytes.h"

namespace fuzz {

// In place, as far as the token can be parsed. What the core reads as a digest or a signature gets
// the value that it should have; nothing changes its size.
void repairToken(uint8_t* token, size_t size);

// The same for a container, whose token gets the imprint of the image first.
void repairContainer(uint8_t* container, size_t size);

}  // namespace fuzz
