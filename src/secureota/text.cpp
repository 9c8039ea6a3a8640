#include "text.h"

namespace secureota {

bool startsWith(Bytes bytes, const char* text) {
  const Bytes wanted = asBytes(text);
  return bytes.size >= wanted.size && Bytes(bytes.data, wanted.size) == wanted;
}

Bytes cut(Bytes* rest, uint8_t separator) {
  size_t i = 0;
  while (i < rest->size && rest->data[i] != separator) {
    ++i;
  }
  const Bytes before(rest->data, i);
  const size_t skipped = i < rest->size ? i + 1 : i;
  *rest = Bytes(rest->data + skipped, rest->size - skipped);
  return before;
}

bool parseNumber(Bytes text, uint32_t* out) {
  if (text.empty() || text.size > kMaxDecimalDigits || (text.size > 1 && text.data[0] == '0')) {
    return false;
  }
  uint64_t number = 0;  // ten digits fit
  for (size_t i = 0; i < text.size; ++i) {
    if (text.data[i] < '0' || text.data[i] > '9') {
      return false;
    }
    number = number * 10 + (text.data[i] - '0');
  }
  if (number > UINT32_MAX) {
    return false;
  }
  *out = static_cast<uint32_t>(number);
  return true;
}

static int hexValue(uint8_t digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  if (digit >= 'a' && digit <= 'f') {
    return digit - 'a' + 10;
  }
  if (digit >= 'A' && digit <= 'F') {
    return digit - 'A' + 10;
  }
  return -1;
}

bool parseHex(Bytes text, uint8_t* out, size_t size) {
  if (text.size != 2 * size) {
    return false;
  }
  for (size_t i = 0; i < size; ++i) {
    const int high = hexValue(text.data[2 * i]);
    const int low = hexValue(text.data[2 * i + 1]);
    if (high < 0 || low < 0) {
      return false;
    }
    out[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

void formatHex(Bytes bytes, char* out) {
  static const char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < bytes.size; ++i) {
    *out++ = kDigits[bytes.data[i] >> 4];
    *out++ = kDigits[bytes.data[i] & 15];
  }
}

size_t formatNumber(uint32_t number, char* out) {
  char reversed[kMaxDecimalDigits];
  size_t size = 0;
  do {
    reversed[size++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  for (size_t i = 0; i < size; ++i) {
    out[i] = reversed[size - 1 - i];
  }
  return size;
}

size_t appendText(const char* text, char* out, size_t at, size_t capacity) {
  while (*text != '\0' && at < capacity) {
    out[at++] = *text++;
  }
  return at;
}

}  // namespace secureota
