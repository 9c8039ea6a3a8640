// A mutator that knows DER: it moves whole values about and sets all lengths right, where libFuzzer
// alone would mostly make lengths wrong.
#pragma once

#include <stddef.h>
#include <stdint.h>

// libFuzzer's own mutations.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t maxSize);

namespace fuzz {

// Changes a token in place and returns its new size.
size_t mutateToken(uint8_t* data, size_t size, size_t maxSize, unsigned seed);

// Puts parts of another token into this one.
size_t crossTokens(const uint8_t* data, size_t size, const uint8_t* other, size_t otherSize,
                   uint8_t* out, size_t maxSize, unsigned seed);

}  // namespace fuzz
