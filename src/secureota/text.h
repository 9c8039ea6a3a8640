// Reading the ASCII of header lines and datagrams: the one place that turns text into numbers.
#pragma once

#include "bytes.h"

namespace secureota {

inline Bytes asBytes(const char* text, size_t size) {
  return Bytes(reinterpret_cast<const uint8_t*>(text), size);
}
inline Bytes asBytes(const char* text) {
  return asBytes(text, strlen(text));
}

// Does `bytes` begin with `text`?
bool startsWith(Bytes bytes, const char* text);

// Cuts `rest` at the first `separator`: what stands before it is returned, what stands behind it
// stays in `rest`. Without a separator everything is returned and `rest` is empty.
Bytes cut(Bytes* rest, uint8_t separator);

// A decimal number without sign, and without a leading zero unless it is "0". False, and `out`
// untouched, for anything else and for what 32 bits can't hold.
bool parseNumber(Bytes text, uint32_t* out);

// Hexadecimal digits of either case, exactly two for each of the `size` bytes. False, and `out`
// possibly partly written, for anything else.
bool parseHex(Bytes text, uint8_t* out, size_t size);

// Writes 2 * bytes.size lower-case digits, without a terminator.
void formatHex(Bytes bytes, char* out);

// Writes the decimal digits of `number` without a terminator and returns how many: at most
// kMaxDecimalDigits.
const size_t kMaxDecimalDigits = 10;
size_t formatNumber(uint32_t number, char* out);

// Writes `text` behind the `at` characters that are there, without a terminator, cut where
// `capacity` ends; returns how many there are now.
size_t appendText(const char* text, char* out, size_t at, size_t capacity);

}  // namespace secureota
