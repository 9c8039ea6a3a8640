#include "der.h"

namespace secureota {
namespace {

const uint8_t kClassMask = 0xc0;
const uint8_t kConstructed = 0x20;
const uint8_t kNumberMask = 0x1f;

bool bitStringIsDer(Bytes contents) {
  // The first octet counts the unused bits at the end, which must be zero (X.690 11.2.1).
  if (contents.empty() || contents.data[0] > 7) {
    return false;
  }
  if (contents.size == 1) {
    return contents.data[0] == 0;
  }
  const uint8_t unused = static_cast<uint8_t>((1u << contents.data[0]) - 1);
  return (contents.data[contents.size - 1] & unused) == 0;
}

bool oidIsDer(Bytes contents) {
  // Each arc is base 128, high bit set on all octets but its last, no leading 0x80 (X.690 8.19.2).
  if (contents.empty() || contents.data[contents.size - 1] >= 0x80) {
    return false;
  }
  bool atStart = true;
  for (size_t i = 0; i < contents.size; ++i) {
    if (atStart && contents.data[i] == 0x80) {
      return false;
    }
    atStart = contents.data[i] < 0x80;
  }
  return true;
}

bool primitiveIsDer(uint8_t tag, Bytes contents) {
  switch (tag) {
    case 0x00:
    case tag::kSequence& kNumberMask:
    case tag::kSet& kNumberMask:
      return false;
    case tag::kBoolean:
      return contents.size == 1 && (contents.data[0] == 0x00 || contents.data[0] == 0xff);
    case tag::kInteger:
    case tag::kEnumerated:
      return integerIsMinimal(contents);
    case tag::kBitString:
      return bitStringIsDer(contents);
    case tag::kNull:
      return contents.empty();
    case tag::kObjectIdentifier:
      return oidIsDer(contents);
    default:
      return true;
  }
}

}  // namespace

bool integerIsMinimal(Bytes contents) {
  if (contents.size < 2) {
    return contents.size == 1;
  }
  const bool second = contents.data[1] >= 0x80;
  const bool signIsRepeated =
      (contents.data[0] == 0x00 && !second) || (contents.data[0] == 0xff && second);
  return !signIsRepeated;
}

Error takeHeader(Reader* reader, uint8_t* tag, size_t* contentsSize) {
  Reader ahead = *reader;
  Bytes start;
  if (!ahead.take(2, &start) || (start.data[0] & kNumberMask) == kNumberMask) {
    return Error::NotDer;
  }
  uint32_t length = start.data[1];
  if (length >= 0x80) {
    // 0x80 is the indefinite form; more than 4 octets can't be a size that we hold.
    const size_t count = length & 0x7f;
    Bytes octets;
    if (count == 0 || count > 4 || !ahead.take(count, &octets)) {
      return Error::NotDer;
    }
    length = 0;
    for (size_t i = 0; i < count; ++i) {
      length = length << 8 | octets.data[i];
    }
    if (length < 0x80 || octets.data[0] == 0) {
      return Error::NotDer;
    }
  }
  if (ahead.left() < length) {
    return Error::NotDer;
  }
  *tag = start.data[0];
  *contentsSize = length;
  *reader = ahead;
  return Error::None;
}

Error checkDer(Bytes bytes) {
  // What is left behind the value that is being walked, level by level.
  size_t behind[kMaxDerDepth];
  size_t depth = 0;
  Reader reader(bytes);
  size_t levelEnd = 0;  // bytes left in the input where the present level ends
  for (;;) {
    if (reader.left() == levelEnd) {
      if (depth == 0) {
        return Error::None;
      }
      levelEnd = behind[--depth];
      continue;
    }
    uint8_t tag = 0;
    size_t size = 0;
    SECUREOTA_TRY(takeHeader(&reader, &tag, &size));
    if (reader.left() < levelEnd || reader.left() - levelEnd < size) {
      return Error::NotDer;  // reaches beyond the value that it lies in
    }
    const bool universal = (tag & kClassMask) == 0;
    if ((tag & kConstructed) != 0) {
      if (universal && tag != tag::kSequence && tag != tag::kSet) {
        return Error::NotDer;
      }
      if (depth + 1 == kMaxDerDepth) {
        return Error::NotDer;
      }
      behind[depth++] = levelEnd;
      levelEnd = reader.left() - size;
      continue;
    }
    Bytes contents;
    if (!reader.take(size, &contents) || (universal && !primitiveIsDer(tag, contents))) {
      return Error::NotDer;
    }
  }
}

Error DerReader::takeValue(Bytes* contents, Bytes* whole) {
  Reader ahead = reader_;
  uint8_t tag = 0;
  size_t size = 0;
  SECUREOTA_TRY(takeHeader(&ahead, &tag, &size));
  const size_t headerSize = reader_.left() - ahead.left();
  if (!reader_.take(headerSize + size, whole)) {
    return Error::NotDer;
  }
  *contents = Bytes(whole->data + headerSize, size);
  return Error::None;
}

Error DerReader::readAny(Bytes* whole) {
  Bytes contents;
  return atEnd() ? Error::Malformed : takeValue(&contents, whole);
}

Error DerReader::read(uint8_t tag, Bytes* contents) {
  Bytes whole;
  return nextIs(tag) ? takeValue(contents, &whole) : Error::Malformed;
}

Error DerReader::readWhole(uint8_t tag, Bytes* whole) {
  return nextIs(tag) ? readAny(whole) : Error::Malformed;
}

Error DerReader::readOptional(uint8_t tag, Bytes* contents, bool* present) {
  *present = nextIs(tag);
  return *present ? read(tag, contents) : Error::None;
}

Error DerReader::skip(uint8_t tag) {
  Bytes whole;
  return readWhole(tag, &whole);
}

Error DerReader::skipOptional(uint8_t tag) {
  return nextIs(tag) ? skip(tag) : Error::None;
}

Error DerReader::readDefaultFalse(bool* value) {
  Bytes contents;
  SECUREOTA_TRY(readOptional(tag::kBoolean, &contents, value));
  return *value && contents.data[0] == 0x00 ? Error::NotDer : Error::None;
}

Error DerReader::enter(uint8_t tag, DerReader* inside) {
  Bytes contents;
  SECUREOTA_TRY(read(tag, &contents));
  *inside = DerReader(contents);
  return Error::None;
}

Error enterUnchecked(Bytes bytes, uint8_t tag, Bytes* contents) {
  SECUREOTA_TRY(checkDer(bytes));
  DerReader reader(bytes);
  SECUREOTA_TRY(reader.read(tag, contents));
  return reader.expectEnd(Error::Malformed);
}

bool smallInteger(Bytes contents, int32_t* value) {
  if (contents.empty() || contents.size > 4) {
    return false;
  }
  uint32_t bits = contents.data[0] >= 0x80 ? 0xffffffffu : 0;
  for (size_t i = 0; i < contents.size; ++i) {
    bits = bits << 8 | contents.data[i];
  }
  *value = static_cast<int32_t>(bits);
  return true;
}

}  // namespace secureota
