// Strict DER (ITU-T X.690), read forward only.
//
// Two tools: checkDer() walks an encoding once and refuses whatever is not DER, and DerReader takes
// values from bytes that were checked. Neither knows what the values mean. The host has the same
// two, with the same limits: platformio_secureota/der.py.
#pragma once

#include "reader.h"

namespace secureota {

// Tags that occur in tokens and certificates, as the single identifier octet.
namespace tag {
const uint8_t kBoolean = 0x01;
const uint8_t kInteger = 0x02;
const uint8_t kBitString = 0x03;
const uint8_t kOctetString = 0x04;
const uint8_t kNull = 0x05;
const uint8_t kObjectIdentifier = 0x06;
const uint8_t kEnumerated = 0x0a;
const uint8_t kUtf8String = 0x0c;
const uint8_t kUtcTime = 0x17;
const uint8_t kGeneralizedTime = 0x18;
const uint8_t kSequence = 0x30;
const uint8_t kSet = 0x31;
// [n], primitive: IMPLICIT over a primitive type.
inline uint8_t context(uint8_t number) {
  return static_cast<uint8_t>(0x80 | number);
}
// [n], constructed: EXPLICIT, or IMPLICIT over a SEQUENCE or SET.
inline uint8_t contextConstructed(uint8_t number) {
  return static_cast<uint8_t>(0xa0 | number);
}
}  // namespace tag

// Levels of nesting that checkDer() follows; real tokens nest 18 deep.
const size_t kMaxDerDepth = 32;

// Walks a concatenation of encodings to the bottom of its nesting. NotDer.
//
// What lies in an OCTET STRING or BIT STRING is not followed: whoever reads it checks it. Explicit
// DEFAULT values and the order of a SET OF can't be seen from here either.
SECUREOTA_NODISCARD Error checkDer(Bytes bytes);

// Contents of an INTEGER in the fewest octets (X.690 8.3.2).
bool integerIsMinimal(Bytes contents);

// Takes values off the front. A value of another type than the one asked for is Malformed and takes
// nothing; a bad length is NotDer.
class DerReader {
 public:
  explicit DerReader(Bytes bytes) : reader_(bytes) {}

  bool atEnd() const { return reader_.atEnd(); }
  bool nextIs(uint8_t tag) const {
    uint8_t next;
    return reader_.peek(&next) && next == tag;
  }

  // Takes a value of this tag; gives its contents.
  SECUREOTA_NODISCARD Error read(uint8_t tag, Bytes* contents);
  // Takes a value of this tag; gives it with its tag and length.
  SECUREOTA_NODISCARD Error readWhole(uint8_t tag, Bytes* whole);
  // Takes a value of whatever tag; gives it with its tag and length.
  SECUREOTA_NODISCARD Error readAny(Bytes* whole);
  // Takes a value of this tag if it is next; *present says so.
  SECUREOTA_NODISCARD Error readOptional(uint8_t tag, Bytes* contents, bool* present);
  // Takes a value of this tag that nobody wants to see.
  SECUREOTA_NODISCARD Error skip(uint8_t tag);
  // The same, if it is next.
  SECUREOTA_NODISCARD Error skipOptional(uint8_t tag);
  // Takes a BOOLEAN DEFAULT FALSE. Encoding the default is NotDer (X.690 11.5).
  SECUREOTA_NODISCARD Error readDefaultFalse(bool* value);
  // A reader over the contents of a value of this tag.
  SECUREOTA_NODISCARD Error enter(uint8_t tag, DerReader* inside);
  // Closes a structure: `error` if something is left.
  SECUREOTA_NODISCARD Error expectEnd(Error error) const { return atEnd() ? Error::None : error; }

 private:
  SECUREOTA_NODISCARD Error takeValue(Bytes* contents, Bytes* whole);

  Reader reader_;
};

// Takes one value's identifier and length octets off the front: NotDer for high tag numbers,
// indefinite or non-minimal lengths, or more contents than are left.
SECUREOTA_NODISCARD Error takeHeader(Reader* reader, uint8_t* tag, size_t* contentsSize);

// A reader over the contents of the one value of this tag in bytes that nobody has checked yet (the
// contents of an OCTET STRING).
SECUREOTA_NODISCARD Error enterUnchecked(Bytes bytes, uint8_t tag, Bytes* contents);

// Value of the contents of an INTEGER that fits; false if it doesn't.
bool smallInteger(Bytes contents, int32_t* value);

}  // namespace secureota
