#include "policies.h"

#include "der.h"
#include "text.h"

namespace secureota {

// Appends one arc in base 128, the highest group first, bit 8 set in all but the last. Arcs can
// have any size (those below 2.25 are 128 bits wide), so the decimal digits are converted as they
// stand: `addend` is added to their number.
static Error appendArc(Bytes digits, uint32_t addend, uint8_t* out, size_t capacity, size_t* size) {
  uint8_t* const groups = out + *size;  // the lowest first, until the end
  const size_t room = capacity - *size;
  size_t count = 0;
  if (digits.empty() || (digits.size > 1 && digits.data[0] == '0')) {
    return Error::Malformed;
  }
  for (size_t i = 0; i < digits.size; ++i) {
    if (digits.data[i] < '0' || digits.data[i] > '9') {
      return Error::Malformed;
    }
    uint32_t carry = static_cast<uint32_t>(digits.data[i] - '0');
    carry += i + 1 == digits.size ? addend : 0;
    for (size_t g = 0; g < count || carry != 0 || count == 0; ++g) {
      if (g == count) {
        if (count == room) {
          return Error::OutOfMemory;
        }
        groups[count++] = 0;
      }
      carry += groups[g] * 10U;
      groups[g] = static_cast<uint8_t>(carry & 0x7f);
      carry >>= 7;
    }
  }
  for (size_t low = 0, high = count - 1; low < high; ++low, --high) {
    const uint8_t group = groups[low];
    groups[low] = groups[high];
    groups[high] = group;
  }
  for (size_t g = 0; g + 1 < count; ++g) {
    groups[g] |= 0x80;
  }
  *size += count;
  return Error::None;
}

Error encodeObjectIdentifier(const char* dotted, uint8_t* out, size_t capacity, size_t* size) {
  Bytes rest = asBytes(dotted);
  const Bytes first = cut(&rest, '.');
  const bool isRoot = first.size == 1 && first.data[0] >= '0' && first.data[0] <= '2';
  if (!isRoot || rest.empty() || rest.data[rest.size - 1] == '.') {
    return Error::Malformed;
  }
  // The first two arcs are one number; below 0 and 1 the second ends at 39 (X.690 8.19.4).
  const uint32_t root = static_cast<uint32_t>(first.data[0] - '0');
  const Bytes second = cut(&rest, '.');
  uint32_t small = 0;
  if (root < 2 && (!parseNumber(second, &small) || small > 39)) {
    return Error::Malformed;
  }
  size_t written = 0;
  SECUREOTA_TRY(appendArc(second, 40 * root, out, capacity, &written));
  while (!rest.empty()) {
    SECUREOTA_TRY(appendArc(cut(&rest, '.'), 0, out, capacity, &written));
  }
  *size = written;
  return Error::None;
}

Error PolicySet::add(const char* dotted) {
  if (count_ == kMaxPolicies) {
    return fail(Error::OutOfMemory);
  }
  size_t size = 0;
  const Error error = encodeObjectIdentifier(dotted, encoded_[count_], kMaxEncoded, &size);
  return error == Error::None ? put(Bytes(encoded_[count_], size)) : fail(error);
}

Error PolicySet::addAll(Bytes der) {
  const Error error = checkDer(der);
  if (error != Error::None) {
    return fail(error);
  }
  DerReader reader(der);
  while (!reader.atEnd()) {
    Bytes contents;
    const Error wrong = reader.read(tag::kObjectIdentifier, &contents);
    if (wrong != Error::None) {
      return fail(wrong);
    }
    SECUREOTA_TRY(put(contents));
  }
  return Error::None;
}

// Leaves one policy, the empty one: no token can have it.
Error PolicySet::fail(Error why) {
  policies_[0] = Bytes();
  count_ = 1;
  return why;
}

Error PolicySet::put(Bytes contents) {
  if (count_ == kMaxPolicies) {
    return fail(Error::OutOfMemory);
  }
  policies_[count_++] = contents;
  return Error::None;
}

}  // namespace secureota
