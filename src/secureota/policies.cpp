#include "policies.h"

#include "der.h"
#include "text.h"

namespace secureota {

// Base 128, the highest group first, bit 8 set in all but the last.
static Error appendArc(uint64_t arc, uint8_t* out, size_t capacity, size_t* size) {
  size_t groups = 1;
  while (arc >> (7 * groups) != 0) {
    ++groups;
  }
  if (capacity - *size < groups) {
    return Error::OutOfMemory;
  }
  for (size_t i = groups; i-- > 0;) {
    const uint8_t more = i == 0 ? 0 : 0x80;
    out[(*size)++] = static_cast<uint8_t>((arc >> (7 * i) & 0x7f) | more);
  }
  return Error::None;
}

Error encodeObjectIdentifier(const char* dotted, uint8_t* out, size_t capacity, size_t* size) {
  Bytes rest = asBytes(dotted);
  uint32_t first = 0;
  uint32_t second = 0;
  if (rest.empty() || rest.data[rest.size - 1] == '.' || !parseNumber(cut(&rest, '.'), &first) ||
      !parseNumber(cut(&rest, '.'), &second) || first > 2 || (first < 2 && second > 39)) {
    return Error::Malformed;
  }
  size_t written = 0;
  SECUREOTA_TRY(appendArc(uint64_t(40) * first + second, out, capacity, &written));
  while (!rest.empty()) {
    uint32_t arc = 0;
    if (!parseNumber(cut(&rest, '.'), &arc)) {
      return Error::Malformed;
    }
    SECUREOTA_TRY(appendArc(arc, out, capacity, &written));
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
